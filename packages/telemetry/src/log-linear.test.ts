import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  LogLinearHistogram,
  logLinearCellCount,
  logLinearIndex,
  logLinearValue,
} from './log-linear.ts';
import { MetricStore } from './metric-store.ts';

/** Half a step of 1/16. */
const errorMax = 1 / 32;

test('property: a value is known to within 1/32 of itself, exactly below 16 units', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 31 - 1 }), (units) => {
      const value = logLinearValue(logLinearIndex(units));
      expect(Math.abs(value - units)).toBeLessThanOrEqual(units < 16 ? 0 : units * errorMax);
    }),
  );
});

test('property: larger values never come in lower cells, and every cell is in the array', () => {
  const value = fc.double({ min: 0, max: 1e12, noNaN: true });
  fc.assert(
    fc.property(value, value, (a, b) => {
      const [low, high] = [Math.min(a, b), Math.max(a, b)].map(logLinearIndex);
      expect(low ?? 0).toBeLessThanOrEqual(high ?? 0);
      expect(high).toBeLessThan(logLinearCellCount);
    }),
  );
});

test.each([Number.NaN, -1, Number.NEGATIVE_INFINITY])('%d counts as 0', (value) => {
  expect(logLinearIndex(value)).toBe(0);
});

test('what is beyond the range is in the last cell', () => {
  expect(logLinearIndex(Number.POSITIVE_INFINITY)).toBe(logLinearCellCount - 1);
});

test('property: a quantile is that of the sorted values, to within 1/32', () => {
  const values = fc.array(fc.integer({ min: 1, max: 10_000_000 }), {
    minLength: 1,
    maxLength: 200,
  });
  const quantiles = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(values, quantiles, (units, quantile) => {
      const histogram = new LogLinearHistogram(1);
      for (const unit of units) histogram.record(unit);
      const sorted = units.toSorted((a, b) => a - b);
      const rank = Math.max(1, Math.ceil(quantile * sorted.length));
      const exact = sorted[rank - 1] ?? Number.NaN;
      expect(Math.abs(histogram.quantile(quantile) - exact)).toBeLessThanOrEqual(exact * errorMax);
    }),
  );
});

test('property: histograms that are added up are one that recorded everything', () => {
  const values = fc.array(fc.integer({ min: 0, max: 2 ** 31 - 1 }), { maxLength: 30 });
  fc.assert(
    fc.property(values, values, (some, others) => {
      const [whole, part, sum] = [1, 2, 3].map(() => new LogLinearHistogram(1));
      for (const value of [...some, ...others]) whole?.record(value);
      for (const value of some) sum?.record(value);
      for (const value of others) part?.record(value);
      sum?.addCounts(part?.counts() ?? []);
      expect(sum?.count).toBe(some.length + others.length);
      expect(sum?.counts()).toEqual(whole?.counts());
    }),
  );
});

test('a family gives quantiles over several of its series, and none of nothing', () => {
  const family = new MetricStore().histogram({
    kind: 'histogram',
    name: 'h_seconds',
    help: 'h',
    labelNames: ['a'],
    buckets: [1],
  });
  const [fast, slow] = [family.handle('fast'), family.handle('slow')];
  expect(family.quantile([fast, slow], 0.5)).toBeNaN();
  for (let count = 0; count < 90; count += 1) family.observe(fast, 0.001);
  for (let count = 0; count < 10; count += 1) family.observe(slow, 1);
  expect(family.quantile([fast, slow], 0.9)).toBeCloseTo(0.001, 4);
  expect(family.quantile([fast, slow], 0.95)).toBeCloseTo(1, 1);
  expect(family.quantile([fast], 1)).toBeCloseTo(0.001, 4);
  expect(family.count(slow)).toBe(10);
});
