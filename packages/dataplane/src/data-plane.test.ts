import { afterEach, expect, test } from 'vitest';
import { openProxy, type ProxyBed } from './testing/proxy-bed.ts';
import { endpoint, viewOf } from './testing/views.ts';

const open: ProxyBed[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

async function proxy(): Promise<ProxyBed> {
  const bed = await openProxy('web');
  open.push(bed);
  return bed;
}

test('a policy that no engine can run is refused by itself, and its neighbours go on', async () => {
  const web = await proxy();
  const services = { shop: [endpoint(9_001)], cart: [endpoint(9_002)] };
  // Opens for longer than the default says it may at most.
  const policies = { shop: { breaker: { openMs: 120_000 } } };
  const applied = web.apply({ services, policies });
  expect(applied.status).toBe('partial');
  expect(applied.errors).toMatchObject([{ type: 'trafficPolicy', name: 'default/shop' }]);
  expect(applied.errors[0]?.msg).toContain('openMs');
  expect([...web.dataPlane.clusters.keys()]).toEqual(['default/cart']);
});

test('a view of which nothing can be used leaves everything as it was', async () => {
  const web = await proxy();
  web.apply({ services: { shop: [endpoint(9_001)] } });
  const before = web.dataPlane.engine.table;
  const view = viewOf({});
  const resources = view.resources.map((it) => ({ ...it, body: { nonsense: true } }));
  expect(web.dataPlane.apply({ ...view, resources }).status).toBe('rejected');
  expect(web.dataPlane.engine.table).toBe(before);
  expect(web.dataPlane.clusters.has('default/shop')).toBe(true);
});

test('endpoints that come, go, move and repeat themselves give back every pool', async () => {
  const web = await proxy();
  const twice = [endpoint(9_001, undefined, 'a'), endpoint(9_002, undefined, 'a')];
  web.apply({ services: { shop: twice, cart: [endpoint(9_001)] } });
  const { pools } = web.dataPlane;
  const before = pools.pools.length; // The application's among them.
  expect(web.dataPlane.clusters.get('default/shop')?.endpoints).toHaveLength(1);
  web.apply({ services: { shop: [endpoint(9_003, undefined, 'a')], cart: [endpoint(9_001)] } });
  expect(pools.pools).toHaveLength(before + 1);
  web.apply({});
  expect(pools.pools).toHaveLength(1);
  expect(web.dataPlane.clusters.size).toBe(0);
});

test('an endpoint that stays keeps what was learnt of it, and takes the new limits', async () => {
  const web = await proxy();
  const services = { shop: [endpoint(9_001)] };
  web.apply({ services });
  const first = web.dataPlane.clusters.get('default/shop')?.endpoints[0];
  web.apply({ services, policies: { shop: { limits: { requestCountMax: 1 } } } });
  expect(web.dataPlane.clusters.get('default/shop')?.endpoints[0]).toBe(first);
  expect(web.dataPlane.clusters.get('default/shop')?.limits.requestCountMax).toBe(1);
});

test('a view that is prepared changes nothing until it is committed, or for ever if it is not', async () => {
  const web = await proxy();
  web.apply({ services: { shop: [endpoint(9_001)] } });
  const { engine, clusters, pools } = web.dataPlane;
  const before = engine.table;
  const poolCount = pools.pools.length;
  const backend = { service: 'default/cart', port: 80, weight: 1, filters: [] };
  const next = viewOf({
    services: { cart: [endpoint(9_002)], shop: [endpoint(9_003)] },
    routes: { shop: [{ matches: [], filters: [], backends: [backend] }] },
  });
  const forgotten = web.dataPlane.prepare(next);
  expect(forgotten.applied).toEqual({ status: 'applied', errors: [] });
  expect(engine.table).toBe(before);
  expect([...clusters.keys()]).toEqual(['default/shop']);
  expect(clusters.get('default/shop')?.endpoints[0]?.body.port).toBe(9_001);
  expect(pools.pools).toHaveLength(poolCount);

  web.dataPlane.prepare(next).commit();
  expect(engine.table).not.toBe(before);
  expect([...clusters.keys()].toSorted()).toEqual(['default/cart', 'default/shop']);
  const { services } = engine.table;
  const cart = clusters.get('default/cart');
  expect(services.get('default/cart')?.cluster).toBe(cart);
  const [rule] = services.get('default/shop')?.rules.values() ?? [];
  expect([...(rule?.clusters.values() ?? [])][0]).toBe(cart);
});
