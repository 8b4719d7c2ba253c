import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EndpointSet } from '../endpoint-set.ts';
import type { Member } from '../roster.ts';
import { createPicker, type PickerOptions } from './create-picker.ts';
import type { PickOutcome } from './picker.ts';

const all = (): boolean => true;

function bench(weights: readonly number[], options: PickerOptions = {}) {
  const set = new EndpointSet<Member>();
  const members = weights.map((weight, index) => ({ id: `e${index}`, weight }));
  set.update(members, 0);
  const picker = createPicker('peakEwma', set, options);
  const call = (
    index: number,
    endMs: number,
    tookMs: number,
    outcome: PickOutcome = 'success',
  ): void => {
    picker.started(index, endMs - tookMs);
    picker.ended(index, endMs, tookMs, outcome);
  };
  const cost = (index: number, nowMs: number): number =>
    picker.explain(nowMs)[index]?.score ?? Number.NaN;
  return { set, members, picker, call, cost };
}

const E = Math.E;

test.each<{
  name: string;
  calls: [endMs: number, tookMs: number, outcome?: PickOutcome][];
  atMs: number;
  cost: number;
}>([
  { name: 'unknown is the first estimate', calls: [], atMs: 0, cost: 30 },
  { name: 'which fades', calls: [], atMs: 10_000, cost: 30 / E },
  { name: 'a peak replaces at once', calls: [[0, 100]], atMs: 0, cost: 100 },
  { name: 'idle time lets it fade', calls: [[0, 100]], atMs: 20_000, cost: 100 / E ** 2 },
  {
    name: 'a lower one pulls down by its age',
    calls: [
      [0, 100],
      [10_000, 10],
    ],
    atMs: 10_000,
    cost: 10 + 90 / E,
  },
  {
    name: 'above what is left it is a peak',
    calls: [
      [0, 100],
      [10_000, 50],
    ],
    atMs: 10_000,
    cost: 50,
  },
  {
    name: 'at the same time nothing is pulled',
    calls: [
      [0, 100],
      [0, 10],
    ],
    atMs: 0,
    cost: 100,
  },
  { name: 'a failure is dear', calls: [[0, 1, 'failure']], atMs: 0, cost: 5_000 },
  { name: 'a slow failure dearer', calls: [[0, 7_000, 'failure']], atMs: 0, cost: 7_000 },
  { name: 'what is ignored says nothing', calls: [[0, 900, 'ignored']], atMs: 0, cost: 30 },
  {
    name: 'nor does a time that is none',
    calls: [
      [0, Number.NaN],
      [0, -1],
      [0, Number.POSITIVE_INFINITY],
    ],
    atMs: 0,
    cost: 30,
  },
  {
    name: 'an old result does not turn time back',
    calls: [
      [10_000, 100],
      [5_000, 10],
    ],
    atMs: 10_000,
    cost: 100,
  },
])('estimate: $name', ({ calls, atMs, cost: expected }) => {
  const { call, cost } = bench([1]);
  for (const [endMs, tookMs, outcome] of calls) call(0, endMs, tookMs, outcome);
  expect(cost(0, atMs)).toBeCloseTo(expected, 9);
});

test('cost grows with the calls under way and shrinks with the weight', () => {
  const { picker, cost } = bench([1, 3, 0]);
  expect([cost(0, 0), cost(1, 0), cost(2, 0)]).toEqual([30, 10, Number.POSITIVE_INFINITY]);
  picker.started(0, 0);
  picker.started(0, 0);
  expect(cost(0, 0)).toBe(90);
  picker.ended(0, 0, 5, 'ignored');
  expect(cost(0, 0)).toBe(60);
});

test('idle for long, an endpoint is worth one try, not a flood', () => {
  const { picker, call, cost } = bench([1, 1]);
  const nowMs = 600_000;
  for (let index = 0; index < 5; index += 1) picker.started(1, nowMs);
  picker.ended(1, nowMs, 10, 'success');
  expect(cost(0, nowMs)).toBeLessThan(0.001);
  let floodCount = 0;
  while (floodCount < 100 && picker.pick(nowMs, seededRng(floodCount), all) === 0) {
    picker.started(0, nowMs);
    floodCount += 1;
  }
  expect(floodCount).toBe(1);
  // The same for one that was slow before: it does not stay out for as long as a stream runs.
  call(0, nowMs, 1, 'failure');
  expect(cost(0, nowMs)).toBe(5_000 * 2);
  expect(cost(0, nowMs + 100_000)).toBe(30 * 2);
});

test('calls too short for the clock do not make a busy endpoint free', () => {
  const { picker, call, cost } = bench([1, 1]);
  const nowMs = 1e7;
  for (const index of [0, 1]) call(index, nowMs, 0);
  expect([cost(0, nowMs), cost(1, nowMs)]).toEqual([0, 0]);
  for (const index of [0, 0, 1]) picker.started(index, nowMs);
  // Whichever is drawn first.
  expect([picker.pick(nowMs, () => 0), picker.pick(nowMs, () => 0.9)]).toEqual([1, 1]);
});

test('what is kept keeps its estimate; who takes a free slot does not inherit', () => {
  const { set, members, call, cost } = bench([1, 1]);
  call(0, 0, 400);
  call(1, 0, 700);
  set.update([{ id: 'x', weight: 1 }, ...members.slice(1)], 5);
  expect([cost(0, 5), cost(1, 0)]).toEqual([30, 700]);
  set.update(members, 6);
  expect(cost(0, 6)).toBe(30);
  const many = Array.from({ length: 40 }, (_, index) => ({ id: `m${index}`, weight: 1 }));
  set.update([...many, ...members.slice(1)], 0);
  expect(cost(40, 0)).toBe(700);
});

test('the cheaper of the two drawn is picked; of equals the first', () => {
  const { call, picker } = bench([1, 1, 1]);
  call(0, 0, 50);
  call(1, 0, 40);
  const draw =
    (...values: number[]) =>
    (): number =>
      values.shift() ?? Number.NaN;
  expect(picker.pick(0, draw(0, 0), all)).toBe(1); // 0 and 1.
  expect(picker.pick(0, draw(0.4, 0.9), all)).toBe(2); // 1 and 2.
  expect(picker.pick(0, draw(0.9, 0), all)).toBe(2); // 2 and 0.
  const equal = bench([1, 1]).picker;
  expect([equal.pick(0, draw(0, 0), all), equal.pick(0, draw(0.9, 0), all)]).toEqual([0, 1]);
});

test.each<{ name: string; out: number[]; shares: number[] }>([
  { name: 'all', out: [], shares: [1 / 4, 1 / 4, 1 / 4, 1 / 4] },
  { name: 'one is out', out: [1], shares: [1 / 3, 0, 1 / 3, 1 / 3] },
  { name: 'two are out', out: [0, 3], shares: [0, 1 / 2, 1 / 2, 0] },
])('equals get equal shares: $name', ({ out, shares }) => {
  const { picker } = bench([1, 1, 1, 1]);
  const rng = seededRng(11);
  const counts = [0, 0, 0, 0];
  const pickCount = 20_000;
  for (let made = 0; made < pickCount; made += 1) {
    const index = picker.pick(0, rng, (it) => !out.includes(it));
    counts[index] = (counts[index] ?? 0) + 1;
  }
  for (const [index, count] of counts.entries()) {
    expect(Math.abs(count / pickCount - (shares[index] ?? 0))).toBeLessThan(0.02);
  }
});

test('property: of two endpoints the dearer one is never picked', () => {
  const endpoint = fc.record({ tookMs: fc.integer({ min: 1, max: 5_000 }), underWay: fc.nat(5) });
  const pair = fc.tuple(endpoint, endpoint);
  fc.assert(
    fc.property(pair, fc.nat(60_000), fc.nat(), (endpoints, nowMs, seed) => {
      const { picker, call, cost } = bench([1, 1]);
      for (const [index, { tookMs, underWay }] of endpoints.entries()) {
        call(index, 0, tookMs);
        for (let started = 0; started < underWay; started += 1) picker.started(index, 0);
      }
      const picked = picker.pick(nowMs, seededRng(seed), all);
      expect(cost(picked, nowMs)).toBeLessThanOrEqual(cost(1 - picked, nowMs));
    }),
  );
});

test('the slowest of three is not picked while all are idle', () => {
  const { picker, call } = bench([1, 1, 1]);
  call(0, 0, 40);
  call(1, 0, 50);
  call(2, 0, 4_000);
  const rng = seededRng(5);
  const picks = Array.from({ length: 500 }, () => picker.pick(1, rng, all));
  expect(new Set(picks)).toEqual(new Set([0, 1]));
});

test.each([
  ['decayMs', 0],
  ['decayMs', Number.NaN],
  ['initialMs', -1],
  ['failurePenaltyMs', Number.POSITIVE_INFINITY],
])('refuses %s = %d', (name, value) => {
  expect(() => bench([1], { [name]: value })).toThrow(
    expect.objectContaining({
      code: 'LENO_BALANCER_OPTION',
      message: expect.stringContaining(name),
    }),
  );
});

test('LB-10 costs of two calls, and how they fade', () => {
  const first = bench([1], { decayMs: 1_000, initialMs: 10 });
  expect(first.cost(0, 100)).toBeCloseTo(10 * Math.exp(-0.1), 9);
  const { picker, cost } = bench([1], { decayMs: 1_000, initialMs: 20 });
  picker.started(0, 0);
  picker.started(0, 100);
  picker.ended(0, 200, 200, 'success');
  expect(cost(0, 200)).toBe(400);
  picker.ended(0, 300, 200, 'success');
  expect(cost(0, 300)).toBe(200);
  expect(cost(0, 1_300)).toBeLessThan(100);
  expect(cost(0, 11_300)).toBeLessThan(0.1);
});

// Linkerd takes a decay of 0 for 1 ms; Leno refuses it.
test.each<{
  name: string;
  calls: [endMs: number, tookMs: number][];
  atMs: number;
  cost: number;
}>([
  {
    name: 'a 0 after the decay leaves 1/e',
    calls: [
      [0, 100],
      [10_000, 0],
    ],
    atMs: 10_000,
    cost: 100 / E,
  },
  {
    name: 'a stale one below is ignored',
    calls: [
      [9_000, 50],
      [1_000, 0],
    ],
    atMs: 9_000,
    cost: 50,
  },
  {
    name: 'a peak that is still there is not replaced by less',
    calls: [
      [1_000, 10],
      [11_000, 1],
    ],
    atMs: 11_000,
    cost: 1 * (1 - 1 / E) + 10 / E,
  },
  {
    name: 'a peak that has faded below it is',
    calls: [
      [1_000, 10],
      [26_000, 1],
    ],
    atMs: 26_000,
    cost: 1,
  },
])('LB-11 $name', ({ calls, atMs, cost: expected }) => {
  const { call, cost } = bench([1], { initialMs: 0 });
  for (const [endMs, tookMs] of calls) call(0, endMs, tookMs);
  // Asked twice: reading changes nothing.
  cost(0, atMs + 5_000);
  expect(cost(0, atMs)).toBeCloseTo(expected, 9);
});

// Envoy adds 1,000,000 for calls under way to an endpoint that nothing is known of; Leno counts
// them at the first estimate, as Linkerd does, so that a fleet that has just started is not lamed.
test.each([
  { tookMs: 20, underWay: 5, cost: 120 },
  { tookMs: 30, underWay: 0, cost: 30 },
  { tookMs: undefined, underWay: 3, cost: 40 },
  { tookMs: undefined, underWay: 0, cost: 10 },
])(
  'LB-12 $tookMs ms with $underWay under way cost $cost',
  ({ tookMs, underWay, cost: expected }) => {
    const { picker, call, cost } = bench([1], { initialMs: 10 });
    if (tookMs !== undefined) call(0, 0, tookMs);
    for (let started = 0; started < underWay; started += 1) picker.started(0, 0);
    expect(cost(0, 0)).toBe(expected);
  },
);

test('who fails fast is not picked, and is tried again once that has faded', () => {
  const { picker, call } = bench([1, 1], { decayMs: 1_000 });
  call(0, 0, 1, 'failure');
  call(1, 0, 100);
  const rng = seededRng(1);
  let nowMs = 0;
  while (nowMs < 60_000 && picker.pick(nowMs, rng) !== 0) {
    nowMs += 100;
    call(1, nowMs, 100);
  }
  // 5,000 · e^(-t) is below 100 after 3.9 s.
  expect(nowMs).toBe(4_000);
});
