import { OptionProblems, seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BackoffOptions, backoffMs, checkBackoff, retryDelayMs } from './backoff.ts';

const bounds: BackoffOptions = { baseMs: 25, maxMs: 250 };
const highest = (): number => 1;

test('doubles from the base to the cap, and the jitter is full', () => {
  const highs = [1, 2, 3, 4, 5, 6].map((index) => backoffMs(index, bounds, highest));
  expect(highs).toEqual([25, 50, 100, 200, 250, 250]);
  expect(backoffMs(3, bounds, () => 0)).toBe(0);
  expect(backoffMs(3, bounds, () => 0.25)).toBe(25);
});

test('property: finite and within [0, cap] for any retry and any bounds', () => {
  const index = fc.oneof(
    fc.integer({ min: 0, max: 2_000 }),
    fc.constantFrom(1_024, 2 ** 53, Infinity),
  );
  const ms = fc.double({ min: 0, max: 1e9, noNaN: true });
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  fc.assert(
    fc.property(index, ms, ms, chance, (retryIndex, baseMs, maxMs, drawn) => {
      const waitMs = backoffMs(retryIndex, { baseMs, maxMs }, () => drawn);
      expect(waitMs >= 0 && waitMs <= maxMs).toBe(true);
    }),
  );
});

test.each([
  { name: 'nothing asked', asked: undefined, delayMs: 12.5 },
  { name: 'less than the back-off', asked: 5, delayMs: 12.5 },
  { name: 'more than the back-off', asked: 100, delayMs: 100 },
  { name: 'more than the cap', asked: 60_000, delayMs: 250 },
  { name: 'nonsense', asked: -1, delayMs: 12.5 },
  { name: 'no number', asked: Number.NaN, delayMs: 12.5 },
  { name: 'for ever', asked: Infinity, delayMs: 250 },
])('Retry-After: $name', ({ asked, delayMs }) => {
  expect(retryDelayMs(1, bounds, () => 0.5, asked)).toBe(delayMs);
});

test.each([
  { jitter: 'none' as const, lows: [25, 50, 100, 200, 250], highs: [25, 50, 100, 200, 250] },
  { jitter: 'full' as const, lows: [0, 0, 0, 0, 0], highs: [25, 50, 100, 200, 250] },
  { jitter: 'equal' as const, lows: [12.5, 25, 50, 100, 125], highs: [25, 50, 100, 200, 250] },
])('jitter $jitter lies within its bounds', ({ jitter, lows, highs }) => {
  const waits = (drawn: number): number[] =>
    [1, 2, 3, 4, 5].map((index) => backoffMs(index, { ...bounds, jitter }, () => drawn));
  expect([waits(0), waits(1)]).toEqual([lows, highs]);
});

test.each([
  { name: 'the first is the base to three times it', previousMs: undefined, low: 25, high: 75 },
  { name: 'then up to three times the one before', previousMs: 60, low: 25, high: 180 },
  { name: 'never above the cap', previousMs: 250, low: 25, high: 250 },
  { name: 'never below the base', previousMs: 0, low: 25, high: 25 },
])('jitter decorrelated: $name', ({ previousMs, low, high }) => {
  const options = { ...bounds, jitter: 'decorrelated' as const };
  expect(backoffMs(9, options, () => 0, previousMs)).toBe(low);
  expect(backoffMs(9, options, highest, previousMs)).toBe(high);
});

test('jitter decorrelated spreads waits at the cap too', () => {
  const options = { ...bounds, jitter: 'decorrelated' as const };
  const rng = seededRng(1);
  const waits = Array.from({ length: 100 }, () => backoffMs(9, options, rng, 250));
  expect(new Set(waits).size).toBe(100);
});

test.each(['full', 'equal', 'decorrelated', 'none'] as const)(
  'jitter %s is finite where the cap is as good as none',
  (jitter) => {
    const options = { baseMs: 1, maxMs: Number.MAX_VALUE, jitter };
    for (const drawn of [0, 0.5, 0.999]) {
      const waitMs = backoffMs(5_000, options, () => drawn, Number.MAX_VALUE);
      expect(waitMs >= 0 && waitMs <= Number.MAX_VALUE).toBe(true);
    }
  },
);

test('the factor is what the ceiling grows by', () => {
  const options = { baseMs: 10, maxMs: 1_000, jitter: 'none' as const };
  const waits = (factor: number): number[] =>
    [1, 2, 3, 1e9].map((index) => backoffMs(index, { ...options, factor }, highest));
  expect(waits(3)).toEqual([10, 30, 90, 1_000]);
  expect(waits(1)).toEqual([10, 10, 10, 10]);
  expect(waits(1.5)).toEqual([10, 15, 22.5, 1_000]);
});

test('RT-03, property: every jitter is finite and within [0, cap] for any retry', () => {
  const jitter = fc.constantFrom('full' as const, 'equal', 'decorrelated', 'none');
  const index = fc.oneof(fc.integer({ min: 0, max: 2_000 }), fc.constantFrom(1e9, 2 ** 53));
  const ms = fc.double({ min: 0, max: 1e9, noNaN: true });
  const factor = fc.double({ min: 1, max: 1e3, noNaN: true });
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
  const options = fc.record({ jitter, baseMs: ms, maxMs: ms, factor });
  fc.assert(
    fc.property(index, options, chance, ms, (retryIndex, it, drawn, previousMs) => {
      const waitMs = backoffMs(retryIndex, it, () => drawn, previousMs);
      expect(waitMs >= 0 && waitMs <= it.maxMs).toBe(true);
      const ceilingMs = backoffMs(retryIndex, { ...it, jitter: 'none' }, () => drawn);
      // The bounds of the case: base(0) = min, and from there on between min and max.
      expect(ceilingMs).toBeGreaterThanOrEqual(Math.min(it.baseMs, it.maxMs));
      if (retryIndex <= 1) expect(ceilingMs).toBe(Math.min(it.baseMs, it.maxMs));
      if (it.jitter === 'equal') expect(waitMs).toBeGreaterThanOrEqual(ceilingMs / 2);
    }),
  );
});

test('equal halves of the least numbers there are do not exceed the cap', () => {
  const least = { jitter: 'equal' as const, baseMs: 5e-324, maxMs: 3.5e-323, factor: 2 };
  expect(backoffMs(9, least, () => 0.875)).toBeLessThanOrEqual(least.maxMs);
});

test.each([
  { baseMs: -1 },
  { baseMs: Infinity },
  { maxMs: Number.NaN },
  { factor: 0.5 },
  { factor: Infinity },
  { jitter: 'some' as 'full' },
])('RT-03: %o is a problem', (bad) => {
  const problems = new OptionProblems('backoff.');
  checkBackoff(problems, { ...bounds, ...bad });
  expect(problems.list.map(({ path }) => path)).toEqual([`backoff.${Object.keys(bad)[0]}`]);
});

test('good bounds are no problem', () => {
  const problems = new OptionProblems();
  checkBackoff(problems, bounds);
  expect(problems.list).toEqual([]);
});
