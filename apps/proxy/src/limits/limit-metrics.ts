/** What listeners and pools count, brought into the metrics when somebody asks. */
import type { Direction } from '@leno/dataplane';
import type { ClientPool, ServerStats, TcpServerStats } from '@leno/http';
import type { Counter, MeshMetrics, MetricStore } from '@leno/telemetry';
import type { Front } from '../front.ts';
import { listenerLimits, tcpLimits, type UpstreamStats, upstreamLimits } from './limit-table.ts';

interface Parts {
  readonly metrics: MeshMetrics;
  readonly store: MetricStore;
}

/** A series of a counter, and what is counted elsewhere for it. */
interface Counted {
  readonly family: Counter;
  readonly handle: number;
  readonly count: () => number;
}

/** Shows those of all listeners of a front. */
export function collectFront(
  parts: Parts,
  front: Pick<Front, 'listeners' | 'tcpStats'>,
  shedCount: Readonly<Record<Direction, number>>,
): void {
  for (const { name, direction, stats } of front.listeners) {
    collectListener(parts, name, stats, () => shedCount[direction]);
  }
  if (front.tcpStats !== undefined) collectTcpListeners(parts, front.tcpStats);
}

/** Shows the bounds and gauges of one listener. `shedRequestCount` is of its calls. */
export function collectListener(
  { metrics, store }: Parts,
  listener: string,
  stats: () => ServerStats,
  shedRequestCount: () => number,
): void {
  const { limitReached, listenerAccepted } = metrics;
  const counters: readonly Counted[] = [
    ...listenerLimits.map(({ limit, count }) =>
      counted(limitReached, limitReached.handle(listener, limit), () => count(stats())),
    ),
    ...shedCounters(metrics, listener, {
      connection: () => stats().shedConnectionCount,
      idle: () => stats().shedIdleCount,
      request: shedRequestCount,
    }),
    counted(listenerAccepted, listenerAccepted.handle(listener), () => stats().acceptedCount),
  ];
  const { listenerConnections, listenerRequests, listenerStreams } = metrics;
  store.onCollect(() => {
    for (const counter of counters) bringUp(counter);
    const { connectionCount, activeRequestCount, http2 } = stats();
    listenerConnections.set(listenerConnections.handle(listener), connectionCount);
    listenerRequests.set(listenerRequests.handle(listener), activeRequestCount);
    listenerStreams.set(listenerStreams.handle(listener), http2.activeStreamCount);
  });
}

/** Shows the same of the listeners for TCP, as one that is called `tcp`. */
export function collectTcpListeners(
  { metrics, store }: Parts,
  readStats: () => TcpServerStats,
): void {
  const { limitReached, listenerAccepted, listenerConnections } = metrics;
  let stats = readStats();
  const counters: readonly Counted[] = [
    ...tcpLimits.map(({ limit, count }) =>
      counted(limitReached, limitReached.handle('tcp', limit), () => count(stats)),
    ),
    ...shedCounters(metrics, 'tcp', { connection: () => stats.shedConnectionCount }),
    counted(listenerAccepted, listenerAccepted.handle('tcp'), () => stats.acceptedCount),
  ];
  store.onCollect(() => {
    stats = readStats();
    for (const counter of counters) bringUp(counter);
    listenerConnections.set(listenerConnections.handle('tcp'), stats.connectionCount);
  });
}

function shedCounters(
  { overloadShed }: MeshMetrics,
  listener: string,
  counts: Readonly<Record<string, () => number>>,
): readonly Counted[] {
  return Object.entries(counts).map(([kind, count]) =>
    counted(overloadShed, overloadShed.handle(listener, kind), count),
  );
}

const counted = (family: Counter, handle: number, count: () => number): Counted => ({
  family,
  handle,
  count,
});

function bringUp({ family, handle, count }: Counted): void {
  family.add(handle, count() - family.value(handle));
}

/** What of a cluster is shown here. */
export interface PooledCluster {
  readonly name: string;
  readonly endpoints: readonly { readonly pool: ClientPool }[];
}

/**
 * Shows the bounds and connections towards every cluster. What the pool of an endpoint that has left
 * counts until it has drained is its cluster's as well, for as long as that is there.
 */
export class UpstreamLimitMetrics {
  readonly #metrics: MeshMetrics;
  /** What was shown of each pool; a pool that clusters share counts for the first of them. */
  readonly #seen = new WeakMap<ClientPool, readonly number[]>();
  /** Pools with work to finish that a cluster has let go of, and its name. */
  readonly #leaving = new Map<ClientPool, string>();
  #shown = new Map<string, Direction>();

  constructor(metrics: MeshMetrics) {
    this.#metrics = metrics;
  }

  /** `inbound` is the application, `outbound` are the services that are called. */
  collect(inbound: PooledCluster, outbound: Iterable<PooledCluster>): void {
    const shown = new Map<string, Direction>();
    this.#show(inbound, 'inbound', shown);
    for (const cluster of outbound) this.#show(cluster, 'outbound', shown);
    for (const [name, dir] of this.#shown) {
      if (shown.has(name)) continue;
      this.#metrics.connections.remove(dir, name);
      for (const { limit } of upstreamLimits) {
        this.#metrics.upstreamLimitReached.remove(name, limit);
      }
    }
    this.#shown = shown;
    for (const [pool, name] of this.#leaving) {
      if (shown.has(name)) this.#bringUp(name, pool);
      else this.#leaving.delete(pool);
    }
    this.#forgetDrained();
  }

  /** For the hook of clusters: `cluster` has let go of `pool`. */
  left(cluster: string, pool: ClientPool): void {
    this.#bringUp(cluster, pool);
    // Also a cluster that came and went between two scrapes is taken out with the next.
    if (!this.#shown.has(cluster)) this.#shown.set(cluster, 'outbound');
    this.#leaving.set(pool, cluster);
    this.#forgetDrained();
  }

  /** Here and not at a scrape alone: endpoints come and go where nobody scrapes, too. */
  #forgetDrained(): void {
    for (const [pool, name] of this.#leaving) {
      const { connectionCount, activeCount, pendingCount } = pool.stats;
      if (connectionCount + activeCount + pendingCount > 0) continue;
      this.#bringUp(name, pool);
      this.#leaving.delete(pool);
    }
  }

  #bringUp(name: string, pool: ClientPool): void {
    const { upstreamLimitReached } = this.#metrics;
    const stats: UpstreamStats = pool.stats;
    const before = this.#seen.get(pool);
    const counts = upstreamLimits.map(({ count }) => count(stats));
    for (const [index, { limit }] of upstreamLimits.entries()) {
      const handle = upstreamLimitReached.handle(name, limit);
      upstreamLimitReached.add(handle, (counts[index] ?? 0) - (before?.[index] ?? 0));
    }
    this.#seen.set(pool, counts);
  }

  #show(cluster: PooledCluster, dir: Direction, shown: Map<string, Direction>): void {
    const { connections } = this.#metrics;
    let count = 0;
    for (const { pool } of cluster.endpoints) {
      this.#bringUp(cluster.name, pool);
      count += pool.stats.connectionCount;
    }
    connections.set(connections.handle(dir, cluster.name), count);
    shown.set(cluster.name, dir);
  }
}
