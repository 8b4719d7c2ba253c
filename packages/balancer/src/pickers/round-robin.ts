/**
 * Each in turn, whatever its weight (but 0). The first turn is drawn, so that a fleet of callers
 * that start together does not begin at the same endpoint. While slow start holds anybody back,
 * turns are had by earliest deadline, where a newcomer's come as seldom as its share is small.
 */
import type { Rng } from '@leno/std';
import type { Member, Roster } from '../roster.ts';
import { EdfTurns } from './edf-turns.ts';
import type { Admits, Picker, PickScore } from './picker.ts';
import type { Policy } from './policy.ts';

/** Each in turn. A pick is O(1), and O(n) past those that may not be picked. */
export class RoundRobin<M extends Member> implements Picker {
  readonly #set: Roster<M>;
  /** Where the next search begins; -1 before the first. */
  #nextIndex = -1;
  /** While slow start holds anybody back. */
  #warming: EdfTurns<M> | undefined;

  constructor(set: Roster<M>) {
    this.#set = set;
  }

  pick(nowMs: number, rng: Rng, admits?: Admits): number {
    const set = this.#set;
    if (set.table.isRamping) return this.#pickWarming(nowMs, rng, admits);
    const { length } = set;
    let index = this.#nextIndex;
    if (index < 0) index = Math.floor(rng() * length);
    if (index >= length) index = 0;
    if ((set.isAllPickable || set.weightAt(index) > 0) && (admits === undefined || admits(index))) {
      this.#nextIndex = index + 1;
      return index;
    }
    return this.#search(index, admits);
  }

  started(index: number, _nowMs: number): void {
    this.#set.countIn(index);
  }

  ended(index: number): void {
    this.#set.countOut(index);
  }

  /**
   * The score is the number of endpoints before it in the round, 0 is next; infinite with weight 0.
   * While slow start holds anybody back it is the time until its turn, as `Weighted` has it.
   */
  explain(): readonly PickScore[] {
    const set = this.#set;
    const { length } = set;
    const waits = set.table.isRamping ? this.#warming?.waits() : undefined;
    const next = this.#nextIndex >= length ? 0 : Math.max(this.#nextIndex, 0);
    return Array.from({ length }, (_, index) => {
      const turn = (index - next + length) % length;
      const score = set.weightAt(index) > 0 ? (waits?.[index] ?? turn) : Number.POSITIVE_INFINITY;
      return { id: set.at(index).id, score };
    });
  }

  #search(start: number, admits: Admits | undefined): number {
    const set = this.#set;
    let index = start;
    for (let step = set.length; step > 0; step -= 1) {
      if (
        (set.isAllPickable || set.weightAt(index) > 0) &&
        (admits === undefined || admits(index))
      ) {
        this.#nextIndex = index + 1;
        return index;
      }
      index = index + 1 === set.length ? 0 : index + 1;
    }
    return -1;
  }

  #pickWarming(nowMs: number, rng: Rng, admits: Admits | undefined): number {
    this.#set.tick(nowMs);
    this.#warming ??= new EdfTurns(this.#set, { isEven: true });
    const index = this.#warming.next(rng, admits);
    if (!this.#set.table.isRamping) this.#warming = undefined;
    return index;
  }
}

/** Each in turn, whatever its weight. */
export function roundRobin(): Policy {
  return { kind: 'roundRobin', pickersOf: () => (roster) => new RoundRobin(roster) };
}
