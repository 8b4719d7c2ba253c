/**
 * Each as often as its weight says, evenly spread: nginx's smooth weighted round robin. Every pick
 * adds its weight to each endpoint's credit, takes the highest, and takes the sum of the weights
 * from that one. Weights 5, 1, 1 give a a b a c a a. An endpoint that is not admitted neither earns
 * nor pays. O(n) a pick: right up to some hundred endpoints. Failures do not lower a weight, as
 * they do in nginx: that is the breaker's part.
 */
import type { Rng } from '@leno/std';
import { type EndpointSet, grown, type Member } from '../endpoint-set.ts';
import type { Picker, PickScore } from './picker.ts';

/** Each as often as its weight says. A pick is O(n). */
export class SmoothWeighted<M extends Member> implements Picker {
  readonly #set: EndpointSet<M>;
  // By slot.
  #credits = new Float64Array(0);
  #stamps = new Float64Array(0);
  #version = -1;

  constructor(set: EndpointSet<M>) {
    this.#set = set;
  }

  pick(_nowMs: number, _rng: Rng, admits: (index: number) => boolean): number {
    this.#follow();
    const set = this.#set;
    const credits = this.#credits;
    let best = -1;
    let bestSlot = -1;
    let bestCredit = Number.NEGATIVE_INFINITY;
    let total = 0;
    for (let index = 0; index < set.length; index += 1) {
      const weight = set.weightAt(index);
      if (weight === 0 || !admits(index)) continue;
      const slot = set.slotAt(index);
      const credit = (credits[slot] ?? 0) + weight;
      credits[slot] = credit;
      total += weight;
      if (credit > bestCredit) {
        best = index;
        bestSlot = slot;
        bestCredit = credit;
      }
    }
    if (best >= 0) credits[bestSlot] = bestCredit - total;
    return best;
  }

  started(index: number, _nowMs: number): void {
    this.#set.countIn(index);
  }

  ended(index: number): void {
    this.#set.countOut(index);
  }

  /** The score is the credit before the next pick: the highest sum of credit and weight is next. */
  explain(): readonly PickScore[] {
    this.#follow();
    return Array.from({ length: this.#set.length }, (_, index) => ({
      id: this.#set.at(index).id,
      score: this.#credits[this.#set.slotAt(index)] ?? 0,
    }));
  }

  /**
   * Takes note of endpoints that came into slots since the last look; they begin without credit.
   */
  #follow(): void {
    const set = this.#set;
    if (this.#version === set.version) return;
    this.#version = set.version;
    if (this.#credits.length < set.slotCount) {
      this.#credits = grown(this.#credits, set.slotCount);
      this.#stamps = grown(this.#stamps, set.slotCount);
    }
    for (let index = 0; index < set.length; index += 1) {
      const slot = set.slotAt(index);
      const stamp = set.stampOf(slot);
      if (this.#stamps[slot] === stamp) continue;
      this.#stamps[slot] = stamp;
      this.#credits[slot] = 0;
    }
  }
}
