import { expect, test } from 'vitest';
import { HedgeDelay, type HedgeQuantileOptions } from './hedge-delay.ts';

/** After the given latencies, all at 0. */
function after(latencies: readonly number[], options: Partial<HedgeQuantileOptions> = {}) {
  const delay = new HedgeDelay({ kind: 'quantile', ...options });
  for (const tookMs of latencies) delay.observe(tookMs, 0);
  return delay;
}

test('HG-03: the first 20 never hedge', () => {
  const delay = new HedgeDelay();
  for (let call = 0; call < 20; call += 1) {
    expect(delay.delayMs(call)).toBe(-1);
    delay.observe(100, call);
  }
  expect(delay.delayMs(20)).toBeGreaterThanOrEqual(95);
  expect(delay.delayMs(20)).toBeLessThanOrEqual(105);
});

test('HG-03: nor does anything after a pause that the window has forgotten', () => {
  const delay = after(Array<number>(30).fill(100));
  expect(delay.delayMs(59_999)).toBeGreaterThan(0);
  expect(delay.delayMs(60_000)).toBe(-1);
  expect(delay.delayMs(0)).toBeGreaterThan(0);
});

test.each([
  { quantile: 0.5, lowMs: 50, highMs: 50 },
  { quantile: 0.95, lowMs: 95, highMs: 95 },
  { quantile: 0.99, lowMs: 99, highMs: 99 },
])('the $quantile of 1 to 100 ms', ({ quantile, lowMs, highMs }) => {
  const delay = after(
    Array.from({ length: 100 }, (_, index) => index + 1),
    { quantile },
  );
  expect(delay.delayMs(0)).toBeGreaterThanOrEqual(lowMs * 0.95 - 1e-9);
  expect(delay.delayMs(0)).toBeLessThanOrEqual(highMs * 1.05 + 1e-9);
});

test.each([
  { name: 'not below the lowest', tookMs: 0.2, options: {}, delayMs: 1 },
  { name: 'not above the highest', tookMs: 500, options: { delayMaxMs: 250 }, delayMs: 250 },
])('$name', ({ tookMs, options, delayMs }) => {
  expect(after(Array<number>(20).fill(tookMs), options).delayMs(0)).toBe(delayMs);
});

test('a fixed delay needs no samples, and 0 hedges at once', () => {
  const delay = new HedgeDelay({ kind: 'fixed', delayMs: 0 });
  delay.observe(100, 0);
  expect(delay.delayMs(0)).toBe(0);
  expect(delay.explain(0)).toEqual({ kind: 'fixed', delayMs: 0, sampleCount: 0 });
  expect(after([1, 2]).explain(0)).toEqual({ kind: 'quantile', delayMs: -1, sampleCount: 2 });
});

test.each([
  { quantile: 0 },
  { quantile: 1 },
  { quantile: Number.NaN },
  { windowMs: 5 },
  { sampleCountMin: 0 },
  { delayMinMs: -1 },
  { delayMaxMs: Infinity },
  { delayMinMs: 2, delayMaxMs: 1 },
])('bad options are refused: %o', (bad) => {
  expect(() => after([], bad)).toThrow(Object.keys(bad)[0]);
});

test.each([-1, Number.NaN, Infinity])('HG-03: a fixed delay of %o is refused', (delayMs) => {
  expect(() => new HedgeDelay({ kind: 'fixed', delayMs })).toThrow('delayMs');
});

test('a kind that is none is refused', () => {
  expect(() => new HedgeDelay({ kind: 'no' as 'quantile' })).toThrow('kind');
});
