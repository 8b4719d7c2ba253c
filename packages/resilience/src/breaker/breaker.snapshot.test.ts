import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';
import type { BreakerEngineOptions } from './breaker-options.ts';
import { defaultTrip } from './default-breaker-options.ts';
import { EjectionCap } from './ejection-cap.ts';
import { explainBreaker, restoreBreaker, snapshotBreaker } from './explain-breaker.ts';
import { failureRate } from './failure-rate.ts';
import { forceOpenBreaker } from './operate-breaker.ts';
import { parseSnapshot } from './parse-snapshot.ts';
import { anyOf, consecutive } from './trigger.ts';
import { lastCalls, lastMs } from './window-size.ts';

const trip = anyOf(
  consecutive(4),
  failureRate({ over: lastMs(1_000), requestCountMin: 6 }),
  failureRate({ over: lastCalls(8), rateMax: 0.75 }),
);
const options: BreakerEngineOptions = { trip, openMs: 1_000, openJitterRatio: 0 };

function make(cap?: EjectionCap): Breaker {
  return new Breaker(options, { rng: seededRng(3), cap });
}

/** To another process: through JSON, onto a clock with another origin. */
function carryOver(from: Breaker, nowMs: number, elapsedMs: number, thereMs: number): Breaker {
  const to = make();
  restoreBreaker(
    to,
    parseSnapshot(JSON.parse(JSON.stringify(snapshotBreaker(from, nowMs)))),
    thereMs,
    elapsedMs,
  );
  return to;
}

function fail(breaker: Breaker, nowMs: number, count = 1): void {
  for (let call = 0; call < count; call += 1) breaker.failure(breaker.tryAcquire(nowMs), nowMs);
}

test.each([
  { name: 'opened just now is still open', elapsedMs: 1, state: 'open', retryAfterMs: 999 },
  { name: 'its last millisecond', elapsedMs: 999, state: 'open', retryAfterMs: 1 },
  { name: 'its time has gone by', elapsedMs: 1_000, state: 'half-open', retryAfterMs: 0 },
])('(b) restored: $name', ({ elapsedMs, state, retryAfterMs }) => {
  const breaker = make();
  fail(breaker, 50, 4);
  const restored = carryOver(breaker, 50, elapsedMs, 1e6);
  expect(explainBreaker(restored, 1e6)).toMatchObject({ state, retryAfterMs, openingCount: 1 });
  fail(restored, 1e6 + retryAfterMs);
  expect(restored.retryAfterMs(1e6 + retryAfterMs)).toBe(2_000);
});

test('a row goes on, and so does each window', () => {
  const breaker = make();
  breaker.success(breaker.tryAcquire(0), 0);
  fail(breaker, 300, 3);
  const restored = carryOver(breaker, 300, 0, 7);
  const ofCalls = explainBreaker(breaker, 300).rates[1];
  expect(explainBreaker(restored, 7).rates[1]).toEqual(ofCalls);
  expect(explainBreaker(restored, 7).rates[0]).toMatchObject({ successCount: 1, failureCount: 3 });
  // The success is 1 000 ms old now, and the failures 700.
  expect(explainBreaker(restored, 707).rates[0]).toMatchObject({
    successCount: 0,
    failureCount: 3,
  });
  fail(restored, 707);
  expect(explainBreaker(restored, 707)).toMatchObject({
    state: 'open',
    reason: 'consecutive-failures',
  });
});

test('a probe under way is not waited for', () => {
  const breaker = make();
  fail(breaker, 0, 4);
  breaker.tryAcquire(1_000);
  expect(carryOver(breaker, 1_000, 0, 0).admits(0)).toBe(true);
});

test('restoring takes a place under the cap, or stays closed', () => {
  const breaker = make();
  fail(breaker, 0, 4);
  const cap = new EjectionCap({ ratioMax: 0.5, failFast: false });
  cap.setEndpointCount(2);
  const [one, other] = [make(cap), make(cap)];
  restoreBreaker(one, snapshotBreaker(breaker, 0), 0);
  restoreBreaker(other, snapshotBreaker(breaker, 0), 0);
  expect([one.stateAt(0), other.stateAt(0), cap.ejectedCount]).toEqual(['open', 'closed', 1]);
  one.success(one.tryAcquire(1_000), 1_000);
  expect(cap.ejectedCount).toBe(0);
});

const good = snapshotBreaker(make(), 0);
test.each([
  undefined,
  null,
  7,
  {},
  { ...good, openForMs: -1 },
  { ...good, openForMs: 'soon' },
  { ...good, openForMs: undefined },
  { ...good, openingCount: Number.NaN },
  { ...good, openingCount: 1.5 },
  { ...good, consecutiveFailureCount: Number.POSITIVE_INFINITY },
  { ...good, rates: {} },
  { ...good, rates: [[]] },
  { ...good, rates: [{ runs: [[0, 1]] }] },
  { ...good, rates: [{ runs: [[0, 1, -1]] }] },
  { ...good, rates: [{ runs: [[0, 1.5, 1]] }] },
  { ...good, rates: [{ runs: [[0, 1e300, 1]] }] },
  { ...good, openForMs: '5' },
  { ...good, openingCount: '1' },
])('what no breaker gave is refused: %j', (value) => {
  expect(() => parseSnapshot(value)).toThrow(
    expect.objectContaining({ code: 'LENO_RESILIENCE_OPTION' }),
  );
});

test('property: restored at once, it goes on as the original would', () => {
  const calls = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 40 })), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(calls, calls, fc.integer({ min: -1_000, max: 1_000 }), (before, after, shiftMs) => {
      const original = make();
      let nowMs = 0;
      const play = (breaker: Breaker, succeeds: boolean, atMs: number): string => {
        const permit = breaker.tryAcquire(atMs);
        if (succeeds) breaker.success(permit, atMs);
        else breaker.failure(permit, atMs);
        return `${permit < 0} ${breaker.stateAt(atMs)} ${breaker.retryAfterMs(atMs)}`;
      };
      for (const [succeeds, waitMs] of before) play(original, succeeds, (nowMs += waitMs * 10));
      const copy = carryOver(original, nowMs, 0, nowMs + shiftMs * 10);
      for (const [succeeds, waitMs] of after) {
        nowMs += waitMs * 10;
        const seen = play(copy, succeeds, nowMs + shiftMs * 10);
        expect(seen).toBe(play(original, succeeds, nowMs));
      }
    }),
  );
});

test('what was taken when time ran backwards is a snapshot all the same', () => {
  const breaker = new Breaker({ trip: defaultTrip }, { rng: () => 0 });
  breaker.success(breaker.tryAcquire(5_000), 5_000);
  const taken = snapshotBreaker(breaker, 4_000);
  expect(parseSnapshot(JSON.parse(JSON.stringify(taken)))).toEqual(taken);
});

test('what is open for ever is open in its snapshot too', () => {
  const breaker = make();
  forceOpenBreaker(breaker, Number.POSITIVE_INFINITY, 0);
  expect(carryOver(breaker, 0, 1e9, 0).stateAt(1e9)).toBe('open');
});
