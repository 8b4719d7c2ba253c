/**
 * Fewest calls under way. Where all weights are the same, of `choiceCount` endpoints drawn at
 * random (one may be drawn twice) the one with the fewest, of equal ones the first that was drawn;
 * with the scan `full`, of all, of equal ones any by chance.
 *
 * Where weights differ, or slow start holds anybody back, turns by earliest deadline with
 * weight ÷ (calls under way + 1)^activeBias, read when an endpoint has had its turn. So the one
 * with twice the weight gets about twice the calls, and less while it is busy. A bias of 0 counts
 * the weight alone.
 *
 * The rules are those of Envoy's least request balancer. After Mitzenmacher, "The Power of Two
 * Choices in Randomized Load Balancing" (2001).
 */
import { OptionProblems, type Rng, withDefaults } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { Member, Roster } from '../roster.ts';
import { EdfTurns } from './edf-turns.ts';
import { Eligible } from './eligible.ts';
import type { Admits, Picker, PickScore } from './picker.ts';
import type { Policy } from './policy.ts';

/** How the least busy endpoint is looked for. */
export interface LeastRequestOptions {
  /** How many are drawn and compared. From 1 to 100; default 2. Not read by a full scan. */
  readonly choiceCount?: number | undefined;
  /** `choices` compares those drawn, `full` all: O(n), for small sets. Default `choices`. */
  readonly scan?: 'choices' | 'full' | undefined;
  /** How much calls under way count where weights differ. From 0 to 10; default 1. */
  readonly activeBias?: number | undefined;
}

/** Envoy's. */
export const defaultLeastRequestOptions = {
  choiceCount: 2,
  scan: 'choices',
  activeBias: 1,
} as const satisfies LeastRequestOptions;

interface Search {
  readonly choiceCount: number;
  readonly scan: 'choices' | 'full';
  readonly activeBias: number;
}

/** The least busy. A pick is O(choices), O(log n) where weights differ, O(n) in a full scan. */
export class LeastRequest<M extends Member> implements Picker {
  readonly #set: Roster<M>;
  readonly #search: Search;
  readonly #eligible: Eligible<M>;
  #edf: EdfTurns<M> | undefined;

  constructor(set: Roster<M>, options: LeastRequestOptions = {}) {
    this.#set = set;
    this.#search = checked(options);
    this.#eligible = new Eligible(set);
  }

  pick(nowMs: number, rng: Rng, admits?: Admits): number {
    const set = this.#set;
    set.tick(nowMs);
    if (set.pickableCount === 0) return -1;
    if (!set.isEven || set.table.isRamping) return this.#turns().next(rng, admits);
    this.#edf = undefined;
    if (this.#search.scan === 'full') return this.#leastOfAll(rng, admits);
    return this.#leastOfDrawn(rng, admits);
  }

  started(index: number, _nowMs: number): void {
    this.#set.countIn(index);
  }

  ended(index: number): void {
    this.#set.countOut(index);
  }

  /** The score is (calls under way + 1) ÷ weight, infinite with weight 0; less is better. */
  explain(): readonly PickScore[] {
    const set = this.#set;
    return Array.from({ length: set.length }, (_, index) => ({
      id: set.at(index).id,
      score: (set.inFlightAt(index) + 1) / set.warmWeightAt(index),
    }));
  }

  #leastOfDrawn(rng: Rng, admits: Admits | undefined): number {
    const { choiceCount } = this.#search;
    let best = -1;
    for (let drawn = 0; drawn < choiceCount; drawn += 1) {
      const index = this.#eligible.draw(rng, admits);
      if (index < 0) return this.#leastOfCollected(rng, admits);
      if (best < 0 || this.#set.inFlightAt(index) < this.#set.inFlightAt(best)) best = index;
    }
    return best;
  }

  #leastOfCollected(rng: Rng, admits: Admits | undefined): number {
    const count = this.#eligible.collect(admits);
    if (count === 0) return -1;
    let best = -1;
    for (let drawn = 0; drawn < this.#search.choiceCount; drawn += 1) {
      const index = this.#eligible.at(Math.floor(rng() * count));
      if (best < 0 || this.#set.inFlightAt(index) < this.#set.inFlightAt(best)) best = index;
    }
    return best;
  }

  /** Of k that are tied so far the k-th takes the place with the probability 1 ÷ k. */
  #leastOfAll(rng: Rng, admits: Admits | undefined): number {
    const set = this.#set;
    let best = -1;
    let least = Number.POSITIVE_INFINITY;
    let tiedCount = 0;
    for (let index = 0; index < set.length; index += 1) {
      const count = set.inFlightAt(index);
      if (count > least || !this.#eligible.has(index, admits)) continue;
      tiedCount = count < least ? 1 : tiedCount + 1;
      least = count;
      if (tiedCount === 1 || rng() * tiedCount < 1) best = index;
    }
    return best;
  }

  #turns(): EdfTurns<M> {
    this.#edf ??= new EdfTurns(this.#set, { activeBias: this.#search.activeBias });
    return this.#edf;
  }
}

/** The endpoint with the fewest calls under way. */
export function leastRequest(options: LeastRequestOptions = {}): Policy {
  checked(options);
  return { kind: 'leastRequest', pickersOf: () => (roster) => new LeastRequest(roster, options) };
}

function checked(given: LeastRequestOptions): Search {
  const options = withDefaults<Search>(given, defaultLeastRequestOptions);
  const problems = new OptionProblems();
  const { choiceCount, scan, activeBias } = options;
  problems.count('choiceCount', choiceCount, 1);
  problems.check(!(choiceCount > 100), 'choiceCount', choiceCount, 'be at most 100');
  problems.check(scan === 'choices' || scan === 'full', 'scan', scan, 'be choices or full');
  problems.range('activeBias', activeBias, 0, 10);
  problems.throwIfAny(InvalidOptionError);
  return options;
}
