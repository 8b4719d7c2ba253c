import type { EndpointBody, TrafficPolicyBody } from '@leno/config';
import { seededRng, systemClock, systemTimers } from '@leno/std';
import { expect, test } from 'vitest';
import { endpoint } from '../testing/views.ts';
import { Cluster, type TryEnd } from './cluster.ts';
import { Endpoint } from './endpoint.ts';
import { PoolRegistry } from './pools.ts';

const noTls = (): never => {
  throw new Error('nobody dials with TLS');
};

function bench(bodies: readonly EndpointBody[], policy: Partial<TrafficPolicyBody> = {}) {
  const pools = new PoolRegistry({
    clock: systemClock,
    timers: systemTimers,
    rng: seededRng(2),
    tlsFor: noTls,
  });
  const left: string[] = [];
  const hooks = {
    breakerChanged: () => undefined,
    endpointLeft: (_cluster: Cluster, { id }: Endpoint) => void left.push(id),
  };
  const cluster = new Cluster('default/shop', pools, seededRng(3), hooks);
  cluster.setPolicy({ service: 'default/shop', ...policy });
  cluster.setEndpoints(bodies, 0);
  const score = (id: string): number | undefined =>
    cluster.explain(0).find((it) => it.id === id)?.score;
  const pick = (excluded?: Endpoint): Endpoint => {
    const picked = cluster.pick(0, excluded);
    if (!(picked instanceof Endpoint)) throw new Error(picked);
    return picked;
  };
  /** Five failures in a row open the breaker. */
  const breakDown = (broken: Endpoint): void => {
    for (let made = 0; made < 5; made += 1) {
      broken.breaker.failure(broken.breaker.tryAcquire(0), 0);
    }
  };
  return { cluster, score, pick, breakDown, left };
}

const took = (tookMs: number): TryEnd => ({ outcome: 'success', tookMs, nowMs: 0 });

test('the end of a try counts for the stay in which it began, and no other', () => {
  const body = endpoint(1);
  const { cluster, score, pick } = bench([body]);
  const old = pick();
  const oldPermit = cluster.started(old, 0);
  // It drains for a moment, and is ready again.
  cluster.setEndpoints([{ ...body, health: 'draining' }], 0);
  cluster.setEndpoints([{ ...body }], 0);
  const permit = cluster.started(pick(), 0);
  cluster.ended(old, oldPermit, took(9_000));
  // One is under way, and nothing was learnt: 30 ms for each of two.
  expect(score('at-1')).toBe(60);
  cluster.ended(pick(), permit, took(70));
  expect([score('at-1'), cluster.activeCount]).toEqual([70, 0]);
});

test('an endpoint that is elsewhere under the same id is not known yet', () => {
  const bodies = [endpoint(1, undefined, 'a'), endpoint(2, undefined, 'b')];
  const { cluster, score, left } = bench(bodies);
  for (const each of cluster.endpoints) {
    cluster.ended(each, cluster.started(each, 0), took(400));
  }
  const [, b] = cluster.endpoints;
  cluster.setEndpoints([endpoint(3, undefined, 'a'), endpoint(2, undefined, 'b')], 0);
  expect([score('a'), score('b')]).toEqual([30, 400]);
  expect(cluster.endpoints.map((it) => it.body.port)).toEqual([3, 2]);
  expect(cluster.endpoints[1]).toBe(b);
  expect(left).toEqual(['a']);
});

test('endpoints without a weight do not let the last of the others be taken out', () => {
  const bodies = [1, 2, 3, 4].map((port) => ({ ...endpoint(port), weight: port > 2 ? 0 : 1 }));
  const { cluster, breakDown } = bench(bodies);
  const both = cluster.endpoints.slice(0, 2);
  for (const each of both) breakDown(each);
  expect(both.map((it) => it.breaker.admits(0))).toEqual([false, true]);
});

test('an endpoint that loses its weight while it is out leaves its place to others', () => {
  const bodies = [1, 2, 3, 4].map((port) => endpoint(port));
  const { cluster, breakDown } = bench(bodies);
  const admitting = (): boolean[] => cluster.endpoints.map((it) => it.breaker.admits(0));
  for (const each of cluster.endpoints.slice(0, 2)) breakDown(each);
  const kept = cluster.endpoints[2];
  const weighted = bodies.map((body, index) => ({ ...body, weight: index < 2 ? 0 : 1 }));
  cluster.setEndpoints(weighted, 0);
  expect([cluster.ejectedCount, cluster.endpoints[2]]).toEqual([0, kept]);
  for (const each of cluster.endpoints.slice(2)) breakDown(each);
  expect(admitting().slice(2)).toEqual([false, true]);
  // With a weight again it is as one that is new.
  cluster.setEndpoints([...bodies], 0);
  expect(admitting()).toEqual([true, true, false, true]);
});

test.each([
  { name: 'nobody', bodies: [], failFast: true, expected: 'no-endpoint' },
  {
    name: 'nobody with a weight',
    bodies: [{ ...endpoint(1), weight: 0 }],
    failFast: false,
    expected: 'no-endpoint',
  },
  { name: 'fail-fast', bodies: [endpoint(1)], failFast: true, expected: 'breaker-open' },
  { name: 'the only one', bodies: [endpoint(1)], failFast: false, expected: 'at-1' },
])('every breaker refuses: $name gives $expected', ({ bodies, failFast, expected }) => {
  const { cluster, breakDown } = bench(bodies, { breaker: { failFast } });
  for (const each of cluster.endpoints) breakDown(each);
  const picked = cluster.pick(0, cluster.endpoints[0]);
  expect(picked instanceof Endpoint ? picked.id : picked).toBe(expected);
});
