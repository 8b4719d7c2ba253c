/** Successes and failures that are recent enough to count. */
export interface OutcomeWindow {
  /** Adds one outcome, or `count` equal ones, at `nowMs`. */
  record(succeeded: boolean, nowMs: number, count?: number): void;
  /** Forgets what is too old at `nowMs`. Read the counts after it, or after `record`. */
  roll(nowMs: number): void;
  readonly successCount: number;
  readonly failureCount: number;
  readonly totalCount: number;
  /**
   * Before this time outcomes are counted alike, whatever their time: as of the present bucket. Not
   * before all times unless there is one; `Infinity` where time is no matter.
   */
  readonly endsAtMs: number;
  /** Forgets everything. */
  reset(): void;
}

/** Outcomes that came together: how long ago, successes, failures. Plain, to be kept as JSON. */
export type OutcomeRun = readonly [ageMs: number, successCount: number, failureCount: number];

/**
 * Counts of two kinds of event over the last `windowMs`, in buckets, ten unless said otherwise.
 * Exact: the sums are kept beside the ring and never drift, and a bucket leaves as a whole when its
 * time is over. After linkerd2-proxy's success-rate breaker: the roll advances by whole widths.
 */
export class TimeWindow implements OutcomeWindow {
  // What `outcomeRuns` reads, which lies apart so that a bundle without it goes without.
  private readonly widthMs: number;
  // Of each bucket the successes, then its failures.
  private readonly counts: Uint32Array;
  private slot = 0;
  /** When the present bucket ends; before all times while there is none. */
  #endsAtMs = Number.NEGATIVE_INFINITY;
  #successCount = 0;
  #failureCount = 0;

  /** `windowMs` is finite and above 0. */
  constructor(windowMs: number, bucketCount = 10) {
    this.widthMs = windowMs / bucketCount;
    this.counts = new Uint32Array(2 * bucketCount);
  }

  /** Adds events at `nowMs`. Time that runs backwards is taken as the present bucket. */
  record(succeeded: boolean, nowMs: number, count = 1): void {
    if (nowMs >= this.#endsAtMs) this.roll(nowMs);
    const index = succeeded ? this.slot : this.slot + 1;
    this.counts[index] = (this.counts[index] ?? 0) + count;
    if (succeeded) this.#successCount += count;
    else this.#failureCount += count;
  }

  roll(nowMs: number): void {
    const { counts, widthMs } = this;
    // Infinity while there is no bucket: all are empty then.
    const steps = Math.floor((nowMs - this.#endsAtMs) / widthMs) + 1;
    for (let step = 0; step < steps && step < counts.length / 2; step += 1) {
      this.slot = (this.slot + 2) % counts.length;
      this.#successCount -= counts[this.slot] ?? 0;
      this.#failureCount -= counts[this.slot + 1] ?? 0;
      counts.fill(0, this.slot, this.slot + 2);
    }
    // Buckets keep to whole widths from the first outcome on.
    if (steps === Number.POSITIVE_INFINITY) this.#endsAtMs = nowMs + widthMs;
    else if (steps > 0) this.#endsAtMs += steps * widthMs;
  }

  get successCount(): number {
    return this.#successCount;
  }

  get failureCount(): number {
    return this.#failureCount;
  }

  get endsAtMs(): number {
    return this.#endsAtMs;
  }

  get totalCount(): number {
    return this.#successCount + this.#failureCount;
  }

  reset(): void {
    this.counts.fill(0);
    this.#successCount = this.#failureCount = 0;
    this.#endsAtMs = Number.NEGATIVE_INFINITY;
  }
}
