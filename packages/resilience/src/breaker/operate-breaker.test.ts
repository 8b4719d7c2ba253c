/** What people do to a breaker by hand: closing it, and the bound of its holds. */
import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';
import type { BreakerEngineOptions } from './breaker-options.ts';
import { defaultBreakerOptions } from './default-breaker-options.ts';
import { EjectionCap } from './ejection-cap.ts';
import { explainBreaker } from './explain-breaker.ts';
import { failureRate } from './failure-rate.ts';
import { forceOpenBreaker, isolateBreaker, resetBreaker } from './operate-breaker.ts';
import { slowRate } from './slow-rate.ts';
import { anyOf, consecutive, type Trigger } from './trigger.ts';
import { lastCalls } from './window-size.ts';

const defaults = { ...defaultBreakerOptions, openJitterRatio: 0 };

function make(options: Partial<BreakerEngineOptions> = {}, cap?: EjectionCap): Breaker {
  return new Breaker({ ...defaults, ...options }, { rng: () => 0, cap });
}

function fail(breaker: Breaker, nowMs: number, count = 1): void {
  for (let call = 0; call < count; call += 1) breaker.failure(breaker.tryAcquire(nowMs), nowMs);
}

test.each([
  { name: 'open', atMs: 10, told: ['closed open', 'open closed reset'] },
  { name: 'open, its time over', atMs: 1_000, told: ['closed open', 'open closed reset'] },
])('reset: $name', ({ atMs, told }) => {
  const cap = new EjectionCap({ ratioMax: 0.5, failFast: false });
  cap.setEndpointCount(2);
  const breaker = make({ trip: anyOf(consecutive(3), failureRate()) }, cap);
  const seen: string[] = [];
  breaker.onTransition = (from, to, reason, nowMs) => {
    seen.push(`${from} ${to}${nowMs > 0 ? ` ${reason}` : ''}`);
  };
  fail(breaker, 0, 3);
  expect(cap.ejectedCount).toBe(1);
  resetBreaker(breaker, atMs);
  expect([seen, cap.ejectedCount, breaker.admits(atMs)]).toEqual([told, 0, true]);
  expect(explainBreaker(breaker, atMs)).toMatchObject({
    state: 'closed',
    reason: 'reset',
    changedAtMs: atMs,
    openingCount: 0,
    consecutiveFailureCount: 0,
    rates: [{ successCount: 0, failureCount: 0 }],
  });
});

test('reset while half-open: the probe under way says nothing any more', () => {
  const breaker = make({ trip: consecutive(1) });
  fail(breaker, 0);
  const probe = breaker.tryAcquire(1_000);
  resetBreaker(breaker, 1_001);
  breaker.failure(probe, 1_002);
  expect(explainBreaker(breaker, 1_002)).toMatchObject({ state: 'closed', lateCount: 1 });
});

test('reset while closed forgets row and windows, and is no transition', () => {
  const breaker = make({ trip: anyOf(consecutive(3), failureRate({ over: lastCalls(9) })) });
  breaker.onTransition = () => expect.unreachable();
  const straggler = breaker.tryAcquire(0);
  for (let call = 0; call < 5; call += 1) breaker.success(breaker.tryAcquire(0), 0);
  fail(breaker, 0, 2);
  resetBreaker(breaker, 1);
  breaker.failure(straggler, 1);
  fail(breaker, 1, 2);
  expect(explainBreaker(breaker, 1)).toMatchObject({
    state: 'closed',
    reason: undefined,
    lateCount: 1,
    consecutiveFailureCount: 2,
    rates: [{ successCount: 0, failureCount: 2 }],
  });
});

test('successes that were only counted: a reset forgets them, and so does another window', () => {
  const ofCalls = (count: number): BreakerEngineOptions => ({
    trip: anyOf(failureRate(), failureRate({ over: lastCalls(count) })),
  });
  const breaker = make(ofCalls(30));
  const counts = (): unknown[] => explainBreaker(breaker, 0).rates.map((it) => it.successCount);
  const succeed = (): void => {
    for (let call = 0; call < 9; call += 1) breaker.success(breaker.tryAcquire(0), 0);
  };
  succeed();
  resetBreaker(breaker, 0);
  expect(counts()).toEqual([0, 0]);
  succeed();
  breaker.update(ofCalls(40));
  expect(counts()).toEqual([9, 0]);
});

test('what observe held is held until successes have brought the share back', () => {
  const breaker = make({ trip: failureRate(), mode: 'observe' });
  for (let call = 0; call < 15; call += 1) breaker.success(breaker.tryAcquire(0), 0);
  fail(breaker, 0, 5);
  const heldBy = Array.from({ length: 5 }, () => {
    breaker.success(breaker.tryAcquire(0), 0);
    return explainBreaker(breaker, 0).heldBy;
  });
  expect(heldBy).toEqual(['observe', 'observe', 'observe', 'observe', undefined]);
});

test('reset leaves the holds', () => {
  const breaker = make({ trip: consecutive(1) });
  fail(breaker, 0);
  using hold = isolateBreaker(breaker, 'drill');
  resetBreaker(breaker, 1);
  expect([breaker.admits(1), explainBreaker(breaker, 1).holds]).toEqual([false, [hold.reason]]);
});

test('a hundred holds at most; the next is refused, and what holds goes on', () => {
  const breaker = make();
  const holds = Array.from({ length: 100 }, (_, index) => isolateBreaker(breaker, `${index}`));
  expect(() => isolateBreaker(breaker, 'one too many')).toThrow(
    expect.objectContaining({
      code: 'LENO_RESILIENCE_OPTION',
      problems: [{ path: 'holds', value: 101, must: expect.any(String) }],
    }),
  );
  holds[0]?.release();
  isolateBreaker(breaker, 'in its place').release();
  expect([breaker.admits(0), explainBreaker(breaker, 0).holds.length]).toEqual([false, 99]);
  for (const hold of holds) hold.release();
  expect(breaker.admits(0)).toBe(true);
});

test('held open by hand in vain, it is held no longer than to the next success', () => {
  const cap = new EjectionCap({ ratioMax: 0, failFast: false });
  for (const trip of [consecutive(3), failureRate()]) {
    const breaker = make({ trip }, cap);
    breaker.success(breaker.tryAcquire(0), 0);
    expect(forceOpenBreaker(breaker, 1_000, 0)).toBe(false);
    expect(explainBreaker(breaker, 0).heldBy).toBe('cap');
    breaker.success(breaker.tryAcquire(0), 0);
    expect(explainBreaker(breaker, 0).heldBy).toBeUndefined();
  }
});

test.each([undefined, null, 5, 'often', {}, { rates: 1 }])(
  'a trip that is no trigger is refused: %j',
  (it) => {
    expect(() => make({ trip: it as unknown as Trigger })).toThrow(
      expect.objectContaining({ problems: [expect.objectContaining({ path: 'trip', value: it })] }),
    );
  },
);

test('the default trigger is what its factories make', () => {
  const plain = (trigger: Trigger): unknown => JSON.parse(JSON.stringify(trigger));
  const made = anyOf(consecutive(5), failureRate());
  expect(plain(defaultBreakerOptions.trip)).toEqual(plain(made));
});

test('property: asked after each call or only at the end, a breaker is the same', () => {
  const trip = anyOf(
    consecutive(4),
    failureRate({ requestCountMin: 5 }),
    failureRate({ over: lastCalls(7), rateMax: 0.6, requestCountMin: 4 }),
  );
  const call = fc.tuple(
    fc.constantFrom('success', 'success', 'success', 'failure', 'rateOnly', 'ignored'),
    fc.integer({ min: -50, max: 1_500 }),
  );
  fc.assert(
    fc.property(fc.array(call, { maxLength: 120 }), fc.nat(), (calls, seed) => {
      const fresh = (): Breaker => new Breaker({ trip }, { rng: seededRng(seed) });
      const [asked, alone] = [fresh(), fresh()];
      let nowMs = 0;
      for (const [outcome, waitMs] of calls) {
        nowMs += waitMs;
        for (const it of [asked, alone]) {
          const permit = it.tryAcquire(nowMs);
          // `success` may only count; `record` tells the windows at once.
          if (outcome !== 'success') it.record(outcome, permit, nowMs);
          else if (it === asked) it.record('success', permit, nowMs);
          else it.success(permit, nowMs);
        }
        explainBreaker(asked, nowMs);
      }
      expect(explainBreaker(alone, nowMs)).toEqual(explainBreaker(asked, nowMs));
    }),
  );
});

const rows = consecutive(1);
const failures = failureRate({ requestCountMin: 1 });
const slow = slowRate({ slowMs: 10, requestCountMin: 1 });

test.each([
  { trip: anyOf(failures, rows), reason: 'consecutive-failures' },
  { trip: anyOf(failures, slow), reason: 'failure-rate' },
  { trip: anyOf(slow, failures), reason: 'slow-rate' },
])('of several triggers a row is named before a share, then the first: $reason', (it) => {
  const breaker = make({ trip: it.trip });
  breaker.failure(breaker.tryAcquire(0), 0, 'failure', 10);
  expect(explainBreaker(breaker, 0).reason).toBe(it.reason);
});

test('an isolated breaker refuses even where the cap is exceeded', () => {
  const cap = new EjectionCap({ ratioMax: 1, failFast: true });
  cap.setEndpointCount(1);
  const breaker = make({ trip: rows }, cap);
  fail(breaker, 0);
  cap.setEndpointCount(0);
  expect(breaker.admits(0)).toBe(true);
  const hold = isolateBreaker(breaker, 'maintenance');
  expect([breaker.admits(0), breaker.stateAt(0), breaker.tryAcquire(0)]).toEqual([
    false,
    'open',
    -1,
  ]);
  hold.release();
  expect(breaker.admits(0)).toBe(true);
});

test('what the default trigger has counted stays when another option changes', () => {
  const breaker = make();
  fail(breaker, 0);
  breaker.update({ openMs: 2_000 });
  expect(explainBreaker(breaker, 0).rates).toMatchObject([{ failureCount: 1 }]);
});
