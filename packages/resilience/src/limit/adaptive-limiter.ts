/**
 * Adaptive concurrency: how many calls to a service may be under way is found from how long they
 * take rather than configured. The algorithm finds the limit, this class keeps to it: a call above
 * the limit is refused at once, nothing queues.
 */
import { assert, OptionProblems, withDefaults } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { ConcurrencyAlgorithm } from './concurrency-algorithm.ts';

/**
 * How a call ended: `dropped` by the service or by its time running out, which means overload;
 * `ignored` says nothing, as an abort or a fast refusal for other reasons.
 */
export type LimitedOutcome = 'success' | 'dropped' | 'ignored';

/** What is not given, or undefined, is as each says. */
export interface AdaptiveLimiterOptions {
  /**
   * The algorithm sees the mean of the calls of this time instead of each call, which steadies
   * `gradient2` and `vegas`. 0, the default, is each call.
   */
  readonly windowMs?: number | undefined;
  /** Calls that such a window waits for. At least 1; default 10. */
  readonly windowSampleCountMin?: number | undefined;
}

/** A day; what claims to have taken longer is no duration of a call. */
const TOOK_MAX_MS = 86_400_000;

const defaults = { windowMs: 0, windowSampleCountMin: 10 };

/** What an adaptive limiter knows. */
export interface AdaptiveLimiterReport {
  readonly algorithm: string;
  readonly limit: number;
  readonly inFlightCount: number;
  readonly admittedCount: number;
  /** Calls refused since the start. */
  readonly refusedCount: number;
  /** What the algorithm knows beside the limit, by name. */
  readonly details: Readonly<Record<string, number>>;
}

/** One for all calls to one service; see the top of this file. */
export class AdaptiveLimiter {
  readonly #algorithm: ConcurrencyAlgorithm;
  readonly #options: typeof defaults;
  #limit: number;
  #inFlightCount = 0;
  #admittedCount = 0;
  #refusedCount = 0;
  /** The running window: when it began, and what it has seen. */
  #windowAtMs = Number.NEGATIVE_INFINITY;
  #sampleCount = 0;
  #tookSumMs = 0;
  #inFlightMax = 0;
  #hasDrop = false;

  /** `algorithm` must not be shared with another limiter. */
  constructor(algorithm: ConcurrencyAlgorithm, options: AdaptiveLimiterOptions = {}) {
    this.#algorithm = algorithm;
    this.#limit = wholeLimit(algorithm);
    this.#options = withDefaults(options, defaults);
    const problems = new OptionProblems();
    problems.range('windowMs', this.#options.windowMs, 0);
    problems.count('windowSampleCountMin', this.#options.windowSampleCountMin, 1);
    problems.throwIfAny(InvalidOptionError);
  }

  /** Takes a place if there is one; pair each true with one `done`. Allocates nothing. */
  tryAcquire(_nowMs: number): boolean {
    if (this.#inFlightCount >= this.#limit) {
      this.#refusedCount += 1;
      return false;
    }
    this.#inFlightCount += 1;
    this.#admittedCount += 1;
    return true;
  }

  /** A call that was admitted has ended after `tookMs`, which only matters if it says something. */
  done(outcome: LimitedOutcome, tookMs: number, nowMs: number): void {
    assert(this.#inFlightCount > 0, 'done() pairs with a tryAcquire() that gave true');
    const inFlightCount = this.#inFlightCount;
    this.#inFlightCount -= 1;
    // A duration that is none must not poison what the algorithm has learnt.
    if (outcome === 'ignored' || !(tookMs >= 0 && tookMs <= TOOK_MAX_MS)) return;
    const isDropped = outcome === 'dropped';
    if (this.#options.windowMs === 0) {
      this.#algorithm.observe(tookMs, inFlightCount, isDropped, nowMs);
      this.#limit = wholeLimit(this.#algorithm);
    } else {
      this.#gather(tookMs, inFlightCount, isDropped, nowMs);
    }
  }

  /** How many calls may be under way now, at least 1. */
  get limit(): number {
    return this.#limit;
  }

  /** How many are under way; above the limit after it has shrunk. */
  get inFlightCount(): number {
    return this.#inFlightCount;
  }

  /** Calls refused since the start: the metric of this bound. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** For people who ask why. Changes nothing. */
  explain(): AdaptiveLimiterReport {
    return {
      algorithm: this.#algorithm.name,
      limit: this.#limit,
      inFlightCount: this.#inFlightCount,
      admittedCount: this.#admittedCount,
      refusedCount: this.#refusedCount,
      details: this.#algorithm.explain(),
    };
  }

  #gather(tookMs: number, inFlightCount: number, isDropped: boolean, nowMs: number): void {
    if (this.#sampleCount === 0) this.#windowAtMs = nowMs;
    this.#sampleCount += 1;
    this.#tookSumMs += tookMs;
    this.#inFlightMax = Math.max(this.#inFlightMax, inFlightCount);
    this.#hasDrop ||= isDropped;
    const { windowMs, windowSampleCountMin } = this.#options;
    if (nowMs - this.#windowAtMs < windowMs || this.#sampleCount < windowSampleCountMin) return;
    const meanMs = this.#tookSumMs / this.#sampleCount;
    this.#algorithm.observe(meanMs, this.#inFlightMax, this.#hasDrop, nowMs);
    this.#limit = wholeLimit(this.#algorithm);
    this.#sampleCount = 0;
    this.#tookSumMs = 0;
    this.#inFlightMax = 0;
    this.#hasDrop = false;
  }
}

/** Kept as a whole number, so that asking is a comparison of two of them. NaN is 1, not no limit. */
function wholeLimit({ limit }: ConcurrencyAlgorithm): number {
  return limit >= 1 ? Math.floor(limit) : 1;
}
