/** One bad instance: its breaker opens and nobody else's, one probe at a time, and it comes back. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { byStatus, failures, MeshClient, startLoad } from './support/client.ts';
import { documents, meshConfig, roundRobin, service } from './support/config.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';
import { until } from './support/until.ts';

let mesh: TestMesh;
let orders: MeshApp;
let bad: MeshApp;
let client: MeshClient;

beforeAll(async () => {
  mesh = await startMesh([
    { service: 'orders' },
    { service: 'payments', version: 'v1' },
    { service: 'payments', version: 'v1' },
    { service: 'payments', version: 'v2' },
  ]);
  await mesh.apply(
    documents(
      meshConfig(),
      service('orders', { app: 'orders' }),
      service('payments', { app: 'payments' }),
      // In turns: by latency, a failing instance would hardly be asked often enough to be judged.
      roundRobin('payments'),
    ),
  );
  await mesh.ready();
  [orders, bad] = [find('orders', 'v1'), find('payments', 'v2')];
  client = new MeshClient(orders.outbound);
});

afterAll(async () => {
  client?.close();
  await mesh?.stop();
});

test('the breaker of the failing instance opens, probes one by one, and closes again', async () => {
  const load = startLoad(client, 'payments', {
    perSecond: 100,
    requests: () => ({ method: 'POST', body: '{}' }),
  });
  await until(() => load.replies.length > 100, 'traffic flows');
  expect(await states()).toEqual({ v1: ['closed', 'closed'], v2: ['closed'] });

  await mesh.knobs(bad, { status: 500 });
  const openedMs = await until(async () => (await states()).v2[0] === 'open', 'open', 10_000);
  const openedAtMs = performance.now();
  const before = await mesh.counts(bad);
  await until(() => performance.now() - openedAtMs > 2_500, 'two and a half seconds open');
  const probes = (await mesh.counts(bad)).total - before.total;
  expect((await states()).v1).toEqual(['closed', 'closed']);

  await mesh.knobs(bad, {});
  const closedMs = await until(async () => (await states()).v2[0] === 'closed', 'closed', 30_000);
  const settled = load.replies.length;
  await until(() => load.replies.length > settled + 200, 'traffic after recovery');
  const after = (await mesh.counts(bad)).total;
  const replies = await load.stop();
  const failed = failures(replies);
  const [received, retried] = [await mesh.totalOf('payments'), await mesh.retriesOf(orders)];
  console.log(
    `opened after ${openedMs.toFixed(0)} ms and ${failed.length} failed requests of ${replies.length} ` +
      `${JSON.stringify(byStatus(replies))}; the applications counted ${received}, retries ${retried}; ${probes} probes in 2.5 s open; closed ${closedMs.toFixed(0)} ms after the fault ended`,
  );
  expect(received).toBe(replies.length + retried);
  // Open for 1 s, then 2 s: at most two probes fit into 2.5 s.
  expect(probes).toBeLessThanOrEqual(2);
  // Five in a row open it; a few more may have been under way.
  expect(failed.length).toBeLessThan(20);
  expect(after).toBeGreaterThan(before.total + probes);
});

function find(name: string, version: string): MeshApp {
  const found = mesh.apps.find((it) => it.service === name && it.version === version);
  if (found === undefined) throw new Error(`no ${name} ${version}`);
  return found;
}

async function states(): Promise<{ v1: string[]; v2: string[] }> {
  const clusters = (await mesh.admin(orders, '/clusters')) as readonly {
    name: string;
    endpoints: readonly { labels: { version: string }; breaker: { state: string } }[];
  }[];
  const endpoints = clusters.find(({ name }) => name === 'default/payments')?.endpoints ?? [];
  const of = (version: string): string[] =>
    endpoints.filter((it) => it.labels.version === version).map((it) => it.breaker.state);
  return { v1: of('v1'), v2: of('v2') };
}
