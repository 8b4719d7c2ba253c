/** The places of a bulkhead, and the queue for them. */

/** Someone who wants a place. */
export interface PlaceSeeker {
  /** Its link while it waits. */
  waiter: Waiter | undefined;
  /** It has a place now, after a wait, and no `waiter` any more. Throws nothing. */
  admit(): void;
}

/** At most `limit` places taken, at most `queueCountMax` waiting for one, first in, first out. */
export class Places {
  readonly #limit: number;
  readonly #queueCountMax: number;
  /** A ring: the one link stands for both ends, and the next one of it waits longest. */
  readonly #queue = new Waiter(undefined);
  #takenCount = 0;
  #queuedCount = 0;
  #isDraining = false;

  constructor(limit: number, queueCountMax: number) {
    this.#limit = limit;
    this.#queueCountMax = queueCountMax;
  }

  get takenCount(): number {
    return this.#takenCount;
  }

  get queuedCount(): number {
    return this.#queuedCount;
  }

  /** A place at once, or one in the queue, which sets `waiter`, or neither. */
  enter(seeker: PlaceSeeker): 'placed' | 'queued' | 'refused' {
    if (this.#takenCount < this.#limit && this.#queuedCount === 0) {
      this.#takenCount += 1;
      return 'placed';
    }
    if (this.#queuedCount >= this.#queueCountMax) return 'refused';
    this.#queuedCount += 1;
    seeker.waiter = this.#queue.append(seeker);
    return 'queued';
  }

  /** Out of the queue without a place; the next one moves up. Nothing, if it does not wait. */
  quit(seeker: PlaceSeeker): void {
    if (seeker.waiter === undefined) return;
    seeker.waiter.remove();
    seeker.waiter = undefined;
    this.#queuedCount -= 1;
  }

  /** A place is free again, and goes to whoever waits longest. */
  leave(): void {
    this.#takenCount -= 1;
    // Whoever gets the place may end at once: then the loop further out serves the next one, and
    // the stack does not grow with the queue.
    if (this.#isDraining) return;
    this.#isDraining = true;
    while (this.#takenCount < this.#limit) {
      const { seeker } = this.#queue.next;
      if (seeker === undefined) break;
      this.quit(seeker);
      this.#takenCount += 1;
      seeker.admit();
    }
    this.#isDraining = false;
  }
}

/** A link of the queue, so that leaving it takes no search. */
export class Waiter {
  readonly seeker: PlaceSeeker | undefined;
  next: Waiter = this;
  #previous: Waiter = this;

  constructor(seeker: PlaceSeeker | undefined) {
    this.seeker = seeker;
  }

  /** Puts the seeker before this link; on the ring's own link, that is last. */
  append(seeker: PlaceSeeker): Waiter {
    const waiter = new Waiter(seeker);
    waiter.next = this;
    waiter.#previous = this.#previous;
    this.#previous.next = waiter;
    this.#previous = waiter;
    return waiter;
  }

  remove(): void {
    this.#previous.next = this.next;
    this.next.#previous = this.#previous;
  }
}
