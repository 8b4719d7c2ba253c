/** A whole proxy on ports of its own, but for its control plane. For tests. */
import { createHttpServer, type HttpServer, type HttpServerOptions } from '@leno/http';
import { seededRng, systemClock, systemTimers, Watch } from '@leno/std';
import {
  AccessLog,
  createMeshMetrics,
  FlightRecorder,
  IdSource,
  MetricStore,
} from '@leno/telemetry';
import { DataPlane, type DataPlaneOptions } from '../data-plane.ts';
import type { EgressPorts } from '../egress/egress.ts';
import { CallMetrics } from '../observe/call-metrics.ts';
import { EdgeStats } from '../observe/edge-stats.ts';
import { CallJournal } from '../observe/journal.ts';
import { meshHttp2 } from '../upstream/mesh-http2.ts';
import type { PlainProtocol } from '../upstream/pools.ts';
import { idOf, tlsOf } from './identities.ts';
import { endpoint, type Mesh, viewOf } from './views.ts';

export interface ProxyBed {
  readonly dataPlane: DataPlane;
  readonly metrics: MetricStore;
  readonly outboundPort: number;
  readonly inboundPort: number;
  readonly inbound: HttpServer;
  apply(mesh: Mesh): ReturnType<DataPlane['apply']>;
  /** Whatever has not been given back, by name; empty when all calls are over. */
  leaks(): string[];
  close(): Promise<void>;
}

/** What is not as usual about a proxy. */
export interface ProxyParts {
  /** False for one of the time before HTTP/2 between sidecars. */
  readonly speaksHttp2?: boolean;
  /** Whether it is a gateway: its listeners are opened by the test. */
  readonly isGateway?: boolean;
  readonly checkGateway?: DataPlaneOptions['limits']['checkGateway'];
  /** The way out of the mesh. */
  readonly egress?: EgressPorts;
  /** What its application speaks; HTTP/1.1 by default. */
  readonly applicationProtocol?: PlainProtocol;
  /** Takes the place of the inbound listener's handler. */
  readonly inboundHandler?: HttpServerOptions['handler'];
}

/** Starts a proxy for `service`, whose application listens on `applicationPort`. */
export async function openProxy(
  service: string,
  applicationPort = 1,
  parts: ProxyParts = {},
): Promise<ProxyBed> {
  const metrics = new MetricStore();
  const accessLog = new AccessLog({ sink: { write: (_, done) => done() }, timers: systemTimers });
  const rng = seededRng(7);
  const dataPlane = new DataPlane({
    clock: systemClock,
    timers: systemTimers,
    rng,
    name: `leno-${service}`,
    identity: idOf(service),
    ids: new IdSource((bytes) => bytes.forEach((_, at) => (bytes[at] = Math.floor(rng() * 256)))),
    metrics: new CallMetrics(createMeshMetrics(metrics), new EdgeStats()),
    journal: new CallJournal(accessLog, new FlightRecorder(), systemClock),
    subject: { service, namespace: 'default', isGateway: parts.isGateway === true },
    application: endpoint(applicationPort, undefined, 'application'),
    applicationProtocol: parts.applicationProtocol ?? 'http/1.1',
    tlsFor: (expected) => ({
      options: new Watch(tlsOf(service, expected)),
      release: () => undefined,
    }),
    ...(parts.egress && { egress: parts.egress }),
    limits: {
      ruleCountMax: 100,
      ...(parts.checkGateway === undefined ? {} : { checkGateway: parts.checkGateway }),
    },
    hooks: { breakerChanged: () => undefined },
  });
  const { engine } = dataPlane;
  const outbound = createHttpServer({
    handler: engine.outbound,
    http2: true,
    onTls: engine.tcp.greeted,
  });
  const inbound = createHttpServer({
    handler: parts.inboundHandler ?? engine.inbound,
    http2: parts.speaksHttp2 === false ? false : meshHttp2,
    tls: tlsOf(service),
    onTcp: engine.tcp.inbound,
    allowPlain: () => engine.table.permissive,
  });
  return {
    dataPlane,
    metrics,
    inbound,
    outboundPort: (await outbound.listen(0, '127.0.0.1')).port,
    inboundPort: (await inbound.listen(0, '127.0.0.1')).port,
    apply: (mesh) => dataPlane.apply(viewOf(mesh)),
    leaks: () => leaksOf(dataPlane),
    close: async () => {
      await Promise.all([outbound.close(), inbound.close()]);
      dataPlane.close();
    },
  };
}

function leaksOf({ engine, clusters, pools }: DataPlane): string[] {
  const held: Record<string, number> = {
    calls: engine.activeCount,
    'wheel entries': engine.wheel.count + engine.tcp.wheel.count,
    'open accesses': engine.openAccess.count,
    connections: engine.tcp.openCount('inbound') + engine.tcp.openCount('outbound'),
  };
  for (const cluster of [engine.application, ...clusters.values()]) {
    held[`tries of ${cluster.name}`] = cluster.activeCount;
    held[`budget of ${cluster.name}`] = cluster.budget.inFlightCount;
  }
  for (const [index, pool] of pools.pools.entries()) {
    held[`requests of pool ${index}`] = pool.stats.activeCount + pool.stats.pendingCount;
  }
  return Object.entries(held).flatMap(([name, count]) => (count === 0 ? [] : [`${count} ${name}`]));
}
