/**
 * Token bucket: holds up to `burstCountMax` permits and earns `permitCount` per period, either
 * smoothly or all at once at the end of each period.
 *
 * Exact: what was earned is computed from an origin that moves by whole periods, never summed up
 * from call to call, so nothing drifts however long it runs. One number of state, no timer, no
 * queue: a reservation is a balance below 0, bounded by the longest wait that callers accept.
 */
import { assert, OptionProblems } from '@leno/std';
import {
  type CompleteRateOptions,
  completeRateOptions,
  PERMIT_EPSILON,
  type RateLimiter,
  type RateLimiterReport,
  type RateOptions,
  WAIT_EPSILON_MS,
} from './rate-limiter.ts';

/** `burstCountMax` defaults to `permitCount`: a pause of one period fills the bucket. */
export interface TokenBucketOptions extends RateOptions {
  /**
   * `smooth`: a permit every `periodMs / permitCount`. `per-period`: `permitCount` at the end of
   * each period, counted from the first call, as resilience4j's limiter does it. Default `smooth`.
   */
  readonly refill?: 'smooth' | 'per-period' | undefined;
}

/** Permits in a bucket; see the top of this file. Starts full. */
export class TokenBucket implements RateLimiter {
  #options: CompleteRateOptions;
  #isSmooth: boolean;
  /** The balance at `#originMs`; full before the first call. */
  #base: number;
  #originMs = Number.NEGATIVE_INFINITY;
  /** When the last reservation is due. */
  #lastDueMs = Number.NEGATIVE_INFINITY;
  #admittedCount = 0;
  #refusedCount = 0;

  constructor(options: TokenBucketOptions) {
    this.#options = completed(options);
    this.#isSmooth = options.refill !== 'per-period';
    this.#base = this.#options.burstCountMax;
  }

  tryAcquire(nowMs: number, cost = 1): boolean {
    assert(cost > 0, 'a cost is above 0');
    this.#roll(nowMs);
    // As `#balanceAt`, which would give a boxed number where it is not inlined. Written so that a
    // time of NaN is refused too.
    const { permitCount, periodMs } = this.#options;
    const elapsedMs = this.#isSmooth ? Math.max(0, nowMs - this.#originMs) : 0;
    if (!(this.#base + (elapsedMs * permitCount) / periodMs + PERMIT_EPSILON >= cost)) {
      this.#refusedCount += 1;
      return false;
    }
    this.#base -= cost;
    this.#admittedCount += 1;
    return true;
  }

  reserve(nowMs: number, waitMaxMs: number, cost = 1): number {
    assert(cost > 0, 'a cost is above 0');
    this.#roll(nowMs);
    const waitMs = this.retryAfterMs(nowMs, cost);
    // Written so that a wait of NaN or Infinity is refused too.
    if (!(waitMs <= waitMaxMs + WAIT_EPSILON_MS && waitMs < Number.POSITIVE_INFINITY)) {
      this.#refusedCount += 1;
      return -1;
    }
    this.#base -= cost;
    this.#admittedCount += 1;
    this.#lastDueMs = Math.max(this.#lastDueMs, nowMs + waitMs);
    return waitMs;
  }

  cancel(dueMs: number, nowMs: number, cost = 1): void {
    if (dueMs < nowMs) return;
    const { permitCount, periodMs, burstCountMax } = this.#options;
    const restedOn = (Math.max(0, this.#lastDueMs - dueMs) * permitCount) / periodMs;
    if (restedOn >= cost) return;
    const returned = cost - restedOn;
    this.#base = Math.min(burstCountMax, this.#base + returned);
    this.#lastDueMs = Math.min(this.#lastDueMs, dueMs - (returned * periodMs) / permitCount);
    this.#admittedCount -= 1;
  }

  retryAfterMs(nowMs: number, cost = 1): number {
    const { permitCount, periodMs, burstCountMax } = this.#options;
    const missing = cost - this.#balanceAt(nowMs);
    if (missing <= PERMIT_EPSILON) return 0;
    if (cost > burstCountMax) return Number.POSITIVE_INFINITY;
    if (this.#isSmooth) return (missing * periodMs) / permitCount;
    const periods = Math.ceil((missing - PERMIT_EPSILON) / permitCount);
    const elapsedMs = Math.max(0, nowMs - this.#originMs);
    return (Math.floor(elapsedMs / periodMs) + periods) * periodMs - elapsedMs;
  }

  /**
   * As `RateLimiter.update`. Per period, the running period keeps what is left of it, even above
   * the new burst, and the next ones follow the new bounds.
   */
  update(options: TokenBucketOptions, nowMs: number): void {
    const next = completed(options);
    this.#roll(nowMs);
    const balance = this.#balanceAt(nowMs);
    const wasSmooth = this.#isSmooth;
    this.#isSmooth = options.refill !== 'per-period';
    if (wasSmooth || this.#isSmooth) {
      this.#base = this.#isSmooth ? Math.min(balance, next.burstCountMax) : balance;
      this.#originMs = Math.max(this.#originMs, nowMs);
    }
    this.#options = next;
  }

  explain(nowMs: number): RateLimiterReport {
    return {
      ...this.#options,
      availableCount: this.#balanceAt(nowMs),
      retryAfterMs: this.retryAfterMs(nowMs),
      admittedCount: this.#admittedCount,
      refusedCount: this.#refusedCount,
    };
  }

  get refusedCount(): number {
    return this.#refusedCount;
  }

  #balanceAt(nowMs: number): number {
    const { permitCount, periodMs, burstCountMax } = this.#options;
    const elapsedMs = nowMs - this.#originMs;
    if (elapsedMs <= 0) return this.#base;
    if (this.#isSmooth) {
      return Math.min(burstCountMax, this.#base + (elapsedMs * permitCount) / periodMs);
    }
    if (elapsedMs < periodMs) return this.#base;
    return Math.min(burstCountMax, this.#base + Math.floor(elapsedMs / periodMs) * permitCount);
  }

  /** Moves the origin on by whole periods, which is exact, or to `nowMs` where that loses nothing. */
  #roll(nowMs: number): void {
    const { permitCount, periodMs, burstCountMax } = this.#options;
    const elapsedMs = nowMs - this.#originMs;
    if (elapsedMs === Number.POSITIVE_INFINITY) {
      this.#originMs = nowMs;
    } else if (elapsedMs >= periodMs) {
      const periods = Math.floor(elapsedMs / periodMs);
      this.#base = Math.min(burstCountMax, this.#base + periods * permitCount);
      this.#originMs += periods * periodMs;
    }
    if (!this.#isSmooth) return;
    const earned = ((nowMs - this.#originMs) * permitCount) / periodMs;
    if (earned > 0 && this.#base + earned >= burstCountMax) {
      this.#base = burstCountMax;
      this.#originMs = nowMs;
    }
  }
}

function completed(options: TokenBucketOptions): CompleteRateOptions {
  const problems = new OptionProblems();
  const { refill = 'smooth' } = options;
  const isKnown = refill === 'smooth' || refill === 'per-period';
  problems.check(isKnown, 'refill', refill, 'be smooth or per-period');
  return completeRateOptions(options, options.permitCount, problems);
}
