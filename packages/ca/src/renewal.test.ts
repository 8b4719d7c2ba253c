import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { certificateAlarm, renewAtMs, renewalRetryAtMs, renewalWindowMs } from './renewal.ts';

const dayMs = 86_400_000;
const life = { notBeforeMs: 1_000, notAfterMs: 1_000 + dayMs };

test.each([
  { draw: 0, ratio: 2 / 3 - 0.05 },
  { draw: 0.5, ratio: 2 / 3 },
  { draw: 1, ratio: 2 / 3 + 0.05 },
])('renewal is at 2/3 of life ± 5 %: draw $draw gives $ratio', ({ draw, ratio }) => {
  expect(renewAtMs(life.notBeforeMs, life.notAfterMs, () => draw)).toBeCloseTo(
    1_000 + ratio * dayMs,
  );
});

test.each([
  { lifeMs: dayMs, windowMs: 30_000 },
  { lifeMs: 60_000, windowMs: 6_000 },
  { lifeMs: 0, windowMs: 1 },
])('a window of a life of $lifeMs ms is $windowMs ms', ({ lifeMs, windowMs }) => {
  expect(renewalWindowMs({ notBeforeMs: 0, notAfterMs: lifeMs })).toBe(windowMs);
});

test('property: the next try is in the next window, whenever the last one failed', () => {
  fc.assert(
    fc.property(fc.integer(), fc.nat(dayMs), (seed, sinceMs) => {
      const atMs = renewalRetryAtMs(life, 1_000 + sinceMs, seededRng(seed)) - 1_000;
      return Math.floor(atMs / 30_000) === Math.floor(sinceMs / 30_000) + 1;
    }),
  );
});

test.each([
  { leftRatio: 1, alarm: 'none' },
  { leftRatio: 0.34, alarm: 'none' },
  { leftRatio: 0.33, alarm: 'warning' },
  { leftRatio: 0.11, alarm: 'warning' },
  { leftRatio: 0.1, alarm: 'critical' },
  { leftRatio: 0, alarm: 'critical' },
  { leftRatio: -0.01, alarm: 'expired' },
])('with $leftRatio of life left the alarm is $alarm', ({ leftRatio, alarm }) => {
  expect(certificateAlarm(life, life.notAfterMs - Math.round(leftRatio * dayMs))).toBe(alarm);
});
