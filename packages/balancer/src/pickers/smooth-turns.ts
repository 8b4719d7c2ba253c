/**
 * Turns of nginx's smooth weighted round robin: every turn adds its weight to each endpoint's
 * credit, the highest has the turn, and the sum of the weights is taken from it. Weights 5, 1, 1
 * give a a b a c a a. Who may not be picked neither earns nor pays. O(n) a turn. Failures do not
 * lower a weight, as they do in nginx: that is the breaker's part.
 */
import type { Member, Roster } from '../roster.ts';
import { grown } from '../slot-table.ts';
import type { Admits } from './picker.ts';

/** The credits of the endpoints of a roster. */
export class SmoothTurns<M extends Member> {
  readonly #roster: Roster<M>;
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
    if (best >= 0) credits[bestSlot] = bestCredit - total;
    return best;
  }

  /** By index. */
  credits(): readonly number[] {
    this.#follow();
    return Array.from(
      { length: this.#roster.length },
      (_, index) => this.#credits[this.#roster.slotAt(index)] ?? 0,
    );
  }

  /**
   * Takes note of endpoints that came into slots since the last look; they begin without credit.
   */
  #follow(): void {
    const roster = this.#roster;
    if (this.#version === roster.version) return;
    this.#version = roster.version;
    if (this.#credits.length < roster.slotCount) {
      this.#credits = grown(this.#credits, roster.slotCount);
      this.#stamps = grown(this.#stamps, roster.slotCount);
    }
    for (let index = 0; index < roster.length; index += 1) {
      const slot = roster.slotAt(index);
      const stamp = roster.stampOf(slot);
      if (this.#stamps[slot] === stamp) continue;
      this.#stamps[slot] = stamp;
      this.#credits[slot] = 0;
    }
  }
}
