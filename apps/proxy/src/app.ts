/**
 * The composition root of a proxy, in the order in which things may depend on each other: state on
 * disk → data plane → listeners → control session → application watch. Only this file constructs.
 */
import { randomFillSync } from 'node:crypto';
import { hostname } from 'node:os';
import { CallJournal, CallMetrics, DataPlane, EdgeStats } from '@leno/dataplane';
import { AppWatch, ControlSession, type Identity } from '@leno/dataplane/node';
import { createHttpServer, type HttpServer } from '@leno/http';
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
import type { Settings } from './env.ts';
import { instanceOf } from './instance.ts';
import { readJoinToken } from './join-token.ts';
import { listen, renderAddress } from './listen.ts';
import { ProcessStats } from './process-stats.ts';
import { collectProxyMetrics } from './proxy-metrics.ts';
import { clientTls, serverTls } from './tls.ts';

/** A proxy that listens. */
export interface RunningProxy {
  readonly addresses: Readonly<Record<'outbound' | 'inbound' | 'admin' | 'metrics', string>>;
  /** Leaves the mesh, finishes what is under way, and frees everything. */
  drain(): Promise<void>;
}

const BUILD = '0.1.0';

/** Builds a proxy and starts it. Throws where a setting, a port or the state directory is unusable. */
export async function startProxy(settings: Settings, log: JsonLogger): Promise<RunningProxy> {
  const identity = new Watch<Identity | undefined>(undefined);
  const { dataPlane, metrics } = buildDataPlane(settings, identity, log);
  const appWatch = new AppWatch({ address: settings.LENO_APP });
  const processStats = new ProcessStats();
  const session = new ControlSession({
    address: settings.LENO_CONTROL_PLANE,
    trustDomain: settings.LENO_TRUST_DOMAIN,
    trustPin: settings.LENO_TRUST_PIN,
    joinToken: await readJoinToken(settings.LENO_JOIN_TOKEN_FILE),
    stateDirectory: settings.LENO_STATE_DIR,
    node: {
      id: instanceId(settings),
      service: settings.LENO_SERVICE,
      namespace: settings.LENO_NAMESPACE,
      labels: { ...settings.LENO_LABELS, version: settings.LENO_VERSION },
      build: BUILD,
    },
    dataPlane,
    identity,
    log,
    stat: () => ({
      service: `${settings.LENO_NAMESPACE}/${settings.LENO_SERVICE}`,
      version: settings.LENO_VERSION,
      requests: dataPlane.engine.metrics.edges.take(),
      proxy: processStats.take(),
    }),
  });
  await session.restore();

  const listeners = await startListeners(settings, { dataPlane, identity, log });
  const drain = drainOnce({ settings, dataPlane, session, appWatch, listeners, log });
  const readiness = (): { ready: boolean; waitsFor: string[] } => {
    const waitsFor: string[] = [];
    if (identity.value === undefined) waitsFor.push('a certificate');
    if (dataPlane.engine.table.mesh === undefined) waitsFor.push('a configuration');
    if (!appWatch.up.value) waitsFor.push('the application');
    return { ready: waitsFor.length === 0, waitsFor };
  };
  const ports = {
    dataPlane,
    metrics,
    log,
    nowMs: systemClock.nowMs,
    readiness,
    certificates: () => describeIdentity(identity.value),
    stats: () => ({ outbound: listeners.outbound.stats, inbound: listeners.inbound.stats }),
    drain: () => void drain(),
  };
  listeners.admin = await serveAdmin(
    adminApp(ports),
    settings.LENO_ADMIN_LISTEN,
    'LENO_ADMIN_LISTEN',
  );
  listeners.metrics = await serveAdmin(
    metricsApp(ports),
    settings.LENO_METRICS_LISTEN,
    'LENO_METRICS_LISTEN',
  );
  collectProxyMetrics({
    metrics: dataPlane.engine.metrics.families,
    store: metrics,
    dataPlane,
    session,
    identity,
    build: BUILD,
  });

  session.start();
  appWatch.start();
  registerWhileUp({ settings, session, appWatch, dataPlane, inbound: listeners.inboundAddress });
  return {
    addresses: {
      outbound: renderAddress(listeners.outboundAddress),
      inbound: renderAddress(listeners.inboundAddress),
      admin: listeners.admin.address,
      metrics: listeners.metrics.address,
    },
    drain,
  };
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
    tlsFor: (expected) => clientTls(identity, expected, settings.LENO_TRUST_DOMAIN),
    limits: { ruleCountMax: settings.LENO_ROUTE_RULE_COUNT_MAX },
    hooks: {
      breakerChanged(cluster, endpoint, from, to, why) {
        const { breakerTransitions } = families;
        breakerTransitions.add(breakerTransitions.handle(cluster.name, from, to, why));
        log.warn('breaker changed', { cluster: cluster.name, endpoint, from, to, why });
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
  admin: AdminServer | undefined;
  metrics: AdminServer | undefined;
}

async function startListeners(
  settings: Settings,
  parts: { dataPlane: DataPlane; identity: Watch<Identity | undefined>; log: JsonLogger },
): Promise<Listeners> {
  const { dataPlane, identity, log } = parts;
  const { engine } = dataPlane;
  const outbound = createHttpServer({
    handler: engine.outbound,
    clock: systemClock,
    timers: systemTimers,
  });
  const inbound = createHttpServer({
    handler: engine.inbound,
    clock: systemClock,
    timers: systemTimers,
    tls: serverTls(identity.value, settings.LENO_TRUST_DOMAIN),
    allowPlain: () => engine.table.permissive,
    onRejected: (rejection) => {
      log.debug('refused on the inbound listener', { ...rejection });
      return undefined;
    },
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
    admin: undefined,
    metrics: undefined,
  };
}

/** The instance is in the registry exactly while it could answer: application up, certificate there. */
function registerWhileUp(parts: {
  settings: Settings;
  session: ControlSession;
  appWatch: AppWatch;
  dataPlane: DataPlane;
  inbound: { address: string; port: number };
}): void {
  const { settings, session, appWatch, inbound } = parts;
  const instance = instanceOf(settings, instanceId(settings), inbound);
  appWatch.up.subscribe((up) => {
    if (up) session.lease(instance);
    else session.dropLease();
  });
}

/** Leave, stop accepting, finish, free: each step waits for the one before, none for a clock. */
function drainOnce(parts: {
  settings: Settings;
  dataPlane: DataPlane;
  session: ControlSession;
  appWatch: AppWatch;
  listeners: Listeners;
  log: JsonLogger;
}): () => Promise<void> {
  let draining: Promise<void> | undefined;
  const drain = async (): Promise<void> => {
    const { settings, dataPlane, session, appWatch, listeners, log } = parts;
    const withinMs = settings.LENO_DRAIN_TIMEOUT_MS;
    await session.leave().catch((thrown: unknown) => log.warn('left without a word', { thrown }));
    appWatch.stop();
    await Promise.all([listeners.inbound.drain(withinMs), listeners.outbound.drain(withinMs)]);
    await session.stop();
    dataPlane.close();
    listeners.admin?.close();
    listeners.metrics?.close();
  };
  return () => {
    draining ??= drain();
    return draining;
  };
}

function describeIdentity(identity: Identity | undefined): object {
  if (identity === undefined) return { certificate: null };
  const { spiffeId, serial, notBeforeMs, notAfterMs, chain, roots } = identity;
  return { certificate: { spiffeId, serial, notBeforeMs, notAfterMs }, chain, roots };
}
