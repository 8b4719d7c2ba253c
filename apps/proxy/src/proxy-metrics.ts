/** Gauges of the proxy as a whole and of its data planes, read when somebody asks. */
import type { DataPlane } from '@leno/dataplane';
import type { ControlSession, Identity } from '@leno/dataplane/node';
import { systemClock, type Watch } from '@leno/std';
import type { MeshMetrics, MetricStore } from '@leno/telemetry';
import type { UpstreamLimitMetrics } from './limits/limit-metrics.ts';
import { TableLimitMetrics } from './limits/table-limits.ts';
import type { Workers } from './workers/workers.ts';

const breakerValues = { closed: 0, 'half-open': 1, open: 2 } as const;

export interface ProxyMetricsParts {
  readonly workers: Pick<Workers, 'families' | 'store' | 'inForce'>;
  readonly session: ControlSession;
  readonly identity: Watch<Identity | undefined>;
  readonly build: string;
}

/** Fills the gauges at each scrape. */
export function collectProxyMetrics(parts: ProxyMetricsParts): void {
  const { workers, session, identity, build } = parts;
  const { families: metrics, store } = workers;
  metrics.buildInfo.set(metrics.buildInfo.handle(build, process.version), 1);
  let shown: readonly [string, string] | undefined;
  store.onCollect(() => {
    metrics.controlConnected.set(
      metrics.controlConnected.handle(),
      session.connected.value ? 1 : 0,
    );
    const { version, digest } = workers.inForce;
    if (shown !== undefined) metrics.configVersion.remove(...shown);
    shown = [String(version), digest];
    metrics.configVersion.set(metrics.configVersion.handle(...shown), 1);
    const own = identity.value;
    if (own !== undefined) {
      const handle = metrics.certNotAfter.handle('leaf', own.spiffeId);
      metrics.certNotAfter.set(handle, own.notAfterMs / 1_000);
    }
  });
}

/** Fills the gauges of one data plane at each scrape. */
export function collectClusterMetrics(parts: {
  readonly metrics: MeshMetrics;
  readonly store: MetricStore;
  readonly dataPlane: DataPlane;
  readonly upstream: UpstreamLimitMetrics;
}): void {
  const clusters = new ClusterGauges(parts.metrics);
  const table = new TableLimitMetrics(parts.metrics);
  const { dataPlane, upstream } = parts;
  parts.store.onCollect(() => {
    clusters.collect(dataPlane, systemClock.nowMs());
    table.collect(dataPlane.engine);
    upstream.collect(dataPlane.engine.application, dataPlane.clusters.values());
  });
}

/** Gauges of clusters and endpoints. Those of what is gone are taken out: instances come and go. */
class ClusterGauges {
  readonly #metrics: MeshMetrics;
  #clusters = new Set<string>();
  /** By cluster and id, which no name can hold together. */
  #endpoints = new Map<string, readonly [string, string]>();

  constructor(metrics: MeshMetrics) {
    this.#metrics = metrics;
  }

  collect(dataPlane: DataPlane, nowMs: number): void {
    const { endpoints: counts, breakerState, retryBudgetRemaining } = this.#metrics;
    const clusters = new Set<string>();
    const endpoints = new Map<string, readonly [string, string]>();
    for (const cluster of dataPlane.clusters.values()) {
      const { name, ejectedCount } = cluster;
      clusters.add(name);
      counts.set(counts.handle(name, 'ejected'), ejectedCount);
      counts.set(counts.handle(name, 'healthy'), cluster.endpoints.length - ejectedCount);
      const remaining = cluster.budget.remainingRatio(nowMs);
      retryBudgetRemaining.set(retryBudgetRemaining.handle(name), remaining);
      for (const { id, breaker } of cluster.endpoints) {
        endpoints.set(`${name} ${id}`, [name, id]);
        breakerState.set(breakerState.handle(name, id), breakerValues[breaker.stateAt(nowMs)]);
      }
    }
    this.#forget(clusters, endpoints);
  }

  #forget(clusters: Set<string>, endpoints: Map<string, readonly [string, string]>): void {
    const { endpoints: counts, breakerState, retryBudgetRemaining } = this.#metrics;
    for (const name of this.#clusters) {
      if (clusters.has(name)) continue;
      counts.remove(name, 'ejected');
      counts.remove(name, 'healthy');
      retryBudgetRemaining.remove(name);
    }
    for (const [key, labels] of this.#endpoints) {
      if (!endpoints.has(key)) breakerState.remove(...labels);
    }
    this.#clusters = clusters;
    this.#endpoints = endpoints;
  }
}
