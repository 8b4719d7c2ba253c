/**
 * The open streams of a connection by their ids: a hash table with open addressing, whose places are
 * used again. A `Map` makes itself anew every so many streams, and what it was keeps pointing at what
 * it has become. Once one of them has grown old, the collector of young objects takes all that come
 * after it, with every request that was open meanwhile, for alive: a third of what a request allocates.
 */

interface Numbered {
  readonly id: number;
}

/** Places at first; a power of two, as always. At most half of them are taken. */
const CAPACITY = 16;

export class StreamTable<T extends Numbered> {
  #places: (T | undefined)[] = new Array<T | undefined>(CAPACITY).fill(undefined);
  #mask = CAPACITY - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: number): T | undefined {
    return this.#places[this.#find(id)];
  }

  /** Adds a stream whose id is not there. */
  add(stream: T): void {
    if ((this.#size + 1) * 2 > this.#places.length) this.#grow();
    this.#places[this.#find(stream.id)] = stream;
    this.#size += 1;
  }

  /** False if there was none. */
  delete(id: number): boolean {
    const places = this.#places;
    let hole = this.#find(id);
    if (places[hole] === undefined) return false;
    this.#size -= 1;
    // Those behind it that would be looked for from before the hole move into it (Knuth 6.4, R).
    let at = hole;
    for (;;) {
      at = (at + 1) & this.#mask;
      const next = places[at];
      if (next === undefined) break;
      const home = this.#homeOf(next.id);
      if (((at - home) & this.#mask) < ((at - hole) & this.#mask)) continue;
      places[hole] = next;
      hole = at;
    }
    places[hole] = undefined;
    return true;
  }

  /** All of them, oldest first, in a list of its own: those who go through it may add and delete. */
  list(): T[] {
    const streams = this.#places.filter((it) => it !== undefined);
    return streams.sort((one, other) => one.id - other.id);
  }

  /** Where the stream is, or where it would be. */
  #find(id: number): number {
    const places = this.#places;
    let at = this.#homeOf(id);
    for (;;) {
      const stream = places[at];
      if (stream === undefined || stream.id === id) return at;
      at = (at + 1) & this.#mask;
    }
  }

  /** One side's ids are every other number: unless a stream stays for long, each has a place to itself. */
  #homeOf(id: number): number {
    return (id >>> 1) & this.#mask;
  }

  #grow(): void {
    const before = this.#places;
    this.#places = new Array<T | undefined>(before.length * 2).fill(undefined);
    this.#mask = this.#places.length - 1;
    for (const stream of before) {
      if (stream !== undefined) this.#places[this.#find(stream.id)] = stream;
    }
  }
}
