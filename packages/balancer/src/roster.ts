/**
 * Endpoints in an order, over the table in which their state lies: what pickers choose from.
 *
 *   index   a position, 0 to length - 1: what pickers give and take. It holds until the next
 *           change of the list.
 *
 * An `EndpointSet` is a roster that holds all; the endpoints of one priority or of one zone are
 * rosters over the same table, so that whatever is learnt of an endpoint is known in each.
 */
import { assert } from '@leno/std';
import type { Health, SlotTable } from './slot-table.ts';

/** What a set needs to know of an endpoint. */
export interface Member {
  /** Unique in its set, and stable for as long as its state should be kept. */
  readonly id: string;
  /** Its share of the load relative to the others: 0, which is never picked, or 1e-6 to 1e9. */
  readonly weight: number;
  /** 0 is used first, the next one as the ones before it fail. From 0 to 127; default 0. */
  readonly priority?: number | undefined;
  /** Where it is, for routing within a zone. None by default. */
  readonly zone?: string | undefined;
  /** What its places for keys are computed from; `address:port` in Envoy. Default the id. */
  readonly hashKey?: string | undefined;
}

/** Endpoints by position. */
export class Roster<M extends Member> {
  readonly #table: SlotTable;
  #members: readonly M[] = [];
  #slots = new Int32Array(0);
  #length = 0;
  #pickableCount = 0;
  #isAllPickable = false;
  #isEven = true;
  #version = 0;

  constructor(table: SlotTable) {
    this.#table = table;
  }

  /** Where the state of its endpoints lies; views of this list lie over the same. */
  get table(): SlotTable {
    return this.#table;
  }

  /** How many endpoints there are. */
  get length(): number {
    return this.#length;
  }

  /** Grows with each change of the list: how a picker learns that its arrays may be behind. */
  get version(): number {
    return this.#version;
  }

  /** How many have a weight above 0. */
  get pickableCount(): number {
    return this.#pickableCount;
  }

  /** Whether there is anybody, and nobody has the weight 0. */
  get isAllPickable(): boolean {
    return this.#isAllPickable;
  }

  /** Whether all weights above 0 are the same; slow start aside. */
  get isEven(): boolean {
    return this.#isEven;
  }

  /** One more than the highest slot there ever was: the length that arrays by slot need. */
  get slotCount(): number {
    return this.#table.slotCount;
  }

  /** The endpoint at the index, which must be in [0, length). */
  at(index: number): M {
    const member = this.#members[index];
    // The message is not made unless it is needed: pickers come here for each endpoint they ask of.
    if (member === undefined) assert(false, `index ${index} is within the set of ${this.length}`);
    return member;
  }

  /** Where state of the endpoint at the index lies. */
  slotAt(index: number): number {
    return this.#slots[index] ?? -1;
  }

  /** Tells one stay of an id from the next, and one user of a slot from another; 0 is nobody. */
  stampOf(slot: number): number {
    return this.#table.stampOf(slot);
  }

  /** When the endpoint at the index came. */
  addedAtMsAt(index: number): number {
    return this.#table.addedAtMsOf(this.slotAt(index));
  }

  /** As of the last update; 0 for an index beyond the list. */
  weightAt(index: number): number {
    return this.#table.weightOf(this.slotAt(index));
  }

  /** The weight that slow start leaves, as of the last `tick`. */
  warmWeightAt(index: number): number {
    const slot = this.slotAt(index);
    return this.#table.weightOf(slot) * this.#table.ratioOf(slot);
  }

  /** Calls under way to the endpoint at the index. */
  inFlightAt(index: number): number {
    return this.#table.inFlightOf(this.slotAt(index));
  }

  /** As last told; an endpoint comes healthy. */
  healthAt(index: number): Health {
    return this.#table.healthOf(this.slotAt(index));
  }

  /** Brings the shares of slow start up to date; pickers do, in `pick`. */
  tick(nowMs: number): void {
    this.#table.tick(nowMs);
  }

  /** Counts a call in; pickers do, in `started`. */
  countIn(index: number): void {
    this.#table.countIn(this.slotAt(index));
  }

  /** Counts a call out. Stays at 0 for one that started before the endpoint left and came back. */
  countOut(index: number): void {
    this.#table.countOut(this.slotAt(index));
  }

  /** Takes the list, with the slot of each. For the set and its views only. */
  assign(members: readonly M[], slots: Int32Array<ArrayBuffer>): void {
    this.#members = members;
    this.#slots = slots;
    this.#length = slots.length;
    this.#version += 1;
    let weight = 0;
    this.#pickableCount = 0;
    this.#isEven = true;
    for (const slot of slots) {
      const own = this.#table.weightOf(slot);
      if (own === 0) continue;
      if (this.#pickableCount > 0 && own !== weight) this.#isEven = false;
      this.#pickableCount += 1;
      weight = own;
    }
    this.#isAllPickable = slots.length > 0 && this.#pickableCount === slots.length;
  }
}
