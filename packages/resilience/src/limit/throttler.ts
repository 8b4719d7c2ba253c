/**
 * Client-side throttling: refuses calls itself, with the probability that keeps what is sent near
 * K times what the service accepts:
 *
 *   reject = max(0, (requests − K · accepts) / (requests + 1))
 *
 * over a rolling window, where calls that were refused here count among the requests (Beyer et al.,
 * "Site Reliability Engineering", ch. 21). Unlike a breaker it has no states and never stops
 * asking: that share of the calls is always let through by which the service can show that it is
 * well again.
 *
 * A call counts when it ends, not when it starts: slow answers are no refusals.
 */
import {
  failureCountAt,
  OptionProblems,
  type Rng,
  successCountAt,
  TimeWindow,
  withDefaults,
} from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';

/** What is not given, or undefined, is as in `defaultThrottlerOptions`. */
export interface ThrottlerOptions {
  /** K: calls sent per call accepted before any is refused. At least 1; default 2. */
  readonly acceptFactor?: number | undefined;
  /** The time over which calls are counted, in ten buckets. At least 10 ms; default 2 min. */
  readonly windowMs?: number | undefined;
  /** Calls within the window before any is refused. At least 1; default 20. */
  readonly requestCountMin?: number | undefined;
  /** At most this share is refused, within [0, 1). Default 0.9. */
  readonly rejectRatioMax?: number | undefined;
}

type CompleteOptions = {
  readonly [Name in keyof ThrottlerOptions]-?: Exclude<ThrottlerOptions[Name], undefined>;
};

/** K = 2 over two minutes, as in the book; 20 calls at least, and one in ten always goes. */
export const defaultThrottlerOptions: CompleteOptions = {
  acceptFactor: 2,
  windowMs: 120_000,
  requestCountMin: 20,
  rejectRatioMax: 0.9,
};

/** What a throttler knows. */
export interface ThrottlerReport {
  /** Within the window, refused ones included. */
  readonly requestCount: number;
  readonly acceptCount: number;
  readonly rejectRatio: number;
  /** Calls refused since the start. */
  readonly refusedCount: number;
}

/** One for all calls to one service; see the top of this file. */
export class Throttler {
  #options: CompleteOptions;
  /** What was accepted as successes; what failed or was refused here as failures. */
  #window: TimeWindow;
  #refusedCount = 0;

  constructor(options: ThrottlerOptions = {}) {
    this.#options = completed(options);
    this.#window = new TimeWindow(this.#options.windowMs);
  }

  /** New options, from now on. What was counted stays, unless the length of the window changes. */
  update(options: ThrottlerOptions): void {
    const next = completed(options);
    if (next.windowMs !== this.#options.windowMs) this.#window = new TimeWindow(next.windowMs);
    this.#options = next;
  }

  /**
   * Whether the call may be made; a refusal counts as a request. Draws from `rng` only if some
   * calls are refused at present. Report how an admitted call ended by `success` or `failure`;
   * what says nothing of the service, as an abort, by neither.
   */
  tryAcquire(nowMs: number, rng: Rng): boolean {
    // As `rejectRatio`, which would give a boxed number where it is not inlined.
    const { acceptFactor, requestCountMin, rejectRatioMax } = this.#options;
    this.#window.roll(nowMs);
    const requestCount = this.#window.totalCount;
    const excess = requestCount - acceptFactor * this.#window.successCount;
    if (requestCount < requestCountMin || excess <= 0) return true;
    if (rng() >= Math.min(excess / (requestCount + 1), rejectRatioMax)) return true;
    this.#window.record(false, nowMs);
    this.#refusedCount += 1;
    return false;
  }

  /** The service accepted the call. */
  success(nowMs: number): void {
    this.#window.record(true, nowMs);
  }

  /** The service refused the call or failed. */
  failure(nowMs: number): void {
    this.#window.record(false, nowMs);
  }

  /** The probability that a call is refused now, 0 to `rejectRatioMax`. Changes nothing. */
  rejectRatio(nowMs: number): number {
    const acceptCount = successCountAt(this.#window, nowMs);
    return this.#ratio(acceptCount, acceptCount + failureCountAt(this.#window, nowMs));
  }

  /** Calls refused since the start: the metric of this bound. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** For people who ask why. Changes nothing. */
  explain(nowMs: number): ThrottlerReport {
    const acceptCount = successCountAt(this.#window, nowMs);
    return {
      requestCount: acceptCount + failureCountAt(this.#window, nowMs),
      acceptCount,
      rejectRatio: this.rejectRatio(nowMs),
      refusedCount: this.#refusedCount,
    };
  }

  #ratio(acceptCount: number, requestCount: number): number {
    const { acceptFactor, requestCountMin, rejectRatioMax } = this.#options;
    if (requestCount < requestCountMin) return 0;
    const ratio = (requestCount - acceptFactor * acceptCount) / (requestCount + 1);
    return Math.min(Math.max(ratio, 0), rejectRatioMax);
  }
}

function completed(given: ThrottlerOptions): CompleteOptions {
  const options = withDefaults(given, defaultThrottlerOptions);
  const { rejectRatioMax } = options;
  const problems = new OptionProblems();
  problems.range('acceptFactor', options.acceptFactor, 1);
  problems.range('windowMs', options.windowMs, 10);
  problems.count('requestCountMin', options.requestCountMin, 1);
  // At 1 a service that failed throughout a window would never be asked again.
  const isGood = rejectRatioMax >= 0 && rejectRatioMax < 1;
  problems.check(isGood, 'rejectRatioMax', rejectRatioMax, 'be within [0, 1)');
  problems.throwIfAny(InvalidOptionError);
  return options;
}
