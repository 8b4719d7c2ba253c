import type { OutcomeRun, OutcomeWindow } from './window.ts';

/**
 * Counts of two kinds of event over the last `size` events, whenever they came: a ring with the
 * sums beside it. One event costs the same whatever the size; memory is a byte for each.
 */
export class CountWindow implements OutcomeWindow {
  readonly #ring: Uint8Array;
  #next = 0;
  #successCount = 0;
  #totalCount = 0;

  /** `size` is a whole number of at least 1. */
  constructor(size: number) {
    this.#ring = new Uint8Array(size);
  }

  record(succeeded: boolean, _nowMs: number, count = 1): void {
    const ring = this.#ring;
    // A ring of successes stays one, and where it begins is no matter.
    if (succeeded && this.#successCount === ring.length) return;
    // More than the ring holds would only overwrite itself.
    for (let left = Math.min(count, ring.length); left > 0; left -= 1) {
      if (this.#totalCount < ring.length) this.#totalCount += 1;
      else this.#successCount -= ring[this.#next] ?? 0;
      if (succeeded) this.#successCount += 1;
      ring[this.#next] = succeeded ? 1 : 0;
      this.#next = this.#next + 1 === ring.length ? 0 : this.#next + 1;
    }
  }

  /** Nothing here grows old. */
  roll(_nowMs: number): void {}

  get successCount(): number {
    return this.#successCount;
  }

  get failureCount(): number {
    return this.#totalCount - this.#successCount;
  }

  get totalCount(): number {
    return this.#totalCount;
  }

  get endsAtMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  /** Equal outcomes in a row are one run; each is 0 ms old. */
  runs(): OutcomeRun[] {
    const runs: [number, number, number][] = [];
    for (let back = this.#totalCount; back > 0; back -= 1) {
      const index = (this.#next - back + this.#ring.length) % this.#ring.length;
      const kind = this.#ring[index] === 1 ? 1 : 2;
      const last = runs.at(-1);
      if (last !== undefined && last[kind] > 0) last[kind] += 1;
      else runs.push(kind === 1 ? [0, 1, 0] : [0, 0, 1]);
    }
    return runs;
  }

  reset(): void {
    this.#next = 0;
    this.#successCount = 0;
    this.#totalCount = 0;
  }
}
