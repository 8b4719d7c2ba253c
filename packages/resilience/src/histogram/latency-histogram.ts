/**
 * Log-bucketed histogram of durations: bounded memory, quantiles within 5 % of the truth.
 * Bucket i holds (0.01 ms · γⁱ⁻¹, 0.01 ms · γⁱ] with γ = 1.05 / 0.95 and speaks for 2γⁱ / (γ + 1) ·
 * 0.01 ms, which is at most 5 % from either end. After DDSketch (Masson, Rim, Lee, VLDB 2019).
 * What is shorter than 0.01 ms counts as that, what is longer than an hour as an hour.
 */
const SHORTEST_MS = 0.01;
const LONGEST_MS = 3_600_000;
const GAMMA = 1.05 / 0.95;
const LOG_GAMMA = Math.log(GAMMA);

/** How many buckets cover 0.01 ms to one hour: 198. */
export const BUCKET_COUNT = Math.ceil(Math.log(LONGEST_MS / SHORTEST_MS) / LOG_GAMMA) + 1;

/** The bucket of a duration. NaN and what is below the range count as the shortest. */
export function bucketOf(tookMs: number): number {
  if (!(tookMs > SHORTEST_MS)) return 0;
  if (tookMs >= LONGEST_MS) return BUCKET_COUNT - 1;
  return Math.ceil(Math.log(tookMs / SHORTEST_MS) / LOG_GAMMA);
}

/** The duration that a bucket speaks for. */
export function durationOf(bucket: number): number {
  return ((2 * GAMMA ** bucket) / (GAMMA + 1)) * SHORTEST_MS;
}

/** The histogram of everything since its last reset. */
export class LatencyHistogram {
  readonly #counts = new Uint32Array(BUCKET_COUNT);
  #count = 0;

  /** Adds one duration. */
  record(tookMs: number): void {
    const bucket = bucketOf(tookMs);
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#count += 1;
  }

  /** How many there are. */
  get count(): number {
    return this.#count;
  }

  /** The smallest duration that at least the share `ratio` does not exceed; NaN if there is none. */
  quantileMs(ratio: number): number {
    if (this.#count === 0) return Number.NaN;
    const rank = Math.max(1, Math.ceil(this.#count * ratio - 1e-9));
    let seen = 0;
    let bucket = -1;
    while (seen < rank) {
      bucket += 1;
      seen += this.#counts[bucket] ?? 0;
    }
    return durationOf(bucket);
  }

  /** Forgets everything. */
  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
  }
}
