/**
 * Those that may be picked now: for pickers that draw. A draw from all that is refused is drawn
 * again, which keeps it uniform; where that takes too often, all are looked at once and the draw
 * is made from those that may be picked.
 */
import type { Rng } from '@leno/std';
import type { Member, Roster } from '../roster.ts';
import type { Admits } from './picker.ts';

/** How often a draw is repeated before all are looked at. */
export const DRAW_COUNT_MAX = 8;

/** The endpoints of a roster that may be picked, as of the last `collect`. */
export class Eligible<M extends Member> {
  readonly #roster: Roster<M>;
  #indexes = new Int32Array(0);

  constructor(roster: Roster<M>) {
    this.#roster = roster;
  }

  /** Whether the endpoint has a weight and is admitted. */
  has(index: number, admits: Admits | undefined): boolean {
    return this.#roster.weightAt(index) > 0 && (admits === undefined || admits(index));
  }

  /** A draw from all, uniform over those that may be picked; -1 if it did not hit any of them. */
  draw(rng: Rng, admits: Admits | undefined): number {
    const { length } = this.#roster;
    for (let drawn = 0; drawn < DRAW_COUNT_MAX; drawn += 1) {
      const index = Math.floor(rng() * length);
      if (this.has(index, admits)) return index;
    }
    return -1;
  }

  /** Looks at all, and says how many may be picked. Allocates only if there are more than ever. */
  collect(admits: Admits | undefined): number {
    const { length } = this.#roster;
    if (this.#indexes.length < length) this.#indexes = new Int32Array(length);
    let count = 0;
    for (let index = 0; index < length; index += 1) {
      if (!this.has(index, admits)) continue;
      this.#indexes[count] = index;
      count += 1;
    }
    return count;
  }

  /** Of those that were collected. */
  at(place: number): number {
    return this.#indexes[place] ?? -1;
  }
}

/** Uniform over [0, count) without `taken`: `count` - 1 places are drawn from. */
export function distinctFrom(taken: number, rng: Rng, count: number): number {
  const place = Math.floor(rng() * (count - 1));
  return place >= taken ? place + 1 : place;
}
