/**
 * Any, as probable as its weight says; by a table of aliases where weights differ or slow start
 * holds anybody back, so that a draw is O(1) whatever the weights. The table is made anew after an
 * update, and at each step of slow start.
 *
 * The table is Vose's ("A Linear Algorithm for Generating Random Numbers with a Given
 * Distribution", 1991).
 */
import type { Rng } from '@leno/std';
import type { Member, Roster } from '../roster.ts';
import { AliasTable } from './alias-table.ts';
import { DRAW_COUNT_MAX, Eligible } from './eligible.ts';
import type { Admits, Picker, PickScore } from './picker.ts';
import type { Policy } from './policy.ts';

/** Any by chance. A pick is O(1), and O(n) if most of those that are drawn may not be picked. */
export class Random<M extends Member> implements Picker {
  readonly #set: Roster<M>;
  readonly #eligible: Eligible<M>;
  readonly #aliases = new AliasTable();
  #version = -1;
  #rampVersion = -1;

  constructor(set: Roster<M>) {
    this.#set = set;
    this.#eligible = new Eligible(set);
  }

  pick(nowMs: number, rng: Rng, admits?: Admits): number {
    const set = this.#set;
    set.tick(nowMs);
    if (set.pickableCount === 0) return -1;
    if (set.isEven && !set.table.isRamping) {
      const index = this.#eligible.draw(rng, admits);
      return index >= 0 ? index : this.#evenAmongEligible(rng, admits);
    }
    this.#follow();
    for (let drawn = 0; drawn < DRAW_COUNT_MAX; drawn += 1) {
      const index = this.#aliases.draw(rng);
      if (this.#eligible.has(index, admits)) return index;
    }
    return this.#weightedAmongEligible(rng, admits);
  }

  started(index: number, _nowMs: number): void {
    this.#set.countIn(index);
  }

  ended(index: number): void {
    this.#set.countOut(index);
  }

  /** The score is the probability, of all that have a weight. */
  explain(): readonly PickScore[] {
    const set = this.#set;
    const weights = Array.from({ length: set.length }, (_, index) => set.warmWeightAt(index));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight, index) => ({
      id: set.at(index).id,
      score: total === 0 ? 0 : weight / total,
    }));
  }

  #evenAmongEligible(rng: Rng, admits: Admits | undefined): number {
    const count = this.#eligible.collect(admits);
    return count === 0 ? -1 : this.#eligible.at(Math.floor(rng() * count));
  }

  #weightedAmongEligible(rng: Rng, admits: Admits | undefined): number {
    const count = this.#eligible.collect(admits);
    let total = 0;
    for (let place = 0; place < count; place += 1) {
      total += this.#set.warmWeightAt(this.#eligible.at(place));
    }
    let rest = rng() * total;
    for (let place = 0; place < count; place += 1) {
      rest -= this.#set.warmWeightAt(this.#eligible.at(place));
      if (rest < 0) return this.#eligible.at(place);
    }
    // Rounding may leave a little over, which is the last one's.
    return count === 0 ? -1 : this.#eligible.at(count - 1);
  }

  #follow(): void {
    const set = this.#set;
    const { rampVersion } = set.table;
    if (this.#version === set.version && this.#rampVersion === rampVersion) return;
    this.#version = set.version;
    this.#rampVersion = rampVersion;
    this.#aliases.begin(set.length);
    for (let index = 0; index < set.length; index += 1) {
      this.#aliases.set(index, set.warmWeightAt(index));
    }
    this.#aliases.settle();
  }
}

/** Any by chance, as probable as its weight says. */
export function random(): Policy {
  return { kind: 'random', pickersOf: () => (roster) => new Random(roster) };
}
