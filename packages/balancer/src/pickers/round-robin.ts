/**
 * Each in turn, whatever its weight (but 0). The first turn is drawn, so that a fleet of callers
 * that start together does not begin at the same endpoint.
 */
import type { Rng } from '@leno/std';
import type { EndpointSet, Member } from '../endpoint-set.ts';
import type { Picker, PickScore } from './picker.ts';

/** Each in turn. A pick is O(1), and O(n) past those that may not be picked. */
export class RoundRobin<M extends Member> implements Picker {
  readonly #set: EndpointSet<M>;
  /** Where the next search begins; -1 before the first. */
  #nextIndex = -1;

  constructor(set: EndpointSet<M>) {
    this.#set = set;
  }

  pick(_nowMs: number, rng: Rng, admits: (index: number) => boolean): number {
    const { length } = this.#set;
    if (length === 0) return -1;
    if (this.#nextIndex < 0) this.#nextIndex = Math.floor(rng() * length);
    for (let step = 0; step < length; step += 1) {
      const index = (this.#nextIndex + step) % length;
      if (this.#set.weightAt(index) > 0 && admits(index)) {
        this.#nextIndex = index + 1;
        return index;
      }
    }
    return -1;
  }

  started(index: number, _nowMs: number): void {
    this.#set.countIn(index);
  }

  ended(index: number): void {
    this.#set.countOut(index);
  }

  /** The score is the number of turns until its own; 0 is next. */
  explain(): readonly PickScore[] {
    const { length } = this.#set;
    const next = Math.max(this.#nextIndex, 0) % Math.max(length, 1);
    return Array.from({ length }, (_, index) => ({
      id: this.#set.at(index).id,
      score: (index - next + length) % length,
    }));
  }
}
