import type { AnyFamily, MetricStore } from './metric-store.ts';

/** What prom-client's registry asks of a metric that is not its own. */
export interface BridgedMetric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  get(): Promise<BridgedValues>;
  reset(): void;
}

/** The answer of such a metric. */
export interface BridgedValues {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly aggregator: 'sum';
  readonly values: readonly {
    readonly metricName: string;
    readonly labels: Record<string, string>;
    readonly value: number;
  }[];
}

/**
 * Shows the families that `store` has now in a prom-client registry, beside an application's own
 * metrics: give it `(metric) => registry.registerMetric(metric as never)`. The store stays the only
 * owner of the numbers: `reset` does nothing, and prom-client is nowhere near the hot path.
 */
export function bridgeToPromClient(
  store: MetricStore,
  register: (metric: BridgedMetric) => void,
): void {
  for (const family of store.collect()) register(bridge(store, family));
}

function bridge(store: MetricStore, family: AnyFamily): BridgedMetric {
  const { name, help, kind: type } = family.spec;
  return {
    name,
    help,
    type,
    reset: () => undefined,
    get: () => {
      store.collect();
      const values = [...family.samples()].map((it) => ({
        metricName: it.name,
        labels: { ...it.labels },
        value: it.value,
      }));
      return Promise.resolve({ name, help, type, aggregator: 'sum' as const, values });
    },
  };
}
