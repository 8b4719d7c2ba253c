/**
 * The composition root of a proxy, in the order in which things may depend on each other: data planes →
 * state on disk → listeners → control session → application watch. Only this file constructs, and
 * `worker-app.ts`, which is the same for one data plane, here or in a process of its own.
 */
import { hostname } from 'node:os';
import {
  AppWatch,
  ControlSession,
  type ControlSessionOptions,
  type Identity,
} from '@leno/dataplane/node';
import type { LeaseInstance } from '@leno/push';
import { systemTimers, Watch } from '@leno/std';
import type { JsonLogger } from '@leno/std/node';
import { adminApp, metricsApp, type Readiness } from './admin/admin-app.ts';
import { type AdminServer, serveAdmin } from './admin/admin-server.ts';
import { Drain } from './drain.ts';
import type { Settings } from './env.ts';
import { instanceOf } from './instance.ts';
import { readJoinToken } from './join-token.ts';
import { renderAddress } from './listen.ts';
import { ProcessStats } from './process-stats.ts';
import { collectProxyMetrics } from './proxy-metrics.ts';
import { renderTcpListen } from './tcp-listen.ts';
import { createWorker, type WorkerParts } from './worker-app.ts';
import { Fleet } from './workers/fleet.ts';
import { forkWorker } from './workers/fork-worker.ts';
import { InProcess } from './workers/in-process.ts';
import { portProbe } from './workers/probe-port.ts';
import type { ListenPlan, Workers } from './workers/workers.ts';

/** A proxy that listens. */
export interface RunningProxy {
  readonly addresses: Readonly<Record<'admin' | 'metrics', string>> & {
    /** Of a sidecar; the ports of a gateway are its configuration's. */
    readonly outbound?: string;
    readonly inbound?: string;
    /** Listeners for TCP, each with what it stands for. */
    readonly tcp: readonly string[];
  };
  /** Leaves the mesh, finishes what is under way, and frees everything. Again it does nothing new. */
  drain(): Promise<void>;
  /** Settles when a drain is over, whoever has asked for it. */
  readonly drained: Promise<void>;
}

const BUILD = '0.1.0';

/** Builds a proxy and starts it. Throws where a setting, a port or the state directory is unusable. */
export async function startProxy(settings: Settings, log: JsonLogger): Promise<RunningProxy> {
  const identity = new Watch<Identity | undefined>(undefined);
  const workers = buildWorkers(settings, { identity, log });
  await workers.open();
  const appWatch = new AppWatch({ address: settings.LENO_APP });
  const joinToken = await readJoinToken(settings.LENO_JOIN_TOKEN_FILE);
  const session = buildSession(settings, workers, { identity, log, joinToken });
  await session.restore();

  const isGateway = settings.LENO_MODE === 'gateway';
  const { outbound, inbound, tcp } = await workers.listen();
  const listeners: Listeners = { admin: undefined, metrics: undefined };
  const drain = new Drain({ settings, workers, session, appWatch, listeners, log });
  const readiness = (): Readiness => {
    const waitsFor: string[] = [];
    if (drain.hasBegun) waitsFor.push('its own end: it is draining');
    if (identity.value === undefined) waitsFor.push('a certificate');
    if (!workers.inForce.isConfigured) {
      const of = isGateway ? ` of Gateway ${settings.LENO_NAMESPACE}/${settings.LENO_SERVICE}` : '';
      waitsFor.push(`a configuration${of}`);
    }
    if (!isGateway && !appWatch.up.value) waitsFor.push('the application');
    if (!workers.serving.value) waitsFor.push('a worker');
    const { refusal } = workers;
    if (refusal !== undefined) waitsFor.push(refusal);
    const degraded = workers.faults();
    const ready = waitsFor.length === 0;
    return degraded.length === 0 ? { ready, waitsFor } : { ready, waitsFor, degraded };
  };
  const admin = await serveAdmin(
    adminApp({
      workers,
      log,
      readiness,
      certificates: () => describeIdentity(identity.value),
      drain: () => void drain.begin(),
    }),
    settings.LENO_ADMIN_LISTEN,
    'LENO_ADMIN_LISTEN',
  );
  listeners.admin = admin;
  const scraped = await serveAdmin(
    metricsApp({ workers, readiness }),
    settings.LENO_METRICS_LISTEN,
    'LENO_METRICS_LISTEN',
  );
  listeners.metrics = scraped;
  collectProxyMetrics({ workers, session, identity, build: BUILD });

  session.start();
  // A gateway has no application, and nobody calls it from within the mesh: it is no endpoint.
  if (inbound !== undefined) {
    appWatch.start();
    const instance = instanceOf(settings, instanceId(settings), inbound);
    registerWhileUp({ instance, session, appWatch, workers });
  }
  return {
    addresses: {
      ...(outbound && { outbound: renderAddress(outbound) }),
      ...(inbound && { inbound: renderAddress(inbound) }),
      admin: admin.address,
      metrics: scraped.address,
      tcp: tcp.map(renderTcpListen),
    },
    drain: () => drain.begin(),
    drained: drain.done,
  };
}

/** One data plane here, or several in processes of their own. */
function buildWorkers(settings: Settings, parts: WorkerParts): Workers {
  const sidecar = {
    outbound: settings.LENO_OUTBOUND_LISTEN,
    inbound: settings.LENO_INBOUND_LISTEN,
    tcp: settings.LENO_TCP_LISTEN,
  };
  const at: ListenPlan = settings.LENO_MODE === 'gateway' ? { tcp: [] } : sidecar;
  if (settings.LENO_WORKERS === 1) {
    return new InProcess(createWorker(settings, parts), at, parts.log);
  }
  return new Fleet({
    ...parts,
    settings,
    at,
    spawn: forkWorker,
    probe: portProbe(),
    timers: systemTimers,
    cost: new ProcessStats(),
  });
}

function buildSession(
  settings: Settings,
  workers: Workers,
  parts: Pick<ControlSessionOptions, 'identity' | 'log' | 'joinToken'>,
): ControlSession {
  return new ControlSession({
    ...parts,
    dataPlane: workers,
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
      ...workers.takeReport(),
    }),
  });
}

function instanceId(settings: Settings): string {
  return settings.LENO_INSTANCE ?? `${settings.LENO_SERVICE}-${hostname()}-${process.pid}`;
}

interface Listeners {
  admin: AdminServer | undefined;
  metrics: AdminServer | undefined;
}

/** The instance is in the registry exactly while it could answer: application up, somebody to serve. */
function registerWhileUp(parts: {
  instance: LeaseInstance;
  session: ControlSession;
  appWatch: AppWatch;
  workers: Pick<Workers, 'serving'>;
}): void {
  const { instance, session, appWatch, workers } = parts;
  const decide = (): void => {
    if (appWatch.up.value && workers.serving.value) session.lease(instance);
    else session.dropLease();
  };
  appWatch.up.subscribe(decide);
  workers.serving.subscribe(decide);
}

function describeIdentity(identity: Identity | undefined): object {
  if (identity === undefined) return { certificate: null };
  const { spiffeId, serial, notBeforeMs, notAfterMs, chain, roots } = identity;
  return { certificate: { spiffeId, serial, notBeforeMs, notAfterMs }, chain, roots };
}
