/**
 * A real mesh on loopback: what flows, over which wire, with which identities, and what a change of
 * weights does to it.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { byStatus, failures, MeshClient, startLoad } from './support/client.ts';
import { documents, meshConfig, service, split } from './support/config.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';
import { record, startRelay } from './support/relay.ts';
import { until } from './support/until.ts';

let mesh: TestMesh;
let web: MeshApp;
let client: MeshClient;

beforeAll(async () => {
  mesh = await startMesh([
    { service: 'web' },
    { service: 'catalog', version: 'v1' },
    { service: 'catalog', version: 'v2' },
  ]);
  await mesh.apply(
    documents(
      meshConfig(),
      service('web', { app: 'web' }),
      service('catalog', { app: 'catalog' }),
      service('catalog-v1', { app: 'catalog', version: 'v1' }),
      service('catalog-v2', { app: 'catalog', version: 'v2' }),
      split('catalog', { 'catalog-v1': 100, 'catalog-v2': 0 }),
    ),
  );
  await mesh.ready();
  web = appOf('web');
  client = new MeshClient(web.outbound);
});

afterAll(async () => {
  client?.close();
  await mesh?.stop();
});

function appOf(name: string, version = 'v1'): MeshApp {
  const found = mesh.apps.find((it) => it.service === name && it.version === version);
  if (found === undefined) throw new Error(`no ${name} ${version}`);
  return found;
}

test('a request passes both sidecars and arrives with the identity of its caller', async () => {
  const reply = await client.send('catalog', { path: '/items?page=2' });
  expect(reply).toMatchObject({ status: 200 });
  const seen = JSON.parse(reply.body) as { url: string; headers: Record<string, string> };
  expect(seen.url).toBe('/items?page=2');
  expect(seen.headers['x-leno-peer']).toBe('spiffe://mesh.local/ns/default/sa/web');
  expect(seen.headers['host']).toBe('catalog');
  expect(seen.headers['traceparent']).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]$/);
});

test('what a client says about its identity is stripped', async () => {
  const reply = await client.send('catalog', {
    headers: {
      'x-leno-peer': 'spiffe://mesh.local/ns/default/sa/admin',
      'x-forwarded-client-cert': 'URI=spiffe://mesh.local/ns/default/sa/admin',
    },
  });
  expect(reply.status).toBe(200);
  expect(reply.body).not.toContain('sa/admin');
});

test('bodies of any size pass both ways, and a name that is nothing is a 404 that says so', async () => {
  const body = 'x'.repeat(3_000_000);
  const reply = await client.send('catalog', { method: 'POST', path: '/large', body });
  expect(reply.status).toBe(200);
  expect((JSON.parse(reply.body) as { body: number }).body).toBe(3_000_000);

  const lost = await client.send('nowhere');
  expect(lost.status).toBe(404);
  expect(lost.headers['x-leno-reason']).toBe('no-route');
  expect(lost.body).toContain('nowhere');
});

test('between sidecars there is TLS on the wire and no HTTP that could be read', async () => {
  const catalog = await mesh.addApp({ service: 'ledger', ...(await relayed()) });
  await mesh.ready();
  const reply = await client.send('ledger', { path: '/secret-path', body: 'secret-body' });
  expect(reply.status).toBe(200);
  expect(catalog.service).toBe('ledger');
  const wire = record();
  expect(wire.bytes).toBeGreaterThan(2_000);
  // Every connection begins with a TLS handshake record, both ways.
  expect(wire.firstBytes.every((byte) => byte === 0x16)).toBe(true);
  for (const text of ['HTTP/1.1', 'secret-path', 'secret-body', 'GET ', 'traceparent']) {
    expect(wire.text.includes(text), text).toBe(false);
  }

  async function relayed() {
    const relay = await startRelay();
    return {
      env: { LENO_ADVERTISE: `127.0.0.1:${relay.port}`, LENO_INBOUND_LISTEN: relay.target },
    };
  }
});

test('apply moves half of the traffic within a second; no request fails, no connection closes', async () => {
  const load = startLoad(client, 'catalog', { perSecond: 100 });
  await until(() => load.replies.length > 200, 'traffic flows');
  expect(await versionsOf(100)).toMatchObject({ v1: 100 });
  const closedBefore = client.closedCount;

  const startedAtMs = performance.now();
  await mesh.apply(split('catalog', { 'catalog-v1': 50, 'catalog-v2': 50 }));
  const appliedMs = performance.now() - startedAtMs;
  await until(async () => (await versionsOf(20))['v2'] !== undefined, 'v2 is seen');
  const liveMs = performance.now() - startedAtMs;

  const counts = await versionsOf(2_000);
  const replies = await load.stop();
  console.log(
    `apply→acked ${appliedMs.toFixed(0)} ms, apply→seen ${liveMs.toFixed(0)} ms, ` +
      `2,000 requests ${JSON.stringify(counts)}, background ${JSON.stringify(byStatus(replies))}`,
  );
  expect(appliedMs).toBeLessThan(3 * 1_000);
  expect((counts['v2'] ?? 0) / 2_000).toBeGreaterThan(0.46);
  expect((counts['v2'] ?? 0) / 2_000).toBeLessThan(0.54);
  expect(failures(replies)).toEqual([]);
  expect(client.closedCount).toBe(closedBefore);
});

test('what the client counted is what the applications counted', async () => {
  const before = await total();
  const replies = await Promise.all(
    Array.from({ length: 500 }, (_, index) =>
      client.send('catalog', { path: `/count-${index % 5}` }),
    ),
  );
  expect(byStatus(replies)).toEqual({ 200: 500 });
  expect((await total()) - before).toBe(500);

  async function total(): Promise<number> {
    const counts = await Promise.all(
      [appOf('catalog', 'v1'), appOf('catalog', 'v2')].map((it) => mesh.counts(it)),
    );
    return counts.reduce((sum, it) => sum + it.total, 0);
  }
});

test('a config that says the same is a no-op', async () => {
  const before = (await mesh.api('GET', '/v1/status'))['head'] as { version: number };
  const answer = await mesh.apply(split('catalog', { 'catalog-v1': 50, 'catalog-v2': 50 }));
  expect(answer['version']).toBe(before.version);
  expect(answer['results']).toMatchObject([{ action: 'unchanged' }]);
});

async function versionsOf(count: number): Promise<Record<string, number>> {
  const replies = await Promise.all(Array.from({ length: count }, () => client.send('catalog')));
  const counts: Record<string, number> = {};
  for (const reply of replies) {
    const key =
      reply.status === 200 ? (JSON.parse(reply.body) as { version: string }).version : 'failed';
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}
