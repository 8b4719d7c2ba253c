/** The breaker for people: wraps a function that may fail, on the runtime's own clock. */
import type { Clock, Rng } from '@leno/std';
import { Breaker } from '../breaker/breaker.ts';
import type { BreakerOptions } from '../breaker/breaker-options.ts';
import type { EjectionCap } from '../breaker/ejection-cap.ts';
import { BreakerOpenError } from './breaker-open-error.ts';
import type { CallEnding, CallOutcome } from './call-ending.ts';
import { JudgedError } from './judged-error.ts';
import { systemPorts } from './ports.ts';
import { RefusedError } from './refused-error.ts';

/** Options of `createBreaker`; those of the engine default to `defaultBreakerOptions`. */
export interface CallBreakerOptions extends BreakerOptions {
  /** For errors. Default `unnamed`. */
  readonly name?: string;
  /** Default `classifyCall`. */
  readonly classify?: (ending: CallEnding) => CallOutcome;
  readonly clock?: Clock;
  readonly rng?: Rng;
  readonly cap?: EjectionCap;
}

/**
 * What returned is a success; what threw a failure, but for aborts and refusals of policies further in.
 */
export function classifyCall(ending: CallEnding): CallOutcome {
  if (ending.kind === 'returned') return 'success';
  const { thrown } = ending;
  if (thrown instanceof RefusedError) return 'ignored';
  if (thrown instanceof JudgedError) return thrown.outcome;
  return thrown instanceof Error && thrown.name === 'AbortError' ? 'ignored' : 'failure';
}

/** A breaker with `execute`. Everything of the engine is there too. */
export class CallBreaker extends Breaker {
  readonly name: string;
  readonly #clock: Clock;
  readonly #classify: (ending: CallEnding) => CallOutcome;
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
    if (permit < 0) throw this.refusal(this.#clock.nowMs());
    let value: T;
    try {
      value = await fn();
    } catch (thrown) {
      this.report(permit, { kind: 'thrown', thrown }, this.#clock.nowMs());
      throw thrown;
    }
    this.report(permit, { kind: 'returned', value }, this.#clock.nowMs());
    return value;
  }

  /** Settles a permit by what the classifier says of the ending; `tookMs` is how long it took. */
  report(permit: number, ending: CallEnding, nowMs: number, _tookMs?: number): void {
    let outcome: CallOutcome = 'ignored';
    try {
      outcome = this.#classify(ending);
    } finally {
      // A classifier that throws must not lose the permit.
      if (outcome === 'success') this.success(permit, nowMs);
      else if (outcome === 'ignored') this.release(permit, nowMs);
      else this.failure(permit, nowMs, outcome);
    }
    if (outcome === 'failure' && ending.kind === 'thrown') this.#lastThrown = ending.thrown;
  }

  /** What a call is told that got no permit at that time. */
  refusal(nowMs: number): BreakerOpenError {
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
