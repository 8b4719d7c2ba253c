import type { TimerHandle, Timers } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { VirtualTime } from '../testing/virtual-time.ts';
import { type DeadlineEntry, DeadlineList } from './deadline-list.ts';

const DELAY_MS = 100;

/** Virtual timers that say whether they keep the process alive, as those of Node do. */
class HeldTime extends VirtualTime {
  readonly #held = new Set<TimerHandle>();
  /** How often a timer was held or let go, set or taken back. */
  touchCount = 0;

  /** Whether the process has to live on. */
  get isHeld(): boolean {
    return this.#held.size > 0;
  }

  override after(delayMs: number, fire: () => void): Required<TimerHandle> {
    this.touchCount += 1;
    const timer = super.after(delayMs, () => {
      this.#held.delete(handle);
      fire();
    });
    const handle = {
      cancel: (): void => {
        this.#held.delete(handle);
        timer.cancel();
      },
      hold: (isHeld: boolean): void => {
        this.touchCount += 1;
        if (isHeld) this.#held.add(handle);
        else this.#held.delete(handle);
      },
    };
    this.#held.add(handle);
    return handle;
  }
}

function listOn(time: VirtualTime & Timers) {
  const list = new DeadlineList(DELAY_MS, time, time);
  const expired: { readonly dueMs: number; readonly atMs: number }[] = [];
  const add = (): DeadlineEntry => {
    const dueMs = time.nowMs() + DELAY_MS;
    const entry: DeadlineEntry = {
      ...{ untilMs: Number.NaN, later: undefined, earlier: undefined },
      expire: () => expired.push({ dueMs, atMs: time.nowMs() }),
    };
    list.add(entry, time.nowMs());
    return entry;
  };
  return { list, add, expired };
}

test('a deadline keeps the process alive, an empty list does not', () => {
  const time = new HeldTime();
  const { list, add } = listOn(time);
  const entry = add();
  expect(time.isHeld).toBe(true);
  list.remove(entry);
  expect(time.isHeld).toBe(false);
});

test('a busy list leaves its timer alone, and lets the process go soon after', async () => {
  const time = new HeldTime();
  const { list, add } = listOn(time);
  for (let call = 0; call < 64; call += 1) list.remove(add());
  const before = time.touchCount;
  for (let call = 0; call < 1_000; call += 1) list.remove(add());
  expect(time.touchCount).toBe(before);
  await time.advance(10);
  for (let call = 0; call < 63; call += 1) list.remove(add());
  // It was busy, and looks once more.
  expect(time.isHeld).toBe(true);
  await time.advance(10);
  expect(time.isHeld).toBe(false);
  const entry = add();
  expect(time.isHeld).toBe(true);
  list.remove(entry);
  expect(time.isHeld).toBe(false);
});

test('a list that has a deadline when it is looked at holds on to it', async () => {
  const time = new HeldTime();
  const { list, add, expired } = listOn(time);
  for (let call = 0; call < 64; call += 1) list.remove(add());
  const entry = add();
  await time.advance(10);
  expect(time.isHeld).toBe(true);
  await time.advance(90);
  expect(expired).toEqual([{ dueMs: 100, atMs: 100 }]);
  expect([time.isHeld, time.timerCount, entry.later]).toEqual([false, 0, undefined]);
});

test('where timers cannot be let go, an idle list has none', async () => {
  const time = new VirtualTime();
  const { list, add } = listOn(time);
  list.remove(add());
  expect(time.timerCount).toBe(0);
  for (let call = 0; call < 100; call += 1) list.remove(add());
  await time.advance(10);
  expect(time.timerCount).toBe(0);
});

test('property: what is not taken back expires exactly when it is due, what is never does', async () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), count: fc.integer({ min: 1, max: 80 }) }),
    fc.record({ kind: fc.constant('remove' as const), pick: fc.nat() }),
    fc.record({ kind: fc.constant('churn' as const), count: fc.integer({ min: 1, max: 200 }) }),
    fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 150 }) }),
  );
  const times = fc.constantFrom(
    () => new HeldTime(),
    () => new VirtualTime(),
  );
  await fc.assert(
    fc.asyncProperty(times, fc.array(step, { maxLength: 20 }), async (make, steps) => {
      const time = make();
      const { list, add, expired } = listOn(time);
      const waiting = new Map<DeadlineEntry, number>();
      const due: number[] = [];
      for (const it of steps) {
        if (it.kind === 'add') {
          for (let n = 0; n < it.count; n += 1) waiting.set(add(), time.nowMs() + DELAY_MS);
        } else if (it.kind === 'churn') {
          for (let n = 0; n < it.count; n += 1) list.remove(add());
        } else if (it.kind === 'remove') {
          const entry = [...waiting.keys()][it.pick % Math.max(1, waiting.size)];
          if (entry === undefined) continue;
          waiting.delete(entry);
          list.remove(entry);
        } else {
          await time.advance(it.ms);
          for (const [entry, dueMs] of waiting) {
            if (dueMs > time.nowMs()) continue;
            due.push(dueMs);
            waiting.delete(entry);
          }
        }
        if (time instanceof HeldTime && waiting.size > 0) expect(time.isHeld).toBe(true);
      }
      await time.advance(DELAY_MS);
      expect(expired).toEqual([...due, ...waiting.values()].map((ms) => ({ dueMs: ms, atMs: ms })));
      await time.advance(DELAY_MS);
      if (time instanceof HeldTime) expect(time.isHeld).toBe(false);
      else expect(time.timerCount).toBe(0);
    }),
    { numRuns: 50 },
  );
});
