/** Tries again while that may help, within a budget. */
import { deadlineAfter, OptionProblems, type TimerHandle, withDefaults } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { askedDelayMs, type BackoffJitter, backoffMs, checkBackoff } from '../retry/backoff.ts';
import { defaultRetryPolicy } from '../retry/decide-retry.ts';
import type { RetryBudget } from '../retry/retry-budget.ts';
import { type ActiveCalls, activeCallsOf, checkBudget } from './active-calls.ts';
import type { CallEnding } from './call-ending.ts';
import { Branch, type Frame, type Lane, PolicyFrame, type Stage, type Upper } from './frame.ts';
import { JudgedError } from './judged-error.ts';
import { Policy, type PolicyDescription } from './policy.ts';
import { DELAY_MAX_MS } from './ports.ts';
import { RefusedError } from './refused-error.ts';
import type { FailureKind } from './settled.ts';
import type { TimedOutError } from './timed-out-error.ts';

/** What `onRetry` is told. */
export interface RetryNotice {
  /** The try that has just ended: 1 for the first. */
  readonly attempt: number;
  /** How long it is until the next one begins. */
  readonly delayMs: number;
  /** How it ended. */
  readonly ending: CallEnding;
}

/** Options of `retry`. */
export interface RetryOptions {
  /** Retries after the first try. Default 2. */
  readonly retryCountMax?: number | undefined;
  /** Upper bound of the first wait, which grows from retry to retry. Default 25 ms. */
  readonly baseMs?: number | undefined;
  /**
   * Upper bound of every wait, `Retry-After` included. Default ten times `baseMs`, as in Envoy, but
   * at least 250 ms.
   */
  readonly maxMs?: number | undefined;
  /** By how much it grows. Default 2. */
  readonly factor?: number | undefined;
  /** Default `full`; see `BackoffJitter`. */
  readonly jitter?: BackoffJitter | undefined;
  /** No retry starts at or after this time since the first try. 0, the default, is no bound. */
  readonly giveUpAfterMs?: number | undefined;
  /** Of what was thrown. Default: everything but aborts and refusals. */
  readonly isRetryable?: ((thrown: unknown) => boolean) | undefined;
  /** Of what was returned. Default: nothing. The last result is given as it is. */
  readonly isRetryableResult?: ((value: unknown) => boolean) | undefined;
  /** What the service asked for, read from how the try ended. Default: what an adapter read. */
  readonly retryAfterMs?: ((ending: CallEnding) => number | undefined) | undefined;
  /** Shared by all calls to one service; where it is exhausted, the failure is final. */
  readonly budget?: RetryBudget | undefined;
  /** Told of each retry before its wait begins. What it throws ends the call. Default: nobody. */
  readonly onRetry?: ((notice: RetryNotice) => void) | undefined;
}

const defaults: Bounds = {
  retryCountMax: defaultRetryPolicy.retryCountMax,
  baseMs: defaultRetryPolicy.baseMs,
  maxMs: defaultRetryPolicy.maxMs,
  factor: 2,
  jitter: 'full',
  giveUpAfterMs: 0,
};

/** By default: whoever asks for a longer first wait does not mean that all be cut to 250 ms. */
function maxMsFor(baseMs = defaults.baseMs): number {
  return baseMs > defaults.baseMs ? Math.min(10 * baseMs, DELAY_MAX_MS) : defaults.maxMs;
}

interface Bounds {
  readonly retryCountMax: number;
  readonly baseMs: number;
  readonly maxMs: number;
  readonly factor: number;
  readonly jitter: BackoffJitter;
  readonly giveUpAfterMs: number;
}

/**
 * Makes what is further in again, up to `retryCountMax` times, and ends as its last try does. Only
 * for what may be done twice. Not tried again: what a policy refused, what the caller aborted, and
 * what could only start once a timeout around has passed. A try that a timeout further in ended is
 * one that failed.
 */
export function retry(options: RetryOptions = {}): Policy {
  return new RetryPolicy(options);
}

/** Refusals are not worth repeating, nor is what was told to stop. */
export function isWorthRepeating(thrown: unknown): boolean {
  if (thrown instanceof RefusedError) return false;
  if (thrown instanceof JudgedError) return thrown.replayable;
  return !(thrown instanceof Error && thrown.name === 'AbortError');
}

function askedIn(ending: CallEnding): number | undefined {
  const isJudged = ending.kind === 'thrown' && ending.thrown instanceof JudgedError;
  return isJudged ? ending.thrown.retryAfterMs : undefined;
}

class RetryPolicy extends Policy {
  readonly bounds: Bounds;
  readonly options: RetryOptions;
  readonly isRetryable: (thrown: unknown) => boolean;
  readonly active: ActiveCalls | undefined;

  constructor(given: RetryOptions) {
    super();
    const bounds = withDefaults(given, { ...defaults, maxMs: maxMsFor(given.baseMs) });
    const problems = new OptionProblems();
    checkBudget(problems, given.budget);
    problems.count('retryCountMax', bounds.retryCountMax, 0);
    checkBackoff(problems, bounds);
    problems.check(
      bounds.maxMs <= DELAY_MAX_MS,
      'maxMs',
      bounds.maxMs,
      `be at most ${DELAY_MAX_MS}`,
    );
    problems.range('giveUpAfterMs', bounds.giveUpAfterMs, 0);
    problems.throwIfAny(InvalidOptionError);
    this.bounds = bounds;
    this.options = { ...given };
    this.isRetryable = given.isRetryable ?? isWorthRepeating;
    this.active = given.budget === undefined ? undefined : activeCallsOf(given.budget);
  }

  stage(next: Stage): Stage {
    const shared: Shared = { next, policy: this };
    return (up, lane) => new RetryFrame(up, lane, shared);
  }

  describe(): readonly PolicyDescription[] {
    const hasBudget = this.options.budget !== undefined;
    return [{ policy: 'retry', options: { ...this.bounds, hasBudget } }];
  }
}

interface Shared {
  readonly next: Stage;
  readonly policy: RetryPolicy;
}

class RetryFrame extends PolicyFrame {
  readonly up: Upper;
  readonly lane: Lane;
  isDone: boolean;
  child: Frame | undefined;
  readonly #shared: Shared;
  #attempt: number;
  /** A timeout around has passed: nothing new shall begin. */
  #isWarned: boolean;
  /** Among the active calls of the budget; a hedge with the same one may count the call already. */
  #isCounted: boolean;
  /** Absent: never. */
  #giveUpAtMs: number | undefined;
  /** From the first wait on. */
  #backOff: BackOff | undefined;

  constructor(up: Upper, lane: Lane, shared: Shared) {
    super();
    this.up = up;
    this.lane = lane;
    this.isDone = false;
    this.child = undefined;
    this.#shared = shared;
    this.#attempt = 1;
    this.#isWarned = false;
    this.#isCounted = false;
    this.#giveUpAtMs = undefined;
    this.#backOff = undefined;
  }

  begin(): void {
    const { call } = this.lane;
    const { bounds, options, active } = this.#shared.policy;
    if (bounds.giveUpAfterMs > 0) {
      this.#giveUpAtMs = deadlineAfter(call.nowMs(), bounds.giveUpAfterMs);
    }
    if (active !== undefined) {
      if (call.countedIn !== options.budget) {
        active.count += 1;
        this.#isCounted = true;
        call.countedIn = options.budget;
      }
      if (call.depositedIn !== options.budget) options.budget?.deposit(call.nowMs());
      call.depositedIn = options.budget;
    }
    this.#beginAttempt();
  }

  #beginAttempt(): void {
    const { lane } = this;
    const attempt = this.#attempt;
    const isSame = attempt === lane.attempt;
    const own = isSame ? lane : new Branch(lane, attempt, lane.hedge, lane.holder);
    const child = this.#shared.next(this, own);
    this.child = child;
    child.begin();
  }

  returned(value: unknown): void {
    const { call } = this.lane;
    const { isRetryableResult } = this.#shared.policy.options;
    const isRetryable = isRetryableResult !== undefined && call.isRepeatable;
    const isRetried =
      isRetryable && isRetryableResult(value) && this.#retries({ kind: 'returned', value });
    if (isRetried || this.isDone) {
      call.discard(value);
      return;
    }
    this.isDone = true;
    this.close();
    this.up.returned(value, this);
  }

  override ended(kind: FailureKind, error: unknown, from: Frame): void {
    if (this.isDone) return;
    const isHarmless =
      this.lane.call.isRepeatable || (error instanceof JudgedError && error.replayable);
    const isRetryable = kind !== 'refused' && isHarmless && this.#shared.policy.isRetryable(error);
    const ending: CallEnding = { kind: 'thrown', thrown: error };
    if (isRetryable && this.#retries(ending, { kind, error })) return;
    super.ended(kind, error, from);
  }

  /** Whether another try follows, which it then arranges. */
  #retries(ending: CallEnding, last?: Failed): boolean {
    this.#giveBack();
    if (this.isDone) return false;
    const { bounds, options, active } = this.#shared.policy;
    if (this.#attempt > bounds.retryCountMax || this.#isWarned) return false;
    const { call } = this.lane;
    const ownMs = backoffMs(this.#attempt, bounds, call.ports.rng, this.#backOff?.ownMs);
    const delayMs = this.#delayMs(ending, ownMs);
    const deadlineMs = Math.min(this.#giveUpAtMs ?? Number.POSITIVE_INFINITY, this.up.deadlineMs);
    if (this.isDone || call.nowMs() + delayMs >= deadlineMs || !this.#withdraw()) return false;
    const timer = call.ports.timers.after(delayMs, () => this.#again());
    this.#backOff = { ownMs, timer, isWithdrawn: active !== undefined, last };
    // Last, so that what it does to the call finds everything in its place.
    options.onRetry?.({ attempt: this.#attempt, delayMs, ending });
    return true;
  }

  /** Not shorter than what the service asked for, as far as the cap goes. */
  #delayMs(ending: CallEnding, ownMs: number): number {
    const { bounds, options } = this.#shared.policy;
    return Math.max(ownMs, askedDelayMs(bounds, (options.retryAfterMs ?? askedIn)(ending)));
  }

  #withdraw(): boolean {
    const { active, options } = this.#shared.policy;
    if (options.budget === undefined || active === undefined) return true;
    return options.budget.tryWithdraw(this.lane.call.nowMs(), active.count);
  }

  #giveBack(): void {
    const backOff = this.#backOff;
    if (backOff?.isWithdrawn !== true) return;
    backOff.isWithdrawn = false;
    this.#shared.policy.options.budget?.release();
  }

  #again(): void {
    const { call } = this.lane;
    call.touch();
    this.#stopWaiting();
    this.#attempt += 1;
    try {
      this.#beginAttempt();
    } catch (thrown) {
      call.crash(thrown);
    }
  }

  override warn(error: TimedOutError): void {
    this.#isWarned = true;
    super.warn(error);
    if (this.#backOff?.timer === undefined) return;
    // It waits, and shall begin nothing any more: the last word was the last try's.
    const last = this.#backOff.last ?? { kind: 'timed-out', error };
    this.isDone = true;
    this.close();
    this.up.ended(last.kind, last.error, this);
  }

  #stopWaiting(): void {
    const backOff = this.#backOff;
    if (backOff === undefined) return;
    backOff.timer?.cancel();
    backOff.timer = undefined;
    backOff.last = undefined;
  }

  close(): void {
    this.#stopWaiting();
    this.#giveBack();
    const { active } = this.#shared.policy;
    if (active === undefined || !this.#isCounted) return;
    active.count -= 1;
    this.lane.call.countedIn = undefined;
  }
}

/** A wait between two tries, and the try after it. */
interface BackOff {
  /** What it would be, had the service not asked for more: `decorrelated` goes by it. */
  readonly ownMs: number;
  /** Whether the try after it has something of the budget. */
  isWithdrawn: boolean;
  /** Absent once it is over. */
  timer: TimerHandle | undefined;
  /** How the try before it ended; absent if it gave a result. */
  last: Failed | undefined;
}

interface Failed {
  readonly kind: FailureKind;
  readonly error: unknown;
}
