import { assert } from './assert.ts';

/**
 * First in, first out, with a bound. A full queue refuses, and counts what it refused; what to do
 * with the refused one is the caller's to say. Push and shift are O(1): a ring, allocated once.
 */
export class BoundedQueue<T> {
  readonly #slots: (T | undefined)[];
  #head = 0;
  #length = 0;
  #refusedCount = 0;

  /** `countMax` is the bound, at least 1. */
  constructor(countMax: number) {
    assert(Number.isInteger(countMax) && countMax >= 1, 'countMax is an integer >= 1');
    this.#slots = new Array<T | undefined>(countMax).fill(undefined);
  }

  get length(): number {
    return this.#length;
  }

  get countMax(): number {
    return this.#slots.length;
  }

  /** How many were refused since the start: the metric of this bound. */
  get refusedCount(): number {
    return this.#refusedCount;
  }

  /** False, and nothing stored, if the queue is full. */
  push(item: T): boolean {
    if (this.#length === this.#slots.length) {
      this.#refusedCount += 1;
      return false;
    }
    this.#slots[(this.#head + this.#length) % this.#slots.length] = item;
    this.#length += 1;
    return true;
  }

  /** Takes the oldest, or undefined if there is none. */
  shift(): T | undefined {
    if (this.#length === 0) return undefined;
    const item = this.#slots[this.#head];
    this.#slots[this.#head] = undefined;
    this.#head = (this.#head + 1) % this.#slots.length;
    this.#length -= 1;
    return item;
  }

  /** Puts the item in and, if the queue is full, gives back the oldest one that had to leave. */
  pushEvicting(item: T): T | undefined {
    const evicted = this.#length === this.#slots.length ? this.shift() : undefined;
    this.push(item);
    return evicted;
  }

  /** The items from the oldest to the newest; do not change the queue meanwhile. */
  *[Symbol.iterator](): Generator<T> {
    for (let index = 0; index < this.#length; index += 1) {
      yield this.#slots[(this.#head + index) % this.#slots.length] as T;
    }
  }
}
