/**
 * Lets processes without a certificate in, once each. A token opens a session without being spent,
 * so that a connection that breaks costs nothing; it is spent by the certificate that it is exchanged for.
 */
import type { JoinTokens } from '@leno/ca';
import { type Clock, err, ok, type Result } from '@leno/std';

/** Identities whose tokens wait to be spent; above it the one that has waited longest makes room. */
const waitingCountMax = 10_000;

/** See the head of this file. */
export class JoinDesk {
  readonly #tokens: JoinTokens;
  readonly #clock: Clock;
  /** Tokens by the identity that they are for: a session is known by its identity only. */
  readonly #waiting = new Map<string, string[]>();

  constructor(tokens: JoinTokens, clock: Clock) {
    this.#tokens = tokens;
    this.#clock = clock;
  }

  /** Whom a token lets in; it is not spent yet. */
  async admit(token: string): Promise<Result<string, string>> {
    const found = await this.#tokens.peek(token, this.#clock.wallMs());
    if (!found.ok) return err(found.error.message);
    const identity = found.value;
    const waiting = this.#waiting.get(identity) ?? [];
    this.#waiting.delete(identity);
    // Each session of an identity presented a token; which of them is spent first does not matter.
    this.#waiting.set(identity, [...waiting, token].slice(-waitingCountMax));
    if (this.#waiting.size > waitingCountMax) {
      const [oldest] = this.#waiting.keys();
      if (oldest !== undefined) this.#waiting.delete(oldest);
    }
    return ok(identity);
  }

  /** Spends a token of this identity: once for each that was presented. */
  async spend(identity: string): Promise<Result<undefined, string>> {
    let why = 'no token is waiting';
    for (;;) {
      const waiting = this.#waiting.get(identity) ?? [];
      const token = waiting.shift();
      if (waiting.length === 0) this.#waiting.delete(identity);
      if (token === undefined) return err(why);
      const spent = await this.#tokens.consume(token, this.#clock.wallMs());
      if (spent.ok) return ok(undefined);
      why = spent.error.message;
    }
  }
}
