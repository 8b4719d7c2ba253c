/**
 * The endpoints of one cluster, by position and by id, and a place for what is remembered of each.
 *
 *   index   position in the last `update`, 0 to length - 1: what pickers give and take. It holds
 *           until the next update; whoever keeps an endpoint longer asks `indexOf` with its id.
 *   slot    where its state lies in typed arrays: the same as long as the id stays in the set.
 *   stamp   told anew for each stay of an id, so that a slot's next user is known from its last.
 *
 * State that every picker shares lies here (weight, calls under way); what one kind of picker
 * learns lies in its own arrays, by slot. So a change of the list, or of the picker, forgets
 * nothing of an endpoint that stays.
 */
import { assert } from '@leno/std';

/** What a set needs to know of an endpoint. */
export interface Member {
  /** Unique in its set, and stable for as long as its state should be kept. */
  readonly id: string;
  /** Its share of the load relative to the others; finite. 0 is never picked. */
  readonly weight: number;
}

/** What an update changed. */
export interface MembershipChange<M extends Member> {
  readonly added: readonly M[];
  readonly removed: readonly M[];
  /** Left out, because a member before them in the list has the same id. */
  readonly duplicates: readonly M[];
}

const SLOT_COUNT_START = 8;

/** The list of endpoints that pickers choose from. Starts empty; `update` fills it. */
export class EndpointSet<M extends Member> {
  #members: readonly M[] = [];
  #indexById = new Map<string, number>();
  #slotOfIndex = new Int32Array(0);
  #stampOfSlot = new Float64Array(SLOT_COUNT_START);
  #addedAtMs = new Float64Array(SLOT_COUNT_START);
  #weights = new Float64Array(SLOT_COUNT_START);
  #inFlight = new Int32Array(SLOT_COUNT_START);
  readonly #freeSlots: number[] = [];
  #slotCount = 0;
  #stampCount = 0;
  #version = 0;

  /**
   * Takes the present endpoints, in order, with their present weights. The old list is left whole
   * if one is bad.
   */
  update(members: readonly M[], nowMs: number): MembershipChange<M> {
    for (const { id, weight } of members) {
      assert(Number.isFinite(weight) && weight >= 0, `weight of ${id} is finite and >= 0`);
    }
    const next = new Map<string, number>();
    const kept: M[] = [];
    const duplicates: M[] = [];
    for (const member of members) {
      if (next.has(member.id)) {
        duplicates.push(member);
        continue;
      }
      next.set(member.id, kept.length);
      kept.push(member);
    }
    const removed = this.#members.filter((member, index) => {
      if (next.has(member.id)) return false;
      this.#freeSlots.push(this.slotAt(index));
      return true;
    });
    return { added: this.#install(kept, next, nowMs), removed, duplicates };
  }

  /** How many endpoints there are. */
  get length(): number {
    return this.#members.length;
  }

  /** The endpoint at the index, which must be in [0, length). */
  at(index: number): M {
    const member = this.#members[index];
    assert(member !== undefined, `index ${index} is within the set of ${this.length}`);
    return member;
  }

  /** Where the id is now, or -1. */
  indexOf(id: string): number {
    return this.#indexById.get(id) ?? -1;
  }

  /** Grows with each update: how a picker learns that its arrays may be behind. */
  get version(): number {
    return this.#version;
  }

  /** One more than the highest slot there ever was: the length that arrays by slot need. */
  get slotCount(): number {
    return this.#slotCount;
  }

  /** Where state of the endpoint at the index lies. */
  slotAt(index: number): number {
    return this.#slotOfIndex[index] ?? -1;
  }

  /** Tells one stay of an id from the next, and one user of a slot from another. Never 0. */
  stampOf(slot: number): number {
    return this.#stampOfSlot[slot] ?? 0;
  }

  /** When the endpoint at the index came. */
  addedAtMsAt(index: number): number {
    return this.#addedAtMs[this.slotAt(index)] ?? 0;
  }

  /** As of the last update; 0 for an index beyond the set. */
  weightAt(index: number): number {
    return this.#weights[this.slotAt(index)] ?? 0;
  }

  /** Calls under way to the endpoint at the index. */
  inFlightAt(index: number): number {
    return this.#inFlight[this.slotAt(index)] ?? 0;
  }

  /** Counts a call in; pickers do, in `started`. */
  countIn(index: number): void {
    const slot = this.slotAt(index);
    if (slot >= 0) this.#inFlight[slot] = (this.#inFlight[slot] ?? 0) + 1;
  }

  /** Counts a call out. Stays at 0 for one that started before the endpoint left and came back. */
  countOut(index: number): void {
    const slot = this.slotAt(index);
    if (slot >= 0) this.#inFlight[slot] = Math.max(0, (this.#inFlight[slot] ?? 0) - 1);
  }

  #install(members: readonly M[], next: Map<string, number>, nowMs: number): M[] {
    const slots = new Int32Array(members.length);
    const added: M[] = [];
    for (const [index, member] of members.entries()) {
      const before = this.#indexById.get(member.id);
      const slot = before === undefined ? this.#takeSlot(nowMs) : this.slotAt(before);
      if (before === undefined) added.push(member);
      slots[index] = slot;
      this.#weights[slot] = member.weight;
    }
    this.#members = members;
    this.#slotOfIndex = slots;
    this.#indexById = next;
    this.#version += 1;
    return added;
  }

  /**
   * Slots of endpoints that left are used again, so arrays grow with the peak, not with the churn.
   */
  #takeSlot(nowMs: number): number {
    const slot = this.#freeSlots.pop() ?? this.#slotCount;
    if (slot === this.#slotCount) this.#slotCount += 1;
    if (slot >= this.#weights.length) this.#grow();
    this.#stampCount += 1;
    this.#stampOfSlot[slot] = this.#stampCount;
    this.#addedAtMs[slot] = nowMs;
    this.#inFlight[slot] = 0;
    return slot;
  }

  #grow(): void {
    const length = this.#weights.length * 2;
    this.#stampOfSlot = grown(this.#stampOfSlot, length);
    this.#addedAtMs = grown(this.#addedAtMs, length);
    this.#weights = grown(this.#weights, length);
    const inFlight = new Int32Array(length);
    inFlight.set(this.#inFlight);
    this.#inFlight = inFlight;
  }
}

/** A longer copy, zeros at its end. */
export function grown(values: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const copy = new Float64Array(length);
  copy.set(values);
  return copy;
}
