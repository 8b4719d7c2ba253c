import { assert } from '@leno/std';

/** What an overflow series is labelled with, after the convention of the OpenTelemetry SDKs. */
export const overflowLabels = 'overflow="true"';

/** How a table of series is bounded, and who is told. */
export interface SeriesOptions {
  /** The most series a family keeps, the overflow series aside. */
  readonly seriesCountMax: number;
  /** Called each time label values had to go to the overflow series. */
  readonly onOverflow: () => void;
}

/**
 * Which label values have which slot. Each series is rendered once, when it comes to be, so that a
 * scrape only joins strings; the rendered labels are the key too, which is injective because they
 * are escaped. Past the bound everything new shares one overflow series. A removed slot is used again.
 */
export class SeriesTable {
  readonly labelNames: readonly string[];
  readonly #options: SeriesOptions;
  readonly #slots = new Map<string, number>();
  readonly #labels: (string | undefined)[] = [];
  readonly #values: (readonly string[])[] = [];
  readonly #free: number[] = [];
  #overflowSlot = -1;

  constructor(labelNames: readonly string[], options: SeriesOptions) {
    this.labelNames = labelNames;
    this.#options = options;
  }

  /** One more than the highest slot ever given out. */
  get slotCount(): number {
    return this.#labels.length;
  }

  /** How many series there are, the overflow series included. */
  get seriesCount(): number {
    return this.#slots.size + (this.#overflowSlot < 0 ? 0 : 1);
  }

  /** The slot of these label values, made if need be. */
  resolve(values: readonly string[]): number {
    assert(values.length === this.labelNames.length, `${this.labelNames.length} label values`);
    const labels = renderLabels(this.labelNames, values);
    const known = this.#slots.get(labels);
    if (known !== undefined) return known;
    if (this.#slots.size >= this.#options.seriesCountMax) {
      this.#options.onOverflow();
      if (this.#overflowSlot < 0) this.#overflowSlot = this.#take(overflowLabels, []);
      return this.#overflowSlot;
    }
    const slot = this.#take(labels, values);
    this.#slots.set(labels, slot);
    return slot;
  }

  /** Forgets a series; gives the slot that is now free, or -1 if there was none. */
  remove(values: readonly string[]): number {
    const labels = renderLabels(this.labelNames, values);
    const slot = this.#slots.get(labels);
    if (slot === undefined) return -1;
    this.#slots.delete(labels);
    this.#labels[slot] = undefined;
    this.#free.push(slot);
    return slot;
  }

  /** `a="x",b="y"` as exposition wants it; undefined if the slot is free. */
  labelsAt(slot: number): string | undefined {
    return this.#labels[slot];
  }

  /** The labels as an object, for bridges. */
  labelObjectAt(slot: number): Record<string, string> {
    if (slot === this.#overflowSlot) return { overflow: 'true' };
    const values = this.#values[slot] ?? [];
    return Object.fromEntries(this.labelNames.map((name, index) => [name, values[index] ?? '']));
  }

  #take(labels: string, values: readonly string[]): number {
    const slot = this.#free.pop() ?? this.#labels.length;
    this.#labels[slot] = labels;
    this.#values[slot] = values;
    return slot;
  }
}

function renderLabels(names: readonly string[], values: readonly string[]): string {
  return names.map((name, index) => `${name}="${escapeLabelValue(values[index] ?? '')}"`).join(',');
}

/** Prometheus text format 0.0.4: in label values backslash, double quote and line feed are escaped. */
export function escapeLabelValue(value: string): string {
  return /[\\"\n]/.test(value)
    ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
    : value;
}
