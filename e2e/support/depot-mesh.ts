import { documents, meshConfig, service } from './config.ts';
import { Depot } from './depot.ts';
import { type MeshApp, startMesh, type TestMesh } from './mesh.ts';
import { until } from './until.ts';

/** The depot behind a sidecar, and a service `web` whose sidecar real clients use to reach it. */
export class DepotMesh {
  readonly depot: Depot;
  readonly mesh: TestMesh;
  readonly web: MeshApp;
  readonly shop: MeshApp;

  constructor(depot: Depot, mesh: TestMesh) {
    this.depot = depot;
    this.mesh = mesh;
    const find = (name: string): MeshApp => {
      const found = mesh.apps.find((it) => it.service === name);
      if (found === undefined) throw new Error(`no ${name}`);
      return found;
    };
    this.web = find('web');
    this.shop = find('depot');
  }

  /** Where clients ask. */
  get port(): number {
    return Number(this.web.outbound.split(':')[1]);
  }

  /** Waits until nothing is under way in either sidecar, nor any connection of a client open. */
  async atRest(withinMs: number): Promise<void> {
    await until(
      async () => {
        for (const entry of [this.web, this.shop]) {
          const { underWay } = await figuresOf(this.mesh, entry);
          if (Object.values(underWay).some((count) => count !== 0)) {
            throw new Error(`${entry.id}: ${JSON.stringify(underWay)}`);
          }
        }
        return true;
      },
      'nothing is under way',
      withinMs,
    );
  }

  async stop(): Promise<void> {
    this.depot.close();
    await this.mesh.stop();
  }
}

/** Bodies may take their time, and what tests do to the application is no outage of it. */
const policy = `apiVersion: leno.dev/v1
kind: TrafficPolicy
metadata: { name: depot, namespace: default }
spec:
  targetRef: { name: depot }
  timeouts: { request: 0s }
  breaker: { consecutiveFailures: 1000, successRateMin: 0.01 }
`;

/** Starts it; the depot is dialled as `depot`. */
export async function startDepotMesh(): Promise<DepotMesh> {
  const depot = new Depot();
  const port = await depot.listen();
  const mesh = await startMesh([
    { service: 'web' },
    { service: 'depot', env: { LENO_APP: `127.0.0.1:${port}` } },
  ]);
  const services = [service('web', { app: 'web' }), service('depot', { app: 'depot' })];
  await mesh.apply(documents(meshConfig(), ...services, policy));
  await mesh.ready();
  return new DepotMesh(depot, mesh);
}

interface Stats {
  readonly connectionCount: number;
  readonly activeRequestCount: number;
}

interface ClusterPage {
  readonly active: number;
  readonly endpoints: readonly { readonly connections: PoolFigures }[];
}

interface PoolFigures {
  readonly connectionCount: number;
  readonly activeCount: number;
  readonly pendingCount: number;
}

/** What a sidecar says of itself: what it is at, and what rests. */
export async function figuresOf(mesh: TestMesh, entry: MeshApp) {
  const { outbound, inbound } = (await mesh.admin(entry, '/stats')) as Record<string, Stats>;
  const clusters = (await mesh.admin(entry, '/clusters')) as readonly ClusterPage[];
  const pools = clusters.flatMap(({ endpoints }) => endpoints.map((it) => it.connections));
  const sum = (counts: readonly number[]): number => counts.reduce((all, it) => all + it, 0);
  const underWay = {
    clientConnections: outbound?.connectionCount ?? Number.NaN,
    outbound: outbound?.activeRequestCount ?? Number.NaN,
    inbound: inbound?.activeRequestCount ?? Number.NaN,
    clusters: sum(clusters.map(({ active }) => active)),
    pools: sum(pools.map(({ activeCount }) => activeCount)),
    pending: sum(pools.map(({ pendingCount }) => pendingCount)),
  };
  return {
    underWay,
    /** From other sidecars. */
    peerConnections: inbound?.connectionCount ?? Number.NaN,
    poolConnections: sum(pools.map(({ connectionCount }) => connectionCount)),
  };
}
