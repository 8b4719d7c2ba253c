/** All roles in one process, wired to each other without a mesh: what they do and what they count. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { seededRng, systemClock } from '@leno/std';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { roles } from '../apps/roles.ts';
import type { CountsSnapshot } from './counts.ts';
import { createApp } from './http-app.ts';

const addresses = new Map<string, string>();
const servers: Server[] = [];

/** Starts a role; what it calls is looked up in `addresses` when it calls. */
async function start(name: string, version = 'v1'): Promise<string> {
  const role = roles.get(name);
  if (role === undefined) throw new Error(`no role ${name}`);
  const { server } = createApp({ role, version, addresses, clock: systemClock, rng: seededRng(1) });
  servers.push(server.listen(0, '127.0.0.1'));
  await once(server, 'listening');
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  addresses.set(name, address);
  return address;
}

beforeAll(async () => {
  const names = [...roles.keys()].filter((it) => it !== 'legacy-importer');
  await Promise.all(names.map((name) => start(name, 'v2')));
});
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
});

/** Asks the shop as a browser with a session would. */
function visit(path: string, form?: Record<string, string>): Promise<Response> {
  return fetch(`http://${addresses.get('storefront')}${path}`, {
    redirect: 'manual',
    headers: { cookie: 'session=t1', 'x-request-id': 'unit.1' },
    ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
  });
}

async function counts(name: string): Promise<CountsSnapshot> {
  const reply = await fetch(`http://${addresses.get(name)}/__demo/counts`);
  return (await reply.json()) as CountsSnapshot;
}

test('a visitor looks, adds and buys, and every role counts what it saw', async () => {
  const home = await (await visit('/')).text();
  expect(home).toContain('class="price sale"');
  expect(home).toContain('class="stars black"');
  expect(home).not.toMatch(/(src|href)="?https?:/);
  expect((await visit('/items/loom')).status).toBe(200);
  expect((await visit('/cart', { item: 'loom' })).status).toBe(303);
  expect(await (await visit('/cart')).text()).toContain('Night Loom');
  expect(await (await visit('/checkout', {})).text()).toMatch(/charged by payments v2/);
  expect((await visit('/checkout', {})).status).toBe(409);
  expect((await counts('payments')).byRoute).toEqual({ 'POST /charges': 1 });
  expect((await counts('payments')).byClass).toEqual({ unit: 1 });
  const { calls } = await counts('orders');
  expect(calls['payments']).toEqual({ total: 1, failures: 0, byStatus: { 201: 1 } });
  expect((await counts('ratings')).byCaller).toEqual({ reviews: 2 });
  const shop = await counts('storefront');
  expect(shop.received).toBe(6);
  expect(shop.byStatus).toEqual({ 200: 4, 303: 1, 409: 1 });
});

test('a fault by knob is seen by its caller, and ends when the knob is taken back', async () => {
  const knobs = `http://${addresses.get('payments')}/__demo/knobs`;
  const body = JSON.stringify({ errorRate: 1, ttlMs: 60_000 });
  expect((await fetch(knobs, { method: 'POST', body })).status).toBe(200);
  expect(await (await fetch(knobs)).json()).toMatchObject({ knobs: { errorRate: 1 } });
  await visit('/cart', { item: 'dawn' });
  const failed = await visit('/checkout', {});
  expect(failed.status).toBe(502);
  expect(await failed.text()).toContain('orders does not answer');
  expect((await counts('orders')).calls['payments']).toMatchObject({ failures: 1 });
  await fetch(knobs, { method: 'DELETE' });
  expect((await visit('/checkout', {})).status).toBe(200);
});

test('a hanging role goes on when the knob expires', async () => {
  const knobs = `http://${addresses.get('ratings')}/__demo/knobs`;
  await fetch(knobs, { method: 'POST', body: JSON.stringify({ hang: true, ttlMs: 150 }) });
  const startedAtMs = performance.now();
  expect((await visit('/')).status).toBe(200);
  expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(140);
});

test('without reviews the shop sells all the same; without a catalog it says so', async () => {
  for (const [role, status, text] of [
    ['reviews', 200, 'no reviews at the moment'],
    ['catalog', 502, 'catalog does not answer'],
  ] as const) {
    const address = addresses.get(role) ?? '';
    addresses.set(role, '127.0.0.1:1');
    const reply = await visit('/');
    addresses.set(role, address);
    expect(reply.status).toBe(status);
    expect(await reply.text()).toContain(text);
  }
});

test('bad knobs are refused with the reason', async () => {
  const url = `http://${addresses.get('notify')}/__demo/knobs`;
  const reply = await fetch(url, { method: 'POST', body: '{"errorRate": 7}' });
  expect(reply.status).toBe(400);
  expect(await reply.text()).toContain('errorRate');
});

test('what identifies a request is passed on from hop to hop', async () => {
  const seen: (string | undefined)[] = [];
  const stub = createServer((request, response) => {
    const { traceparent, tracestate } = request.headers;
    seen.push(String(traceparent), String(tracestate), String(request.headers['x-request-id']));
    response.end(JSON.stringify({ ratings: {} }));
  });
  servers.push(stub.listen(0, '127.0.0.1'));
  await once(stub, 'listening');
  const ratings = addresses.get('ratings') ?? '';
  addresses.set('ratings', `127.0.0.1:${(stub.address() as AddressInfo).port}`);
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
  const headers = { traceparent, tracestate: 'a=1', 'x-request-id': 'unit.9' };
  await fetch(`http://${addresses.get('storefront')}/items/dawn`, { headers });
  addresses.set('ratings', ratings);
  expect(seen).toEqual([traceparent, 'a=1', 'unit.9']);
});
