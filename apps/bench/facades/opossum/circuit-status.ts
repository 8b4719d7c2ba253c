import { EventEmitter } from 'node:events';
import type { Clock } from '@leno/std';

/** What is counted of calls, by the names that opossum gives them. */
const counterNames = [
  'failures',
  'fallbacks',
  'successes',
  'rejects',
  'fires',
  'timeouts',
  'cacheHits',
  'cacheMisses',
  'coalesceCacheHits',
  'coalesceCacheMisses',
  'semaphoreRejections',
] as const;

export type CounterName = (typeof counterNames)[number];

export type Counts = Record<CounterName, number>;

export interface Bucket extends Counts {
  isCircuitBreakerOpen?: boolean;
}

export interface Stats extends Counts {
  readonly latencyMean: number;
  readonly percentiles: Readonly<Record<string, number>>;
}

export interface StatusOptions {
  readonly rollingCountBuckets?: number | undefined;
  readonly rollingCountTimeout?: number | undefined;
  readonly rollingPercentilesEnabled?: boolean | undefined;
  /** Counts to begin with. */
  readonly stats?: Partial<Counts> | undefined;
}

const quantiles = [0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 1];

/**
 * Counts over a rolling window, as opossum shows them. It rolls when it is written or read, so
 * there is no timer, and of latencies it keeps a sum and a count: none is stored, and percentiles
 * are those of no calls. The breaker does not judge by these counts: it has a window of its own.
 */
export class Status extends EventEmitter {
  readonly rollingPercentilesEnabled: boolean;
  readonly #clock: Clock;
  readonly #bucketMs: number;
  readonly #window: Bucket[];
  #rolledAtMs: number;
  #latencySumMs = 0;
  #latencyCount = 0;

  constructor(options: StatusOptions, clock: Clock) {
    super();
    const bucketCount = positiveOr(options.rollingCountBuckets, 10);
    const windowMs = positiveOr(options.rollingCountTimeout, 10_000);
    this.#bucketMs = Math.max(1, windowMs / bucketCount);
    this.#window = Array.from({ length: bucketCount }, emptyBucket);
    this.rollingPercentilesEnabled = options.rollingPercentilesEnabled !== false;
    this.#clock = clock;
    this.#rolledAtMs = clock.nowMs();
    Object.assign(this.#head(), pickCounts(options.stats ?? {}));
  }

  /** The buckets, the present one first. */
  get window(): readonly Readonly<Bucket>[] {
    this.#head();
    return this.#window.slice();
  }

  get stats(): Stats {
    this.#head();
    const totals = emptyBucket();
    for (const bucket of this.#window) {
      for (const name of counterNames) totals[name] += bucket[name];
    }
    const nothing = this.rollingPercentilesEnabled ? 0 : -1;
    const mean = this.#latencyCount === 0 ? 0 : this.#latencySumMs / this.#latencyCount;
    return {
      ...totals,
      latencyMean: this.rollingPercentilesEnabled ? mean : nothing,
      percentiles: Object.fromEntries(quantiles.map((quantile) => [quantile, nothing])),
    };
  }

  increment(name: CounterName, tookMs?: number): void {
    this.#head()[name] += 1;
    if (tookMs === undefined) return;
    this.#latencySumMs += tookMs;
    this.#latencyCount += 1;
  }

  open(): void {
    this.#head().isCircuitBreakerOpen = true;
  }

  close(): void {
    this.#head().isCircuitBreakerOpen = false;
  }

  #head(): Bucket {
    const nowMs = this.#clock.nowMs();
    const stepCount = Math.floor((nowMs - this.#rolledAtMs) / this.#bucketMs);
    if (stepCount > 0) {
      this.#rolledAtMs += stepCount * this.#bucketMs;
      const freshCount = Math.min(stepCount, this.#window.length);
      this.#window.splice(this.#window.length - freshCount, freshCount);
      this.#window.unshift(...Array.from({ length: freshCount }, emptyBucket));
    }
    return (this.#window[0] ??= emptyBucket());
  }
}

/** Zero, too, stands for the default. */
function positiveOr(value: number | undefined, otherwise: number): number {
  return value !== undefined && value > 0 ? value : otherwise;
}

function emptyBucket(): Bucket {
  return Object.fromEntries(counterNames.map((name) => [name, 0])) as Counts;
}

function pickCounts(given: Partial<Counts>): Partial<Counts> {
  return Object.fromEntries(
    counterNames
      .filter((name) => typeof given[name] === 'number')
      .map((name) => [name, given[name]]),
  );
}
