/** What a data plane shows of itself: the pages of the admin interface that say what runs. */
import type { DataPlane } from '@leno/dataplane';

/** Each is one page; `why` takes the id of a request or of a trace. */
export const pageNames = ['config', 'clusters', 'routes', 'stats', 'why'] as const;
export type PageName = (typeof pageNames)[number];

export interface PagePorts {
  readonly dataPlane: DataPlane;
  readonly nowMs: () => number;
  /** Counters of listeners, and what is given up. */
  readonly stats: () => unknown;
}

export type Pages = Readonly<Record<PageName, (argument: string) => unknown>>;

/** What each gives can be JSON, and can be sent to another process. Undefined: there is no such thing. */
export function createPages({ dataPlane, nowMs, stats }: PagePorts): Pages {
  return {
    config: () => {
      const { epoch, version, digest } = dataPlane.engine.table;
      return { epoch, version, digest, resources: [...dataPlane.view.resources.values()] };
    },
    clusters: () => describeClusters(dataPlane, nowMs()),
    routes: () => describeRoutes(dataPlane),
    stats,
    why: (id) => dataPlane.engine.journal.recorder.find(id, nowMs()),
  };
}

function describeClusters(dataPlane: DataPlane, nowMs: number): unknown {
  const clusters = [dataPlane.engine.application, ...dataPlane.clusters.values()];
  return clusters.map((cluster) => ({
    name: cluster.name,
    active: cluster.activeCount,
    ejected: cluster.ejectedCount,
    panicked: cluster.panicCount,
    budgetRemaining: cluster.budget.remainingRatio(nowMs),
    scores: cluster.explain(nowMs),
    endpoints: cluster.endpoints.map((endpoint) => ({
      id: endpoint.id,
      address: `${endpoint.body.address}:${endpoint.body.port}`,
      transport: endpoint.body.transport,
      identity: endpoint.body.identity,
      labels: endpoint.body.labels,
      breaker: endpoint.explain(nowMs),
      connections: endpoint.pool.stats,
    })),
  }));
}

function describeRoutes(dataPlane: DataPlane): unknown {
  const { table } = dataPlane.engine;
  return [...table.services.values()].map((service) => ({
    service: service.name,
    dial: [...table.destinations]
      .filter(([, destination]) => destination.service === service)
      .map(([authority]) => authority),
    policy: service.policy,
    rules: [...service.rules.values()].map(({ routeName, rule, policy }) => ({
      routeName,
      matches: rule.matches,
      backends: rule.backends,
      policy,
    })),
  }));
}
