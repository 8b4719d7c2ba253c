/**
 * Join tokens: how a process that has no certificate yet proves once who it is.
 *
 *   create(spiffeId) --token--> operator --LENO_JOIN_TOKEN_FILE--> proxy --token + CSR--> consume
 *
 * A token is 256 random bits, bound to one SPIFFE id, short-lived, and good for one certificate.
 * Only its SHA-256 is stored, so a stolen store opens nothing. It is spent by one atomic step of
 * the store: of any number that present it at once, one gets in.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { err, ok, type Result } from '@leno/std';
import { JoinTokenRefusedError, JoinTokenRequestError } from './ca-errors.ts';
import { parseSpiffeId } from './spiffe-id.ts';

/** What is stored of a token. */
export interface JoinTokenRecord {
  /** SHA-256 of the token, lower-case hex: the key of the record. */
  readonly hash: string;
  /** Whom the token lets in. */
  readonly spiffeId: string;
  /** Wall time in ms since which it is worthless. */
  readonly expiresAtMs: number;
}

/** Where tokens are kept. May be synchronous (SQLite) or not (etcd). */
export interface JoinTokenStore {
  put(record: JoinTokenRecord): void | Promise<void>;
  get(hash: string): JoinTokenRecord | undefined | Promise<JoinTokenRecord | undefined>;
  /**
   * Removes the record and gives it, in one atomic step: of two callers one gets undefined.
   * SQL: `DELETE … WHERE hash = ? RETURNING *`.
   */
  take(hash: string): JoinTokenRecord | undefined | Promise<JoinTokenRecord | undefined>;
  /** Removes what has expired by `nowMs` and gives how many are left. */
  sweep(nowMs: number): number | Promise<number>;
}

/** Bounds of the engine. */
export interface JoinTokenOptions {
  readonly store: JoinTokenStore;
  /** Longest life that may be asked for. Default 10 minutes, at most 24 hours. */
  readonly ttlMaxMs?: number;
  /** How many unexpired tokens may be outstanding. Default 10 000. */
  readonly tokenCountMax?: number;
}

/** A token, shown this once. */
export interface JoinToken {
  /** A secret: never log it. */
  readonly token: string;
  readonly spiffeId: string;
  readonly expiresAtMs: number;
}

const minuteMs = 60_000;
const ttlDefaultMs = 10 * minuteMs;
const ttlCeilingMs = 24 * 60 * minuteMs;
const tokenCountMaxDefault = 10_000;
const tokenPattern = /^leno-join-[A-Za-z0-9_-]{43}$/;

/** Gives out join tokens and takes each back once. */
export class JoinTokens {
  readonly #store: JoinTokenStore;
  readonly #ttlMaxMs: number;
  readonly #tokenCountMax: number;
  #limitRefusedCount = 0;

  constructor(options: JoinTokenOptions) {
    this.#store = options.store;
    this.#ttlMaxMs = options.ttlMaxMs ?? ttlDefaultMs;
    this.#tokenCountMax = options.tokenCountMax ?? tokenCountMaxDefault;
    if (!(this.#ttlMaxMs > 0 && this.#ttlMaxMs <= ttlCeilingMs)) {
      throw new JoinTokenRequestError(`ttlMaxMs is ${this.#ttlMaxMs}, not 1 to ${ttlCeilingMs}`);
    }
  }

  /** How often `create` was refused because too many tokens were outstanding. */
  get limitRefusedCount(): number {
    return this.#limitRefusedCount;
  }

  /**
   * A new token for a workload. `ttlMs` defaults to 10 minutes, or to `ttlMaxMs` where that is
   * less. Throws `JoinTokenRequestError` for a longer life, a name that is no workload's, or when
   * `tokenCountMax` are outstanding.
   */
  async create(request: {
    readonly spiffeId: string;
    readonly nowMs: number;
    readonly ttlMs?: number;
  }): Promise<JoinToken> {
    const { spiffeId, nowMs } = request;
    const ttlMs = request.ttlMs ?? Math.min(ttlDefaultMs, this.#ttlMaxMs);
    const id = parseSpiffeId(spiffeId);
    if (!id.ok || id.value.path === '') {
      const fault = id.ok ? 'has no path' : id.error;
      throw new JoinTokenRequestError(`no token for the SPIFFE id asked for: it ${fault}`);
    }
    if (!(ttlMs > 0 && ttlMs <= this.#ttlMaxMs)) {
      throw new JoinTokenRequestError(`a life of ${ttlMs} ms is not within 1 to ${this.#ttlMaxMs}`);
    }
    if ((await this.#store.sweep(nowMs)) >= this.#tokenCountMax) {
      this.#limitRefusedCount += 1;
      throw new JoinTokenRequestError(`${this.#tokenCountMax} join tokens are outstanding`);
    }
    const token = `leno-join-${randomBytes(32).toString('base64url')}`;
    const expiresAtMs = nowMs + ttlMs;
    await this.#store.put({ hash: joinTokenHash(token), spiffeId, expiresAtMs });
    return { token, spiffeId, expiresAtMs };
  }

  /**
   * Whom a token would let in, without spending it: for the start of a session, so that a
   * connection lost before the certificate arrives does not cost the token.
   */
  async peek(token: string, nowMs: number): Promise<Result<string, JoinTokenRefusedError>> {
    if (!tokenPattern.test(token)) return err(new JoinTokenRefusedError('malformed'));
    return admitJoinToken(token, await this.#store.get(joinTokenHash(token)), nowMs);
  }

  /** Spends a token and gives the SPIFFE id it is bound to. An expired one is spent as well. */
  async consume(token: string, nowMs: number): Promise<Result<string, JoinTokenRefusedError>> {
    if (!tokenPattern.test(token)) return err(new JoinTokenRefusedError('malformed'));
    return admitJoinToken(token, await this.#store.take(joinTokenHash(token)), nowMs);
  }
}

/** The key under which a token is stored: its SHA-256 in lower-case hex. */
export function joinTokenHash(token: string): string {
  return createHash('sha256').update(token).digest('hex');
}

/**
 * Judges a token by the record that a store found for it: the SPIFFE id, or why not. For those who
 * hold a synchronous store and cannot wait. The comparison takes the same time for any two hashes.
 */
export function admitJoinToken(
  token: string,
  record: JoinTokenRecord | undefined,
  nowMs: number,
): Result<string, JoinTokenRefusedError> {
  const hash = Buffer.from(joinTokenHash(token));
  const stored = Buffer.from(record?.hash ?? '');
  if (record === undefined || stored.length !== hash.length || !timingSafeEqual(stored, hash)) {
    return err(new JoinTokenRefusedError('unknown-or-used'));
  }
  if (nowMs >= record.expiresAtMs) return err(new JoinTokenRefusedError('expired'));
  return ok(record.spiffeId);
}

/** Tokens in memory, for tests and for a control plane that may forget them. */
export class MemoryJoinTokenStore implements JoinTokenStore {
  readonly #records = new Map<string, JoinTokenRecord>();

  put(record: JoinTokenRecord): void {
    this.#records.set(record.hash, record);
  }
  get(hash: string): JoinTokenRecord | undefined {
    return this.#records.get(hash);
  }
  take(hash: string): JoinTokenRecord | undefined {
    const record = this.#records.get(hash);
    this.#records.delete(hash);
    return record;
  }
  sweep(nowMs: number): number {
    for (const [hash, { expiresAtMs }] of this.#records) {
      if (nowMs >= expiresAtMs) this.#records.delete(hash);
    }
    return this.#records.size;
  }
}
