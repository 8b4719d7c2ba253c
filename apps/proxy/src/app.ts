/**
 * The composition root of a proxy, in the order in which things may depend on each other: state on
 * disk → data plane → listeners → control session → application watch. Only this file constructs.
 */
import { randomFillSync } from 'node:crypto';
import { hostname } from 'node:os';
import { CallJournal, CallMetrics, DataPlane, EdgeStats, meshHttp2 } from '@leno/dataplane';
import {
  AppWatch,
  ControlSession,
  type ControlSessionOptions,
  type Identity,
} from '@leno/dataplane/node';
import {
  ConnectionCap,
  createHttpServer,
  FieldList,
  type HttpServer,
  type Rejection,
} from '@leno/http';
import { systemClock, systemRng, systemTimers, Watch } from '@leno/std';
import type { JsonLogger } from '@leno/std/node';
import {
  AccessLog,
  createMeshMetrics,
  FlightRecorder,
  IdSource,
  MetricStore,
} from '@leno/telemetry';
import { adminApp, metricsApp } from './admin/admin-app.ts';
import { type AdminServer, serveAdmin } from './admin/admin-server.ts';
import { Drain } from './drain.ts';
import type { Settings } from './env.ts';
import { instanceOf } from './instance.ts';
import { readJoinToken } from './join-token.ts';
import { connectionRoom, readDescriptorCountMax } from './limits/connection-room.ts';
import { collectListener } from './limits/limit-metrics.ts';
import { serverLimitsOf, streamLimitsOf } from './limits/limit-settings.ts';
import { OverloadWatch } from './limits/overload-watch.ts';
import { listen, renderAddress } from './listen.ts';
import { ProcessStats } from './process-stats.ts';
import { collectProxyMetrics } from './proxy-metrics.ts';
import { ClientTls, serverTls } from './tls.ts';

/** A proxy that listens. */
export interface RunningProxy {
  readonly addresses: Readonly<Record<'outbound' | 'inbound' | 'admin' | 'metrics', string>>;
  /** Leaves the mesh, finishes what is under way, and frees everything. Again it does nothing new. */
  drain(): Promise<void>;
  /** Settles when a drain is over, whoever has asked for it. */
  readonly drained: Promise<void>;
}

const BUILD = '0.1.0';

/** Builds a proxy and starts it. Throws where a setting, a port or the state directory is unusable. */
export async function startProxy(settings: Settings, log: JsonLogger): Promise<RunningProxy> {
  const identity = new Watch<Identity | undefined>(undefined);
  const { dataPlane, metrics } = buildDataPlane(settings, identity, log);
  const appWatch = new AppWatch({ address: settings.LENO_APP });
  const joinToken = await readJoinToken(settings.LENO_JOIN_TOKEN_FILE);
  const session = buildSession(settings, { dataPlane, identity, log, joinToken });
  await session.restore();

  const listeners = await startListeners(settings, { dataPlane, identity, log });
  const { overload } = listeners;
  const drain = new Drain({ settings, dataPlane, session, appWatch, listeners, log });
  const readiness = (): { ready: boolean; waitsFor: string[] } => {
    const waitsFor: string[] = [];
    if (drain.hasBegun) waitsFor.push('its own end: it is draining');
    if (identity.value === undefined) waitsFor.push('a certificate');
    if (dataPlane.engine.table.mesh === undefined) waitsFor.push('a configuration');
    if (!appWatch.up.value) waitsFor.push('the application');
    if (overload.refusal !== undefined) waitsFor.push(overload.refusal);
    return { ready: waitsFor.length === 0, waitsFor };
  };
  const admin = await serveAdmin(
    adminApp({
      dataPlane,
      metrics,
      log,
      nowMs: () => systemClock.nowMs(),
      readiness,
      certificates: () => describeIdentity(identity.value),
      stats: () => ({
        outbound: listeners.outbound.stats,
        inbound: listeners.inbound.stats,
        overload: overload.state,
      }),
      drain: () => void drain.begin(),
    }),
    settings.LENO_ADMIN_LISTEN,
    'LENO_ADMIN_LISTEN',
  );
  listeners.admin = admin;
  const scraped = await serveAdmin(
    metricsApp({ metrics, readiness }),
    settings.LENO_METRICS_LISTEN,
    'LENO_METRICS_LISTEN',
  );
  listeners.metrics = scraped;
  const families = { metrics: dataPlane.engine.metrics.families, store: metrics };
  collectProxyMetrics({ ...families, dataPlane, session, identity, build: BUILD });
  for (const name of ['inbound', 'outbound'] as const) {
    const { shedCount } = dataPlane.engine;
    collectListener(families, name, listeners[name].stats, () => shedCount[name]);
  }
  overload.collect(families);
  overload.start();

  session.start();
  appWatch.start();
  registerWhileUp({ settings, session, appWatch, inbound: listeners.inboundAddress });
  return {
    addresses: {
      outbound: renderAddress(listeners.outboundAddress),
      inbound: renderAddress(listeners.inboundAddress),
      admin: admin.address,
      metrics: scraped.address,
    },
    drain: () => drain.begin(),
    drained: drain.done,
  };
}

function buildSession(
  settings: Settings,
  parts: Pick<ControlSessionOptions, 'dataPlane' | 'identity' | 'log' | 'joinToken'>,
): ControlSession {
  const processStats = new ProcessStats();
  return new ControlSession({
    ...parts,
    address: settings.LENO_CONTROL_PLANE,
    trustDomain: settings.LENO_TRUST_DOMAIN,
    trustPin: settings.LENO_TRUST_PIN,
    stateDirectory: settings.LENO_STATE_DIR,
    node: {
      id: instanceId(settings),
      service: settings.LENO_SERVICE,
      namespace: settings.LENO_NAMESPACE,
      labels: { ...settings.LENO_LABELS, version: settings.LENO_VERSION },
      build: BUILD,
    },
    stat: () => ({
      service: `${settings.LENO_NAMESPACE}/${settings.LENO_SERVICE}`,
      version: settings.LENO_VERSION,
      requests: parts.dataPlane.engine.metrics.edges.take(),
      proxy: processStats.take(),
    }),
  });
}

function instanceId(settings: Settings): string {
  return settings.LENO_INSTANCE ?? `${settings.LENO_SERVICE}-${hostname()}-${process.pid}`;
}

function buildDataPlane(
  settings: Settings,
  identity: Watch<Identity | undefined>,
  log: JsonLogger,
): { dataPlane: DataPlane; metrics: MetricStore } {
  const metrics = new MetricStore();
  const families = createMeshMetrics(metrics);
  const accessLog = new AccessLog({
    sink: { write: (batch, done) => void process.stderr.write(batch, () => done()) },
    timers: systemTimers,
  });
  const { LENO_APP: app } = settings;
  const clientTls = new ClientTls(identity, settings.LENO_TRUST_DOMAIN);
  const dataPlane = new DataPlane({
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
    tlsFor: (expected) => clientTls.lease(expected),
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
  return { dataPlane, metrics };
}

interface Listeners {
  readonly outbound: HttpServer;
  readonly inbound: HttpServer;
  readonly outboundAddress: { readonly address: string; readonly port: number };
  readonly inboundAddress: { readonly address: string; readonly port: number };
  readonly overload: OverloadWatch;
  admin: AdminServer | undefined;
  metrics: AdminServer | undefined;
}

async function startListeners(
  settings: Settings,
  parts: { dataPlane: DataPlane; identity: Watch<Identity | undefined>; log: JsonLogger },
): Promise<Listeners> {
  const { dataPlane, identity, log } = parts;
  const { engine } = dataPlane;
  const refused =
    (listener: string) =>
    (rejection: Rejection): FieldList => {
      log.debug('refused before any handler', { listener, ...rejection });
      return FieldList.of([['x-leno-reason', rejection.reason]]);
    };
  const room = connectionRoom(settings.LENO_CONNECTIONS_MAX, await readDescriptorCountMax());
  const cap = new ConnectionCap(room);
  const common = {
    clock: systemClock,
    timers: systemTimers,
    cap,
  };
  const limits = serverLimitsOf(settings);
  const outbound = createHttpServer({
    ...common,
    limits: { ...limits, connectionCountMax: settings.LENO_OUTBOUND_CONNECTIONS_MAX },
    http2: { streamCountMax: settings.LENO_STREAM_COUNT_MAX, ...streamLimitsOf(settings) },
    handler: engine.outbound,
    halfClose: 'gone',
    onRejected: refused('outbound'),
  });
  const inbound = createHttpServer({
    ...common,
    limits: { ...limits, connectionCountMax: settings.LENO_INBOUND_CONNECTIONS_MAX },
    handler: engine.inbound,
    http2: { ...meshHttp2, ...streamLimitsOf(settings) },
    halfClose: 'gone',
    tls: serverTls(identity.value, settings.LENO_TRUST_DOMAIN),
    allowPlain: () => engine.table.permissive,
    onRejected: refused('inbound'),
  });
  identity.subscribe((value) => inbound.setTls(serverTls(value, settings.LENO_TRUST_DOMAIN)));
  const outboundAddress = await listen(
    outbound,
    settings.LENO_OUTBOUND_LISTEN,
    'LENO_OUTBOUND_LISTEN',
  );
  const inboundAddress = await listen(inbound, settings.LENO_INBOUND_LISTEN, 'LENO_INBOUND_LISTEN');
  return {
    outbound,
    inbound,
    outboundAddress,
    inboundAddress,
    overload: new OverloadWatch({
      servers: [inbound, outbound],
      engine,
      cap,
      memoryBytesMax: settings.LENO_MEMORY_BYTES_MAX,
      loopDelayMsMax: settings.LENO_LOOP_DELAY_MS_MAX,
      clock: systemClock,
      timers: systemTimers,
      log,
    }),
    admin: undefined,
    metrics: undefined,
  };
}

/** The instance is in the registry exactly while it could answer: application up, certificate there. */
function registerWhileUp(parts: {
  settings: Settings;
  session: ControlSession;
  appWatch: AppWatch;
  inbound: { address: string; port: number };
}): void {
  const { settings, session, appWatch, inbound } = parts;
  const instance = instanceOf(settings, instanceId(settings), inbound);
  appWatch.up.subscribe((up) => {
    if (up) session.lease(instance);
    else session.dropLease();
  });
}

function describeIdentity(identity: Identity | undefined): object {
  if (identity === undefined) return { certificate: null };
  const { spiffeId, serial, notBeforeMs, notAfterMs, chain, roots } = identity;
  return { certificate: { spiffeId, serial, notBeforeMs, notAfterMs }, chain, roots };
}
