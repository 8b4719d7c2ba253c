import { seededRng } from '@leno/std';
import { expect, test } from 'vitest';
import { type BalancerOptions, createBalancer } from './balancer.ts';
import { maglev, rendezvous, ringHash } from './pickers/hash-policies.ts';
import { leastRequest } from './pickers/least-request.ts';
import { peakEwma } from './pickers/peak-ewma.ts';
import type { Policy } from './pickers/policy.ts';
import { random } from './pickers/random.ts';
import { roundRobin } from './pickers/round-robin.ts';
import { weighted } from './pickers/weighted.ts';
import type { Member } from './roster.ts';

interface Place extends Member {
  readonly port: number;
}

function places(ids: string, port = 80): Place[] {
  return Array.from(ids, (id) => ({ id, weight: 1, port }));
}

/** A balancer whose time is `time.nowMs`. */
function bench(options: BalancerOptions<Place> = {}) {
  const time = { nowMs: 0 };
  const clock = { nowMs: () => time.nowMs, wallMs: () => 0 };
  const ports = { clock, rng: seededRng(2) };
  const balancer = createBalancer<Place>({ policy: roundRobin(), ports, ...options });
  const picks = (count: number): string =>
    Array.from({ length: count }, () => balancer.pick()?.member.id ?? '-').join('');
  return { balancer, time, picks };
}

test('nobody to pick, until there is', () => {
  const { balancer, picks } = bench();
  expect([balancer.length, picks(2)]).toEqual([0, '--']);
  expect(balancer.update(places('ab')).added).toHaveLength(2);
  expect([balancer.length, Array.from(picks(2)).sort()]).toEqual([2, ['a', 'b']]);
});

test.each<{ policy: Policy }>([
  { policy: roundRobin() },
  { policy: weighted() },
  { policy: leastRequest() },
  { policy: peakEwma() },
  { policy: random() },
  { policy: maglev() },
  { policy: ringHash() },
  { policy: rendezvous() },
])('$policy.kind: picks, counts calls under way, and is explained', ({ policy }) => {
  const { balancer } = bench({ policy });
  balancer.update(places('abc'));
  const handles = Array.from({ length: 30 }, () => balancer.pick());
  const before = balancer.explain();
  expect(before.policy).toBe(policy.kind);
  expect(before.endpoints.map((it) => it.id)).toEqual(['a', 'b', 'c']);
  expect(before.endpoints.reduce((sum, it) => sum + it.inFlightCount, 0)).toBe(30);
  for (const handle of handles) handle?.done('success', 5);
  expect(balancer.explain().endpoints.map((it) => it.inFlightCount)).toEqual([0, 0, 0]);
  expect(balancer.explain()).toEqual(balancer.explain());
});

test('an endpoint has one handle for as long as it stays', () => {
  const { balancer } = bench();
  balancer.update(places('ab'));
  const handle = balancer.handleOf('a');
  expect(new Set(Array.from({ length: 10 }, () => balancer.pick())).size).toBe(2);
  balancer.update(places('cba', 443));
  expect(balancer.handleOf('a')).toBe(handle);
  expect(handle?.member.port).toBe(443);
  balancer.update(places('b'));
  expect(balancer.handleOf('a')).toBeUndefined();
  expect([handle?.member.id, handle?.health]).toEqual(['a', 'unhealthy']);
  balancer.update(places('ab'));
  expect(balancer.handleOf('a')).not.toBe(handle);
});

test('the end of a call counts for the stay in which it began, and no other', () => {
  const { balancer } = bench({ policy: peakEwma({ initialMs: 30 }) });
  balancer.update(places('a'));
  const old = balancer.pick();
  balancer.update([]);
  old?.done('failure', 9_000);
  balancer.update(places('a'));
  const present = balancer.pick();
  old?.done('failure', 9_000);
  old?.mark('unhealthy');
  expect(balancer.explain().endpoints[0]).toMatchObject({
    score: 60,
    inFlightCount: 1,
    health: 'healthy',
  });
  present?.done('success', 70);
  expect(balancer.explain().endpoints[0]?.score).toBe(70);
});

test('what calls took is learnt, with the time of the clock', () => {
  const { balancer, time, picks } = bench({ policy: peakEwma() });
  balancer.update(places('ab'));
  balancer.handleOf('a')?.done('failure', 3);
  expect(picks(20)).toBe('b'.repeat(20));
  time.nowMs = 10_000;
  expect(balancer.explain().endpoints[0]?.score).toBeCloseTo(5_000 / Math.E, 6);
});

test('changes by endpoint: put, remove, and both', () => {
  const { balancer } = bench();
  balancer.update(places('abc'));
  const a = balancer.handleOf('a');
  const b = balancer.handleOf('b');
  balancer.apply({ put: places('ad', 443), remove: ['c', 'z'] });
  expect(balancer.explain().endpoints.map((it) => it.id)).toEqual(['a', 'b', 'd']);
  expect([balancer.handleOf('a'), balancer.handleOf('b')]).toEqual([a, b]);
  expect([a?.member.port, b?.member.port]).toEqual([443, 80]);
  const change = balancer.apply({ put: places('a'), remove: ['a'] });
  expect([change.added, change.removed].map((it) => it.map((m) => m.id))).toEqual([['a'], ['a']]);
  expect(balancer.handleOf('a')).not.toBe(a);
});

test('who is marked or not admitted is not picked, unless it is a panic', () => {
  const out = new Set<string>();
  const { balancer, picks } = bench({ admits: (member) => !out.has(member.id) });
  balancer.update(places('abc'));
  balancer.handleOf('a')?.mark('unhealthy');
  out.add('b');
  expect([picks(5), balancer.panicCount]).toEqual(['ccccc', 0]);
  balancer.handleOf('c')?.mark('unhealthy');
  expect([picks(6).replace(/(..)\1*/, '$1').length, balancer.panicCount]).toEqual([2, 6]);
  const { levels, panicCount } = balancer.explain();
  expect([levels[0]?.isPanic, panicCount]).toEqual([true, 6]);
});

test('slow start is off unless asked for', () => {
  const warmWeightOf = (options: BalancerOptions<Place>): number | undefined => {
    const { balancer } = bench(options);
    balancer.update(places('a'));
    return balancer.explain().endpoints[0]?.warmWeight;
  };
  expect([warmWeightOf({}), warmWeightOf({ slowStart: {} })]).toEqual([1, 0.1]);
});

test('zones and priorities come from the members', () => {
  const { balancer, picks } = bench({ zone: { local: 'x', endpointCountMin: 1 } });
  const [a, b, c] = places('abc');
  if (a === undefined || b === undefined || c === undefined) throw new Error('three places');
  balancer.update([
    { ...a, zone: 'x' },
    { ...b, zone: 'y' },
    { ...c, priority: 1 },
  ]);
  expect(picks(5)).toBe('aaaaa');
  expect(balancer.explain()).toMatchObject({
    zones: { kind: 'local' },
    levels: [{ percent: 100 }, { percent: 0 }],
  });
});

test('a key is hashed for policies that place calls by it, and for them only', () => {
  const seen: unknown[] = [];
  const policy: Policy = {
    kind: 'byLength',
    hash: (key, into) => {
      into.hi = 0;
      into.lo = key.length;
    },
    pickersOf: () => (roster) => ({
      pick: (_nowMs, _rng, _admits, key) => {
        seen.push(key && { ...key, hash: { ...key.hash } });
        return (key?.hash.lo ?? 0) % roster.length;
      },
      started: () => undefined,
      ended: () => undefined,
      explain: () => [],
    }),
  };
  const { balancer } = bench({ policy });
  balancer.update(places('abc'));
  const ids = [balancer.pick('xx'), balancer.pick('x', 2), balancer.pick()];
  expect(ids.map((it) => it?.member.id)).toEqual(['c', 'b', 'a']);
  expect(seen).toEqual([
    { hash: { hi: 0, lo: 2 }, attempt: 0 },
    { hash: { hi: 0, lo: 1 }, attempt: 2 },
    undefined,
  ]);
  const turns = bench().balancer;
  turns.update(places('a'));
  expect(turns.pick('any')?.member.id).toBe('a');
});

test.each<{ options: BalancerOptions<Place>; path: string }>([
  { options: { panic: { thresholdRatio: 2 } }, path: 'panic.thresholdRatio' },
  { options: { slowStart: { windowMs: -1 } }, path: 'slowStart.windowMs' },
  { options: { overprovisioningFactor: 0 }, path: 'overprovisioningFactor' },
  { options: { zone: { local: 'a', callers: {} } }, path: 'zone.callers.a' },
])('refuses $options', ({ options, path }) => {
  expect(() => createBalancer(options)).toThrow(
    expect.objectContaining({
      code: 'LENO_BALANCER_OPTION',
      problems: [expect.objectContaining({ path })],
    }),
  );
});

test('takes the runtime for its ports, and peakEwma for its policy', () => {
  const balancer = createBalancer();
  balancer.update([{ id: 'a', weight: 1 }]);
  balancer.pick()?.done('success', 1);
  expect(balancer.explain()).toMatchObject({ policy: 'peakEwma', zones: undefined });
});

test.each<{ policy: Policy }>([
  { policy: maglev() },
  { policy: ringHash() },
  { policy: rendezvous() },
])('$policy.kind: a key keeps to its endpoint, in health and after an illness', ({ policy }) => {
  const { balancer } = bench({ policy });
  balancer.update(places('abcdefgh'));
  const idsOf = (attempt = 0): readonly (string | undefined)[] =>
    Array.from({ length: 60 }, (_, at) => balancer.pick(`user-${at}`, attempt)?.member.id);
  const before = idsOf();
  expect(new Set(before).size).toBeGreaterThan(5);
  expect(idsOf()).toEqual(before);
  expect(idsOf(1)).not.toEqual(before);
  balancer.handleOf('c')?.mark('unhealthy');
  const meanwhile = idsOf();
  expect(meanwhile).not.toContain('c');
  expect(meanwhile.every((id, at) => before[at] === 'c' || before[at] === id)).toBe(true);
  balancer.handleOf('c')?.mark('healthy');
  expect(idsOf()).toEqual(before);
});

test('a bound on load counts the calls that are not done', () => {
  const { balancer } = bench({ policy: maglev({ loadFactorPercent: 100 }) });
  balancer.update(places('abcd'));
  const picked = Array.from({ length: 8 }, () => balancer.pick('hot'));
  expect(new Set(picked.map((it) => it?.member.id)).size).toBe(3);
  const home = picked[0]?.member.id;
  for (const handle of picked) handle?.done('success', 1);
  expect(balancer.pick('hot')?.member.id).toBe(home);
});

test.each([7, 7n, null, { id: 7 }])('the key %o is refused: it must be a text', (key) => {
  const { balancer } = bench({ policy: maglev() });
  balancer.update(places('abc'));
  expect(() => balancer.pick(key as unknown as string)).toThrow('key must be a string');
  expect(balancer.explain().endpoints.every((it) => it.inFlightCount === 0)).toBe(true);
});
