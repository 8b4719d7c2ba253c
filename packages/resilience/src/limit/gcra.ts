/**
 * GCRA, the generic cell rate algorithm (ITU-T I.371): keeps the theoretical time of the next
 * arrival (TAT) and admits a call that comes no earlier than that less a tolerance.
 *
 *   interval = periodMs / permitCount      tolerance = (burstCountMax − 1) · interval
 *
 * The same law as a smooth `TokenBucket` with the same options (a property test says so), told from
 * the side of time: with its default burst of 1 it spaces calls evenly, as a leaky bucket does.
 * The TAT is kept as an origin and a number of intervals, so that a third of a second does not
 * drift. One number of state, no timer, no queue.
 */
import { assert } from '@leno/std';
import {
  type CompleteRateOptions,
  completeRateOptions,
  PERMIT_EPSILON,
  type RateLimiter,
  type RateLimiterReport,
  type RateOptions,
  WAIT_EPSILON_MS,
} from './rate-limiter.ts';

/** Spaces calls; see the top of this file. `burstCountMax` defaults to 1. */
export class Gcra implements RateLimiter {
  #options: CompleteRateOptions;
  /** TAT = `#originMs` + `#intervalCount` · interval. */
  #originMs = Number.NEGATIVE_INFINITY;
  #intervalCount = 0;
  #lastDueMs = Number.NEGATIVE_INFINITY;
  #admittedCount = 0;
  #refusedCount = 0;

  constructor(options: RateOptions) {
    this.#options = completeRateOptions(options, 1);
  }

  tryAcquire(nowMs: number, cost = 1): boolean {
    assert(cost > 0, 'a cost is above 0');
    // Written so that a time of NaN is refused too.
    if (!(this.#backlogAt(nowMs) + cost <= this.#options.burstCountMax + PERMIT_EPSILON)) {
      this.#refusedCount += 1;
      return false;
    }
    this.#take(nowMs, cost);
    return true;
  }

  reserve(nowMs: number, waitMaxMs: number, cost = 1): number {
    assert(cost > 0, 'a cost is above 0');
    const waitMs = this.retryAfterMs(nowMs, cost);
    // Written so that a wait of NaN or Infinity is refused too.
    if (!(waitMs <= waitMaxMs + WAIT_EPSILON_MS && waitMs < Number.POSITIVE_INFINITY)) {
      this.#refusedCount += 1;
      return -1;
    }
    this.#take(nowMs, cost);
    this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + waitMs);
    return waitMs;
  }

  cancel(dueMs: number, nowMs: number, cost = 1): void {
    if (dueMs < nowMs) return;
    const { permitCount, periodMs } = this.#options;
    const restedOn = (Math.max(0, this.#lastDueMs - dueMs) * permitCount) / periodMs;
    if (restedOn >= cost) return;
    const returned = cost - restedOn;
    this.#intervalCount = Math.max(0, this.#intervalCount - returned);
    this.#lastDueMs = Math.min(this.#lastDueMs, dueMs - (returned * periodMs) / permitCount);
    this.#admittedCount -= 1;
  }

  retryAfterMs(nowMs: number, cost = 1): number {
    const { permitCount, periodMs, burstCountMax } = this.#options;
    const excess = this.#backlogAt(nowMs) + cost - burstCountMax;
    if (excess <= PERMIT_EPSILON) return 0;
    return cost > burstCountMax ? Number.POSITIVE_INFINITY : (excess * periodMs) / permitCount;
  }

  update(options: RateOptions, nowMs: number): void {
    const next = completeRateOptions(options, 1);
    // What could be spent at once stays so, as far as the new burst goes: no windfall.
    const earned = this.#options.burstCountMax - this.#backlogAt(nowMs);
    this.#options = next;
    this.#originMs = Math.max(this.#originMs, nowMs);
    this.#intervalCount = Math.max(0, next.burstCountMax - earned);
  }

  explain(nowMs: number): RateLimiterReport {
    return {
      ...this.#options,
      availableCount: this.#options.burstCountMax - this.#backlogAt(nowMs),
      retryAfterMs: this.retryAfterMs(nowMs),
      admittedCount: this.#admittedCount,
      refusedCount: this.#refusedCount,
    };
  }

  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** How far the TAT is ahead, in intervals; 0 if it has passed. */
  #backlogAt(nowMs: number): number {
    const { permitCount, periodMs } = this.#options;
    const elapsedMs = nowMs - this.#originMs;
    if (elapsedMs <= 0) return this.#intervalCount;
    // Before the first call the time that has passed is infinite.
    return Math.max(0, this.#intervalCount - (elapsedMs * permitCount) / periodMs);
  }

  #take(nowMs: number, cost: number): void {
    const { permitCount, periodMs } = this.#options;
    if (this.#backlogAt(nowMs) === 0) {
      this.#originMs = Math.max(this.#originMs, nowMs);
      this.#intervalCount = 0;
    } else if (nowMs - this.#originMs >= periodMs) {
      // Whole periods are exact where intervals are not.
      const periods = Math.floor((nowMs - this.#originMs) / periodMs);
      this.#originMs += periods * periodMs;
      this.#intervalCount -= periods * permitCount;
    }
    this.#intervalCount += cost;
    this.#admittedCount += 1;
  }
}
