import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type BackoffOptions, backoffMs, retryDelayMs } from './backoff.ts';

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
])('Retry-After: $name', ({ asked, delayMs }) => {
  expect(retryDelayMs(1, bounds, () => 0.5, asked)).toBe(delayMs);
});
