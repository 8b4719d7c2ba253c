import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EndpointSet } from './endpoint-set.ts';
import { createPicker, type PickerKind } from './pickers/create-picker.ts';
import { SlowStart } from './slow-start.ts';

test.each([
  { ageMs: 0, options: {}, ratio: 0.1 },
  { ageMs: 3_000, options: {}, ratio: 0.1 },
  { ageMs: 15_000, options: {}, ratio: 0.5 },
  { ageMs: 30_000, options: {}, ratio: 1 },
  { ageMs: 90_000, options: {}, ratio: 1 },
  { ageMs: 7_500, options: { aggression: 2 }, ratio: 0.5 },
  { ageMs: 15_000, options: { aggression: 0.5 }, ratio: 0.25 },
  // An age of less than 1 ms counts as 1 ms.
  { ageMs: 0, options: { windowMs: 10, ratioMin: 0 }, ratio: 0.1 },
  { ageMs: -5, options: { windowMs: 10, ratioMin: 0 }, ratio: 0.1 },
  { ageMs: 0, options: { windowMs: 0.5, ratioMin: 0 }, ratio: 1 },
])('at $ageMs ms with $options it is $ratio', ({ ageMs, options, ratio }) => {
  expect(new SlowStart(options).ratioAt(ageMs)).toBeCloseTo(ratio, 12);
});

test.each([
  ['windowMs', 0],
  ['windowMs', Number.POSITIVE_INFINITY],
  ['aggression', 0],
  ['ratioMin', 1.1],
  ['ratioMin', Number.NaN],
])('refuses %s = %s', (name, value) => {
  expect(() => new EndpointSet({ slowStart: { [name]: value } })).toThrow(
    expect.objectContaining({
      code: 'LENO_BALANCER_OPTION',
      problems: [expect.objectContaining({ path: `slowStart.${name}` })],
    }),
  );
});

test('property: a share is above 0, at most 1, and never falls', () => {
  const options = fc.record({
    windowMs: fc.integer({ min: 1, max: 100_000 }),
    aggression: fc.double({ min: 0.01, max: 100, noNaN: true }),
    ratioMin: fc.double({ min: 0, max: 1, noNaN: true }),
  });
  fc.assert(
    fc.property(options, fc.nat(200_000), fc.nat(200_000), (given, one, other) => {
      const curve = new SlowStart(given);
      const [early, late] = [
        curve.ratioAt(Math.min(one, other)),
        curve.ratioAt(Math.max(one, other)),
      ];
      expect(early).toBeGreaterThan(0);
      expect(late).toBeLessThanOrEqual(1);
      expect(early).toBeLessThanOrEqual(late);
    }),
  );
});

/** The picks of a newcomer of that age, relative to those of each of two old ones. */
function relativeShare(kind: PickerKind, ageMs: number, weight = 1): number {
  const set = new EndpointSet({ slowStart: {} });
  const old = ['a', 'b'].map((id) => ({ id, weight }));
  set.update(old, 0);
  const picker = createPicker(kind, set, { initialMs: 30 });
  const rng = seededRng(5);
  picker.pick(0, rng);
  set.update([...old, { id: 'new', weight }], 100_000);
  const counts = [0, 0, 0];
  for (let made = 0; made < 6_000; made += 1) {
    const index = picker.pick(100_000 + ageMs, rng);
    counts[index] = (counts[index] ?? 0) + 1;
  }
  return (2 * (counts[2] ?? 0)) / ((counts[0] ?? 0) + (counts[1] ?? 0));
}

const kinds: readonly PickerKind[] = ['roundRobin', 'weighted', 'leastRequest', 'random'];

test.each(
  kinds.flatMap((kind) => [
    { kind, ageMs: 0, share: 0.1 },
    { kind, ageMs: 15_000, share: 0.5 },
    { kind, ageMs: 30_000, share: 1 },
  ]),
)('$kind: after $ageMs ms a newcomer has $share of its share', ({ kind, ageMs, share }) => {
  const slack = kind === 'random' || kind === 'leastRequest' ? 0.07 : 0.02;
  expect(Math.abs(relativeShare(kind, ageMs) - share)).toBeLessThan(slack);
  expect(Math.abs(relativeShare(kind, ageMs, 7) - share)).toBeLessThan(slack);
});

test('peakEwma: a newcomer is dearer by its share', () => {
  const set = new EndpointSet({ slowStart: { windowMs: 1_000 } });
  set.update([{ id: 'a', weight: 1 }], 0);
  const picker = createPicker('peakEwma', set);
  expect(picker.explain(0)[0]?.score).toBeCloseTo(300, 9);
});

test('shares move in a hundred steps, and only in picks', () => {
  const set = new EndpointSet({ slowStart: { windowMs: 1_000 } });
  set.update([{ id: 'a', weight: 4 }], 0);
  const picker = createPicker('weighted', set);
  const shareAt = (nowMs: number): number => {
    picker.pick(nowMs, seededRng(0));
    return set.warmWeightAt(0);
  };
  expect([shareAt(500), shareAt(509.9), shareAt(510)]).toEqual([2, 2, 2.04]);
  picker.explain(900);
  expect(set.warmWeightAt(0)).toBe(2.04);
  // Time that runs backwards moves nothing.
  expect([shareAt(100), shareAt(1_000), shareAt(100)]).toEqual([2.04, 4, 4]);
});

test('who recovers starts slowly, and so does who is told to', () => {
  const set = new EndpointSet({ slowStart: { windowMs: 1_000 } });
  set.update([{ id: 'a', weight: 1 }], 0);
  set.tick(5_000);
  expect(set.warmWeightAt(0)).toBe(1);
  set.setHealth(0, 'unhealthy', 6_000);
  expect(set.warmWeightAt(0)).toBe(1);
  set.setHealth(0, 'healthy', 7_000);
  expect(set.warmWeightAt(0)).toBe(0.1);
  set.tick(7_500);
  expect(set.warmWeightAt(0)).toBe(0.5);
  set.tick(8_000);
  set.warmUp(0, 9_000);
  expect(set.warmWeightAt(0)).toBe(0.1);
  set.tick(20_000);
  set.setHealth(0, 'unhealthy', 20_000);
  set.setHealth(0, 'degraded', 20_000);
  expect(set.warmWeightAt(0)).toBe(0.1);
});

test('who left does not keep the others waiting, and who comes leaves them as they are', () => {
  const set = new EndpointSet({ slowStart: { windowMs: 1_000 } });
  const listOf = (ids: string) => Array.from(ids, (id) => ({ id, weight: 1 }));
  set.update(listOf('a'), 0);
  set.update(listOf('abcdefghijklm'), 500);
  expect(set.warmWeightAt(0)).toBe(0.1);
  set.update(listOf('a'), 600);
  set.tick(1_000);
  expect([set.warmWeightAt(0), set.table.isRamping]).toEqual([1, false]);
});

test('roundRobin does not look at weights while somebody is new', () => {
  const set = new EndpointSet({ slowStart: { windowMs: 1_000 } });
  set.update(
    [1, 5, 9].map((weight) => ({ id: `${weight}`, weight })),
    0,
  );
  const picker = createPicker('roundRobin', set);
  const picks = Array.from({ length: 30 }, () => picker.pick(0, () => 0));
  expect([0, 1, 2].map((index) => picks.filter((it) => it === index).length)).toEqual([10, 10, 10]);
});

test('without slow start a newcomer has its share at once', () => {
  const set = new EndpointSet();
  set.update([{ id: 'a', weight: 3 }], 0);
  set.warmUp(0, 0);
  expect([set.warmWeightAt(0), set.table.isRamping]).toEqual([3, false]);
});
