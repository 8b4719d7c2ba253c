import { expect, test } from 'vitest';
import { type ChangeClass, type DebounceState, fanOutDueMs, noteChange } from './debounce.ts';

/** `0u 10n`: an urgent change at 0, a normal one at 10. Gives when the fan-out is due. */
function due(changes: string, lastFanOutMs = 0): number {
  const classes: Readonly<Record<string, ChangeClass>> = { u: 'urgent', a: 'added', n: 'normal' };
  const state = changes.split(' ').reduce((it: DebounceState, change) => {
    const change_ = classes[change.slice(-1)] ?? 'normal';
    return noteChange(it, change_, Number(change.slice(0, -1)));
  }, {});
  return fanOutDueMs(state, lastFanOutMs);
}

test.each([
  { name: 'what goes is told at once', changes: '0u', dueMs: 1 },
  { name: 'a burst of it within 5 ms', changes: '0u 1u 2u 3u 4u 5u', dueMs: 5 },
  { name: 'what comes waits for 20 ms of quiet', changes: '0a 15a', dueMs: 35 },
  { name: 'but 200 ms at most', changes: '0a 50a 100a 150a 195a', dueMs: 200 },
  { name: 'the rest waits for 50 ms', changes: '0n 40n', dueMs: 90 },
  { name: 'but 1 s at most', changes: '0n 990n', dueMs: 1_000 },
  { name: 'the most urgent takes all with it', changes: '0n 10a 12u', dueMs: 13 },
  { name: 'a slow fan-out stretches the quiet', changes: '0a', lastFanOutMs: 90, dueMs: 90 },
  { name: 'but never the maximum', changes: '0a', lastFanOutMs: 900, dueMs: 200 },
  { name: 'nor what is urgent', changes: '0u', lastFanOutMs: 900, dueMs: 1 },
])('$name', ({ changes, lastFanOutMs, dueMs }) => {
  expect(due(changes, lastFanOutMs)).toBe(dueMs);
});

test('nothing waits, nothing is due', () => {
  expect(fanOutDueMs({}, 0)).toBe(Number.POSITIVE_INFINITY);
});
