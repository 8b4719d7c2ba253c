/** The breaker for people: wraps a function that may fail, on the runtime's own clock. */
import { type Clock, type Rng, systemClock, systemRng } from '@leno/std';
import { Breaker } from '../breaker/breaker.ts';
import type { BreakerEngineOptions, BreakerOptions } from '../breaker/breaker-options.ts';
import type { BreakerState, CallOutcome } from '../breaker/breaker-report.ts';
import { defaultTrip } from '../breaker/default-breaker-options.ts';
import type { EjectionCap } from '../breaker/ejection-cap.ts';
import { BreakerOpenError, type BreakerRefusal } from './breaker-open-error.ts';
import type { CallEnding } from './call-ending.ts';
import { OutcomeError } from './outcome-error.ts';
import type { Settled } from './settled.ts';

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
 * What returned is a success; what threw a failure, but for aborts and refusals, which say nothing.
 */
export function classifyCall(ending: CallEnding): CallOutcome {
  if (ending.kind === 'returned') return 'success';
  const { thrown } = ending;
  if (thrown instanceof OutcomeError) return thrown.outcome;
  return thrown instanceof Error && thrown.name === 'AbortError' ? 'ignored' : 'failure';
}

/** A breaker with `execute` and `settle`. Everything of the engine is there too. */
export class CallBreaker extends Breaker {
  readonly name: string;
  readonly #clock: Clock;
  readonly #classify: ((ending: CallEnding) => CallOutcome) | undefined;
  /** What the last failed call threw, if it threw. */
  lastFailure: unknown;

  constructor(options: CallBreakerOptions & BreakerEngineOptions) {
    const { rng = systemRng, clock = systemClock } = options;
    super(options, { rng, cap: options.cap });
    this.name = options.name ?? 'unnamed';
    this.#clock = clock;
    this.#classify = options.classify;
  }

  /** The state in which a call would find it now. */
  get state(): BreakerState {
    return this.stateAt(this.#clock.nowMs());
  }

  /**
   * Calls `fn` if the breaker admits it, and gives what it gives; else rejects with
   * `BreakerOpenError` without calling. What `fn` throws passes through unchanged, whether it is
   * async or not.
   */
  execute<T>(fn: () => T | PromiseLike<T>): Promise<T> {
    const startMs = this.#startMs();
    const permit = this.tryAcquire(startMs);
    if (permit >= 0) return this.#call(fn, permit, startMs);
    const error = new BreakerOpenError(this.#refusal(startMs));
    // Rejected once the caller listens: else the runtime notes an unhandled rejection, and takes it
    // back, which costs more than all the rest.
    return new Promise((_, reject) => queueMicrotask(() => reject(error)));
  }

  /**
   * As `execute`, but never rejects: gives how the call ended, as `returned`, `failed` (whatever
   * `fn` threw) or `refused` (by this breaker; the error is made when it is read).
   */
  settle<T>(fn: () => T | PromiseLike<T>): Promise<Settled<T>> {
    const startMs = this.#startMs();
    const permit = this.tryAcquire(startMs);
    if (permit < 0) return Promise.resolve(new Refused(this.#refusal(startMs)));
    return this.#call(fn, permit, startMs).then(
      (value) => ({ kind: 'returned', value }),
      (error: unknown) => ({ kind: 'failed', error }),
    );
  }

  /** Settles a permit by what the classifier says of the ending. */
  report(permit: number, ending: CallEnding, nowMs: number, tookMs?: number): void {
    let outcome: CallOutcome = 'ignored';
    try {
      outcome = (this.#classify ?? classifyCall)(ending);
    } finally {
      // A classifier that throws must not lose the permit.
      if (outcome === 'failure' && ending.kind === 'thrown') this.lastFailure = ending.thrown;
      this.record(outcome, permit, nowMs, tookMs);
    }
  }

  /** As `report` of a value, with nothing made where the default classifier would not look at it. */
  returned(permit: number, value: unknown, nowMs: number, tookMs?: number): void {
    if (this.#classify === undefined) this.success(permit, nowMs, tookMs);
    else this.report(permit, { kind: 'returned', value }, nowMs, tookMs);
  }

  /** What a call is told that got no permit at that time. */
  refusal(nowMs: number): BreakerOpenError {
    return new BreakerOpenError(this.#refusal(nowMs));
  }

  /** Reading the clock costs as much as the call of an async function, so only if need be. */
  #startMs(): number {
    return this.needsStartTime ? this.#clock.nowMs() : Number.NaN;
  }

  #call<T>(fn: () => T | PromiseLike<T>, permit: number, startMs: number): Promise<T> {
    return attempt(fn).then(
      (value) => {
        // Where a success is but counted, whatever the time, there is no need to know it.
        const isTimeless =
          this.#classify === undefined && this.quietUntilMs === Number.POSITIVE_INFINITY;
        const nowMs = isTimeless ? 0 : this.#clock.nowMs();
        this.returned(permit, value, nowMs, nowMs - startMs);
        return value;
      },
      (thrown: unknown) => {
        const nowMs = this.#clock.nowMs();
        this.report(permit, { kind: 'thrown', thrown }, nowMs, nowMs - startMs);
        throw thrown;
      },
    );
  }

  #refusal(nowMs: number): BreakerRefusal {
    return {
      name: this.name,
      state: this.stateAt(nowMs),
      retryAfterMs: this.retryAfterMs(nowMs),
      cause: this.lastFailure,
    };
  }
}

/** A refusal whose error costs nothing until somebody looks at it. */
class Refused {
  readonly kind = 'refused';
  readonly #refusal: BreakerRefusal;
  #error: BreakerOpenError | undefined;

  constructor(refusal: BreakerRefusal) {
    this.#refusal = refusal;
  }

  get error(): BreakerOpenError {
    this.#error ??= new BreakerOpenError(this.#refusal);
    return this.#error;
  }
}

/** What `fn` gives, whether it gives a promise, a thenable or a value, or throws. */
function attempt<T>(fn: () => T | PromiseLike<T>): Promise<T> {
  try {
    return Promise.resolve(fn());
  } catch (thrown) {
    return new Promise(() => {
      throw thrown;
    });
  }
}

/** A breaker around calls, with Leno's defaults for whatever is not said. */
export function createBreaker(options: CallBreakerOptions = {}): CallBreaker {
  return new CallBreaker({ ...options, trip: options.trip ?? defaultTrip });
}
