import { afterEach, expect, test } from 'vitest';
import { ask, openApplication } from '../testing/ends.ts';
import { openProxy } from '../testing/proxy-bed.ts';
import { endpoint } from '../testing/views.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function bed() {
  const app = await openApplication();
  const web = await openProxy('web');
  open.push(app, web);
  web.apply({ services: { shop: [endpoint(app.port)] } });
  return { app, web, engine: web.dataPlane.engine };
}

test('a proxy that is short of something answers 503 by itself, and says when to come back', async () => {
  const { app, web, engine } = await bed();
  engine.refusedRatio = 1;
  const reply = await ask(web.outboundPort);
  expect(reply).toMatchObject({ status: 503 });
  expect(reply.headers).toMatchObject({ 'x-leno-reason': 'overloaded', 'retry-after': '1' });
  expect(reply.headers['proxy-status']).toMatch(/processed=\?0$/);
  expect(app.seen).toEqual([]);
  expect(engine.shedCount).toEqual({ inbound: 0, outbound: 1 });
  engine.refusedRatio = 0;
  expect((await ask(web.outboundPort)).status).toBe(200);
});

test('a share is refused, the others pass', async () => {
  const { app, web, engine } = await bed();
  engine.refusedRatio = 0.5;
  const statuses: number[] = [];
  for (let index = 0; index < 60; index += 1) statuses.push((await ask(web.outboundPort)).status);
  const refused = statuses.filter((status) => status === 503).length;
  expect(refused).toBe(engine.shedCount.outbound);
  expect(refused).toBeGreaterThan(10);
  expect(refused).toBeLessThan(50);
  expect(app.seen).toHaveLength(60 - refused);
});

test('a POST that an overloaded sidecar refuses goes elsewhere, and its caller never knows', async () => {
  const app = await openApplication();
  const [full, free] = [await openProxy('shop', app.port), await openProxy('shop', app.port)];
  const web = await openProxy('web');
  open.push(app, full, free, web);
  for (const shop of [full, free]) shop.apply({});
  full.dataPlane.engine.refusedRatio = 1;
  const endpoints = [full, free].map(({ inboundPort }) => endpoint(inboundPort, 'shop'));
  const policy = { balancer: { kind: 'roundRobin' }, retry: { backoffBaseMs: 1, backoffMaxMs: 1 } };
  web.apply({ services: { shop: endpoints }, policies: { shop: policy } });
  for (let count = 0; count < 4; count += 1) {
    const reply = await ask(web.outboundPort, { method: 'POST', body: 'once' });
    expect(reply.status).toBe(200);
  }
  expect(app.seen).toHaveLength(4);
  expect(full.dataPlane.engine.shedCount.inbound).toBeGreaterThan(0);
  expect(full.dataPlane.engine.shedCount.outbound).toBe(0);
});
