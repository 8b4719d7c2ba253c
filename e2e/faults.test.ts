/**
 * Processes that die under load: of an instance the application alone, the sidecar alone, or both,
 * each by SIGKILL. Its endpoint is gone within a second, few callers notice, and none afterwards.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  byStatus,
  failures,
  MeshClient,
  type RequestOptions,
  startLoad,
} from './support/client.ts';
import { documents, meshConfig, service } from './support/config.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';
import { until } from './support/until.ts';

const PER_SECOND = 200;
let mesh: TestMesh;
let client: MeshClient;
let victims: MeshApp[];

beforeAll(async () => {
  mesh = await startMesh([
    { service: 'orders' },
    { service: 'payments' },
    { service: 'payments' },
    { service: 'payments' },
    { service: 'payments' },
  ]);
  await mesh.apply(
    documents(
      meshConfig(),
      service('orders', { app: 'orders' }),
      service('payments', { app: 'payments' }),
    ),
  );
  await mesh.ready();
  const [orders, ...payments] = mesh.apps.toSorted((a, b) => a.service.localeCompare(b.service));
  if (orders === undefined) throw new Error('no orders');
  victims = payments;
  client = new MeshClient(orders.outbound);
});

afterAll(async () => {
  client?.close();
  await mesh?.stop();
});

const cases = [
  { what: 'the application alone', kill: (it: MeshApp) => it.app.kill('SIGKILL') },
  { what: 'the sidecar alone', kill: (it: MeshApp) => it.sidecar.kill('SIGKILL') },
  {
    what: 'both',
    kill: (it: MeshApp) => {
      it.app.kill('SIGKILL');
      it.sidecar.kill('SIGKILL');
    },
  },
];

test.each(cases)('SIGKILL of $what under load', async ({ kill }) => {
  const victim = victims.pop();
  if (victim === undefined) throw new Error('nobody left');
  const load = startLoad(client, 'payments', { perSecond: PER_SECOND, requests: mixed });
  await until(() => load.replies.length >= PER_SECOND, 'traffic flows');

  kill(victim);
  const killedAtMs = performance.now();
  const goneMs = await until(
    async () => !(await endpointsSeen()).includes(victim.id),
    'gone',
    3_000,
  );
  await until(() => performance.now() - killedAtMs > 3_000, 'three seconds of traffic', 10_000);
  const replies = await load.stop();

  const during = replies.filter(
    ({ atMs }) => atMs >= killedAtMs - 1_000 && atMs < killedAtMs + 1_000,
  );
  const after = replies.filter(({ atMs }) => atMs >= killedAtMs + 1_000);
  const retried = await mesh.retriesOf(caller());
  console.log(
    `endpoint gone after ${goneMs.toFixed(0)} ms; ${replies.length} requests ${JSON.stringify(byStatus(replies))}; ` +
      `failed in the second around the kill ${failures(during).length}, later ${failures(after).length}; retries ${retried}; ` +
      failures(replies)
        .map(
          (it) =>
            `${(it.atMs - killedAtMs).toFixed(0)}+${it.tookMs.toFixed(0)} ms ${String(it.headers['x-leno-reason'])}`,
        )
        .join(', '),
  );
  expect(goneMs).toBeLessThan(3 * 1_000);
  expect(failures(during).length / Math.max(1, during.length / 2)).toBeLessThan(0.01);
  expect(failures(after)).toEqual([]);
  await neverTwice();
});

/** What callers send: half reads, a quarter writes with a key, a quarter writes that must not be repeated. */
function mixed(index: number): RequestOptions {
  if (index % 2 === 0) return { path: '/quote' };
  const charge = { method: 'POST', body: '{}' };
  if (index % 4 === 1)
    return { ...charge, path: '/keyed', headers: { 'idempotency-key': `k${index}` } };
  return { ...charge, path: `/bare/${victims.length}-${index}` };
}

/** No write without a key may have reached two applications, or one of them twice. */
async function neverTwice(): Promise<void> {
  const seen: Record<string, number> = {};
  for (const entry of victims) {
    const { byPath } = await mesh.counts(entry);
    for (const [path, count] of Object.entries(byPath)) {
      if (path.startsWith('/bare/')) seen[path] = (seen[path] ?? 0) + count;
    }
  }
  expect(Object.entries(seen).filter(([, count]) => count > 1)).toEqual([]);
}

/** Which endpoints of payments the caller's sidecar would send to. */
async function endpointsSeen(): Promise<readonly string[]> {
  const clusters = (await mesh.admin(caller(), '/clusters')) as readonly {
    name: string;
    endpoints: readonly { id: string }[];
  }[];
  const payments = clusters.find(({ name }) => name === 'default/payments');
  return payments?.endpoints.map(({ id }) => id) ?? [];
}

function caller(): MeshApp {
  const found = mesh.apps.find((it) => it.service === 'orders');
  if (found === undefined) throw new Error('no orders');
  return found;
}
