/** Client-side throttling as a policy. */
import { OptionProblems } from '@leno/std';
import type { CallOutcome } from '../breaker/breaker-report.ts';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { Throttler } from '../limit/throttler.ts';
import { classifyCall } from './call-breaker.ts';
import type { CallEnding } from './call-ending.ts';
import { checkPart } from './check-part.ts';
import type { CallState, Stage } from './frame.ts';
import { type Guard, GuardFrame, type GuardShared } from './guard-frame.ts';
import { Policy, type PolicyDescription } from './policy.ts';
import type { RefusedError } from './refused-error.ts';
import { ThrottledError } from './throttled-error.ts';

/** What is asked of a throttler. */
type CallThrottler = Pick<Throttler, 'tryAcquire' | 'success' | 'failure'>;

/** Options of `throttle`. */
export interface ThrottleOptions {
  /** For errors. Default `unnamed`. */
  readonly name?: string | undefined;
  /** Default `classifyCall`; `rateOnly` is a failure here. */
  readonly classify?: ((ending: CallEnding) => CallOutcome) | undefined;
}

/**
 * Refuses a share of the calls, with `ThrottledError`, while the service accepts too few of them.
 * What a timeout further out ends is a failure; an abort of the caller says nothing.
 */
export function throttle(throttler: CallThrottler, options: ThrottleOptions = {}): Policy {
  return new ThrottlePolicy(throttler, options);
}

class ThrottlePolicy extends Policy implements Guard {
  readonly #throttler: CallThrottler;
  readonly #name: string;
  readonly #classify: (ending: CallEnding) => CallOutcome;

  constructor(throttler: CallThrottler, options: ThrottleOptions) {
    super();
    const problems = new OptionProblems();
    const must = 'be a Throttler';
    checkPart(problems, 'throttler', { value: throttler, method: 'tryAcquire', must });
    problems.throwIfAny(InvalidOptionError);
    this.#throttler = throttler;
    this.#name = options.name ?? 'unnamed';
    this.#classify = options.classify ?? classifyCall;
  }

  stage(next: Stage): Stage {
    const shared: GuardShared = { next, guard: this };
    return (up, lane) => new GuardFrame(up, lane, shared);
  }

  describe(): readonly PolicyDescription[] {
    return [{ policy: 'throttle', options: { name: this.#name } }];
  }

  enter(call: CallState): RefusedError | undefined {
    if (this.#throttler.tryAcquire(call.nowMs(), call.ports.rng)) return undefined;
    return new ThrottledError(this.#name);
  }

  report(ending: CallEnding | undefined, _tookMs: number, call: CallState): void {
    const outcome = ending === undefined ? 'ignored' : this.#classify(ending);
    if (outcome === 'success') this.#throttler.success(call.nowMs());
    else if (outcome !== 'ignored') this.#throttler.failure(call.nowMs());
  }
}
