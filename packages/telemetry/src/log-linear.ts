/**
 * Histogram with 16 equal steps in each power of two: a value is known to within 1/16 of itself, over
 * any range, in an array of fixed size and without a branch on the data. The quantile estimate is off
 * by at most 1/32 (half a step); below 16 units it is exact. After HdrHistogram, with coarser steps.
 */
const stepBits = 4;
const stepCount = 1 << stepBits;
const unitsMax = 0x7fff_ffff;

/** How many cells one histogram takes: values from 0 to 2³¹ − 1 units. */
export const logLinearCellCount = (31 - stepBits + 1) * stepCount;

/** The cell of a value in whole units; what is below 0 counts as 0, what is above 2³¹ − 1 as that. */
export function logLinearIndex(value: number): number {
  // `!(>=)` so that NaN ends in the first cell rather than nowhere.
  const units = !(value >= 0) ? 0 : value > unitsMax ? unitsMax : Math.round(value);
  if (units < stepCount) return units;
  const octave = 31 - Math.clz32(units);
  return (octave - stepBits) * stepCount + (units >> (octave - stepBits));
}

/** The middle of the values that share a cell. */
export function logLinearValue(index: number): number {
  if (index < 2 * stepCount) return index;
  const shift = Math.floor(index / stepCount) - 1;
  const low = (stepCount + (index % stepCount)) * 2 ** shift;
  return low + (2 ** shift - 1) / 2;
}

/**
 * The value below which a share of `quantile` (0 to 1) of the counts in `cells[from…]` lies, or NaN
 * if there are none. Reads several histograms at once when `from` has several starts.
 */
export function logLinearQuantile(
  cells: Float64Array,
  from: readonly number[],
  quantile: number,
): number {
  let total = 0;
  for (const start of from) {
    for (let index = 0; index < logLinearCellCount; index += 1) total += cells[start + index] ?? 0;
  }
  if (total === 0) return Number.NaN;
  const rank = Math.max(1, Math.ceil(quantile * total));
  let seen = 0;
  for (let index = 0; index < logLinearCellCount; index += 1) {
    for (const start of from) seen += cells[start + index] ?? 0;
    if (seen >= rank) return logLinearValue(index);
  }
  return logLinearValue(logLinearCellCount - 1);
}

/** A log-linear histogram by itself: for durations of one kind, such as those of a load generator. */
export class LogLinearHistogram {
  readonly #cells = new Float64Array(logLinearCellCount);
  readonly #unitsPerValue: number;
  #count = 0;

  /** `unitsPerValue` sets the finest step: 1,000 for milliseconds known to the microsecond. */
  constructor(unitsPerValue = 1_000) {
    this.#unitsPerValue = unitsPerValue;
  }

  get count(): number {
    return this.#count;
  }

  record(value: number): void {
    const index = logLinearIndex(value * this.#unitsPerValue);
    this.#cells[index] = (this.#cells[index] ?? 0) + 1;
    this.#count += 1;
  }

  /** What was recorded, for another histogram to add: a cell and its count, again and again. */
  counts(): number[] {
    const counts: number[] = [];
    for (const [index, count] of this.#cells.entries()) if (count > 0) counts.push(index, count);
    return counts;
  }

  /** Adds what another histogram of the same unit gave as its `counts`. */
  addCounts(counts: readonly number[]): void {
    for (let at = 0; at + 1 < counts.length; at += 2) {
      const index = counts[at] ?? 0;
      const count = counts[at + 1] ?? 0;
      this.#cells[index] = (this.#cells[index] ?? 0) + count;
      this.#count += count;
    }
  }

  /** `quantile` is from 0 to 1; NaN as long as nothing was recorded. */
  quantile(quantile: number): number {
    return logLinearQuantile(this.#cells, [0], quantile) / this.#unitsPerValue;
  }

  reset(): void {
    this.#cells.fill(0);
    this.#count = 0;
  }
}
