/**
 * The cheaper of two endpoints drawn at random, where the cost is what a call is expected to take:
 * estimated latency × (calls under way + 1) ÷ weight. The estimate is a peak EWMA
 * (`LatencyTable`). A failure counts as `failurePenaltyMs` at least: failing fast must not attract
 * traffic.
 *
 * Two distinct endpoints are drawn, and a draw is uniform over all pairs that may be picked.
 * After Mitzenmacher, "The Power of Two Choices" (2001), Finagle's PeakEwma and linkerd2-proxy's
 * pool/p2c.
 */
import { OptionProblems, type Rng, withDefaults } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { Member, Roster } from '../roster.ts';
import { DRAW_COUNT_MAX, distinctFrom, Eligible } from './eligible.ts';
import { LatencyTable } from './latency-table.ts';
import type { Admits, Picker, PickOutcome, PickScore } from './picker.ts';
import type { Policy } from './policy.ts';

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

interface Judgement {
  readonly decayMs: number;
  readonly initialMs: number;
  readonly failurePenaltyMs: number;
}

/** The cheaper of two. A pick is O(1), and O(n) if most of those drawn may not be picked. */
export class PeakEwma<M extends Member> implements Picker {
  readonly #set: Roster<M>;
  readonly #failurePenaltyMs: number;
  readonly #latencies: LatencyTable;
  readonly #eligible: Eligible<M>;
  #version = -1;

  /** With the estimates of `latencies`, where several pickers share them. */
  constructor(set: Roster<M>, options: PeakEwmaOptions = {}, latencies?: LatencyTable) {
    const judgement = checked(options);
    this.#set = set;
    this.#failurePenaltyMs = judgement.failurePenaltyMs;
    this.#latencies = latencies ?? latencyTable(judgement);
    this.#eligible = new Eligible(set);
  }

  pick(nowMs: number, rng: Rng, admits?: Admits): number {
    const set = this.#set;
    set.tick(nowMs);
    if (this.#version !== set.version) this.#follow();
    const { length } = set;
    if (set.pickableCount < 2) return this.#pickAmongEligible(nowMs, rng, admits);
    const one = this.#eligible.draw(rng, admits);
    for (let drawn = 0; one >= 0 && drawn < DRAW_COUNT_MAX; drawn += 1) {
      const other = distinctFrom(one, rng, length);
      if (this.#eligible.has(other, admits)) return this.#cheaper(one, other, nowMs);
    }
    return this.#pickAmongEligible(nowMs, rng, admits);
  }

  started(index: number, _nowMs: number): void {
    this.#set.countIn(index);
  }

  ended(index: number, nowMs: number, latencyMs: number, outcome: PickOutcome): void {
    const set = this.#set;
    set.countOut(index);
    if (outcome === 'ignored' || !(latencyMs >= 0 && latencyMs < Number.POSITIVE_INFINITY)) return;
    if (this.#version !== set.version) this.#follow();
    const isCheap = outcome === 'failure' && latencyMs < this.#failurePenaltyMs;
    this.#latencies.observe(set.slotAt(index), nowMs, isCheap ? this.#failurePenaltyMs : latencyMs);
  }

  /** The score is the cost in milliseconds, infinite with weight 0; of two, the lower is picked. */
  explain(nowMs: number): readonly PickScore[] {
    const set = this.#set;
    if (this.#version !== set.version) this.#follow();
    const scores: PickScore[] = [];
    for (let index = 0; index < set.length; index += 1) {
      this.#latencies.weigh(set, index, nowMs, 0);
      const isPickable = set.weightAt(index) > 0;
      const score = isPickable ? (this.#latencies.costs[0] ?? 0) : Number.POSITIVE_INFINITY;
      scores.push({ id: set.at(index).id, score });
    }
    return scores;
  }

  #cheaper(one: number, other: number, nowMs: number): number {
    const latencies = this.#latencies;
    latencies.weigh(this.#set, one, nowMs, 0);
    latencies.weigh(this.#set, other, nowMs, 1);
    return (latencies.costs[1] ?? 0) < (latencies.costs[0] ?? 0) ? other : one;
  }

  #pickAmongEligible(nowMs: number, rng: Rng, admits: Admits | undefined): number {
    const eligible = this.#eligible;
    const count = eligible.collect(admits);
    if (count === 0) return -1;
    if (count === 1) return eligible.at(0);
    const place = Math.floor(rng() * count);
    const otherPlace = distinctFrom(place, rng, count);
    return this.#cheaper(eligible.at(place), eligible.at(otherPlace), nowMs);
  }

  #follow(): void {
    this.#version = this.#set.version;
    this.#latencies.follow(this.#set);
  }
}

/** The endpoint that is expected to answer sooner, of two that are drawn. Leno's default. */
export function peakEwma(options: PeakEwmaOptions = {}): Policy {
  const judgement = checked(options);
  return {
    kind: 'peakEwma',
    pickersOf() {
      const latencies = latencyTable(judgement);
      return (roster) => new PeakEwma(roster, options, latencies);
    },
  };
}

function latencyTable({ decayMs, initialMs }: Judgement): LatencyTable {
  return new LatencyTable(decayMs, initialMs);
}

function checked(given: PeakEwmaOptions): Judgement {
  const options = withDefaults<Judgement>(given, defaultPeakEwmaOptions);
  const problems = new OptionProblems();
  problems.range('decayMs', options.decayMs, Number.MIN_VALUE);
  problems.range('initialMs', options.initialMs, 0);
  problems.range('failurePenaltyMs', options.failurePenaltyMs, 0);
  problems.throwIfAny(InvalidOptionError);
  return options;
}
