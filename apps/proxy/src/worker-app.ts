/**
 * The composition root of a data plane: tables, pools and engines, and the listeners in front of
 * them. It knows no control plane and no disk: identity and views are handed to it, by the rest of
 * its own process or by the supervisor of several.
 */
import { randomFillSync } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import {
  CallJournal,
  CallMetrics,
  DataPlane,
  EdgeStats,
  meshHttp2,
  type Prepared,
  type PushedView,
} from '@leno/dataplane';
import { DnsResolver, type Identity } from '@leno/dataplane/node';
import {
  ConnectionCap,
  createHttpServer,
  type HttpServerOptions,
  type ListenOptions,
  newServerStats,
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
import type { Front } from './front.ts';
import { CertificateStore } from './gateway/certificate-store.ts';
import { gatewayFront } from './gateway/gateway-front.ts';
import { GatewayListeners } from './gateway/gateway-listeners.ts';
import { collectGatewayMetrics } from './gateway/gateway-metrics.ts';
import { connectionRoom, readDescriptorCountMax } from './limits/connection-room.ts';
import { collectFront, UpstreamLimitMetrics } from './limits/limit-metrics.ts';
import { streamLimitsOf } from './limits/limit-settings.ts';
import { OverloadWatch } from './limits/overload-watch.ts';
import { listenerOptions } from './listener-options.ts';
import { collectClusterMetrics } from './proxy-metrics.ts';
import { sidecarFront } from './sidecar-front.ts';
import { TcpListeners } from './tcp-listen.ts';
import { ClientTls, serverTls } from './tls.ts';
import type { BoundAddresses, ListenerName, ListenPlan } from './workers/workers.ts';

/** A data plane with its listeners. */
export interface Worker {
  readonly dataPlane: DataPlane;
  readonly store: MetricStore;
  readonly families: MeshMetrics;
  readonly pages: Pages;
  /** Gets ready for a view and judges it. One after the other: what comes next forgets it. */
  prepare(view: PushedView): Promise<Prepared>;
  /** Runs while the data plane listens. */
  readonly overload: OverloadWatch;
  /** Listens; throws `ListenError` for a port that cannot be had. */
  listen(at: ListenPlan, options: ListenOptions): Promise<BoundAddresses>;
  /** Takes no new connection on a listener, and finishes what is on it. */
  drain(listener: ListenerName, withinMs: number): Promise<void>;
  /** Whether there was ever a configuration, of a gateway its own. */
  isConfigured(): boolean;
  /** What is not as it should be although it serves, for people. */
  faults(): readonly string[];
  /** Frees everything; what is under way breaks off. */
  close(): void;
}

export interface WorkerParts {
  /** Who the proxy is; listeners and pools follow it. */
  readonly identity: Watch<Identity | undefined>;
  readonly log: JsonLogger;
}

/** The same, with the bound that all listeners share. */
type CappedParts = WorkerParts & { readonly cap: ConnectionCap };

/** Builds a data plane; it listens when it is told to. */
export function createWorker(settings: Settings, parts: WorkerParts): Worker {
  const store = new MetricStore();
  const families = createMeshMetrics(store);
  const upstream = new UpstreamLimitMetrics(families);
  const room = connectionRoom(settings.LENO_CONNECTIONS_MAX, readDescriptorCountMax());
  const cap = new ConnectionCap(room);
  const isGateway = settings.LENO_MODE === 'gateway';
  const gateway = isGateway
    ? buildGateway(settings, { ...parts, cap }, (port) => dataPlane.engine.gateway(port))
    : undefined;
  const check = gateway?.listeners.check;
  const dataPlane = buildDataPlane(settings, {
    ...parts,
    families,
    upstream,
    checkGateway: check,
  });
  const metrics = { metrics: families, store };
  collectClusterMetrics({ ...metrics, dataPlane, upstream });
  if (gateway !== undefined) collectGatewayMetrics({ families, store, ...gateway });
  const front =
    gateway === undefined
      ? buildSidecarFront(settings, dataPlane, { ...parts, cap })
      : gatewayFront(gateway.listeners, dataPlane);
  collectFront(metrics, front, dataPlane.engine.shedCount);
  const overload = buildOverload(settings, { front, dataPlane, cap, log: parts.log });
  overload.collect(metrics);
  const stats = () => ({ ...front.stats(), overload: overload.state });
  return {
    dataPlane,
    store,
    families,
    overload,
    pages: createPages({ dataPlane, nowMs: () => systemClock.nowMs(), stats }),
    prepare: async (view) => {
      await front.prepare(view.resources);
      const prepared = dataPlane.prepare(view);
      const { applied } = prepared;
      // Nothing changes then, and nothing that was got ready is needed.
      if (applied.status === 'rejected') front.follow();
      return {
        applied,
        commit: () => {
          prepared.commit();
          front.follow();
        },
      };
    },
    listen: (at, options) => {
      overload.start();
      return front.listen(at, options);
    },
    drain: (listener, withinMs) => front.drain(listener, withinMs),
    faults: () => front.faults(),
    isConfigured: () => {
      const { mesh, gateway: own } = dataPlane.engine.table;
      return mesh !== undefined && (!isGateway || own !== undefined);
    },
    close: () => {
      overload.stop();
      front.close();
      dataPlane.close();
      dataPlane.engine.journal.flush();
    },
  };
}

/** The listeners of a gateway, and its certificates. */
function buildGateway(
  settings: Settings,
  { log, cap }: CappedParts,
  handlerOf: (port: number) => HttpServerOptions['handler'],
): { readonly listeners: GatewayListeners; readonly certificates: CertificateStore } {
  const certificates = new CertificateStore({
    directory: settings.LENO_CERTIFICATE_DIR,
    clock: systemClock,
    timers: systemTimers,
    log,
    changed: () => listeners.certificatesChanged(),
  });
  const listeners = new GatewayListeners({
    name: `${settings.LENO_NAMESPACE}/${settings.LENO_SERVICE}`,
    host: settings.LENO_GATEWAY_HOST,
    reusePort: settings.LENO_WORKERS > 1,
    certificates,
    createServer: (port, tls) =>
      createHttpServer({
        ...listenerOptions(settings, `gateway:${port}`, { log, cap }),
        handler: handlerOf(port),
        ...(tls === undefined ? {} : { tls }),
      }),
    noStats: newServerStats(),
    log,
  });
  return { listeners, certificates };
}

function buildDataPlane(
  settings: Settings,
  parts: WorkerParts & {
    readonly families: MeshMetrics;
    readonly upstream: UpstreamLimitMetrics;
    readonly checkGateway: GatewayListeners['check'] | undefined;
  },
): DataPlane {
  const { identity, log, families, upstream, checkGateway } = parts;
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
    subject: {
      service: settings.LENO_SERVICE,
      namespace: settings.LENO_NAMESPACE,
      isGateway: settings.LENO_MODE === 'gateway',
    },
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
    limits: {
      ruleCountMax: settings.LENO_ROUTE_RULE_COUNT_MAX,
      ...(checkGateway === undefined ? {} : { checkGateway }),
    },
    hooks: {
      endpointLeft: ({ name }, { pool }) => upstream.left(name, pool),
      breakerChanged(cluster, change) {
        const { breakerTransitions } = families;
        const { from, to, why } = change;
        breakerTransitions.add(breakerTransitions.handle(cluster.name, from, to, why));
        log.warn('breaker changed', { cluster: cluster.name, ...change });
      },
    },
  });
}

/** The front of a sidecar: one listener each way, and those for TCP. */
function buildSidecarFront(
  settings: Settings,
  { engine }: DataPlane,
  { identity, log, cap }: CappedParts,
): Front {
  const outbound = createHttpServer({
    ...listenerOptions(settings, 'outbound', { log, cap }),
    handler: engine.outbound,
    onTls: engine.tcp.greeted,
  });
  const inbound = createHttpServer({
    ...listenerOptions(settings, 'inbound', { log, cap }),
    handler: engine.inbound,
    onTcp: engine.tcp.inbound,
    http2: { ...meshHttp2, ...streamLimitsOf(settings) },
    tls: serverTls(identity.value, settings.LENO_TRUST_DOMAIN),
    allowPlain: () => engine.table.permissive,
  });
  identity.subscribe((value) => inbound.setTls(serverTls(value, settings.LENO_TRUST_DOMAIN)));
  const connectionCountMax = settings.LENO_OUTBOUND_CONNECTIONS_MAX;
  const tcp = new TcpListeners(engine, { cap, connectionCountMax });
  return sidecarFront({ outbound, inbound }, tcp, engine);
}

function buildOverload(
  settings: Settings,
  parts: {
    readonly front: Front;
    readonly dataPlane: DataPlane;
    readonly cap: ConnectionCap;
    readonly log: JsonLogger;
  },
): OverloadWatch {
  const { front, dataPlane, cap, log } = parts;
  return new OverloadWatch({
    servers: () => front.servers(),
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
