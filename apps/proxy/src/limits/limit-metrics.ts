/** What listeners and pools count, brought into the metrics when somebody asks. */
import type { Direction } from '@leno/dataplane';
import type { ClientPool, ServerStats } from '@leno/http';
import type { MeshMetrics, MetricStore } from '@leno/telemetry';
import { listenerLimits, type UpstreamStats, upstreamLimits } from './limit-table.ts';

/** Shows the bounds and gauges of one listener. `shedRequestCount` is of its calls. */
export function collectListener(
  parts: { readonly metrics: MeshMetrics; readonly store: MetricStore },
  listener: string,
  stats: () => ServerStats,
  shedRequestCount: () => number,
): void {
  const { metrics, store } = parts;
  const { limitReached, overloadShed } = metrics;
  const counters = [
    ...listenerLimits.map(({ limit, count }) => ({
      family: limitReached,
      handle: limitReached.handle(listener, limit),
      count: () => count(stats()),
    })),
    ...Object.entries({
      connection: () => stats().shedConnectionCount,
      idle: () => stats().shedIdleCount,
      request: shedRequestCount,
    }).map(([kind, count]) => ({
      family: overloadShed,
      handle: overloadShed.handle(listener, kind),
      count,
    })),
    {
      family: metrics.listenerAccepted,
      handle: metrics.listenerAccepted.handle(listener),
      count: () => stats().acceptedCount,
    },
  ];
  const { listenerConnections, listenerRequests, listenerStreams } = metrics;
  store.onCollect(() => {
    for (const { family, handle, count } of counters) {
      family.add(handle, count() - family.value(handle));
    }
    const { connectionCount, activeRequestCount, http2 } = stats();
    listenerConnections.set(listenerConnections.handle(listener), connectionCount);
    listenerRequests.set(listenerRequests.handle(listener), activeRequestCount);
    listenerStreams.set(listenerStreams.handle(listener), http2.activeStreamCount);
  });
}

/** What of a cluster is shown here. */
export interface PooledCluster {
  readonly name: string;
  readonly endpoints: readonly { readonly pool: ClientPool }[];
}

/**
 * Shows the bounds and connections towards every cluster. What a pool has counted since it was last
 * looked at is lost when its endpoint goes.
 */
export class UpstreamLimitMetrics {
  readonly #metrics: MeshMetrics;
  /** What was seen of each pool; a pool that clusters share counts for the first of them. */
  #seen = new Map<object, readonly number[]>();
  #shown = new Map<string, Direction>();

  constructor(metrics: MeshMetrics) {
    this.#metrics = metrics;
  }

  /** `inbound` is the application, `outbound` are the services that are called. */
  collect(inbound: PooledCluster, outbound: Iterable<PooledCluster>): void {
    const seen = new Map<object, readonly number[]>();
    const shown = new Map<string, Direction>();
    this.#collectCluster(inbound, seen);
    this.#show(inbound, 'inbound', shown);
    for (const cluster of outbound) {
      this.#collectCluster(cluster, seen);
      this.#show(cluster, 'outbound', shown);
    }
    for (const [name, dir] of this.#shown) {
      if (shown.has(name)) continue;
      this.#metrics.connections.remove(dir, name);
      for (const { limit } of upstreamLimits) {
        this.#metrics.upstreamLimitReached.remove(name, limit);
      }
    }
    this.#seen = seen;
    this.#shown = shown;
  }

  #collectCluster(cluster: PooledCluster, seen: Map<object, readonly number[]>): void {
    const { upstreamLimitReached } = this.#metrics;
    for (const { pool } of cluster.endpoints) {
      if (seen.has(pool)) continue;
      const stats: UpstreamStats = pool.stats;
      const before = this.#seen.get(pool);
      const counts = upstreamLimits.map(({ count }) => count(stats));
      for (const [index, { limit }] of upstreamLimits.entries()) {
        const handle = upstreamLimitReached.handle(cluster.name, limit);
        upstreamLimitReached.add(handle, (counts[index] ?? 0) - (before?.[index] ?? 0));
      }
      seen.set(pool, counts);
    }
  }

  #show(cluster: PooledCluster, dir: Direction, shown: Map<string, Direction>): void {
    const { connections } = this.#metrics;
    let count = 0;
    for (const { pool } of cluster.endpoints) count += pool.stats.connectionCount;
    connections.set(connections.handle(dir, cluster.name), count);
    shown.set(cluster.name, dir);
  }
}
