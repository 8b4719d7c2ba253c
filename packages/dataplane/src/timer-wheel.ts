/**
 * Deadlines of many calls under one timer. A call's deadline costs two list operations and no
 * allocation, where a timer of its own costs 0.4–0.7 µs. Deadlines are met late by up to `tickMs`,
 * never early. Hashed wheel (Varghese & Lauck 1987, scheme 6).
 */
import { assert, type Clock, type TimerHandle, type Timers } from '@leno/std';

/** What sits in the wheel; a call is one. The wheel owns the three link fields. */
export interface WheelEntry {
  /** When to expire, on the wheel's clock. Set by `schedule`. */
  expiresAtMs: number;
  wheelPrevious: WheelEntry | undefined;
  wheelNext: WheelEntry | undefined;
  /** Called once when the time has come; the entry is out of the wheel by then. */
  expire(nowMs: number): void;
}

/** A slot's anchor: it is linked but never expires. */
function anchor(): WheelEntry {
  const entry: WheelEntry = {
    expiresAtMs: Number.POSITIVE_INFINITY,
    wheelPrevious: undefined,
    wheelNext: undefined,
    expire: () => undefined,
  };
  entry.wheelPrevious = entry;
  entry.wheelNext = entry;
  return entry;
}

export class TimerWheel {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #tickMs: number;
  readonly #slots: readonly WheelEntry[];
  /** Entries whose time has come, while a slot is swept. */
  readonly #due = anchor();
  #count = 0;
  #sweptTick = 0;
  #timer: TimerHandle | undefined;

  constructor(clock: Clock, timers: Timers, tickMs = 10, slotCount = 512) {
    assert(tickMs > 0 && slotCount > 1, 'tickMs > 0 and slotCount > 1');
    this.#clock = clock;
    this.#timers = timers;
    this.#tickMs = tickMs;
    this.#slots = Array.from({ length: slotCount }, anchor);
  }

  /** Entries that wait. */
  get count(): number {
    return this.#count;
  }

  /** Puts the entry in, or moves it, to expire at `atMs`; `Infinity` takes it out. */
  schedule(entry: WheelEntry, atMs: number): void {
    this.cancel(entry);
    if (atMs === Number.POSITIVE_INFINITY) return;
    entry.expiresAtMs = atMs;
    // First, so that an idle wheel knows the present: what is due already goes to the next tick.
    this.#arm();
    const tick = Math.max(Math.ceil(atMs / this.#tickMs), this.#sweptTick + 1);
    const slot = this.#slots[tick % this.#slots.length];
    assert(slot !== undefined, 'a tick has a slot');
    append(slot, entry);
    this.#count += 1;
  }

  /** Takes the entry out. Harmless if it is not in. */
  cancel(entry: WheelEntry): void {
    if (unlink(entry)) this.#count -= 1;
  }

  /** Stops the timer; what waits never expires. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    if (this.#timer !== undefined) return;
    // An idle wheel has no timer, so that the first entry after a pause starts from the present.
    this.#sweptTick = Math.max(this.#sweptTick, Math.floor(this.#clock.nowMs() / this.#tickMs) - 1);
    this.#timer = this.#timers.after(this.#tickMs, this.#sweep);
  }

  readonly #sweep = (): void => {
    this.#timer = undefined;
    const nowMs = this.#clock.nowMs();
    const untilTick = Math.floor(nowMs / this.#tickMs);
    const firstTick = Math.max(this.#sweptTick + 1, untilTick - this.#slots.length + 1);
    this.#sweptTick = Math.max(this.#sweptTick, untilTick);
    try {
      for (let tick = firstTick; tick <= untilTick; tick += 1) this.#sweepSlot(tick, nowMs);
    } finally {
      // An entry that throws must not stop the deadlines of all others.
      if (this.#count > 0) this.#arm();
    }
  };

  #sweepSlot(tick: number, nowMs: number): void {
    const slot = this.#slots[tick % this.#slots.length];
    let entry = slot?.wheelNext;
    while (entry !== undefined && entry !== slot) {
      const next: WheelEntry | undefined = entry.wheelNext;
      // Entries of later rounds share the slot.
      if (entry.expiresAtMs <= nowMs) {
        unlink(entry);
        append(this.#due, entry);
      }
      entry = next;
    }
    // One by one from a list of their own: an expiry may take out, or put in, whatever it likes.
    for (;;) {
      const first = this.#due.wheelNext;
      if (first === undefined || first === this.#due) return;
      this.cancel(first);
      first.expire(nowMs);
    }
  }
}

function append(list: WheelEntry, entry: WheelEntry): void {
  const last = list.wheelPrevious ?? list;
  entry.wheelPrevious = last;
  entry.wheelNext = list;
  last.wheelNext = entry;
  list.wheelPrevious = entry;
}

function unlink(entry: WheelEntry): boolean {
  const { wheelPrevious, wheelNext } = entry;
  if (wheelPrevious === undefined || wheelNext === undefined) return false;
  wheelPrevious.wheelNext = wheelNext;
  wheelNext.wheelPrevious = wheelPrevious;
  entry.wheelPrevious = undefined;
  entry.wheelNext = undefined;
  return true;
}
