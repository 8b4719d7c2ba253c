/**
 * Turns by earliest deadline first: each endpoint is due again 1 ÷ weight after its last turn, and
 * whoever is due first is next; of those due at once, whoever was put in line first. So each comes
 * as often as its weight says, for O(log n) a turn, where smooth weighted turns cost O(n).
 *
 * The weight is read when an endpoint has had its turn, so that one that moves (slow start, calls
 * under way) is followed from turn to turn. A first line begins at a point of the cycle that is
 * drawn, as though all turns before it had been had: a fleet of callers that start together
 * would else begin with the same heavy endpoints, and those that call seldom would never reach the
 * light ones. An update keeps everybody's place: who is half-way to a turn is so under a new
 * weight. A newcomer is due after 1 ÷ weight.
 *
 * Who may not be picked loses the turn, as though it had had it: it comes back without arrears.
 * After eight such in a row all are looked at, so that a turn costs O(n) at most.
 *
 * The order is that of Envoy's `edf_scheduler`.
 */
import type { Rng } from '@leno/std';
import type { Member, Roster } from '../roster.ts';
import { grown } from '../slot-table.ts';
import { DeadlineHeap } from './deadline-heap.ts';
import type { Admits } from './picker.ts';

/** What a turn's weight is made of, but for slow start, which always counts. */
export interface EdfWeighing {
  /** Every endpoint weighs the same. */
  readonly isEven?: boolean;
  /** The weight is divided by (calls under way + 1) to this power. */
  readonly activeBias?: number;
}

/** Turns that were lost in a row before all endpoints are looked at. */
const LOST_COUNT_MAX = 8;

/** Deadlines are moved towards 0 before they are so large that 1 ÷ weight is lost in rounding. */
const CYCLE_COUNT_MAX = 2 ** 32;

interface Entry {
  readonly index: number;
  readonly slot: number;
  readonly weight: number;
}

/** The line of the endpoints of a roster. */
export class EdfTurns<M extends Member> {
  readonly #roster: Roster<M>;
  readonly #isEven: boolean;
  readonly #activeBias: number;
  readonly #heap = new DeadlineHeap();
  // By slot.
  #indexes = new Int32Array(0);
  #weights = new Float64Array(0);
  #stamps = new Float64Array(0);
  /** Those of the line before, while it is taken over. */
  #lineStamps = new Float64Array(0);
  #isDrawn = false;
  #version = -1;
  /** When it is time to begin again from 0. */
  #nowMax = CYCLE_COUNT_MAX;

  constructor(roster: Roster<M>, { isEven = false, activeBias = 0 }: EdfWeighing = {}) {
    this.#roster = roster;
    this.#isEven = isEven;
    this.#activeBias = activeBias;
  }

  /** The endpoint whose turn it is, or -1 if nobody may be picked. */
  next(rng: Rng, admits: Admits | undefined): number {
    if (this.#version !== this.#roster.version) this.#follow(rng);
    const heap = this.#heap;
    if (heap.length === 0) return -1;
    let index = this.#turn(0);
    if (admits === undefined) return index;
    for (let lostCount = 1; lostCount < LOST_COUNT_MAX; lostCount += 1) {
      if (admits(index)) return index;
      index = this.#turn(0);
    }
    return admits(index) ? index : this.#earliestOf(admits);
  }

  /**
   * How long until each is due, in turns of an endpoint with weight 1; by index. Infinite for
   * whoever has no weight, and for all before the first turn. Changes nothing.
   */
  waits(): readonly number[] {
    const roster = this.#roster;
    const heap = this.#heap;
    const bySlot = new Map<number, number>();
    for (let place = 0; place < heap.length; place += 1) {
      bySlot.set(heap.slotAt(place), heap.deadlineAt(place) - (heap.now[0] ?? 0));
    }
    return Array.from({ length: roster.length }, (_, index) => {
      const slot = roster.slotAt(index);
      if (!this.#isDrawn || roster.weightAt(index) === 0) return Number.POSITIVE_INFINITY;
      const wait = bySlot.get(slot);
      const isInLine = wait !== undefined && this.#stamps[slot] === roster.stampOf(slot);
      const weight = this.#isEven ? 1 : roster.weightAt(index);
      if (isInLine) return (wait * (this.#weights[slot] ?? 1)) / weight;
      this.#weigh(index, slot);
      return 1 / (heap.weight[0] ?? 1);
    });
  }

  /** Whoever stands at the place has its turn. */
  #turn(place: number): number {
    const heap = this.#heap;
    const slot = heap.slotAt(place);
    const index = this.#indexes[slot] ?? -1;
    this.#weigh(index, slot);
    heap.turn(place);
    if ((heap.now[0] ?? 0) > this.#nowMax) heap.rebase();
    return index;
  }

  #earliestOf(admits: Admits): number {
    const heap = this.#heap;
    let best = -1;
    for (let place = 0; place < heap.length; place += 1) {
      if (best >= 0 && !heap.isBefore(place, best)) continue;
      if (admits(this.#indexes[heap.slotAt(place)] ?? -1)) best = place;
    }
    return best < 0 ? -1 : this.#turn(best);
  }

  #weigh(index: number, slot: number): void {
    const { table } = this.#roster;
    const weight = (this.#isEven ? 1 : table.weightOf(slot)) * table.ratioOf(slot);
    if (this.#activeBias === 0) {
      this.#heap.weight[0] = weight;
      return;
    }
    const load = this.#roster.inFlightAt(index) + 1;
    this.#heap.weight[0] = weight / (this.#activeBias === 1 ? load : load ** this.#activeBias);
  }

  /** Takes over the list as it is now, with the places that there were. */
  #follow(rng: Rng): void {
    const roster = this.#roster;
    const heap = this.#heap;
    this.#version = roster.version;
    if (this.#weights.length < roster.slotCount) {
      this.#weights = grown(this.#weights, roster.slotCount);
      this.#indexes = new Int32Array(roster.slotCount);
    }
    // Made anew: who left for another part of the set and comes back later has no place here.
    this.#lineStamps = this.#stamps;
    this.#stamps = new Float64Array(roster.slotCount);
    heap.keep(roster.slotCount);
    for (let index = 0; index < roster.length; index += 1) {
      this.#indexes[roster.slotAt(index)] = index;
    }
    if (this.#isDrawn) {
      for (let index = 0; index < roster.length; index += 1) this.#line(index);
      heap.settle();
    } else {
      this.#begin(rng);
    }
    this.#boundTime();
  }

  /** Puts an endpoint in line: where it was, or behind a turn of its own if it is new. */
  #line(index: number): void {
    const roster = this.#roster;
    const slot = roster.slotAt(index);
    if (roster.weightAt(index) === 0) return;
    const now = this.#heap.now[0] ?? 0;
    const weight = this.#isEven ? 1 : roster.weightAt(index);
    if (this.#lineStamps[slot] === roster.stampOf(slot)) {
      this.#heap.rejoin(slot, (this.#weights[slot] ?? 1) / weight);
    } else {
      this.#weigh(index, slot);
      this.#heap.join(slot, now + 1 / (this.#heap.weight[0] ?? 1));
    }
    this.#note(index, slot);
  }

  #note(index: number, slot: number): void {
    this.#stamps[slot] = this.#roster.stampOf(slot);
    this.#weights[slot] = this.#isEven ? 1 : this.#roster.weightAt(index);
  }

  /**
   * Makes the first line, as it is after so many turns as are drawn, of the longest cycle, that of
   * the lightest. Turns that were due up to a time are reckoned; the rest, fewer than there are
   * endpoints, are had one by one.
   */
  #begin(rng: Rng): void {
    const heap = this.#heap;
    const entries = this.#entries();
    if (entries.length === 0) return;
    this.#isDrawn = true;
    const total = entries.reduce((sum, it) => sum + it.weight, 0);
    const least = entries.reduce((min, it) => Math.min(min, it.weight), total);
    const turnCount = Math.floor((rng() * total) / least);
    const now = turnCount / total;
    heap.now[0] = now;
    const had = ({ weight }: Entry): number => Math.floor(now * weight);
    // Of those that are due at once, whoever had the last turn earlier is first, as always.
    entries.sort((one, other) => had(one) / one.weight - had(other) / other.weight);
    let restCount = turnCount;
    for (const entry of entries) {
      heap.join(entry.slot, (had(entry) + 1) / entry.weight);
      this.#note(entry.index, entry.slot);
      restCount -= had(entry);
    }
    heap.settle();
    for (let turn = 0; turn < Math.min(restCount, entries.length); turn += 1) this.#turn(0);
  }

  /** Those that have a weight, with what it counts now. */
  #entries(): Entry[] {
    const entries: Entry[] = [];
    for (let index = 0; index < this.#roster.length; index += 1) {
      const slot = this.#roster.slotAt(index);
      this.#weigh(index, slot);
      const weight = this.#heap.weight[0] ?? 0;
      if (this.#roster.weightAt(index) > 0) entries.push({ index, slot, weight });
    }
    return entries;
  }

  #boundTime(): void {
    let most = Number.MIN_VALUE;
    for (let index = 0; index < this.#roster.length; index += 1) {
      most = Math.max(most, this.#isEven ? 1 : this.#roster.weightAt(index));
    }
    this.#nowMax = CYCLE_COUNT_MAX / most;
  }
}
