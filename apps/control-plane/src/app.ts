/** Puts the control plane together: the only place that constructs, and that takes it apart again. */

import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { JoinTokens } from '@leno/ca';
import { viewDigest } from '@leno/config';
import {
  Alarms,
  ConfigDesk,
  compileMesh,
  EventLog,
  MeshState,
  Observatory,
  ProxyBook,
  type ProxySession,
  Registry,
  SessionDesk,
  Traffic,
  type UnsavedInstance,
  workloadId,
} from '@leno/controlplane';
import { openSqliteStore, type SqliteStore, SqliteTokenStore } from '@leno/controlplane/node';
import { messageOf, systemClock, systemRng, systemTimers } from '@leno/std';
import type { JsonLogger } from '@leno/std/node';
import { MetricStore } from '@leno/telemetry';
import { createApi } from './api/api.ts';
import type { ApiParts } from './api/api-context.ts';
import { Guard } from './api/guard.ts';
import { LiveStream } from './api/live-stream.ts';
import { JoinDesk } from './authority/join-desk.ts';
import { MeshAuthority } from './authority/mesh-authority.ts';
import { ConfigDirectory } from './directory/config-directory.ts';
import type { ListenAddress, Settings } from './env.ts';
import { listenOn } from './listen-error.ts';
import { fillMetrics } from './metrics.ts';
import { PushPort } from './push/push-port.ts';
import { readSecret } from './secret-file.ts';

/** A control plane that runs. */
export interface ControlPlane {
  readonly api: ListenAddress;
  readonly push: ListenAddress;
  readonly trustPin: string;
  /** Sends every session away in good order, writes the store out, and lets go of both ports. */
  stop(): Promise<void>;
}

const clock = systemClock;
const timers = systemTimers;
const rng = systemRng;

/** Starts everything, or throws the reason why not; what was started until then is stopped. */
export async function startControlPlane(
  settings: Settings,
  log: JsonLogger,
): Promise<ControlPlane> {
  const closers: (() => Promise<void> | void)[] = [];
  const stop = async (): Promise<void> => {
    for (const close of closers.splice(0).toReversed()) {
      try {
        await close();
      } catch (thrown) {
        log.error('stopping failed', { error: messageOf(thrown) });
      }
    }
  };
  try {
    return { ...(await start(settings, log, closers)), stop };
  } catch (thrown) {
    await stop();
    throw thrown;
  }
}

type Closers = (() => Promise<void> | void)[];

async function start(
  settings: Settings,
  log: JsonLogger,
  closers: Closers,
): Promise<Omit<ControlPlane, 'stop'>> {
  const token = await readSecret(settings.apiTokenFile, 'LENO_API_TOKEN_FILE');
  const core = await openCore(settings, log, closers);
  const { authority } = core;
  const pushPort = new PushPort({
    ...core,
    ...{ clock, timers, rng },
    trustDomain: settings.trustDomain,
    acked: () => core.observatory.acked(),
    fenced(epoch) {
      core.configDesk.fence(epoch);
      const message = `a proxy has seen epoch ${epoch}: this store is an old copy, and takes no changes`;
      core.alarms.raise('LENO_STORE_FENCED', message, clock.wallMs());
      log.error(message);
    },
  });
  core.late.pushPort = pushPort;
  if (settings.configDir !== undefined) {
    const directory = newDirectory(settings.configDir, core, log);
    closers.push(() => directory.close());
    await directory.start();
  }
  const push = await listenOn(pushPort.server, settings.pushListen, 'LENO_PUSH_LISTEN');
  closers.push(() => pushPort.close());
  const api = await startApi({ settings, core, token, push, log, closers });
  return { api, push, trustPin: authority.pin };
}

/** What those who are made first need of those who are made last. */
interface Late {
  pushPort?: PushPort;
  observatory?: Observatory;
}

/** Everything but the ports. */
async function openCore(settings: Settings, log: JsonLogger, closers: Closers) {
  const startedAtMs = clock.wallMs();
  const [events, alarms] = [new EventLog(), new Alarms()];
  const [traffic, book] = [new Traffic(), new ProxyBook()];
  const late: Late = {};
  const tell = { events, alarms, log };
  const store = openStore(settings, tell);
  closers.push(() => store.close());
  const authority = await openAuthority(settings, tell, late);
  closers.push(() => authority.close());
  const state = await MeshState.open({
    ...{ store, clock, timers },
    registry: new Registry(),
    compile: (input) => compileMesh(input, authority.trust),
    digest: viewDigest,
    on: {
      headAdvanced(urgency) {
        alarms.clear('LENO_STORE');
        late.observatory?.headMoved();
        late.pushPort?.push.headAdvanced(urgency);
      },
      instances: (changes) => tellInstances(changes, events),
      commitFailed(thrown) {
        alarms.raise('LENO_STORE', messageOf(thrown), clock.wallMs());
        log.error('commit failed', { error: messageOf(thrown) });
      },
    },
  });
  closers.push(() => state.close());
  const sessions = (): readonly ProxySession[] =>
    late.pushPort?.push.sessions().filter((it) => it.kind === 'member') ?? [];
  const observatory = new Observatory({ state, book, traffic, sessions, clock });
  late.observatory = observatory;
  const desk = new SessionDesk({ state, book, traffic, events, sessions, clock, timers });
  const configDesk = new ConfigDesk({ state, events, sessions, clock, timers });
  const tokens = new JoinTokens({ store: new SqliteTokenStore(store), ttlMaxMs: 86_400_000 });
  return {
    ...{ startedAtMs, events, alarms, traffic, book, store, authority, state, observatory, desk },
    ...{ configDesk, tokens, joinDesk: new JoinDesk(tokens, clock), late },
  };
}

type Core = Awaited<ReturnType<typeof openCore>>;

/** Who hears of what goes wrong. */
interface Tell {
  readonly alarms: Alarms;
  readonly events: EventLog;
  readonly log: JsonLogger;
}

async function openAuthority(settings: Settings, tell: Tell, late: Late): Promise<MeshAuthority> {
  const { alarms, events, log } = tell;
  const passphrase = await readSecret(settings.caPassphraseFile, 'LENO_CA_PASSPHRASE_FILE');
  const { stateDir, trustDomain, leafTtlMs } = settings;
  return MeshAuthority.open({
    ...{ passphrase, trustDomain, leafTtlMs, clock, timers, rng },
    directory: join(stateDir, 'authority'),
    on: {
      serverRenewed: (tls) => late.pushPort?.renew(tls),
      issued(subject) {
        const event = { kind: 'certificate', severity: 'info', subject } as const;
        events.add({ ...event, atMs: clock.wallMs(), message: 'certificate issued' });
      },
      renewed: () => alarms.clear('LENO_CERTIFICATE'),
      renewalFailed(what, thrown) {
        alarms.raise('LENO_CERTIFICATE', `${what}: ${messageOf(thrown)}`, clock.wallMs());
        log.error(`renewal of the ${what} failed`, { error: messageOf(thrown) });
      },
    },
  });
}

/** A damaged store is said three times: in the log, as an event, and as an alarm that stays. */
function openStore(settings: Settings, tell: Tell): SqliteStore {
  const wallMs = clock.wallMs();
  const store = openSqliteStore({ path: settings.storePath, wallMs });
  const { recovery } = store;
  if (recovery === undefined) return store;
  const { keptAs, why, rowCount, revisionCount } = recovery;
  const message = `the store ${settings.storePath} was damaged (${why}): kept as ${keptAs}, recovered ${rowCount} rows and ${revisionCount} revisions`;
  tell.log.error(message, { ...recovery });
  tell.alarms.raise('LENO_STORE_RECOVERED', message, wallMs);
  const event = { kind: 'store', severity: 'error', subject: settings.storePath } as const;
  tell.events.add({ ...event, atMs: wallMs, message });
  return store;
}

function tellInstances(changes: readonly UnsavedInstance[], events: EventLog): void {
  for (const { id, instance, cause } of changes) {
    const isUp = instance?.health === 'ready';
    const severity = isUp || cause === 'left' ? 'info' : 'warning';
    events.add({ atMs: clock.wallMs(), kind: 'instance', severity, subject: id, message: cause });
  }
}

function newDirectory(directory: string, core: Core, log: JsonLogger): ConfigDirectory {
  const { state, configDesk, alarms, events } = core;
  let before: string | undefined;
  return new ConfigDirectory({
    ...{ directory, state, configDesk, timers },
    synchronised(problem) {
      if (problem === before) return;
      before = problem;
      const atMs = clock.wallMs();
      if (problem === undefined) alarms.clear('LENO_CONFIG_DIR');
      else {
        const message = `LENO_CONFIG_DIR is not applied: ${problem}`;
        alarms.raise('LENO_CONFIG_DIR', message, atMs);
        events.add({ atMs, kind: 'directory', severity: 'error', subject: directory, message });
        log.error(message);
      }
    },
  });
}

async function startApi(from: {
  readonly settings: Settings;
  readonly core: Core;
  readonly token: string;
  readonly push: ListenAddress;
  readonly log: JsonLogger;
  readonly closers: Closers;
}): Promise<ListenAddress> {
  const { settings, core, token, push, log, closers } = from;
  let ready = false;
  const metrics = new MetricStore();
  const parts: ApiParts = {
    ...core,
    guard: new Guard({ token, hosts: settings.apiHosts, read: settings.apiRead }),
    metrics,
    isReady: () => ready,
    status: () => statusOf(settings, core),
    createToken: (request) => createToken(settings, core, push, request),
    dashboardDir: settings.dashboardDir,
  };
  const app = createApi(parts, (thrown) => log.error('unexpected', { error: messageOf(thrown) }));
  const listener = getRequestListener(app.fetch);
  const server: Server = createServer(
    { requestTimeout: 30_000, headersTimeout: 10_000, maxHeaderSize: 16_384 },
    (request, response) => void listener(request, response),
  );
  const stream = new LiveStream(parts, timers);
  stream.attach(server);
  fillMetrics(metrics, { ...core, stream, pushStats: () => core.late.pushPort?.push.stats ?? {} });
  const address = await listenOn(server, settings.apiListen, 'LENO_API_LISTEN');
  closers.push(async () => {
    ready = false;
    stream.close();
    await closeServer(server);
  });
  ready = true;
  return address;
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
    timers.after(1_000, () => server.closeAllConnections());
  });
}

function statusOf(settings: Settings, core: Core): ReturnType<ApiParts['status']> {
  const { observatory, store, authority, alarms, startedAtMs } = core;
  return {
    trustDomain: settings.trustDomain,
    build: '0.1.0',
    startedAtMs,
    ...observatory.status(),
    store: { kind: store.kind, detail: store.detail },
    ca: { trustPin: authority.pin, ...authority.expiry, leafTtlMs: settings.leafTtlMs },
    alarms: [...alarms.list()],
  };
}

async function createToken(
  settings: Settings,
  core: Core,
  push: ListenAddress,
  request: Parameters<ApiParts['createToken']>[0],
): ReturnType<ApiParts['createToken']> {
  const { trustDomain } = settings;
  const spiffeId = workloadId(trustDomain, request);
  const made = await core.tokens.create({ spiffeId, nowMs: clock.wallMs(), ttlMs: request.ttlMs });
  // Where the port listens on every address, the caller reaches it by the name it has come by.
  const isEverywhere = push.host === '0.0.0.0' || push.host === '::';
  const host = isEverywhere ? request.host : push.host;
  return {
    token: made.token,
    identity: spiffeId,
    expiresAtMs: made.expiresAtMs,
    trustPin: core.authority.pin,
    trustDomain,
    push: `${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${push.port}`,
  };
}
