/** Successes and failures that are recent enough to count. */
export interface OutcomeWindow {
  /** Adds one outcome, or `count` equal ones, at `nowMs`. */
  record(succeeded: boolean, nowMs: number, count?: number): void;
  /** Forgets what is too old at `nowMs`. Read the counts after it, or after `record`. */
  roll(nowMs: number): void;
  readonly successCount: number;
  readonly failureCount: number;
  readonly totalCount: number;
  /** What counts at `nowMs`, oldest first. Changes nothing. */
  runs(nowMs: number): OutcomeRun[];
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
  readonly #widthMs: number;
  // Of each bucket the successes, then its failures.
  readonly #counts: Uint32Array;
  #slot = 0;
  /** When the present bucket ends; before all times while there is none. */
  #endsAtMs = Number.NEGATIVE_INFINITY;
  #successCount = 0;
  #failureCount = 0;

  /** `windowMs` is finite and above 0. */
  constructor(windowMs: number, bucketCount = 10) {
    this.#widthMs = windowMs / bucketCount;
    this.#counts = new Uint32Array(2 * bucketCount);
  }

  /** Adds events at `nowMs`. Time that runs backwards is taken as the present bucket. */
  record(succeeded: boolean, nowMs: number, count = 1): void {
    if (nowMs >= this.#endsAtMs) this.roll(nowMs);
    const index = succeeded ? this.#slot : this.#slot + 1;
    this.#counts[index] = (this.#counts[index] ?? 0) + count;
    if (succeeded) this.#successCount += count;
    else this.#failureCount += count;
  }

  roll(nowMs: number): void {
    const counts = this.#counts;
    const steps = this.#stepsTo(nowMs);
    if (steps >= counts.length) {
      // Buckets keep to whole widths from the first outcome; an empty window begins here.
      const endsAtMs = this.#endsAtMs + (steps / 2) * this.#widthMs;
      this.reset();
      this.#endsAtMs = steps < Number.POSITIVE_INFINITY ? endsAtMs : nowMs + this.#widthMs;
      return;
    }
    for (let step = 0; step < steps; step += 2) {
      this.#slot = (this.#slot + 2) % counts.length;
      this.#successCount -= counts[this.#slot] ?? 0;
      this.#failureCount -= counts[this.#slot + 1] ?? 0;
      counts.fill(0, this.#slot, this.#slot + 2);
      this.#endsAtMs += this.#widthMs;
    }
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

  runs(nowMs: number): OutcomeRun[] {
    const runs: OutcomeRun[] = [];
    const counts = this.#counts;
    const leaving = Math.max(0, this.#stepsTo(nowMs));
    // The oldest bucket comes after the present one; what a roll would drop is passed over.
    for (let ahead = leaving + 2; ahead <= counts.length; ahead += 2) {
      const slot = (this.#slot + ahead) % counts.length;
      const [successCount = 0, failureCount = 0] = counts.subarray(slot);
      if (successCount + failureCount === 0) continue;
      const endedBucketCount = (counts.length - ahead) / 2;
      const ageMs = nowMs - this.#endsAtMs + (endedBucketCount + 1) * this.#widthMs;
      // Time that ran backwards does not make anything younger than now.
      runs.push([Math.max(0, ageMs), successCount, failureCount]);
    }
    return runs;
  }

  reset(): void {
    this.#counts.fill(0);
    this.#successCount = this.#failureCount = 0;
    this.#endsAtMs = Number.NEGATIVE_INFINITY;
  }

  /** How far the slot is behind. */
  #stepsTo(nowMs: number): number {
    return 2 * (Math.floor((nowMs - this.#endsAtMs) / this.#widthMs) + 1);
  }
}

/** The successes that count at `nowMs`. Changes nothing, unlike `roll`. */
export function successCountAt(window: OutcomeWindow, nowMs: number): number {
  return window.runs(nowMs).reduce((sum, [, successCount]) => sum + successCount, 0);
}

/** The failures that count at `nowMs`. Changes nothing, unlike `roll`. */
export function failureCountAt(window: OutcomeWindow, nowMs: number): number {
  return window.runs(nowMs).reduce((sum, [, , failureCount]) => sum + failureCount, 0);
}
