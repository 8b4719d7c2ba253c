/**
 * What happened on one edge, second by second for the last 15 minutes, and in all. Two rings of
 * typed arrays, allocated once: 24 bytes a second. Percentiles of several reports are the mean of
 * theirs, weighted by requests: an estimate, and good enough for a picture; the proxies' own
 * histograms are what to alert on.
 */

/** Seconds that are kept. */
export const ringSeconds = 900;

/** Sums over some time. */
export interface TrafficSum {
  ok: number;
  failed: number;
  mtls: number;
  retries: number;
  /** Weighted means; only meaningful with requests. */
  p50Ms: number;
  p99Ms: number;
}

/** Nothing yet. */
export function emptySum(): TrafficSum {
  return { ok: 0, failed: 0, mtls: 0, retries: 0, p50Ms: 0, p99Ms: 0 };
}

/** Adds `other` to `sum`. */
export function addSum(sum: TrafficSum, other: Readonly<TrafficSum>): void {
  const [before, more] = [sum.ok + sum.failed, other.ok + other.failed];
  if (more > 0) {
    const share = more / (before + more);
    sum.p50Ms += (other.p50Ms - sum.p50Ms) * share;
    sum.p99Ms += (other.p99Ms - sum.p99Ms) * share;
  }
  sum.ok += other.ok;
  sum.failed += other.failed;
  sum.mtls += other.mtls;
  sum.retries += other.retries;
}

const countFields = 4;

/** See the head of this file. Seconds are whole numbers since 1970 and must not run backwards. */
export class TrafficSeries {
  readonly total: TrafficSum = emptySum();
  readonly #counts = new Uint32Array(ringSeconds * countFields);
  readonly #percentiles = new Float32Array(ringSeconds * 2);
  #newest: number;

  constructor(second: number) {
    this.#newest = second;
  }

  /** The second of the last report. */
  get newestSecond(): number {
    return this.#newest;
  }

  add(report: Readonly<TrafficSum>, second: number): void {
    this.#advance(second);
    const at = this.#newest % ringSeconds;
    const sum = this.#read(at);
    addSum(sum, report);
    this.#counts.set([sum.ok, sum.failed, sum.mtls, sum.retries], at * countFields);
    this.#percentiles.set([sum.p50Ms, sum.p99Ms], at * 2);
    addSum(this.total, report);
  }

  /** The sum of the `windowS` whole seconds before `second`: the present one is still filling. */
  sum(second: number, windowS: number): TrafficSum {
    const sum = emptySum();
    const oldest = Math.max(second - windowS, this.#newest - ringSeconds + 1);
    for (let it = oldest; it < second && it <= this.#newest; it += 1) {
      addSum(sum, this.#read(it % ringSeconds));
    }
    return sum;
  }

  #advance(second: number): void {
    const first = Math.max(this.#newest + 1, second - ringSeconds + 1);
    for (let it = first; it <= second; it += 1) {
      const at = it % ringSeconds;
      this.#counts.fill(0, at * countFields, (at + 1) * countFields);
      this.#percentiles.fill(0, at * 2, (at + 1) * 2);
    }
    this.#newest = Math.max(this.#newest, second);
  }

  #read(at: number): TrafficSum {
    const [ok = 0, failed = 0, mtls = 0, retries = 0] = this.#counts.subarray(at * countFields);
    const [p50Ms = 0, p99Ms = 0] = this.#percentiles.subarray(at * 2);
    return { ok, failed, mtls, retries, p50Ms, p99Ms };
  }
}
