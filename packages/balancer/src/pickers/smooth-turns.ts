/**
 * Turns of nginx's smooth weighted round robin: every turn adds its weight to each endpoint's
 * credit, the highest has the turn, and the sum of the weights is taken from it. Weights 5, 1, 1
 * give a a b a c a a. Who may not be picked neither earns nor pays. O(n) a turn. Failures do not
 * lower a weight, as they do in nginx: that is the breaker's part.
 *
 * A credit divided by the sum of the weights says how many turns an endpoint is behind. That holds
 * when the sum changes, as credits are scaled with it. In nginx they are not: where the weights
 * 1000, 1000 become 1, 1, or the first of 1000, 1, 1 is out, hundreds of turns in a row are had by
 * one endpoint.
 */
import type { Member, Roster } from '../roster.ts';
import { grown } from '../slot-table.ts';
import type { Admits } from './picker.ts';

/** The credits of the endpoints of a roster. */
export class SmoothTurns<M extends Member> {
  readonly #roster: Roster<M>;
  // In an array, as a double that is passed or kept in a field might be boxed on the heap.
  /** The sum of weights in which the credits are; 0 before the first turn. */
  readonly #total = new Float64Array(1);
  readonly #scaled = new Float64Array(1);
  // By slot.
  #credits = new Float64Array(0);
  #stamps = new Float64Array(0);
  #version = -1;

  constructor(roster: Roster<M>) {
    this.#roster = roster;
  }

  /** The endpoint whose turn it is, or -1 if nobody may be picked. */
  next(admits: Admits | undefined): number {
    this.#follow();
    const roster = this.#roster;
    const { table, length } = roster;
    const credits = this.#credits;
    let best = -1;
    let bestSlot = -1;
    let bestCredit = Number.NEGATIVE_INFINITY;
    let total = 0;
    for (let index = 0; index < length; index += 1) {
      const slot = roster.slotAt(index);
      const weight = table.weightOf(slot) * table.ratioOf(slot);
      if (weight === 0 || (admits !== undefined && !admits(index))) continue;
      const credit = (credits[slot] ?? 0) + weight;
      credits[slot] = credit;
      total += weight;
      if (credit > bestCredit) {
        best = index;
        bestSlot = slot;
        bestCredit = credit;
      }
    }
    if (best < 0) return -1;
    const before = this.#total[0] ?? 0;
    this.#total[0] = total;
    if (before === total || before === 0) {
      credits[bestSlot] = bestCredit - total;
      return best;
    }
    // Seldom: the sum is only known after the look at all, who have earned in it meanwhile.
    this.#scaled[0] = total / before;
    return this.#nextScaled(admits);
  }

  #nextScaled(admits: Admits | undefined): number {
    const roster = this.#roster;
    const { table, length } = roster;
    const credits = this.#credits;
    const scale = this.#scaled[0] ?? 1;
    let best = -1;
    let bestSlot = -1;
    for (let index = 0; index < length; index += 1) {
      const slot = roster.slotAt(index);
      const weight = table.weightOf(slot) * table.ratioOf(slot);
      const isIn = weight > 0 && (admits === undefined || admits(index));
      const earned = isIn ? weight : 0;
      credits[slot] = ((credits[slot] ?? 0) - earned) * scale + earned;
      if (!isIn || (best >= 0 && (credits[slot] ?? 0) <= (credits[bestSlot] ?? 0))) continue;
      best = index;
      bestSlot = slot;
    }
    credits[bestSlot] = (credits[bestSlot] ?? 0) - (this.#total[0] ?? 0);
    return best;
  }

  /** By index. Changes nothing. */
  credits(): readonly number[] {
    const roster = this.#roster;
    return Array.from({ length: roster.length }, (_, index) => {
      const slot = roster.slotAt(index);
      return this.#stamps[slot] === roster.stampOf(slot) ? (this.#credits[slot] ?? 0) : 0;
    });
  }

  /**
   * Takes note of endpoints that came since the last look, into the set or from another part of it;
   * they begin without credit.
   */
  #follow(): void {
    const roster = this.#roster;
    if (this.#version === roster.version) return;
    this.#version = roster.version;
    if (this.#credits.length < roster.slotCount) {
      this.#credits = grown(this.#credits, roster.slotCount);
    }
    const before = this.#stamps;
    this.#stamps = new Float64Array(roster.slotCount);
    for (let index = 0; index < roster.length; index += 1) {
      const slot = roster.slotAt(index);
      const stamp = roster.stampOf(slot);
      this.#stamps[slot] = stamp;
      if (before[slot] !== stamp) this.#credits[slot] = 0;
    }
  }
}
