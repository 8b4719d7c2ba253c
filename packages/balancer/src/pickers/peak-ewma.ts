/**
 * The cheaper of two endpoints drawn at random, where the cost is what a call is expected to take:
 * estimated latency × (calls under way + 1) ÷ weight.
 *
 * The estimate is a peak EWMA. A latency above it replaces it at once, one below pulls it down with
 * the weight 1 - e^(-Δt/decay), and idle time lets it fade to 0, so that an endpoint that was slow
 * is tried again. A failure counts as `failurePenaltyMs` at least: failing fast must not attract
 * traffic.
 *
 * Fading alone would make a long-idle endpoint so cheap that a burst goes to it whole before its
 * first reply, which is the worst moment to learn that it hangs. So while calls are under way an
 * estimate does not count for less than it was when last measured, or than `initialMs` if that is
 * less: idle, it is worth one try, not all.
 *
 * Two distinct endpoints are drawn, and a draw is uniform over all pairs that may be picked.
 * After Mitzenmacher, "The Power of Two Choices" (2001), Finagle's PeakEwma and linkerd2-proxy's
 * pool/p2c.
 */
import { OptionProblems, type Rng } from '@leno/std';
import { type EndpointSet, grown, type Member } from '../endpoint-set.ts';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { Picker, PickOutcome, PickScore } from './picker.ts';

/** How latencies are judged. */
export interface PeakEwmaOptions {
  /** Time after which an old latency weighs e⁻¹. Above 0; default 10 s. */
  readonly decayMs?: number | undefined;
  /** The estimate for an endpoint that nothing is known of. At least 0; default 30 ms. */
  readonly initialMs?: number | undefined;
  /** What a failure counts as, if it did not take longer. At least 0; default 5 s. */
  readonly failurePenaltyMs?: number | undefined;
}

/** Linkerd's. */
export const defaultPeakEwmaOptions = {
  decayMs: 10_000,
  initialMs: 30,
  failurePenaltyMs: 5_000,
} as const satisfies PeakEwmaOptions;

/**
 * The cheaper of two. A pick is O(1), and O(n) if one of the two that are drawn may not be picked.
 */
export class PeakEwma<M extends Member> implements Picker {
  readonly #set: EndpointSet<M>;
  readonly #decayMs: number;
  readonly #initialMs: number;
  readonly #failurePenaltyMs: number;
  // By slot.
  #estimatesMs = new Float64Array(0);
  #measuredAtMs = new Float64Array(0);
  #stamps = new Float64Array(0);
  /** Indexes that may be picked, for the pick that must look at all. */
  #eligible = new Int32Array(0);
  /** Of the two that are compared. */
  readonly #costs = new Float64Array(2);
  #version = -1;

  constructor(set: EndpointSet<M>, options: PeakEwmaOptions = {}) {
    this.#set = set;
    this.#decayMs = options.decayMs ?? defaultPeakEwmaOptions.decayMs;
    this.#initialMs = options.initialMs ?? defaultPeakEwmaOptions.initialMs;
    this.#failurePenaltyMs = options.failurePenaltyMs ?? defaultPeakEwmaOptions.failurePenaltyMs;
    const problems = new OptionProblems();
    problems.range('decayMs', this.#decayMs, Number.MIN_VALUE);
    problems.range('initialMs', this.#initialMs, 0);
    problems.range('failurePenaltyMs', this.#failurePenaltyMs, 0);
    problems.throwIfAny(InvalidOptionError);
  }

  pick(nowMs: number, rng: Rng, admits: (index: number) => boolean): number {
    this.#follow();
    const { length } = this.#set;
    if (length >= 2) {
      const one = Math.floor(rng() * length);
      const other = distinctFrom(one, rng, length);
      if (this.#canPick(one, admits) && this.#canPick(other, admits)) {
        return this.#cheaper(one, other, nowMs);
      }
    }
    return this.#pickAmongEligible(nowMs, rng, admits);
  }

  started(index: number, _nowMs: number): void {
    this.#set.countIn(index);
  }

  ended(index: number, nowMs: number, latencyMs: number, outcome: PickOutcome): void {
    this.#set.countOut(index);
    if (outcome === 'ignored' || !(latencyMs >= 0)) return;
    this.#follow();
    const isFailure = outcome === 'failure';
    this.#observe(
      index,
      nowMs,
      isFailure ? Math.max(latencyMs, this.#failurePenaltyMs) : latencyMs,
    );
  }

  /** The score is the cost in milliseconds, infinite with weight 0; of two, the lower is picked. */
  explain(nowMs: number): readonly PickScore[] {
    this.#follow();
    return Array.from({ length: this.#set.length }, (_, index) => {
      this.#weigh(index, 0, nowMs);
      const isPickable = this.#set.weightAt(index) > 0;
      const score = isPickable ? (this.#costs[0] ?? 0) : Number.POSITIVE_INFINITY;
      return { id: this.#set.at(index).id, score };
    });
  }

  #canPick(index: number, admits: (index: number) => boolean): boolean {
    return this.#set.weightAt(index) > 0 && admits(index);
  }

  #cheaper(one: number, other: number, nowMs: number): number {
    this.#weigh(one, 0, nowMs);
    this.#weigh(other, 1, nowMs);
    return (this.#costs[1] ?? 0) < (this.#costs[0] ?? 0) ? other : one;
  }

  #pickAmongEligible(nowMs: number, rng: Rng, admits: (index: number) => boolean): number {
    const eligible = this.#eligible;
    let count = 0;
    for (let index = 0; index < this.#set.length; index += 1) {
      if (!this.#canPick(index, admits)) continue;
      eligible[count] = index;
      count += 1;
    }
    if (count === 0) return -1;
    if (count === 1) return eligible[0] ?? -1;
    const place = Math.floor(rng() * count);
    const otherPlace = distinctFrom(place, rng, count);
    return this.#cheaper(eligible[place] ?? -1, eligible[otherPlace] ?? -1, nowMs);
  }

  /**
   * Puts the cost of the endpoint in its place. Returned, the double might be boxed on the heap.
   */
  #weigh(index: number, place: 0 | 1, nowMs: number): void {
    const slot = this.#set.slotAt(index);
    const inFlightCount = this.#set.inFlightAt(index);
    const estimateMs = this.#estimatesMs[slot] ?? 0;
    const elapsedMs = Math.max(0, nowMs - (this.#measuredAtMs[slot] ?? 0));
    const fadedMs = estimateMs * Math.exp(-elapsedMs / this.#decayMs);
    const floorMs = inFlightCount > 0 ? Math.min(estimateMs, this.#initialMs) : 0;
    const expectedMs = Math.max(fadedMs, floorMs) * (inFlightCount + 1);
    this.#costs[place] = expectedMs / this.#set.weightAt(index);
  }

  #observe(index: number, nowMs: number, latencyMs: number): void {
    const slot = this.#set.slotAt(index);
    if (slot < 0) return;
    const elapsedMs = Math.max(0, nowMs - (this.#measuredAtMs[slot] ?? 0));
    const weight = Math.exp(-elapsedMs / this.#decayMs);
    const estimateMs = this.#estimatesMs[slot] ?? 0;
    const isPeak = latencyMs > estimateMs * weight;
    this.#estimatesMs[slot] = isPeak ? latencyMs : latencyMs * (1 - weight) + estimateMs * weight;
    this.#measuredAtMs[slot] = Math.max(nowMs, this.#measuredAtMs[slot] ?? 0);
  }

  /**
   * Takes note of endpoints that came into slots since the last look. Allocates only if there are
   * more.
   */
  #follow(): void {
    const set = this.#set;
    if (this.#version === set.version) return;
    this.#version = set.version;
    if (this.#eligible.length < set.length) this.#eligible = new Int32Array(set.length);
    if (this.#estimatesMs.length < set.slotCount) {
      this.#estimatesMs = grown(this.#estimatesMs, set.slotCount);
      this.#measuredAtMs = grown(this.#measuredAtMs, set.slotCount);
      this.#stamps = grown(this.#stamps, set.slotCount);
    }
    for (let index = 0; index < set.length; index += 1) {
      const slot = set.slotAt(index);
      const stamp = set.stampOf(slot);
      if (this.#stamps[slot] === stamp) continue;
      this.#stamps[slot] = stamp;
      this.#estimatesMs[slot] = this.#initialMs;
      this.#measuredAtMs[slot] = set.addedAtMsAt(index);
    }
  }
}

/**
 * Uniform over [0, count) without `taken`; without replacement, as `count` - 1 places are drawn
 * from.
 */
function distinctFrom(taken: number, rng: Rng, count: number): number {
  const place = Math.floor(rng() * (count - 1));
  return place >= taken ? place + 1 : place;
}
