/** A limit of the rate of calls, as a policy. */
import { OptionProblems, type TimerHandle, withDefaults } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { RateLimiter } from '../limit/rate-limiter.ts';
import { checkPart } from './check-part.ts';
import { type Frame, type Lane, PolicyFrame, type Stage, type Upper } from './frame.ts';
import { Policy, type PolicyDescription } from './policy.ts';
import { DELAY_MAX_MS } from './ports.ts';
import { RateLimitedError } from './rate-limited-error.ts';
import type { TimedOutError } from './timed-out-error.ts';

/** What is asked of a limiter. */
type CallRateLimiter = Pick<RateLimiter, 'tryAcquire' | 'reserve' | 'cancel' | 'retryAfterMs'>;

/** Options of `rateLimit`. */
export interface RateLimitOptions {
  /** For errors. Default `unnamed`. */
  readonly name?: string | undefined;
  /** How long a call may wait for its permits. Default 0: not at all. */
  readonly waitMaxMs?: number | undefined;
  /** Permits that a call takes. Default 1. */
  readonly cost?: number | undefined;
}

const defaults = { name: 'unnamed', waitMaxMs: 0, cost: 1 };

/**
 * Lets calls through as fast as the limiter grants, in the order in which they came; one that would
 * wait longer than `waitMaxMs` is refused at once, with `RateLimitedError`. Who stops waiting gives
 * its reservation back.
 */
export function rateLimit(limiter: CallRateLimiter, options: RateLimitOptions = {}): Policy {
  return new RateLimitPolicy(limiter, options);
}

class RateLimitPolicy extends Policy {
  readonly #limiter: CallRateLimiter;
  readonly #options: typeof defaults;

  constructor(limiter: CallRateLimiter, given: RateLimitOptions) {
    super();
    const options = withDefaults(given, defaults);
    const problems = new OptionProblems();
    const must = 'be a TokenBucket or a Gcra';
    checkPart(problems, 'limiter', { value: limiter, method: 'tryAcquire', must });
    problems.range('waitMaxMs', options.waitMaxMs, 0, DELAY_MAX_MS);
    problems.range('cost', options.cost, 0);
    problems.throwIfAny(InvalidOptionError);
    this.#limiter = limiter;
    this.#options = options;
  }

  stage(next: Stage): Stage {
    const shared: Shared = { next, limiter: this.#limiter, options: this.#options };
    return (up, lane) => new RateLimitFrame(up, lane, shared);
  }

  describe(): readonly PolicyDescription[] {
    return [{ policy: 'rate-limit', options: { ...this.#options } }];
  }
}

interface Shared {
  readonly next: Stage;
  readonly limiter: CallRateLimiter;
  readonly options: typeof defaults;
}

class RateLimitFrame extends PolicyFrame {
  readonly up: Upper;
  readonly lane: Lane;
  isDone: boolean;
  child: Frame | undefined;
  readonly #shared: Shared;
  /** While it waits, for `#dueMs`. */
  #timer: TimerHandle | undefined;
  #dueMs: number;

  constructor(up: Upper, lane: Lane, shared: Shared) {
    super();
    this.up = up;
    this.lane = lane;
    this.isDone = false;
    this.child = undefined;
    this.#shared = shared;
    this.#timer = undefined;
    this.#dueMs = Number.NaN;
  }

  begin(): void {
    const { call } = this.lane;
    const { limiter, options } = this.#shared;
    const nowMs = call.nowMs();
    const waitMs = this.#reserve(nowMs);
    if (waitMs < 0) {
      const retryAfterMs = limiter.retryAfterMs(nowMs, options.cost);
      this.ended('refused', new RateLimitedError(options.name, retryAfterMs), this);
    } else if (waitMs === 0) {
      this.#beginBelow();
    } else {
      this.#dueMs = nowMs + waitMs;
      this.#timer = call.ports.timers.after(waitMs, () => this.#admit());
    }
  }

  /** As the limiter's, which is not asked for more than is needed. */
  #reserve(nowMs: number): number {
    const { limiter, options } = this.#shared;
    const { waitMaxMs, cost } = options;
    if (waitMaxMs > 0) return limiter.reserve(nowMs, waitMaxMs, cost);
    return limiter.tryAcquire(nowMs, cost) ? 0 : -1;
  }

  #admit(): void {
    const { call } = this.lane;
    this.#timer = undefined;
    call.touch();
    try {
      this.#beginBelow();
    } catch (thrown) {
      call.crash(thrown);
    }
  }

  #beginBelow(): void {
    const child = this.#shared.next(this, this.lane);
    this.child = child;
    child.begin();
  }

  returned(value: unknown): void {
    if (this.isDone) {
      this.lane.call.discard(value);
      return;
    }
    this.isDone = true;
    this.up.returned(value, this);
  }

  override warn(error: TimedOutError): void {
    if (this.#timer === undefined) super.warn(error);
    else this.ended('timed-out', error, this);
  }

  close(): void {
    if (this.#timer === undefined) return;
    this.#timer.cancel();
    this.#timer = undefined;
    const { limiter, options } = this.#shared;
    limiter.cancel(this.#dueMs, this.lane.call.nowMs(), options.cost);
  }
}
