/**
 * The composition root of a data plane: tables, pools and engines, and the two listeners in front of
 * them. It knows no control plane and no disk: identity and views are handed to it, by the rest of
 * its own process or by the supervisor of several.
 */
import { randomFillSync } from 'node:crypto';
import { CallJournal, CallMetrics, DataPlane, EdgeStats, meshHttp2 } from '@leno/dataplane';
import { DnsResolver, type Identity } from '@leno/dataplane/node';
import {
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
  const servers = buildServers(settings, dataPlane, parts);
  const tcp = new TcpListeners(dataPlane);
  collectClusterMetrics({ metrics: families, store, dataPlane });
  const stats = { outbound: servers.outbound.stats, inbound: servers.inbound.stats };
  return {
    dataPlane,
    store,
    families,
    pages: createPages({ dataPlane, nowMs: () => systemClock.nowMs(), stats }),
    listen: async (at, options) => {
      const { outbound, inbound } = servers;
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
    egress: { resolver: new DnsResolver(settings.LENO_DNS_SERVERS) },
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
  { identity, log }: WorkerParts,
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
    limits: {
      bodyByteCountMax: settings.LENO_BODY_BYTES_MAX,
      stallTimeoutMs: settings.LENO_STALL_TIMEOUT_MS,
    },
    http2: true,
    halfCloseGraceMs: HALF_CLOSE_GRACE_MS,
  };
  const outbound = createHttpServer({
    ...common,
    handler: engine.outbound,
    onTls: engine.tcp.greeted,
    onRejected: refused('outbound'),
  });
  const inbound = createHttpServer({
    ...common,
    handler: engine.inbound,
    onTcp: engine.tcp.inbound,
    http2: meshHttp2,
    tls: serverTls(identity.value, settings.LENO_TRUST_DOMAIN),
    allowPlain: () => engine.table.permissive,
    onRejected: refused('inbound'),
  });
  identity.subscribe((value) => inbound.setTls(serverTls(value, settings.LENO_TRUST_DOMAIN)));
  return { outbound, inbound };
}
