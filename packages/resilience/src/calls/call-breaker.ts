/** The breaker for people: wraps a function that may fail, on the runtime's own clock. */
import type { Clock, Rng } from '@leno/std';
import { Breaker } from '../breaker/breaker.ts';
import type { BreakerOptions } from '../breaker/breaker-options.ts';
import type { EjectionCap } from '../breaker/ejection-cap.ts';
import { BreakerOpenError } from './breaker-open-error.ts';
import { systemPorts } from './ports.ts';

/** How a call ended. */
export type Settled =
  | { readonly kind: 'returned'; readonly value: unknown }
  | { readonly kind: 'thrown'; readonly thrown: unknown };

/** What an ending says of the service: `rateOnly` is its 429, `ignored` says nothing. */
export type CallOutcome = 'success' | 'failure' | 'rateOnly' | 'ignored';

/** Options of `createBreaker`; those of the engine default to `defaultBreakerOptions`. */
export interface CallBreakerOptions extends BreakerOptions {
  /** For errors. Default `unnamed`. */
  readonly name?: string;
  /** Default `classifyCall`. */
  readonly classify?: (settled: Settled) => CallOutcome;
  readonly clock?: Clock;
  readonly rng?: Rng;
  readonly cap?: EjectionCap;
}

/**
 * What returned is a success; what threw a failure, but for aborts and refusals of other breakers.
 */
export function classifyCall(settled: Settled): CallOutcome {
  if (settled.kind === 'returned') return 'success';
  const { thrown } = settled;
  if (thrown instanceof BreakerOpenError) return 'ignored';
  return thrown instanceof Error && thrown.name === 'AbortError' ? 'ignored' : 'failure';
}

/** A breaker with `execute`. Everything of the engine is there too. */
export class CallBreaker extends Breaker {
  readonly name: string;
  readonly #clock: Clock;
  readonly #classify: (settled: Settled) => CallOutcome;
  #lastThrown: unknown;

  constructor(options: CallBreakerOptions) {
    const { name, classify, clock, rng, cap, ...engine } = options;
    super(engine, { rng: rng ?? systemPorts.rng, cap });
    this.name = name ?? 'unnamed';
    this.#clock = clock ?? systemPorts.clock;
    this.#classify = classify ?? classifyCall;
  }

  /**
   * Calls `fn` if the breaker admits it, and gives what it gives; else rejects with
   * `BreakerOpenError` without calling. What `fn` throws passes through unchanged, whether it is
   * async or not.
   */
  async execute<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    const permit = this.tryAcquire(this.#clock.nowMs());
    if (permit < 0) throw this.#refusal();
    let value: T;
    try {
      value = await fn();
    } catch (thrown) {
      this.#settle(permit, { kind: 'thrown', thrown });
      throw thrown;
    }
    this.#settle(permit, { kind: 'returned', value });
    return value;
  }

  #settle(permit: number, settled: Settled): void {
    let outcome: CallOutcome = 'ignored';
    try {
      outcome = this.#classify(settled);
    } finally {
      // A classifier that throws must not lose the permit.
      this.#report(permit, outcome);
    }
    if (outcome === 'failure' && settled.kind === 'thrown') this.#lastThrown = settled.thrown;
  }

  #report(permit: number, outcome: CallOutcome): void {
    const nowMs = this.#clock.nowMs();
    if (outcome === 'success') this.success(permit, nowMs);
    else if (outcome === 'ignored') this.release(permit, nowMs);
    else this.failure(permit, nowMs, outcome);
  }

  #refusal(): BreakerOpenError {
    const nowMs = this.#clock.nowMs();
    return new BreakerOpenError({
      name: this.name,
      state: this.stateAt(nowMs),
      retryAfterMs: this.retryAfterMs(nowMs),
      cause: this.#lastThrown,
    });
  }
}

/** A breaker around calls, with Leno's defaults for whatever is not said. */
export function createBreaker(options: CallBreakerOptions = {}): CallBreaker {
  return new CallBreaker(options);
}
