import fc from 'fast-check';
import { expect, test } from 'vitest';
import { CountWindow } from './count-window.ts';
import { failureCountAt, outcomeRuns, successCountAt } from './outcome-runs.ts';
import { type OutcomeWindow, TimeWindow } from './window.ts';

function counts(window: OutcomeWindow): [number, number] {
  return [window.successCount, window.failureCount];
}

test('WIN-03 one success a second for ten seconds: nine are left, then eight', () => {
  const window = new TimeWindow(10_000);
  for (let second = 0; second < 10; second += 1) window.record(true, second * 1_000);
  expect(window.totalCount).toBe(10);
  expect([10_000, 11_000].map((nowMs) => successCountAt(window, nowMs))).toEqual([9, 8]);
  window.roll(11_000);
  expect(counts(window)).toEqual([8, 0]);
});

test('WIN-03 exactly the length of the window later it is empty', () => {
  const window = new TimeWindow(10_000);
  window.record(false, 0);
  expect([9_999, 10_000].map((nowMs) => failureCountAt(window, nowMs))).toEqual([1, 0]);
  window.roll(10_000);
  expect(window.totalCount).toBe(0);
});

test('WIN-06 reset clears, and an empty window has no runs', () => {
  for (const window of [new TimeWindow(100), new CountWindow(3)]) {
    expect(outcomeRuns(window, 0)).toEqual([]);
    window.record(true, 0);
    window.reset();
    expect([window.totalCount, outcomeRuns(window, 0)]).toEqual([0, []]);
  }
});

test('after time that ran backwards nothing is younger than now', () => {
  const window = new TimeWindow(1_000);
  window.record(true, 5_000);
  window.record(false, 5_100);
  expect(outcomeRuns(window, 5_050)).toEqual([
    [50, 1, 0],
    [0, 0, 1],
  ]);
  expect(outcomeRuns(window, 0)).toEqual([
    [0, 1, 0],
    [0, 0, 1],
  ]);
});

test('WIN-08 the ring of calls forgets the oldest, and keeps runs in order', () => {
  const window = new CountWindow(5);
  for (const call of 'xx...x.x.') window.record(call === '.', 0);
  expect(counts(window)).toEqual([3, 2]);
  expect(outcomeRuns(window, 9)).toEqual([
    [0, 1, 0],
    [0, 0, 1],
    [0, 1, 0],
    [0, 0, 1],
    [0, 1, 0],
  ]);
  window.roll(1e9);
  window.record(false, 0, 1e9);
  expect([counts(window), outcomeRuns(window, 0)]).toEqual([[0, 5], [[0, 0, 5]]]);
});

type Event = readonly [succeeded: boolean, waitMs: number];
const events = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: -20, max: 120 })), {
  maxLength: 100,
});

/** The sums of the last ten tenths, from a list of everything. */
function plain(list: readonly Event[], windowMs: number): [number, number] {
  let kept: { bucket: number; succeeded: boolean }[] = [];
  let [nowMs, originMs, bucket] = [0, 0, 0];
  for (const [index, [succeeded, waitMs]] of list.entries()) {
    nowMs += waitMs;
    if (index === 0) originMs = nowMs;
    bucket = Math.max(bucket, Math.floor((nowMs - originMs) / (windowMs / 10)));
    kept.push({ bucket, succeeded });
    kept = kept.filter((it) => it.bucket > bucket - 10);
  }
  const successCount = kept.filter((it) => it.succeeded).length;
  return [successCount, kept.length - successCount];
}

test('property: the sums are those of a list of everything, whatever the times', () => {
  fc.assert(
    fc.property(events, (list) => {
      const window = new TimeWindow(500);
      let nowMs = 0;
      for (const [succeeded, waitMs] of list) window.record(succeeded, (nowMs += waitMs));
      expect(counts(window)).toEqual(plain(list, 500));
    }),
  );
});

test('property: what is said of a later time is what a roll to it leaves, and changes nothing', () => {
  fc.assert(
    fc.property(events, fc.nat(800), (list, aheadMs) => {
      const window = new TimeWindow(500);
      let nowMs = 0;
      for (const [succeeded, waitMs] of list) window.record(succeeded, (nowMs += waitMs));
      const before = counts(window);
      const laterMs = nowMs + aheadMs;
      const said = [successCountAt(window, laterMs), failureCountAt(window, laterMs)];
      expect(counts(window)).toEqual(before);
      window.roll(laterMs);
      expect(counts(window)).toEqual(said);
    }),
  );
});

test('property: the ring of calls is the end of a list of all', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean()), fc.integer({ min: 1, max: 9 }), (list, size) => {
      const window = new CountWindow(size);
      for (const succeeded of list) window.record(succeeded, 0);
      const kept = list.slice(-size);
      expect(window.successCount).toBe(kept.filter(Boolean).length);
      expect(window.totalCount).toBe(kept.length);
      const runs = outcomeRuns(window, 0).flatMap(([, good, bad]) => [
        ...Array.from({ length: good }, () => true),
        ...Array.from({ length: bad }, () => false),
      ]);
      expect(runs).toEqual(kept);
    }),
  );
});
