import { seededRng } from '@leno/std';
import { expect, test } from 'vitest';
import { KnobSettings, Knobs } from './knobs.ts';

/** Knobs that were turned at 0 ms. */
function turned(settings: Partial<Record<keyof KnobSettings, unknown>>): Knobs {
  const knobs = new Knobs();
  knobs.set(KnobSettings.parse(settings), 0);
  return knobs;
}

test('without knobs nothing is wrong with any request', () => {
  const fault = new Knobs().fault(0, () => 0);
  expect(fault).toEqual({ delayMs: 0, fails: false, hangs: false });
});

test('every knob ends by itself, to the millisecond', () => {
  const knobs = turned({ hang: true, errorRate: 1, ttlMs: 1_000 });
  expect(knobs.fault(999, () => 0)).toMatchObject({ hangs: true, fails: true });
  expect(knobs.fault(1_000, () => 0)).toMatchObject({ hangs: false, fails: false });
  expect(knobs.at(1_000)).toBeUndefined();
});

test('a new setting replaces the old one, and clear takes all back', () => {
  const knobs = turned({ hang: true });
  knobs.set(KnobSettings.parse({ errorRate: 0.5 }), 0);
  expect(knobs.at(1)).toMatchObject({ hang: false, errorRate: 0.5, expiresInMs: 59_999 });
  knobs.clear();
  expect(knobs.at(1)).toBeUndefined();
});

test('errors come at their rate and latency goes through its p50 and p99', () => {
  const knobs = turned({ errorRate: 0.3, latencyMs: { p50: 100, p99: 900 } });
  const rng = seededRng(7);
  const faults = Array.from({ length: 20_000 }, () => knobs.fault(0, rng));
  const delays = faults.map((it) => it.delayMs).sort((a, b) => a - b);
  expect(faults.filter((it) => it.fails).length / 20_000).toBeCloseTo(0.3, 1);
  expect((delays[10_000] ?? 0) / 100).toBeCloseTo(1, 1);
  expect((delays[19_800] ?? 0) / 900).toBeCloseTo(1, 0);
});

test.each([
  { name: 'a rate above 1', settings: { errorRate: 1.1 } },
  { name: 'p99 below p50', settings: { latencyMs: { p50: 9, p99: 1 } } },
  { name: 'no end', settings: { ttlMs: 3_600_000 } },
  { name: 'an unknown knob', settings: { crash: true } },
])('refuses $name', ({ settings }) => {
  expect(KnobSettings.safeParse(settings).success).toBe(false);
});
