/**
 * How much a caller may add to the load of a service that is failing. Two bounds, by default at once:
 * - by rate: over the window, retries ≤ ratio × first tries + perSecondMin × seconds
 *   (Finagle's and Linkerd's RetryBudget);
 * - by concurrency: retries under way ≤ max(concurrentMin, concurrentRatio × active requests)
 *   (Envoy's retry_budget, GEP-3388).
 * The rate bounds what a long outage costs, the concurrency what a sudden one does. Shared by all
 * calls to one service, retries and hedges alike. No timer, and reading changes nothing.
 */
import {
  assert,
  failureCountAt,
  OptionProblems,
  successCountAt,
  TimeWindow,
  withDefaults,
} from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';

/**
 * Bounds of a budget. What is not given, or undefined, is as in `defaultRetryBudgetOptions`; values
 * out of range throw `InvalidOptionError`.
 */
export interface RetryBudgetOptions {
  /** Which bounds there are: both, or one of them alone. Default `both`. */
  readonly model?: 'both' | 'rate' | 'concurrency' | undefined;
  /** Retries per first try, 0 to 1 000. Default 0.2. */
  readonly ratio?: number | undefined;
  /** Retries per second that are granted whatever the traffic. Default 10. */
  readonly perSecondMin?: number | undefined;
  /** The time over which both are taken, in ten buckets. At least 10 ms; default 10 s. */
  readonly windowMs?: number | undefined;
  /** Retries under way that are granted whatever the traffic. Default 3. */
  readonly concurrentMin?: number | undefined;
  /** Retries under way per active request, 0 to 1. Default 0.2. */
  readonly concurrentRatio?: number | undefined;
}

type CompleteOptions = {
  readonly [Name in keyof RetryBudgetOptions]-?: Exclude<RetryBudgetOptions[Name], undefined>;
};

/** 20 % and 10/s over 10 s, and at most max(3, 20 % of active) at once. */
export const defaultRetryBudgetOptions: CompleteOptions = {
  model: 'both',
  ratio: 0.2,
  perSecondMin: 10,
  windowMs: 10_000,
  concurrentMin: 3,
  concurrentRatio: 0.2,
};

/** What a budget knows. */
export interface RetryBudgetReport {
  readonly model: 'both' | 'rate' | 'concurrency';
  /** Within the window. */
  readonly firstTryCount: number;
  readonly retryCount: number;
  /** Retries that the rate allows in this window, spent ones included. */
  readonly allowanceCount: number;
  /** The share of them that is left, 0 to 1. */
  readonly remainingRatio: number;
  readonly inFlightCount: number;
  /** Since the start. */
  readonly grantedCount: number;
  readonly refusedByRateCount: number;
  readonly refusedByConcurrencyCount: number;
}

/** One budget for all calls to one service; see the top of this file for its two bounds. */
export class RetryBudget {
  #options: CompleteOptions;
  /** First tries as successes, retries as failures. */
  #window: TimeWindow;
  #inFlightCount = 0;
  #grantedCount = 0;
  #refusedByRateCount = 0;
  #refusedByConcurrencyCount = 0;

  constructor(options: RetryBudgetOptions) {
    this.#options = completed(options);
    this.#window = new TimeWindow(this.#options.windowMs);
  }

  /** New bounds, from now on. What was counted stays, unless the length of the window changes. */
  update(options: RetryBudgetOptions): void {
    const next = completed(options);
    if (next.windowMs !== this.#options.windowMs) this.#window = new TimeWindow(next.windowMs);
    this.#options = next;
  }

  /** Counts a first try, which earns `ratio` retries for the length of the window. */
  deposit(nowMs: number): void {
    this.#window.record(true, nowMs);
  }

  /**
   * Takes one retry out if the bounds allow it. `activeCount` is the requests to the service that
   * are under way. Pair each true with one `release` when that retry has ended. Allocates nothing.
   */
  tryWithdraw(nowMs: number, activeCount: number): boolean {
    const { model, ratio, perSecondMin, windowMs } = this.#options;
    if (model !== 'rate' && !this.#hasPlace(activeCount)) {
      this.#refusedByConcurrencyCount += 1;
      return false;
    }
    this.#window.roll(nowMs);
    // As `#allowanceAt`, which would give a boxed number where it is not inlined.
    const allowance = ratio * this.#window.successCount + (perSecondMin * windowMs) / 1_000;
    if (model !== 'concurrency' && this.#window.failureCount + 1 > allowance + EPSILON) {
      this.#refusedByRateCount += 1;
      return false;
    }
    this.#window.record(false, nowMs);
    this.#inFlightCount += 1;
    this.#grantedCount += 1;
    return true;
  }

  /** A retry that was withdrawn has ended, however. */
  release(): void {
    assert(this.#inFlightCount > 0, 'release() pairs with a tryWithdraw() that gave true');
    this.#inFlightCount -= 1;
  }

  /** The share of the rate's allowance that is left, 0 to 1. Changes nothing. */
  remainingRatio(nowMs: number): number {
    const allowance = this.#allowanceAt(nowMs);
    if (allowance === 0) return 0;
    return Math.max(0, 1 - failureCountAt(this.#window, nowMs) / allowance);
  }

  /** For people who ask why. Changes nothing. */
  explain(nowMs: number): RetryBudgetReport {
    return {
      model: this.#options.model,
      firstTryCount: successCountAt(this.#window, nowMs),
      retryCount: failureCountAt(this.#window, nowMs),
      allowanceCount: this.#allowanceAt(nowMs),
      remainingRatio: this.remainingRatio(nowMs),
      inFlightCount: this.#inFlightCount,
      grantedCount: this.#grantedCount,
      refusedByRateCount: this.#refusedByRateCount,
      refusedByConcurrencyCount: this.#refusedByConcurrencyCount,
    };
  }

  /** Retries under way. */
  get inFlightCount(): number {
    return this.#inFlightCount;
  }

  /** Retries refused since the start, whichever bound it was: the metric of this bound. */
  get refusedCount(): number {
    return this.#refusedByRateCount + this.#refusedByConcurrencyCount;
  }

  /** Those of them that were refused because too many were under way. */
  get refusedByConcurrencyCount(): number {
    return this.#refusedByConcurrencyCount;
  }

  #hasPlace(activeCount: number): boolean {
    const { concurrentMin, concurrentRatio } = this.#options;
    const most = Math.max(concurrentMin, concurrentRatio * activeCount + EPSILON);
    return this.#inFlightCount + 1 <= most;
  }

  #allowanceAt(nowMs: number): number {
    const { ratio, perSecondMin, windowMs } = this.#options;
    return ratio * successCountAt(this.#window, nowMs) + (perSecondMin * windowMs) / 1_000;
  }
}

/** Keeps 0.29 × 100 at 29, which floating point puts just below. */
const EPSILON = 1e-9;

function completed(given: RetryBudgetOptions): CompleteOptions {
  const options = withDefaults(given, defaultRetryBudgetOptions);
  const { model } = options;
  const isKnown = model === 'both' || model === 'rate' || model === 'concurrency';
  const problems = new OptionProblems();
  problems.check(isKnown, 'model', model, 'be both, rate or concurrency');
  problems.range('ratio', options.ratio, 0, 1_000);
  problems.range('perSecondMin', options.perSecondMin, 0);
  problems.range('windowMs', options.windowMs, 10);
  problems.count('concurrentMin', options.concurrentMin, 0);
  problems.range('concurrentRatio', options.concurrentRatio, 0, 1);
  problems.throwIfAny(InvalidOptionError);
  return options;
}
