import type { Clock, Timers } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TimerWheel, type WheelEntry } from './timer-wheel.ts';

/** Virtual time: `advance` fires what is due, in order. */
function virtual() {
  let nowMs = 1_000;
  const pending = new Set<{ atMs: number; fire: () => void }>();
  const clock: Clock = { nowMs: () => nowMs, wallMs: () => nowMs };
  const timers: Timers = {
    after(delayMs, fire) {
      const timer = { atMs: nowMs + delayMs, fire };
      pending.add(timer);
      return { cancel: () => pending.delete(timer) };
    },
  };
  const advance = (untilMs: number): void => {
    for (;;) {
      const due = [...pending].filter((it) => it.atMs <= untilMs).sort((a, b) => a.atMs - b.atMs);
      const [first] = due;
      if (first === undefined) break;
      pending.delete(first);
      nowMs = Math.max(nowMs, first.atMs);
      first.fire();
    }
    nowMs = untilMs;
  };
  return { clock, timers, advance, pending, now: () => nowMs };
}

function entry(expire: (nowMs: number) => void): WheelEntry {
  return { expiresAtMs: 0, wheelPrevious: undefined, wheelNext: undefined, expire };
}

test('property: each entry expires once, never early, at most two ticks late', () => {
  const delays = fc.array(fc.integer({ min: 0, max: 20_000 }), { maxLength: 60 });
  fc.assert(
    fc.property(delays, (list) => {
      const time = virtual();
      const wheel = new TimerWheel(time.clock, time.timers, 10, 64);
      const late: number[] = [];
      for (const delayMs of list) {
        const atMs = time.now() + delayMs;
        wheel.schedule(
          entry((nowMs) => late.push(nowMs - atMs)),
          atMs,
        );
      }
      time.advance(25_000);
      return (
        late.length === list.length && late.every((ms) => ms >= 0 && ms <= 20) && wheel.count === 0
      );
    }),
  );
});

test('a cancelled entry never expires, and an empty wheel keeps no timer', () => {
  const time = virtual();
  const wheel = new TimerWheel(time.clock, time.timers);
  const seen: string[] = [];
  const kept = entry(() => seen.push('kept'));
  const dropped = entry(() => seen.push('dropped'));
  wheel.schedule(dropped, 1_050);
  wheel.schedule(kept, 1_050);
  wheel.cancel(dropped);
  time.advance(2_000);
  expect(seen).toEqual(['kept']);
  expect(time.pending.size).toBe(0);
});

test('an expiry may take its neighbours out and put itself in again', () => {
  const time = virtual();
  const wheel = new TimerWheel(time.clock, time.timers);
  const seen: string[] = [];
  const second = entry(() => seen.push('second'));
  const third = entry(() => seen.push('third'));
  const first = entry(() => {
    seen.push('first');
    wheel.cancel(second);
    if (seen.length === 1) wheel.schedule(first, 1_200);
  });
  for (const it of [first, second, third]) wheel.schedule(it, 1_100);
  time.advance(3_000);
  expect(seen).toEqual(['first', 'third', 'first']);
});

test('what is due already expires with the next tick, also in a wheel that was idle', () => {
  const time = virtual();
  const wheel = new TimerWheel(time.clock, time.timers, 10, 64);
  time.advance(5_003);
  let expiredAtMs = 0;
  wheel.schedule(
    entry((nowMs) => (expiredAtMs = nowMs)),
    4_000,
  );
  time.advance(6_000);
  expect(expiredAtMs).toBeLessThanOrEqual(5_023);
});

test('an entry that throws stops no other', () => {
  const time = virtual();
  const wheel = new TimerWheel(time.clock, time.timers);
  const seen: string[] = [];
  const bad = entry(() => {
    throw new Error('a bug');
  });
  wheel.schedule(bad, 1_100);
  wheel.schedule(
    entry(() => seen.push('later')),
    1_500,
  );
  expect(() => time.advance(1_200)).toThrow('a bug');
  time.advance(2_000);
  expect(seen).toEqual(['later']);
});

test('an expiry may move its neighbour to another slot', () => {
  const time = virtual();
  const wheel = new TimerWheel(time.clock, time.timers, 10, 8);
  const seen: string[] = [];
  const second = entry(() => seen.push('second'));
  const first = entry(() => {
    seen.push('first');
    wheel.schedule(second, 1_300);
  });
  for (const it of [first, second]) wheel.schedule(it, 1_100);
  time.advance(1_200);
  expect(seen).toEqual(['first']);
  time.advance(2_000);
  expect(seen).toEqual(['first', 'second']);
  expect(wheel.count).toBe(0);
});
