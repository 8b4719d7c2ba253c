import { assert } from '@leno/std';
import {
  Counter,
  type FamilySnapshot,
  Gauge,
  Histogram,
  type MetricSpec,
} from './metric-family.ts';

/** Any family, whatever its labels. */
export type AnyFamily = Counter | Gauge | Histogram;

/** How a store is bounded. */
export interface MetricStoreOptions {
  /** The most series of one family; what comes after shares one overflow series. Default 2,000. */
  readonly seriesCountMax?: number;
}

const metricName = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const labelName = /^(?!__)[a-zA-Z_][a-zA-Z0-9_]*$/;

/** One store of cells, of which every exposition is a view. */
export class MetricStore {
  readonly #families = new Map<string, AnyFamily>();
  readonly #collectors: (() => void)[] = [];
  readonly #seriesCountMax: number;
  #overflowCount = 0;

  constructor(options: MetricStoreOptions = {}) {
    this.#seriesCountMax = options.seriesCountMax ?? 2_000;
  }

  /** How often label values had to share an overflow series, over all families. */
  get overflowCount(): number {
    return this.#overflowCount;
  }

  /** What each family is, in the order in which they were made. */
  get specs(): readonly MetricSpec[] {
    return [...this.#families.values()].map(({ spec }) => spec);
  }

  counter<const Names extends readonly string[]>(spec: MetricSpec<Names>): Counter<Names> {
    return this.#add(new Counter(this.#check(spec, 'counter'), this.#seriesOptions()));
  }

  gauge<const Names extends readonly string[]>(spec: MetricSpec<Names>): Gauge<Names> {
    return this.#add(new Gauge(this.#check(spec, 'gauge'), this.#seriesOptions()));
  }

  histogram<const Names extends readonly string[]>(spec: MetricSpec<Names>): Histogram<Names> {
    return this.#add(new Histogram(this.#check(spec, 'histogram'), this.#seriesOptions()));
  }

  /** Calls `collect` before each exposition: for gauges that are read rather than kept. */
  onCollect(collect: () => void): void {
    this.#collectors.push(collect);
  }

  /** Brings gauges up to date and gives all families, in the order in which they were made. */
  collect(): readonly AnyFamily[] {
    for (const collect of this.#collectors) collect();
    return [...this.#families.values()];
  }

  /** Brings gauges up to date and copies all families, for a `MetricMerge` in another process. */
  snapshot(): readonly FamilySnapshot[] {
    return this.collect().map((family) => family.snapshot());
  }

  #check<Names extends readonly string[]>(
    spec: MetricSpec<Names>,
    kind: MetricSpec['kind'],
  ): MetricSpec<Names> {
    assert(spec.kind === kind, `${spec.name} is a ${kind}`);
    assert(metricName.test(spec.name), `${spec.name} is a metric name`);
    assert(!this.#families.has(spec.name), `${spec.name} is made once`);
    assert(
      spec.labelNames.every((it) => labelName.test(it) && it !== 'le'),
      `${spec.name} has good label names`,
    );
    return spec;
  }

  #add<F extends { readonly spec: MetricSpec }>(family: F): F {
    // Handles are typed by label names; the store forgets them, since it only reads.
    this.#families.set(family.spec.name, family as unknown as AnyFamily);
    return family;
  }

  #seriesOptions() {
    return {
      seriesCountMax: this.#seriesCountMax,
      onOverflow: () => {
        this.#overflowCount += 1;
      },
    };
  }
}
