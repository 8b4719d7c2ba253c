import type { OutcomeRun, OutcomeWindow } from './window.ts';

/** Events that may be told at once if each takes its step: about a microsecond. */
const BATCH_MAX = 1_000;

/**
 * Counts of two kinds of event over the last `size` events, whenever they came: a ring with the
 * sums beside it. One event costs the same whatever the size, and so do any number of successes
 * while there is no failure; memory is a byte for each.
 */
export class CountWindow implements OutcomeWindow {
  /** 1 where an event failed; 0 too where there is none yet. */
  readonly #ring: Uint8Array;
  #next = 0;
  #failureCount = 0;
  #totalCount = 0;

  /** `size` is a whole number of at least 1. */
  constructor(size: number) {
    this.#ring = new Uint8Array(size);
  }

  record(succeeded: boolean, _nowMs: number, count = 1): void {
    const ring = this.#ring;
    // More than the ring holds would only overwrite itself.
    const added = Math.min(count, ring.length);
    this.#totalCount = Math.min(this.#totalCount + added, ring.length);
    if (succeeded && this.#failureCount === 0) {
      // Zeros over zeros.
      this.#next = (this.#next + added) % ring.length;
      return;
    }
    const mark = succeeded ? 0 : 1;
    for (let left = added; left > 0; left -= 1) {
      this.#failureCount += mark - (ring[this.#next] ?? 0);
      ring[this.#next] = mark;
      this.#next = this.#next + 1 === ring.length ? 0 : this.#next + 1;
    }
  }

  /** Nothing here grows old. */
  roll(_nowMs: number): void {}

  get successCount(): number {
    return this.#totalCount - this.#failureCount;
  }

  get failureCount(): number {
    return this.#failureCount;
  }

  get totalCount(): number {
    return this.#totalCount;
  }

  get endsAtMs(): number {
    const isCheap = this.#failureCount === 0 || this.#ring.length <= BATCH_MAX;
    return isCheap ? Number.POSITIVE_INFINITY : Number.NEGATIVE_INFINITY;
  }

  /** Equal outcomes in a row are one run; each is 0 ms old. */
  runs(): OutcomeRun[] {
    const runs: [number, number, number][] = [];
    for (let back = this.#totalCount; back > 0; back -= 1) {
      const index = (this.#next - back + this.#ring.length) % this.#ring.length;
      const kind = this.#ring[index] === 1 ? 2 : 1;
      const last = runs.at(-1);
      if (last !== undefined && last[kind] > 0) last[kind] += 1;
      else runs.push(kind === 1 ? [0, 1, 0] : [0, 0, 1]);
    }
    return runs;
  }

  reset(): void {
    if (this.#failureCount > 0) this.#ring.fill(0);
    this.#next = this.#failureCount = this.#totalCount = 0;
  }
}
