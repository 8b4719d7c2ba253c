import { assert } from './assert.ts';

/**
 * Counts of two kinds of event over the last `windowMs`, in `bucketCount` buckets. Exact: the sums
 * are kept beside the ring and never drift, and a bucket leaves as a whole when its time is over.
 * After linkerd2-proxy's success-rate breaker: the roll advances by whole bucket widths.
 */
export class TimeWindow {
  readonly #widthMs: number;
  readonly #successes: Uint32Array;
  readonly #failures: Uint32Array;
  #slot = 0;
  #rolledAtMs = Number.NEGATIVE_INFINITY;
  #successCount = 0;
  #failureCount = 0;

  constructor(windowMs: number, bucketCount = 10) {
    assert(windowMs > 0 && Number.isFinite(windowMs), 'windowMs > 0');
    assert(Number.isInteger(bucketCount) && bucketCount >= 1, 'bucketCount >= 1');
    this.#widthMs = windowMs / bucketCount;
    this.#successes = new Uint32Array(bucketCount);
    this.#failures = new Uint32Array(bucketCount);
  }

  /** Adds one event at `nowMs`. Time that runs backwards is taken as the present bucket. */
  record(succeeded: boolean, nowMs: number): void {
    this.roll(nowMs);
    if (succeeded) {
      this.#successes[this.#slot] = (this.#successes[this.#slot] ?? 0) + 1;
      this.#successCount += 1;
    } else {
      this.#failures[this.#slot] = (this.#failures[this.#slot] ?? 0) + 1;
      this.#failureCount += 1;
    }
  }

  /** Forgets what is older than the window at `nowMs`. Read the counts after it. */
  roll(nowMs: number): void {
    if (this.#rolledAtMs === Number.NEGATIVE_INFINITY) {
      this.#rolledAtMs = nowMs;
      return;
    }
    const elapsedMs = nowMs - this.#rolledAtMs;
    if (elapsedMs < this.#widthMs) return;
    const steps = Math.floor(elapsedMs / this.#widthMs);
    this.#rolledAtMs += steps * this.#widthMs;
    if (steps >= this.#successes.length) {
      this.#clearCounts();
      return;
    }
    for (let step = 0; step < steps; step += 1) {
      this.#slot = (this.#slot + 1) % this.#successes.length;
      this.#successCount -= this.#successes[this.#slot] ?? 0;
      this.#failureCount -= this.#failures[this.#slot] ?? 0;
      this.#successes[this.#slot] = 0;
      this.#failures[this.#slot] = 0;
    }
  }

  /** The successes within the window at `nowMs`. Changes nothing, unlike `roll`. */
  successCountAt(nowMs: number): number {
    return this.#successCount - this.#leaving(this.#successes, nowMs);
  }

  /** The failures within the window at `nowMs`. Changes nothing, unlike `roll`. */
  failureCountAt(nowMs: number): number {
    return this.#failureCount - this.#leaving(this.#failures, nowMs);
  }

  get successCount(): number {
    return this.#successCount;
  }

  get failureCount(): number {
    return this.#failureCount;
  }

  get totalCount(): number {
    return this.#successCount + this.#failureCount;
  }

  /** Forgets everything. */
  reset(): void {
    this.#rolledAtMs = Number.NEGATIVE_INFINITY;
    this.#clearCounts();
  }

  /** How many of `counts` a roll to `nowMs` would forget. */
  #leaving(counts: Uint32Array, nowMs: number): number {
    const elapsedMs = nowMs - this.#rolledAtMs;
    if (elapsedMs < this.#widthMs || this.#rolledAtMs === Number.NEGATIVE_INFINITY) return 0;
    const steps = Math.min(counts.length, Math.floor(elapsedMs / this.#widthMs));
    let sum = 0;
    for (let step = 1; step <= steps; step += 1) {
      sum += counts[(this.#slot + step) % counts.length] ?? 0;
    }
    return sum;
  }

  #clearCounts(): void {
    this.#successes.fill(0);
    this.#failures.fill(0);
    this.#successCount = 0;
    this.#failureCount = 0;
  }
}
