/** A limit of concurrent calls that finds itself, as a policy. */
import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { AdaptiveLimiter, LimitedOutcome } from '../limit/adaptive-limiter.ts';
import type { CallEnding } from './call-ending.ts';
import { checkPart } from './check-part.ts';
import { ConcurrencyLimitedError } from './concurrency-limited-error.ts';
import type { CallState, Stage } from './frame.ts';
import { type Guard, GuardFrame, type GuardShared } from './guard-frame.ts';
import { Policy, type PolicyDescription } from './policy.ts';
import type { RefusedError } from './refused-error.ts';
import { TimedOutError } from './timed-out-error.ts';

/** Options of `adaptiveConcurrency`. */
export interface AdaptiveConcurrencyOptions {
  /** For errors. Default `unnamed`. */
  readonly name?: string | undefined;
  /** Default `classifyForLimit`. */
  readonly classify?: ((ending: CallEnding) => LimitedOutcome) | undefined;
}

/** What is asked of a limiter. */
type LimiterFace = Pick<AdaptiveLimiter, 'tryAcquire' | 'done'>;

/** What returned is a success, what timed out was dropped, other failures say nothing of load. */
export function classifyForLimit(ending: CallEnding): LimitedOutcome {
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
  limiter: LimiterFace,
  options: AdaptiveConcurrencyOptions = {},
): Policy {
  return new AdaptiveConcurrencyPolicy(limiter, options);
}

class AdaptiveConcurrencyPolicy extends Policy implements Guard {
  readonly #limiter: LimiterFace;
  readonly #name: string;
  readonly #classify: (ending: CallEnding) => LimitedOutcome;

  constructor(limiter: LimiterFace, options: AdaptiveConcurrencyOptions) {
    super();
    const problems = new OptionProblems();
    const must = 'be an AdaptiveLimiter';
    checkPart(problems, 'limiter', { value: limiter, method: 'done', must });
    problems.throwIfAny(InvalidOptionError);
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
    let outcome: LimitedOutcome = 'ignored';
    try {
      if (ending !== undefined) outcome = this.#classify(ending);
    } finally {
      // A classifier that throws must not lose the place.
      this.#limiter.done(outcome, tookMs, call.nowMs());
    }
  }
}
