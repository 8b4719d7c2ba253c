/**
 * A binary heap of slots by deadline, earliest first; of equal ones, whoever joined or was
 * postponed first. In typed arrays, so that a turn allocates nothing. A deadline and the order
 * are kept by slot while the list of slots changes: `keep`, then `join` or `rejoin` each, then
 * `settle`.
 */
import { grown } from '../slot-table.ts';

/** The line of an `EdfTurns`. */
export class DeadlineHeap {
  // In arrays, as doubles that are passed or returned might be boxed on the heap.
  /** The time of the last turn. */
  readonly now = new Float64Array(1);
  /** What a turn is taken by. */
  readonly weight = new Float64Array(1);
  // By place in the heap.
  #slots = new Int32Array(0);
  #deadlines = new Float64Array(0);
  #orders = new Float64Array(0);
  // By slot, filled by `keep`.
  #keptDeadlines = new Float64Array(0);
  #keptOrders = new Float64Array(0);
  #length = 0;
  #orderCount = 0;

  get length(): number {
    return this.#length;
  }

  /** Who stands at the place; 0 is the earliest. */
  slotAt(place: number): number {
    return this.#slots[place] ?? -1;
  }

  deadlineAt(place: number): number {
    return this.#deadlines[place] ?? 0;
  }

  /** Whether the one place is due before the other. */
  isBefore(one: number, other: number): boolean {
    const difference = (this.#deadlines[one] ?? 0) - (this.#deadlines[other] ?? 0);
    if (difference !== 0) return difference < 0;
    return (this.#orders[one] ?? 0) < (this.#orders[other] ?? 0);
  }

  /**
   * Whoever stands at the place has its turn: it is then, and it is due again 1 ÷ `weight[0]`
   * later, behind all that are due at the same time.
   */
  turn(place: number): void {
    const deadline = this.#deadlines[place] ?? 0;
    if (deadline > (this.now[0] ?? 0)) this.now[0] = deadline;
    this.#orderCount += 1;
    this.#deadlines[place] = (this.now[0] ?? 0) + 1 / (this.weight[0] ?? 1);
    this.#orders[place] = this.#orderCount;
    this.#sink(place);
  }

  /** Empties the heap but remembers, and makes room for `slotCount`. */
  keep(slotCount: number): void {
    if (this.#slots.length < slotCount) {
      const slots = new Int32Array(slotCount);
      slots.set(this.#slots);
      this.#slots = slots;
      this.#deadlines = grown(this.#deadlines, slotCount);
      this.#orders = grown(this.#orders, slotCount);
      this.#keptDeadlines = new Float64Array(slotCount);
      this.#keptOrders = new Float64Array(slotCount);
    }
    for (let place = 0; place < this.#length; place += 1) {
      const slot = this.slotAt(place);
      this.#keptDeadlines[slot] = this.#deadlines[place] ?? 0;
      this.#keptOrders[slot] = this.#orders[place] ?? 0;
    }
    this.#length = 0;
  }

  /** Adds a slot that is new. */
  join(slot: number, deadline: number): void {
    this.#orderCount += 1;
    this.#append(slot, deadline, this.#orderCount);
  }

  /** Adds a slot that was there, with what it had to wait for times `stretch`. */
  rejoin(slot: number, stretch: number): void {
    const now = this.now[0] ?? 0;
    const kept = this.#keptDeadlines[slot] ?? 0;
    const deadline = stretch === 1 ? kept : now + (kept - now) * stretch;
    this.#append(slot, deadline, this.#keptOrders[slot] ?? 0);
  }

  /** Puts those that were added in order; O(n). */
  settle(): void {
    for (let place = (this.#length >> 1) - 1; place >= 0; place -= 1) {
      this.#sink(place);
    }
  }

  /** Counts time from now on. */
  rebase(): void {
    const amount = this.now[0] ?? 0;
    this.now[0] = 0;
    for (let place = 0; place < this.#length; place += 1) {
      this.#deadlines[place] = (this.#deadlines[place] ?? 0) - amount;
    }
  }

  #append(slot: number, deadline: number, order: number): void {
    this.#slots[this.#length] = slot;
    this.#deadlines[this.#length] = deadline;
    this.#orders[this.#length] = order;
    this.#length += 1;
  }

  /** Puts the entry in its place, there or below. */
  #sink(hole: number): void {
    const slots = this.#slots;
    const deadlines = this.#deadlines;
    const orders = this.#orders;
    const length = this.#length;
    const slot = slots[hole] ?? -1;
    const deadline = deadlines[hole] ?? 0;
    const order = orders[hole] ?? 0;
    let place = hole;
    for (let child = 2 * place + 1; child < length; child = 2 * place + 1) {
      let least = deadlines[child] ?? 0;
      const right = child + 1;
      if (right < length) {
        const other = deadlines[right] ?? 0;
        const isLess =
          other < least || (other === least && (orders[right] ?? 0) < (orders[child] ?? 0));
        if (isLess) {
          child = right;
          least = other;
        }
      }
      const isDue = deadline < least || (deadline === least && order < (orders[child] ?? 0));
      if (isDue) break;
      slots[place] = slots[child] ?? -1;
      deadlines[place] = least;
      orders[place] = orders[child] ?? 0;
      place = child;
    }
    slots[place] = slot;
    deadlines[place] = deadline;
    orders[place] = order;
  }
}
