import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Throttler, type ThrottlerOptions } from './throttler.ts';

/** After so many calls that were accepted and that failed, at 0. */
function after(accepts: number, failures: number, options: ThrottlerOptions = {}): Throttler {
  const throttler = new Throttler(options);
  for (let call = 0; call < accepts; call += 1) throttler.success(0);
  for (let call = 0; call < failures; call += 1) throttler.failure(0);
  return throttler;
}

test.each([
  { accepts: 0, failures: 0, ratio: 0 },
  { accepts: 0, failures: 19, ratio: 0 },
  { accepts: 0, failures: 20, options: { rejectRatioMax: 0.99 }, ratio: 20 / 21 },
  { accepts: 0, failures: 20, ratio: 0.9 },
  { accepts: 50, failures: 50, ratio: 0 },
  { accepts: 25, failures: 75, ratio: 50 / 101 },
  { accepts: 25, failures: 75, options: { acceptFactor: 1 }, ratio: 75 / 101 },
  { accepts: 25, failures: 75, options: { acceptFactor: 4 }, ratio: 0 },
  { accepts: 0, failures: 5, options: { requestCountMin: 5 }, ratio: 5 / 6 },
])('$accepts accepted, $failures not, $options: refuses $ratio', (it) => {
  expect(after(it.accepts, it.failures, it.options).rejectRatio(0)).toBeCloseTo(it.ratio, 12);
});

test('a refusal counts as a request, and chance is drawn only where it matters', () => {
  const well = after(100, 0);
  expect(well.tryAcquire(0, () => expect.fail('no need to draw'))).toBe(true);
  const ill = after(25, 75);
  expect([ill.tryAcquire(0, () => 0.495), ill.tryAcquire(0, () => 0.5)]).toEqual([false, true]);
  expect(ill.explain(0)).toEqual({
    requestCount: 101,
    acceptCount: 25,
    rejectRatio: 51 / 102,
    refusedCount: 1,
  });
  expect(ill.refusedCount).toBe(1);
});

test('forgets with the window, in tenths, and looking ahead changes nothing', () => {
  const throttler = after(0, 100, { windowMs: 1_000 });
  expect([0, 999, 1_000, 5_000].map((nowMs) => throttler.rejectRatio(nowMs))).toEqual([
    0.9, 0.9, 0, 0,
  ]);
  expect(throttler.rejectRatio(0)).toBe(0.9);
  throttler.update({ windowMs: 1_000, rejectRatioMax: 0.5 });
  expect(throttler.rejectRatio(0)).toBe(0.5);
  throttler.update({ windowMs: 2_000 });
  expect(throttler.rejectRatio(0)).toBe(0);
});

test('what is sent settles near K times what is accepted', () => {
  const throttler = new Throttler({ windowMs: 10_000 });
  const rng = seededRng(1);
  let sent = 0;
  // 100 calls a second, of which the service takes ten.
  for (let call = 0; call < 20_000; call += 1) {
    const nowMs = call * 10;
    if (!throttler.tryAcquire(nowMs, rng)) continue;
    sent += 1;
    if (call % 10 === 0) throttler.success(nowMs);
    else throttler.failure(nowMs);
  }
  // What is admitted is accepted with probability 1/10, so the bound of 0.9 holds: one in ten.
  expect(sent / 20_000).toBeGreaterThan(0.09);
  expect(sent / 20_000).toBeLessThan(0.12);
});

test('property: between 0 and the bound, whatever happens, and pure', () => {
  const step = fc.record({
    waitMs: fc.oneof(fc.nat(100), fc.constant(-30), fc.constant(2_000)),
    kind: fc.constantFrom('success' as const, 'failure' as const, 'ask' as const),
    chance: fc.double({ min: 0, max: 0.999, noNaN: true }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const throttler = new Throttler({ windowMs: 1_000, requestCountMin: 3 });
      let nowMs = 0;
      for (const { waitMs, kind, chance } of steps) {
        nowMs += waitMs;
        const ratio = throttler.rejectRatio(nowMs);
        throttler.rejectRatio(nowMs + 700);
        throttler.explain(nowMs + 5_000);
        expect(throttler.rejectRatio(nowMs)).toBe(ratio);
        expect(ratio >= 0 && ratio <= 0.9).toBe(true);
        if (kind === 'ask') expect(throttler.tryAcquire(nowMs, () => chance)).toBe(chance >= ratio);
        else throttler[kind](nowMs);
      }
    }),
  );
});

test.each([
  { acceptFactor: 0.9 },
  { acceptFactor: Number.NaN },
  { windowMs: 9 },
  { requestCountMin: 0 },
  { rejectRatioMax: 1 },
  { rejectRatioMax: -0.1 },
])('bad options are refused: %o', (bad) => {
  expect(() => new Throttler(bad)).toThrow(Object.keys(bad)[0]);
});
