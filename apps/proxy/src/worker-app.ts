/**
 * The composition root of a data plane: tables, pools and engines, and the two listeners in front of
 * them. It knows no control plane and no disk: identity and views are handed to it, by the rest of
 * its own process or by the supervisor of several.
 */
import { randomFillSync } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { CallJournal, CallMetrics, DataPlane, EdgeStats, meshHttp2 } from '@leno/dataplane';
import { DnsResolver, type Identity } from '@leno/dataplane/node';
import {
  ConnectionCap,
  createHttpServer,
  FieldList,
  type HttpServer,
  type HttpServerOptions,
  type ListenOptions,
  type Rejection,
} from '@leno/http';
import { systemClock, systemRng, systemTimers, type Watch } from '@leno/std';
import type { JsonLogger } from '@leno/std/node';
import {
  AccessLog,
  createMeshMetrics,
  FlightRecorder,
  IdSource,
  type MeshMetrics,
  MetricStore,
} from '@leno/telemetry';
import { createPages, type Pages } from './admin/pages.ts';
import type { Settings } from './env.ts';
import { connectionRoom, readDescriptorCountMax } from './limits/connection-room.ts';
import { collectListener } from './limits/limit-metrics.ts';
import { serverLimitsOf, streamLimitsOf } from './limits/limit-settings.ts';
import { OverloadWatch } from './limits/overload-watch.ts';
import { listen } from './listen.ts';
import { collectClusterMetrics } from './proxy-metrics.ts';
import { TcpListeners } from './tcp-listen.ts';
import { ClientTls, serverTls } from './tls.ts';
import type { BoundAddresses, ListenerName, ListenPlan } from './workers/workers.ts';

/** So long a client that has ended its half may wait for a reply; one that has gone looks the same. */
const HALF_CLOSE_GRACE_MS = 1_000;

/** A data plane with its listeners. */
export interface Worker {
  readonly dataPlane: DataPlane;
  readonly store: MetricStore;
  readonly families: MeshMetrics;
  readonly pages: Pages;
  /** Runs while the data plane listens. */
  readonly overload: OverloadWatch;
  /** Listens; throws `ListenError` for a port that cannot be had. */
  listen(at: ListenPlan, options: ListenOptions): Promise<BoundAddresses>;
  /** Takes no new connection on a listener, and finishes what is on it. */
  drain(listener: ListenerName, withinMs: number): Promise<void>;
  /** Frees everything; what is under way breaks off. */
  close(): void;
}

export interface WorkerParts {
  /** Who the proxy is; listeners and pools follow it. */
  readonly identity: Watch<Identity | undefined>;
  readonly log: JsonLogger;
}

/** Builds a data plane; it listens when it is told to. */
export function createWorker(settings: Settings, parts: WorkerParts): Worker {
  const store = new MetricStore();
  const families = createMeshMetrics(store);
  const dataPlane = buildDataPlane(settings, families, parts);
  const room = connectionRoom(settings.LENO_CONNECTIONS_MAX, readDescriptorCountMax());
  const cap = new ConnectionCap(room);
  const servers = buildServers(settings, dataPlane, { ...parts, cap });
  const tcp = new TcpListeners(dataPlane);
  const metrics = { metrics: families, store };
  collectClusterMetrics({ ...metrics, dataPlane });
  for (const name of ['inbound', 'outbound'] as const) {
    const { shedCount } = dataPlane.engine;
    collectListener(metrics, name, servers[name].stats, () => shedCount[name]);
  }
  const overload = buildOverload(settings, { servers, dataPlane, cap, log: parts.log });
  overload.collect(metrics);
  const stats = () => ({
    outbound: servers.outbound.stats,
    inbound: servers.inbound.stats,
    overload: overload.state,
  });
  return {
    dataPlane,
    store,
    families,
    overload,
    pages: createPages({ dataPlane, nowMs: () => systemClock.nowMs(), stats }),
    listen: async (at, options) => {
      const { outbound, inbound } = servers;
      overload.start();
      return {
        outbound: await listen(outbound, at.outbound, {
          ...options,
          setting: 'LENO_OUTBOUND_LISTEN',
        }),
        inbound: await listen(inbound, at.inbound, { ...options, setting: 'LENO_INBOUND_LISTEN' }),
        tcp: await tcp.listen(at.tcp, options),
      };
    },
    drain: async (listener, withinMs) => {
      if (listener === 'outbound') tcp.stopListening();
      await Promise.all([
        servers[listener].drain(withinMs),
        dataPlane.engine.tcp.drain(listener, withinMs),
      ]);
    },
    close: () => {
      overload.stop();
      void tcp.close();
      dataPlane.close();
      dataPlane.engine.journal.flush();
    },
  };
}

function buildDataPlane(
  settings: Settings,
  families: MeshMetrics,
  { identity, log }: WorkerParts,
): DataPlane {
  const accessLog = new AccessLog({
    sink: { write: (batch, done) => void process.stderr.write(batch, () => done()) },
    timers: systemTimers,
  });
  const { LENO_APP: app } = settings;
  const clientTls = new ClientTls(identity, settings.LENO_TRUST_DOMAIN);
  return new DataPlane({
    clock: systemClock,
    timers: systemTimers,
    rng: systemRng,
    name: `leno-${settings.LENO_SERVICE}`,
    identity: `spiffe://${settings.LENO_TRUST_DOMAIN}/ns/${settings.LENO_NAMESPACE}/sa/${settings.LENO_SERVICE}`,
    ids: new IdSource((bytes) => randomFillSync(bytes)),
    metrics: new CallMetrics(families, new EdgeStats()),
    journal: new CallJournal(accessLog, new FlightRecorder(), systemClock),
    subject: { service: settings.LENO_SERVICE, namespace: settings.LENO_NAMESPACE },
    application: {
      id: 'application',
      address: app.kind === 'tcp' ? app.host : `unix:${app.path}`,
      port: app.kind === 'tcp' ? app.port : 1,
      weight: 1,
      health: 'ready',
      transport: 'plain',
      labels: {},
    },
    applicationProtocol: app.speaks,
    tlsFor: (expected) => clientTls.lease(expected),
    egress: {
      resolver: new DnsResolver(settings.LENO_DNS_SERVERS),
      ownAddresses: Object.values(networkInterfaces()).flatMap(
        (each) => each?.map(({ address }) => address) ?? [],
      ),
    },
    limits: { ruleCountMax: settings.LENO_ROUTE_RULE_COUNT_MAX },
    hooks: {
      breakerChanged(cluster, change) {
        const { breakerTransitions } = families;
        const { from, to, why } = change;
        breakerTransitions.add(breakerTransitions.handle(cluster.name, from, to, why));
        log.warn('breaker changed', { cluster: cluster.name, ...change });
      },
    },
  });
}

function buildServers(
  settings: Settings,
  dataPlane: DataPlane,
  { identity, log, cap }: WorkerParts & { readonly cap: ConnectionCap },
): Readonly<Record<ListenerName, HttpServer>> {
  const { engine } = dataPlane;
  const refused =
    (listener: string) =>
    (rejection: Rejection): FieldList => {
      log.debug('refused before any handler', { listener, ...rejection });
      return FieldList.of([['x-leno-reason', rejection.reason]]);
    };
  const common: Partial<HttpServerOptions> = {
    clock: systemClock,
    timers: systemTimers,
    cap,
    halfCloseGraceMs: HALF_CLOSE_GRACE_MS,
  };
  const limits = serverLimitsOf(settings);
  const outbound = createHttpServer({
    ...common,
    limits: { ...limits, connectionCountMax: settings.LENO_OUTBOUND_CONNECTIONS_MAX },
    http2: { streamCountMax: settings.LENO_STREAM_COUNT_MAX, ...streamLimitsOf(settings) },
    handler: engine.outbound,
    onTls: engine.tcp.greeted,
    onRejected: refused('outbound'),
  });
  const inbound = createHttpServer({
    ...common,
    limits: { ...limits, connectionCountMax: settings.LENO_INBOUND_CONNECTIONS_MAX },
    handler: engine.inbound,
    onTcp: engine.tcp.inbound,
    http2: { ...meshHttp2, ...streamLimitsOf(settings) },
    tls: serverTls(identity.value, settings.LENO_TRUST_DOMAIN),
    allowPlain: () => engine.table.permissive,
    onRejected: refused('inbound'),
  });
  identity.subscribe((value) => inbound.setTls(serverTls(value, settings.LENO_TRUST_DOMAIN)));
  return { outbound, inbound };
}

function buildOverload(
  settings: Settings,
  parts: {
    readonly servers: Readonly<Record<ListenerName, HttpServer>>;
    readonly dataPlane: DataPlane;
    readonly cap: ConnectionCap;
    readonly log: JsonLogger;
  },
): OverloadWatch {
  const { servers, dataPlane, cap, log } = parts;
  return new OverloadWatch({
    servers: [servers.inbound, servers.outbound],
    engine: dataPlane.engine,
    cap,
    memoryBytesMax: settings.LENO_MEMORY_BYTES_MAX,
    processCount: settings.LENO_WORKERS,
    loopDelayMsMax: settings.LENO_LOOP_DELAY_MS_MAX,
    clock: systemClock,
    timers: systemTimers,
    log,
  });
}
