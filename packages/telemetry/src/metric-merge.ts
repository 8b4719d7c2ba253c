/**
 * One exposition out of the stores of several processes. Counters and histograms add up; of gauges
 * their specification says what they are together. What a process had counted when it ended can be
 * kept, so that no counter ever goes back.
 */
import {
  type FamilySnapshot,
  type MetricSpec,
  renderSeries,
  shownWidthOf,
} from './metric-family.ts';
import { familyHead } from './prometheus-text.ts';
import { overflowLabels } from './series-table.ts';

interface Merged {
  readonly spec: MetricSpec;
  readonly width: number;
  readonly rows: Map<string, Float64Array>;
}

/** How a merge is bounded. */
export interface MetricMergeOptions {
  /** The most series of one family; what comes after shares one overflow series. Default 4,000. */
  readonly seriesCountMax?: number;
}

/** A sum of snapshots; see the head of this file. */
export class MetricMerge {
  readonly #families: ReadonlyMap<string, Merged>;
  readonly #seriesCountMax: number;
  #overflowCount = 0;

  /** Takes the families of these specifications, in this order, and ignores any other. */
  constructor(specs: readonly MetricSpec[], options: MetricMergeOptions = {}) {
    this.#families = new Map(
      specs.map((spec) => [spec.name, { spec, width: shownWidthOf(spec), rows: new Map() }]),
    );
    this.#seriesCountMax = options.seriesCountMax ?? 4_000;
  }

  /** How often a series had to share the overflow series. */
  get overflowCount(): number {
    return this.#overflowCount;
  }

  /** Adds what a process that lives shows. */
  add(snapshot: readonly FamilySnapshot[]): void {
    for (const family of snapshot) this.#addFamily(family);
  }

  /** Adds what a process that has ended had counted; its gauges went with it. */
  addEnded(snapshot: readonly FamilySnapshot[]): void {
    for (const family of snapshot) {
      if (this.#families.get(family.name)?.spec.kind !== 'gauge') this.#addFamily(family);
    }
  }

  /** What was added so far, as a snapshot. */
  snapshot(): readonly FamilySnapshot[] {
    return [...this.#families].map(([name, { width, rows }]) => {
      const cells = new Float64Array(rows.size * width);
      for (const [index, row] of [...rows.values()].entries()) cells.set(row, index * width);
      return { name, labels: [...rows.keys()], cells };
    });
  }

  /** Prometheus text format 0.0.4. A family without series is left out. */
  render(): string {
    const text: string[] = [];
    for (const { spec, rows } of this.#families.values()) {
      if (rows.size === 0) continue;
      text.push(familyHead(spec));
      for (const [labels, row] of rows) text.push(renderSeries(spec, labels, row, 0));
    }
    return text.join('');
  }

  #addFamily({ name, labels, cells }: FamilySnapshot): void {
    const family = this.#families.get(name);
    if (family === undefined) return;
    for (const [index, own] of labels.entries()) {
      const row = cells.subarray(index * family.width, (index + 1) * family.width);
      this.#addRow(family, own, row);
    }
  }

  #addRow({ spec, rows }: Merged, labels: string, row: Float64Array): void {
    const isBeyond = !rows.has(labels) && rows.size >= this.#seriesCountMax;
    if (isBeyond) this.#overflowCount += 1;
    const key = isBeyond ? overflowLabels : labels;
    const sum = rows.get(key);
    if (sum === undefined) {
      rows.set(key, Float64Array.from(row));
      return;
    }
    const merge = spec.kind === 'gauge' ? (spec.merge ?? 'sum') : 'sum';
    for (const [index, value] of row.entries()) {
      const before = sum[index] ?? 0;
      sum[index] = merge === 'sum' ? before + value : Math[merge](before, value);
    }
  }
}
