/**
 * What is remembered of each endpoint of a set, whatever its position: typed arrays by slot.
 *
 *   slot    where the state of an endpoint lies: the same as long as its id stays in the set.
 *   stamp   told anew for each stay of an id, so that a slot's next user is known from its last.
 *
 * A set and all views of it share one table; what one kind of picker learns lies in its own arrays,
 * by slot. Slots of endpoints that left are used again, so that arrays grow with the peak, not with
 * the churn.
 */
import type { SlowStart } from './slow-start.ts';

/**
 * Whether an endpoint should be picked: a `degraded` one only where the healthy ones are too few,
 * an `unhealthy` one only in a panic.
 */
export type Health = 'healthy' | 'degraded' | 'unhealthy';

/** By their number in the table. */
const healths: readonly Health[] = ['healthy', 'degraded', 'unhealthy'];

const SLOT_COUNT_START = 8;

/** State by slot. Nobody but the sets of this package needs it. */
export class SlotTable {
  readonly #slowStart: SlowStart | undefined;
  readonly #freeSlots: number[] = [];
  #stamps = new Float64Array(SLOT_COUNT_START);
  #addedAtMs = new Float64Array(SLOT_COUNT_START);
  #warmSinceMs = new Float64Array(SLOT_COUNT_START);
  #weights = new Float64Array(SLOT_COUNT_START);
  #ratios = new Float64Array(SLOT_COUNT_START).fill(1);
  #inFlight = new Int32Array(SLOT_COUNT_START);
  #health = new Uint8Array(SLOT_COUNT_START);
  /** Where each is in the whole set. */
  #indexes = new Int32Array(SLOT_COUNT_START);
  #slotCount = 0;
  #inFlightCount = 0;
  #stampCount = 0;
  #nextStepMs = Number.POSITIVE_INFINITY;
  #isRamping = false;
  #rampVersion = 0;
  #healthVersion = 0;

  constructor(slowStart: SlowStart | undefined) {
    this.#slowStart = slowStart;
  }

  /** One more than the highest slot there ever was. */
  get slotCount(): number {
    return this.#slotCount;
  }

  /** Whether any endpoint has less than its share, as of the last step. */
  get isRamping(): boolean {
    return this.#isRamping;
  }

  /** Grows whenever shares change. */
  get rampVersion(): number {
    return this.#rampVersion;
  }

  /** Grows whenever an endpoint's health changes. */
  get healthVersion(): number {
    return this.#healthVersion;
  }

  /** Calls under way to all endpoints together. */
  get inFlightCount(): number {
    return this.#inFlightCount;
  }

  stampOf(slot: number): number {
    return this.#stamps[slot] ?? 0;
  }

  addedAtMsOf(slot: number): number {
    return this.#addedAtMs[slot] ?? 0;
  }

  weightOf(slot: number): number {
    return this.#weights[slot] ?? 0;
  }

  /** The share of its weight that slow start lets the endpoint have. */
  ratioOf(slot: number): number {
    return this.#ratios[slot] ?? 1;
  }

  inFlightOf(slot: number): number {
    return this.#inFlight[slot] ?? 0;
  }

  healthOf(slot: number): Health {
    return healths[this.#health[slot] ?? 0] ?? 'healthy';
  }

  /** Where the endpoint is in the whole set; it must be there. */
  indexOf(slot: number): number {
    return this.#indexes[slot] ?? -1;
  }

  setPlace(slot: number, index: number, weight: number): void {
    this.#indexes[slot] = index;
    this.#weights[slot] = weight;
  }

  setHealth(slot: number, health: Health): void {
    const code = healths.indexOf(health);
    if (this.#health[slot] === code) return;
    this.#health[slot] = code;
    this.#healthVersion += 1;
  }

  countIn(slot: number): void {
    if (slot < 0) return;
    this.#inFlight[slot] = (this.#inFlight[slot] ?? 0) + 1;
    this.#inFlightCount += 1;
  }

  countOut(slot: number): void {
    const count = this.#inFlight[slot] ?? 0;
    if (count === 0) return;
    this.#inFlight[slot] = count - 1;
    this.#inFlightCount -= 1;
  }

  /** A slot for an endpoint that comes. */
  take(nowMs: number): number {
    const slot = this.#freeSlots.pop() ?? this.#slotCount;
    if (slot === this.#slotCount) this.#slotCount += 1;
    if (slot >= this.#weights.length) this.#grow();
    this.#stampCount += 1;
    this.#stamps[slot] = this.#stampCount;
    this.#addedAtMs[slot] = nowMs;
    this.#health[slot] = 0;
    this.warmUp(slot, nowMs);
    return slot;
  }

  /** Gives back the slot of an endpoint that left. Its stamp ends with it. */
  free(slot: number): void {
    this.#stamps[slot] = 0;
    this.#inFlightCount -= this.#inFlight[slot] ?? 0;
    this.#inFlight[slot] = 0;
    this.#warmSinceMs[slot] = Number.NEGATIVE_INFINITY;
    this.#freeSlots.push(slot);
  }

  /** Lets the endpoint begin from its lowest share; without slow start it does nothing. */
  warmUp(slot: number, nowMs: number): void {
    this.#warmSinceMs[slot] = nowMs;
    this.#ratios[slot] = this.#slowStart?.ratioAt(0) ?? 1;
    if (this.#slowStart === undefined) return;
    this.#rampVersion += 1;
    this.#nextStepMs = Math.min(this.#nextStepMs, nowMs + this.#slowStart.stepMs);
    this.#isRamping = true;
  }

  /**
   * Brings the shares up to date. Pickers call it in each pick, which costs a look at a flag: the
   * shares are computed a hundred times in the window, and not at all if nobody is new.
   */
  tick(nowMs: number): void {
    if (this.#isRamping && nowMs >= this.#nextStepMs) this.#step(nowMs);
  }

  #step(nowMs: number): void {
    const slowStart = this.#slowStart;
    if (slowStart === undefined) return;
    let isRamping = false;
    for (let slot = 0; slot < this.#slotCount; slot += 1) {
      const ratio = slowStart.ratioAt(nowMs - (this.#warmSinceMs[slot] ?? 0));
      this.#ratios[slot] = ratio;
      if (ratio < 1) isRamping = true;
    }
    this.#rampVersion += 1;
    this.#nextStepMs = isRamping ? nowMs + slowStart.stepMs : Number.POSITIVE_INFINITY;
    this.#isRamping = isRamping;
  }

  #grow(): void {
    const length = this.#weights.length * 2;
    this.#stamps = grown(this.#stamps, length);
    this.#addedAtMs = grown(this.#addedAtMs, length);
    this.#warmSinceMs = grown(this.#warmSinceMs, length);
    this.#weights = grown(this.#weights, length);
    this.#ratios = grown(this.#ratios, length);
    this.#inFlight = grownInt32(this.#inFlight, length);
    this.#indexes = grownInt32(this.#indexes, length);
    const health = new Uint8Array(length);
    health.set(this.#health);
    this.#health = health;
  }
}

/** A longer copy, zeros at its end. */
export function grown(values: Float64Array, length: number): Float64Array<ArrayBuffer> {
  const copy = new Float64Array(length);
  copy.set(values);
  return copy;
}

function grownInt32(values: Int32Array, length: number): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(length);
  copy.set(values);
  return copy;
}
