import { seededRng } from '@leno/std';
import { expect, test } from 'vitest';
import { EndpointSet } from '../endpoint-set.ts';
import { peakEwma } from '../pickers/peak-ewma.ts';
import type { Admits } from '../pickers/picker.ts';
import type { Policy } from '../pickers/policy.ts';
import { random } from '../pickers/random.ts';
import { roundRobin } from '../pickers/round-robin.ts';
import { weighted } from '../pickers/weighted.ts';
import type { Member } from '../roster.ts';
import type { Health } from '../slot-table.ts';
import { checkedLevelRules, type LevelOptions } from './level-options.ts';
import { LeveledPicker } from './leveled-picker.ts';

const healths: Readonly<Record<string, Health>> = { '-': 'unhealthy', '~': 'degraded' };

/** `a a- b1 c~@z`: ids, unhealthy, of priority 1, degraded and in zone z. */
function bench(text: string, options: LevelOptions = {}, policy: Policy = roundRobin()) {
  const set = new EndpointSet<Member>();
  const parts = text.split(' ').map((part) => {
    const [, id = '', priority, mark = '', zone] = /^(\w)(\d?)([-~]?)(?:@(\w))?$/.exec(part) ?? [];
    return { id, weight: 1, priority: Number(priority), mark, zone };
  });
  set.update(parts, 0);
  const mark = (id: string, health: Health): void => set.setHealth(set.indexOf(id), health, 0);
  for (const { id, mark: its } of parts) mark(id, healths[its] ?? 'healthy');
  const picker = new LeveledPicker(set, policy.pickersOf<Member>(), checkedLevelRules(options));
  const rng = seededRng(12);
  const picks = (count: number, admits?: Admits): string =>
    Array.from({ length: count }, () => {
      const index = picker.pick(0, rng, admits);
      return index < 0 ? '-' : set.at(index).id;
    }).join('');
  return { set, picker, mark, picks };
}

/** Which ids there are in the picks. */
function idsIn(picks: string): string {
  return [...new Set(picks)].sort().join('');
}

const noPanic = { panic: { thresholdRatio: 0 } };
const failing = { panic: { failsTraffic: true } };

test.each<{ name: string; set: string; options: LevelOptions; ids: string; panicCount: number }>([
  {
    name: '2 of 6: all of them',
    set: 'a b c- d- e- f-',
    options: {},
    ids: 'abcdef',
    panicCount: 60,
  },
  {
    name: '4 of 6: the healthy ones',
    set: 'a b c d e- f-',
    options: {},
    ids: 'abcd',
    panicCount: 0,
  },
  { name: 'panics fail', set: 'a b c- d- e- f-', options: failing, ids: '-', panicCount: 60 },
  {
    name: 'threshold 0, 2 of 6',
    set: 'a b c- d- e- f-',
    options: noPanic,
    ids: 'ab',
    panicCount: 0,
  },
  { name: 'threshold 0, nobody', set: 'a- b-', options: noPanic, ids: '-', panicCount: 0 },
])('PR-02 $name', ({ set, options, ids, panicCount }) => {
  const { picker, picks } = bench(set, options);
  expect([idsIn(picks(60)), picker.panicCount]).toEqual([ids, panicCount]);
});

test('PR-02 three picks in panic count three, and it ends as endpoints recover', () => {
  const { picker, picks, mark } = bench('a b c- d- e- f-');
  picks(3);
  expect([picker.panicCount, picker.levels[0]?.isPanic]).toEqual([3, true]);
  mark('c', 'healthy');
  expect([idsIn(picks(30)), picker.panicCount]).toEqual(['abc', 3]);
  expect(picker.levels).toEqual([
    {
      priority: 0,
      hostCount: 6,
      healthyCount: 3,
      degradedCount: 0,
      percent: 100,
      degradedPercent: 0,
      isPanic: false,
    },
  ]);
});

test.each([
  { name: 'the first has all', set: 'a b c1', shares: { a: 50, b: 50 } },
  { name: 'what the first cannot take spills', set: 'a b- c1', shares: { a: 70, c: 30 } },
  { name: 'nobody of the first', set: 'a- b- c1 d1', shares: { c: 50, d: 50 } },
  { name: 'a priority that is left out', set: 'a- c2', shares: { c: 100 } },
  { name: 'degraded ones take the rest', set: 'a b~ c1-', shares: { a: 70, b: 30 } },
  { name: 'degraded ones alone', set: 'a~ b~', shares: { a: 50, b: 50 } },
])('priorities: $name', ({ set, shares }) => {
  const picks = bench(set).picks(10_000);
  const ids = idsIn(picks);
  expect(ids).toBe(Object.keys(shares).join(''));
  for (const [id, percent] of Object.entries(shares)) {
    expect(Math.abs((picks.split(id).length - 1) / 100 - percent)).toBeLessThan(2);
  }
});

test('who is not admitted is passed over, at last by another priority', () => {
  const { set, picker, picks } = bench('a b c1 d1-');
  const without =
    (out: string): Admits =>
    (index) =>
      !out.includes(set.at(index).id);
  expect(idsIn(picks(20, without('a')))).toBe('b');
  expect(idsIn(picks(20, without('ab')))).toBe('c');
  expect(picker.panicCount).toBe(0);
  // Nobody is left: one is picked nevertheless, and healthy.
  expect(idsIn(picks(20, without('abcd')))).toBe('ab');
  expect(picker.panicCount).toBe(20);
});

test('a priority in panic of which nobody is admitted lends its calls before that is ignored', () => {
  // 28 % for the first, in panic; 70 % for the next.
  const { set, picker, picks } = bench('a b- c- d- e- f1 g1 h1- i1-');
  expect(picker.levels.map((it) => it.isPanic)).toEqual([true, false]);
  expect(idsIn(picks(60))).toBe('abcdefg');
  const without =
    (out: string): Admits =>
    (index) =>
      !out.includes(set.at(index).id);
  expect(idsIn(picks(60, without('abcde')))).toBe('fg');
  expect(idsIn(picks(60, without('abcdefghi')))).toBe('afg');
});

test.each([
  { name: 'threshold 0', options: noPanic, panicCount: 0 },
  { name: 'panics that fail', options: failing, panicCount: 1 },
])('nobody admitted, $name: nobody', ({ options, panicCount }) => {
  const { picker, picks } = bench('a b', options);
  expect([picks(1, () => false), picker.panicCount]).toEqual(['-', panicCount]);
});

test('nobody at all, and nobody with a weight, is no panic', () => {
  const { set, picker, picks } = bench('a');
  set.update([], 0);
  expect([picks(1), picker.panicCount]).toEqual(['-', 0]);
  set.update([{ id: 'a', weight: 0 }], 0);
  expect([picks(1), picker.panicCount]).toEqual(['-', 0]);
});

test.each([
  { name: 'enough at home', set: 'a@x b@x c@y', zone: { local: 'x' }, shares: { a: 50, b: 50 } },
  {
    name: 'half of what is needed at home',
    set: 'a@x b@y c@y d@y',
    zone: { local: 'x' },
    shares: { a: 50, b: 16.7, c: 16.7, d: 16.7 },
  },
  {
    name: 'fewer callers at home',
    set: 'a@x b@y c@y d@y',
    zone: { local: 'x', callers: { x: 1, y: 3 } },
    shares: { a: 100 },
  },
  {
    name: 'all callers at home',
    set: 'a@x b@v c@v',
    zone: { local: 'x', callers: { x: 1 } },
    shares: { a: 33.3, b: 33.3, c: 33.3 },
  },
  {
    name: 'unhealthy ones do not count',
    set: 'a@x b-@x c@y d@y',
    zone: { local: 'x' },
    shares: { a: 66.7, c: 16.7, d: 16.7 },
  },
  {
    name: 'nobody at home',
    set: 'b@y c@z',
    zone: { local: 'x' },
    shares: { b: 50, c: 50 },
  },
  {
    name: 'calls for the next priority leave the zone',
    set: 'a@x b-@y c1@y',
    zone: { local: 'x' },
    shares: { a: 70, c: 30 },
  },
  {
    name: 'the next priority knows no zones',
    set: 'a-@x b1@y c1@x',
    zone: { local: 'x' },
    shares: { b: 50, c: 50 },
  },
])('zones: $name', ({ set, zone, shares }) => {
  const { picks } = bench(set, { zone: { endpointCountMin: 1, ...zone } });
  const made = picks(20_000);
  expect(idsIn(made)).toBe(Object.keys(shares).join(''));
  for (const [id, percent] of Object.entries(shares)) {
    expect(Math.abs((made.split(id).length - 1) / 200 - percent)).toBeLessThan(1.5);
  }
});

test('zones do not count below six endpoints, nor in panic', () => {
  const few = bench('a@x b@y c@y', { zone: { local: 'x' } });
  expect(few.picker.zoneSplit).toEqual({ kind: 'off', why: 'too few endpoints' });
  expect(idsIn(few.picks(30))).toBe('abc');
  const panic = bench('a@x b-@y c-@y', { zone: { local: 'x', endpointCountMin: 1 } });
  expect(idsIn(panic.picks(30))).toBe('abc');
  expect(panic.picker.panicCount).toBe(30);
});

test('an endpoint with the weight 0 does not count', () => {
  const { set, picker } = bench('a');
  set.update(
    [1, 0, 0].map((weight, index) => ({ id: `e${index}`, weight })),
    0,
  );
  for (const index of [1, 2]) set.setHealth(index, 'unhealthy', 0);
  expect(picker.levels).toMatchObject([{ hostCount: 1, healthyCount: 1, isPanic: false }]);
  for (const index of [1, 2]) set.setHealth(index, 'healthy', 0);
  set.setHealth(0, 'unhealthy', 0);
  expect(picker.levels).toMatchObject([{ hostCount: 1, healthyCount: 0, isPanic: true }]);
});

test.each([
  { name: 'a priority', text: 'a b c1', options: {} },
  { name: 'a zone', text: 'a@x b@x c@y', options: { zone: { local: 'x', endpointCountMin: 1 } } },
])('$name keeps its turns through an update', ({ text, options }) => {
  const { set, picks } = bench(text, options, weighted());
  const members = Array.from({ length: set.length }, (_, index) => set.at(index));
  const made = Array.from({ length: 6 }, () => {
    set.update(members, 0);
    return picks(1);
  });
  expect(made.join('')).toBe('ababab');
});

test('a zone with the name of a method has no callers unless that is said', () => {
  const { set, picker } = bench('a', {
    zone: { local: 'x', callers: { x: 1 }, endpointCountMin: 0 },
  });
  set.update(
    ['x', 'constructor', '__proto__'].map((zone) => ({ id: zone, weight: 1, zone })),
    0,
  );
  expect(picker.zoneSplit).toEqual({
    kind: 'split',
    localPart: 3_333,
    residuals: [0, 3_333, 3_333],
  });
});

test('a zone whose endpoints are not admitted lends its calls', () => {
  const { set, picks } = bench('a@x b@y', { zone: { local: 'x', endpointCountMin: 1 } });
  expect(idsIn(picks(20))).toBe('a');
  expect(idsIn(picks(20, (index) => set.at(index).id !== 'a'))).toBe('b');
});

test('a call with a key keeps to the priority of its hash', () => {
  const { set, picker } = bench('a b- c1', {}, random());
  const priorities = new Set<number>();
  for (let key = 0; key < 1_000; key += 1) {
    // The hash is key × 2³² + 7: modulo 100 it is key × 96 + 7.
    const percent = (key * 96 + 7) % 100;
    const it = { hash: { hi: key, lo: 7 }, attempt: 0 };
    const id = set.at(picker.pick(0, seededRng(key), undefined, it)).id;
    expect(id).toBe(percent < 70 ? 'a' : 'c');
    priorities.add(percent < 70 ? 0 : 1);
  }
  expect(priorities.size).toBe(2);
});

test('a call with a key does not look at zones', () => {
  const { picker, picks } = bench('a@x b@y', { zone: { local: 'x', endpointCountMin: 1 } });
  expect(idsIn(picks(10))).toBe('a');
  const key = { hash: { hi: 1, lo: 2 }, attempt: 0 };
  const indexes = Array.from({ length: 10 }, () => picker.pick(0, seededRng(1), undefined, key));
  expect(new Set(indexes)).toEqual(new Set([0, 1]));
});

test('what is learnt of an endpoint goes with it from priority to priority', () => {
  const { set, picker } = bench('a b1', {}, peakEwma());
  picker.started(0, 0);
  picker.ended(0, 0, 400, 'success');
  picker.started(1, 0);
  const members = [
    { id: 'b', weight: 1 },
    { id: 'a', weight: 1, priority: 1 },
  ];
  set.update(members, 0);
  expect(picker.explain(0)).toEqual([
    { id: 'b', score: 60 },
    { id: 'a', score: 400 },
  ]);
});

test('says all that is wrong with its options at once', () => {
  const zone = { local: '', callers: { x: -1 }, endpointCountMin: 1.5 };
  const make = (): unknown =>
    checkedLevelRules({ overprovisioningFactor: 0.5, panic: { thresholdRatio: Number.NaN }, zone });
  const problems = [
    'overprovisioningFactor',
    'panic.thresholdRatio',
    'zone.local',
    'zone.endpointCountMin',
    'zone.callers.x',
    'zone.callers.',
  ].map((path): unknown => expect.objectContaining({ path }));
  expect(make).toThrow(expect.objectContaining({ code: 'LENO_BALANCER_OPTION', problems }));
});
