import type { Rng } from '@leno/std';

/**
 * Draws an index in O(1), as probable as its weight. Each index has a column as high as the mean;
 * what a light one leaves free of its column is filled with a heavy one, its alias. `begin`, `set`
 * each, `settle`; allocates only for more columns than ever.
 */
export class AliasTable {
  #thresholds = new Float64Array(0);
  #aliases = new Int32Array(0);
  /** The light ones from the start, the heavy ones from the end. */
  #work = new Int32Array(0);
  #length = 0;

  begin(length: number): void {
    this.#length = length;
    if (this.#thresholds.length >= length) return;
    this.#thresholds = new Float64Array(length);
    this.#aliases = new Int32Array(length);
    this.#work = new Int32Array(length);
  }

  set(index: number, weight: number): void {
    this.#thresholds[index] = weight;
  }

  /** At least one weight must be above 0. */
  settle(): void {
    const thresholds = this.#thresholds;
    const work = this.#work;
    const length = this.#length;
    let total = 0;
    for (let index = 0; index < length; index += 1) total += thresholds[index] ?? 0;
    let lightCount = 0;
    let heavyStart = length;
    for (let index = 0; index < length; index += 1) {
      const height = ((thresholds[index] ?? 0) * length) / total;
      thresholds[index] = height;
      this.#aliases[index] = index;
      if (height < 1) {
        work[lightCount] = index;
        lightCount += 1;
      } else {
        heavyStart -= 1;
        work[heavyStart] = index;
      }
    }
    while (lightCount > 0 && heavyStart < length) {
      lightCount -= 1;
      const light = work[lightCount] ?? 0;
      const heavy = work[heavyStart] ?? 0;
      this.#aliases[light] = heavy;
      const rest = (thresholds[heavy] ?? 0) - (1 - (thresholds[light] ?? 0));
      thresholds[heavy] = rest;
      if (rest >= 1) continue;
      heavyStart += 1;
      work[lightCount] = heavy;
      lightCount += 1;
    }
    // What is left over by rounding is its own alias, and so has a full column.
  }

  draw(rng: Rng): number {
    const place = rng() * this.#length;
    const column = Math.floor(place);
    const isOwn = place - column < (this.#thresholds[column] ?? 0);
    return isOwn ? column : (this.#aliases[column] ?? column);
  }
}
