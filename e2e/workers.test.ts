/**
 * A proxy of several worker processes is one proxy: one identity, one configuration, one exposition. A
 * worker that dies takes no more than its own requests with it, and none outlives its supervisor.
 */
import { once } from 'node:events';
import { kill } from 'node:process';
import { connect } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { byStatus, failures, MeshClient, startLoad } from './support/client.ts';
import { documents, meshConfig, roundRobin, service, split } from './support/config.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';
import { until } from './support/until.ts';

interface Edge {
  readonly source: string;
  readonly totals: { readonly requestCount: number };
}

let mesh: TestMesh;
let web: MeshApp;
let catalog: MeshApp;

beforeAll(async () => {
  // Certificates that are renewed while the tests run.
  mesh = await startMesh(
    [
      { service: 'web', env: { LENO_WORKERS: '2', LENO_LOG_LEVEL: 'info' } },
      { service: 'catalog', env: { LENO_WORKERS: '2' } },
      { service: 'catalog', version: 'v2' },
    ],
    { LENO_LEAF_TTL: '30s' },
  );
  await mesh.apply(
    documents(
      meshConfig(),
      service('web', { app: 'web' }),
      service('catalog', { app: 'catalog' }),
      roundRobin('catalog'),
    ),
  );
  await mesh.ready();
  web = appOf('web');
  catalog = appOf('catalog');
});

afterAll(async () => {
  await mesh?.stop();
});

function appOf(name: string): MeshApp {
  const found = mesh.apps.find((it) => it.service === name && it.version === 'v1');
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

/** The processes that serve, the newest of each worker, by what the supervisor has logged. */
function workersOf(app: MeshApp): Map<number, number> {
  const pids = new Map<number, number>();
  for (const line of app.sidecar.recentLines()) {
    const found = /"msg":"worker serves".*"worker":(\d+),"pid":(\d+)/.exec(line);
    if (found !== null) pids.set(Number(found[1]), Number(found[2]));
  }
  return pids;
}

function isAlive(pid: number): boolean {
  try {
    return kill(pid, 0);
  } catch {
    return false;
  }
}

/** Of every line of a family, the sum. */
async function metric(app: MeshApp, pattern: RegExp): Promise<number> {
  const text = String(await mesh.admin(app, '/metrics'));
  const lines = text.split('\n').filter((line) => pattern.test(line));
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

/** Requests each on a connection of its own, so that the kernel deals them out. */
async function sendEach(count: number, path = '/'): Promise<Record<string, number>> {
  const replies = await Promise.all(
    Array.from({ length: count }, async () => {
      const client = new MeshClient(web.outbound);
      const reply = await client.send('catalog', { path });
      client.close();
      return reply;
    }),
  );
  return byStatus(replies);
}

test('all workers serve, and what they count is one sum', async () => {
  const outbound = /^leno_requests_total\{dir="outbound",peer="default\/catalog".*status="200"/;
  const before = await metric(web, outbound);
  const handled = await mesh.totalOf('catalog');
  expect(await sendEach(60)).toEqual({ 200: 60 });
  expect((await metric(web, outbound)) - before).toBe(60);
  expect((await mesh.totalOf('catalog')) - handled).toBe(60);
  const duration = /^leno_request_duration_seconds_count\{dir="outbound",peer="default\/catalog"/;
  expect(await metric(web, duration)).toBe(await metric(web, outbound));
  expect(await metric(web, /^leno_worker_up\{/)).toBe(2);
  expect(await metric(web, /^leno_control_connected /)).toBe(1);
  expect(await metric(web, /^leno_endpoints\{peer="default\/catalog",state="healthy"\}/)).toBe(2);
  const clusters = (await mesh.admin(web, '/clusters')) as { worker: number; name: string }[];
  const shown = clusters.filter(({ name }) => name === 'default/catalog');
  expect(shown.map(({ worker }) => worker)).toEqual([0, 1]);
  const stats = (await mesh.admin(web, '/stats')) as { outbound: { requestCount: number } };
  expect(stats.outbound.requestCount).toBeGreaterThanOrEqual(60);
  expect(await mesh.admin(web, '/readyz')).toEqual({ ready: true, waitsFor: [] });
});

test('what the control plane is told of an edge is the sum of all workers', async () => {
  await sendEach(40);
  const counted = await metric(web, /^leno_requests_total\{dir="outbound",peer="default\/catalog"/);
  await until(async () => {
    const { edges } = await mesh.api('GET', '/v1/topology?windowS=60');
    const found = (edges as readonly Edge[]).find((it) => it.source.endsWith('web'));
    return found?.totals.requestCount === counted;
  }, `${counted} requests in all`);
});

test('a change is in every worker before it counts as converged', async () => {
  for (const version of ['v1', 'v2', 'v1']) {
    await mesh.apply(
      documents(
        service('catalog-v1', { app: 'catalog', version: 'v1' }),
        service('catalog-v2', { app: 'catalog', version: 'v2' }),
        split('catalog', { [`catalog-${version}`]: 1 }),
      ),
    );
    const replies = await Promise.all(
      Array.from({ length: 24 }, async () => {
        const client = new MeshClient(web.outbound);
        const { body } = await client.send('catalog');
        client.close();
        return (JSON.parse(body) as { version: string }).version;
      }),
    );
    expect(new Set(replies)).toEqual(new Set([version]));
  }
});

interface Shown {
  readonly name: string;
  readonly endpoints: readonly {
    readonly labels: Readonly<Record<string, string>>;
    readonly connections: { readonly connectionCount: number };
  }[];
}

test('a busy caller opens connections beside the first, to reach more than one worker', async () => {
  await mesh.knobs(catalog, { hangMs: 300 });
  const clients = Array.from({ length: 6 }, () => new MeshClient(web.outbound));
  const connectionCount = async (): Promise<number> => {
    const clusters = (await mesh.admin(web, '/clusters')) as readonly Shown[];
    return clusters
      .filter(({ name }) => name === 'default/catalog-v1')
      .flatMap(({ endpoints }) => endpoints)
      .filter(({ labels }) => labels['leno.dev/workers'] === '2')
      .reduce((sum, { connections }) => sum + connections.connectionCount, 0);
  };
  await until(async () => {
    const sent = clients.flatMap((client) =>
      Array.from({ length: 60 }, () => client.send('catalog')),
    );
    expect(byStatus(await Promise.all(sent))).toEqual({ 200: sent.length });
    // One for each of the two that call would do.
    return (await connectionCount()) > 2;
  }, 'more connections than callers');
  for (const client of clients) client.close();
  await mesh.knobs(catalog, {});
});

test('what one worker has written down is found whoever is asked', async () => {
  for (let index = 0; index < 6; index += 1) {
    const client = new MeshClient(web.outbound);
    const { headers } = await client.send('nobody');
    client.close();
    const id = String(headers['x-request-id']);
    expect(await mesh.admin(web, `/why/${id}`)).toMatchObject({ requestId: id });
  }
});

test('a worker that is killed takes its own requests with it, and comes back as it was', async () => {
  const total = /^leno_requests_total\{dir="outbound"/;
  const counted = await metric(web, total);
  const client = new MeshClient(web.outbound);
  const load = startLoad(client, 'catalog', { perSecond: 200 });
  await until(() => load.replies.length > 200, 'traffic flows');
  const victim = workersOf(web).get(0) ?? 0;
  const killedAtMs = performance.now();
  kill(victim, 'SIGKILL');
  await until(async () => {
    const reply = (await mesh.admin(web, '/readyz')) as { ready: boolean; degraded?: string[] };
    return reply.ready && reply.degraded?.[0] === 'worker 0 is down';
  }, 'said to be degraded');
  const backMs = await until(
    async () => (await metric(web, /^leno_worker_up\{/)) === 2,
    'it is back',
    9_000,
  );
  const seen = load.replies.length;
  await until(() => load.replies.length > seen + 200, 'traffic goes on');
  const replies = await load.stop();
  client.close();
  const failed = failures(replies);
  const out = replies.filter(
    ({ atMs, tookMs }) => atMs <= killedAtMs && atMs + tookMs >= killedAtMs,
  );
  console.log(
    `worker back after ${backMs.toFixed(0)} ms; ${replies.length} requests, ` +
      `${failed.length} failed, ${out.length} were under way`,
  );
  // A request on a kept connection that has just died is as good as under way.
  expect(failed.every(({ status, atMs }) => status === 0 && atMs <= killedAtMs + 50)).toBe(true);
  expect(failed.length).toBeLessThanOrEqual(64);
  expect(workersOf(web).get(0)).not.toBe(victim);
  expect(await metric(web, /^leno_worker_restarts_total\{worker="0"\}/)).toBe(1);
  expect(await metric(web, total)).toBeGreaterThanOrEqual(counted);
  expect(await sendEach(30)).toEqual({ 200: 30 });
});

test('a renewed certificate is in every worker', async () => {
  const before = await servedSerials(1);
  await until(async () => !before.has(await ownSerial()), 'renewed', 60_000);
  await until(async () => {
    const served = await servedSerials(16);
    return served.size === 1 && served.has(await ownSerial());
  }, 'served by all');
  expect(await sendEach(20)).toEqual({ 200: 20 });
});

async function ownSerial(): Promise<string> {
  const { certificate } = (await mesh.admin(catalog, '/certs')) as {
    certificate: { serial: string };
  };
  return certificate.serial.toLowerCase();
}

/** The serial numbers of the certificates that `count` handshakes show. */
async function servedSerials(count: number): Promise<Set<string>> {
  const [host = '', port = '0'] = catalog.inbound.split(':');
  const serials = await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ host, port: Number(port), rejectUnauthorized: false });
      socket.on('error', () => undefined);
      await once(socket, 'secureConnect');
      const { serialNumber } = socket.getPeerCertificate();
      socket.destroy();
      return serialNumber.toLowerCase();
    }),
  );
  return new Set(serials);
}

test('a drain finishes what is under way in every worker, and ends them all', async () => {
  // From now on both versions are asked.
  await mesh.apply(split('catalog', { catalog: 1 }));
  const pids = [...workersOf(catalog).values()];
  const client = new MeshClient(web.outbound);
  const load = startLoad(client, 'catalog', { perSecond: 100 });
  await until(() => load.replies.length > 100, 'traffic flows');
  const { code } = await catalog.sidecar.stop({ graceMs: 15_000 });
  expect(code).toBe(0);
  await until(() => !pids.some(isAlive), 'all are gone', 3_000);
  const replies = await load.stop();
  client.close();
  expect(byStatus(replies)).toEqual({ 200: replies.length });
});

test('a supervisor that is killed leaves no process', async () => {
  const pids = [...workersOf(web).values()];
  expect(pids.filter(isAlive)).toHaveLength(2);
  web.sidecar.kill('SIGKILL');
  await until(() => !pids.some(isAlive), 'all are gone', 3_000);
});

test('a port that another proxy has is not shared with it by mistake', async () => {
  await mesh.restartSidecar(web);
  const other = mesh.startSidecar('other', {
    ...web.sidecarEnv,
    LENO_OUTBOUND_LISTEN: web.outbound,
    LENO_STATE_DIR: `${mesh.directory}/other`,
  });
  expect((await other.exited).code).toBe(1);
  expect(other.recentLines().join()).toContain('is taken by another program');
});
