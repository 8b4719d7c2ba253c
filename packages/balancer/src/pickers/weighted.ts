/**
 * Each as often as its weight says: by smooth turns up to 32 endpoints, which spread best, by
 * earliest deadline above, which scales. A set that grows or shrinks past 32 begins a new line.
 */
import type { Rng } from '@leno/std';
import type { Member, Roster } from '../roster.ts';
import { EdfTurns } from './edf-turns.ts';
import type { Admits, Picker, PickScore } from './picker.ts';
import type { Policy } from './policy.ts';
import { SmoothTurns } from './smooth-turns.ts';

/** Above this, smooth turns cost more than they are worth. */
const SMOOTH_COUNT_MAX = 32;

/** Each as often as its weight says. A pick is O(n) up to 32 endpoints, and O(log n) above. */
export class Weighted<M extends Member> implements Picker {
  readonly #set: Roster<M>;
  #smooth: SmoothTurns<M> | undefined;
  #edf: EdfTurns<M> | undefined;

  constructor(set: Roster<M>) {
    this.#set = set;
  }

  pick(nowMs: number, rng: Rng, admits?: Admits): number {
    this.#set.tick(nowMs);
    if (this.#set.length <= SMOOTH_COUNT_MAX) return this.#smoothTurns().next(admits);
    return this.#edfTurns().next(rng, admits);
  }

  started(index: number, _nowMs: number): void {
    this.#set.countIn(index);
  }

  ended(index: number): void {
    this.#set.countOut(index);
  }

  /**
   * Up to 32 endpoints the score is the credit before the next pick: the highest sum of credit and
   * weight is next. Above, it is the time until its turn, in turns of an endpoint of weight 1: the
   * least is next. Before the first pick it is 0, or infinite.
   */
  explain(): readonly PickScore[] {
    const set = this.#set;
    const isSmooth = set.length <= SMOOTH_COUNT_MAX;
    const scores = isSmooth ? this.#smooth?.credits() : this.#edf?.waits();
    const start = isSmooth ? 0 : Number.POSITIVE_INFINITY;
    return Array.from({ length: set.length }, (_, index) => ({
      id: set.at(index).id,
      score: scores?.[index] ?? start,
    }));
  }

  #smoothTurns(): SmoothTurns<M> {
    this.#edf = undefined;
    this.#smooth ??= new SmoothTurns(this.#set);
    return this.#smooth;
  }

  #edfTurns(): EdfTurns<M> {
    this.#smooth = undefined;
    this.#edf ??= new EdfTurns(this.#set);
    return this.#edf;
  }
}

/** Each as often as its weight says, evenly spread. */
export function weighted(): Policy {
  return { kind: 'weighted', pickersOf: () => (roster) => new Weighted(roster) };
}
