/** A limit of concurrent calls that finds itself, as a policy. */
import type { CallEnding } from './call-ending.ts';
import { ConcurrencyLimitedError } from './concurrency-limited-error.ts';
import type { CallState, Stage } from './frame.ts';
import { type Guard, GuardFrame, type GuardShared } from './guard-frame.ts';
import { Policy, type PolicyDescription } from './policy.ts';
import type { RefusedError } from './refused-error.ts';
import { TimedOutError } from './timed-out-error.ts';

/** What an ending says to the limiter: how fast it was, that the service is overloaded, nothing. */
export type LimitOutcome = 'success' | 'dropped' | 'ignored';

/** What is asked of a limiter; an `AdaptiveLimiter` is one. */
export interface ConcurrencyLimiter {
  tryAcquire(nowMs: number): boolean;
  done(outcome: LimitOutcome, tookMs: number, nowMs: number): void;
}

/** Options of `adaptiveConcurrency`. */
export interface AdaptiveConcurrencyOptions {
  /** For errors. Default `unnamed`. */
  readonly name?: string | undefined;
  /** Default `classifyForLimit`. */
  readonly classify?: ((ending: CallEnding) => LimitOutcome) | undefined;
}

/** What returned is a success, what timed out was dropped, other failures say nothing of load. */
export function classifyForLimit(ending: CallEnding): LimitOutcome {
  if (ending.kind === 'returned') return 'success';
  return ending.thrown instanceof TimedOutError ? 'dropped' : 'ignored';
}

/**
 * Refuses calls beyond what the limiter has found the service to bear, with
 * `ConcurrencyLimitedError`. A call counts until it is given up, even if its work goes on: the
 * limit is an estimate; for a bound of work take a `bulkhead`. What a timeout further out ends was
 * dropped; an abort of the caller says nothing.
 */
export function adaptiveConcurrency(
  limiter: ConcurrencyLimiter,
  options: AdaptiveConcurrencyOptions = {},
): Policy {
  return new AdaptiveConcurrencyPolicy(limiter, options);
}

class AdaptiveConcurrencyPolicy extends Policy implements Guard {
  readonly #limiter: ConcurrencyLimiter;
  readonly #name: string;
  readonly #classify: (ending: CallEnding) => LimitOutcome;

  constructor(limiter: ConcurrencyLimiter, options: AdaptiveConcurrencyOptions) {
    super();
    this.#limiter = limiter;
    this.#name = options.name ?? 'unnamed';
    this.#classify = options.classify ?? classifyForLimit;
  }

  stage(next: Stage): Stage {
    const shared: GuardShared = { next, guard: this };
    return (up, lane) => new GuardFrame(up, lane, shared);
  }

  describe(): readonly PolicyDescription[] {
    return [{ policy: 'adaptive-concurrency', options: { name: this.#name } }];
  }

  enter(call: CallState): RefusedError | undefined {
    if (this.#limiter.tryAcquire(call.nowMs())) return undefined;
    return new ConcurrencyLimitedError(this.#name);
  }

  report(ending: CallEnding | undefined, tookMs: number, call: CallState): void {
    let outcome: LimitOutcome = 'ignored';
    try {
      if (ending !== undefined) outcome = this.#classify(ending);
    } finally {
      // A classifier that throws must not lose the place.
      this.#limiter.done(outcome, tookMs, call.nowMs());
    }
  }
}
