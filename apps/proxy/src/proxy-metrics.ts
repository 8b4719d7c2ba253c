/** Gauges of the proxy as a whole, read when somebody asks. */
import type { DataPlane } from '@leno/dataplane';
import type { ControlSession, Identity } from '@leno/dataplane/node';
import { systemClock, type Watch } from '@leno/std';
import type { MeshMetrics, MetricStore } from '@leno/telemetry';

const breakerValues = { closed: 0, 'half-open': 1, open: 2 } as const;

export interface ProxyMetricsParts {
  readonly metrics: MeshMetrics;
  readonly store: MetricStore;
  readonly dataPlane: DataPlane;
  readonly session: ControlSession;
  readonly identity: Watch<Identity | undefined>;
  readonly build: string;
}

/** Fills the gauges at each scrape. */
export function collectProxyMetrics(parts: ProxyMetricsParts): void {
  const { metrics, store, dataPlane, session, identity, build } = parts;
  metrics.buildInfo.set(metrics.buildInfo.handle(build, process.version), 1);
  let shown: readonly [string, string] | undefined;
  store.onCollect(() => {
    const nowMs = systemClock.nowMs();
    metrics.controlConnected.set(
      metrics.controlConnected.handle(),
      session.connected.value ? 1 : 0,
    );
    const { version, digest } = dataPlane.engine.table;
    if (shown !== undefined) metrics.configVersion.remove(...shown);
    shown = [String(version), digest];
    metrics.configVersion.set(metrics.configVersion.handle(...shown), 1);
    const own = identity.value;
    if (own !== undefined) {
      const handle = metrics.certNotAfter.handle('leaf', own.spiffeId);
      metrics.certNotAfter.set(handle, own.notAfterMs / 1_000);
    }
    collectClusters(metrics, dataPlane, nowMs);
  });
}

function collectClusters(metrics: MeshMetrics, dataPlane: DataPlane, nowMs: number): void {
  for (const cluster of dataPlane.clusters.values()) {
    const { endpoints, ejectedCount } = cluster;
    const count = (state: string, value: number): void =>
      metrics.endpoints.set(metrics.endpoints.handle(cluster.name, state), value);
    count('ejected', ejectedCount);
    count('healthy', endpoints.length - ejectedCount);
    for (const endpoint of endpoints) {
      const handle = metrics.breakerState.handle(cluster.name, endpoint.id);
      metrics.breakerState.set(handle, breakerValues[endpoint.breaker.stateAt(nowMs)]);
    }
  }
}
