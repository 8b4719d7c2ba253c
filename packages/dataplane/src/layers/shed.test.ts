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
