/** Breakers that are called from their own listeners, at no time at all, and with ports that throw. */
import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';
import type { BreakerOptions } from './breaker-options.ts';
import { EjectionCap } from './ejection-cap.ts';
import { explainBreaker, restoreBreaker, snapshotBreaker } from './explain-breaker.ts';
import { failureRate } from './failure-rate.ts';
import { forceOpenBreaker, isolateBreaker } from './operate-breaker.ts';
import { slowRate } from './slow-rate.ts';
import { anyOf, consecutive, type Trigger } from './trigger.ts';
import { lastCalls } from './window-size.ts';

function make(options: BreakerOptions & { readonly trip: Trigger }, cap?: EjectionCap): Breaker {
  return new Breaker({ openMs: 1_000, openJitterRatio: 0, ...options }, { rng: () => 0, cap });
}

function capOf(endpointCount: number): EjectionCap {
  const cap = new EjectionCap({ ratioMax: 0.5, failFast: false });
  cap.setEndpointCount(endpointCount);
  return cap;
}

function fail(breaker: Breaker, nowMs: number, count = 1): void {
  for (let call = 0; call < count; call += 1) breaker.failure(breaker.tryAcquire(nowMs), nowMs);
}

test('a row that was restored ends with a success', () => {
  const before = make({ trip: consecutive(5) });
  fail(before, 0, 4);
  const breaker = make({ trip: consecutive(5) });
  restoreBreaker(breaker, snapshotBreaker(before, 0), 0);
  breaker.success(breaker.tryAcquire(0), 0);
  expect(explainBreaker(breaker, 0).consecutiveFailureCount).toBe(0);
  fail(breaker, 0);
  expect(breaker.stateAt(0)).toBe('closed');
});

test('a share is restored to its own kind only', () => {
  const over = lastCalls(10);
  const before = make({ trip: failureRate({ over }) });
  fail(before, 0, 3);
  const breaker = make({ trip: slowRate({ slowMs: 50, over }) });
  restoreBreaker(breaker, snapshotBreaker(before, 0), 0);
  expect(explainBreaker(breaker, 0).rates).toMatchObject([{ successCount: 0, failureCount: 0 }]);
});

test('opened by hand after the cap held it: the place taken is the place given back', () => {
  const cap = capOf(2);
  const [one, other] = [make({ trip: consecutive(1) }, cap), make({ trip: consecutive(1) }, cap)];
  fail(one, 0);
  fail(other, 0);
  expect(explainBreaker(other, 0).heldBy).toBe('cap');
  one.success(one.tryAcquire(1_000), 1_000);
  expect(cap.ejectedCount).toBe(0);
  expect(forceOpenBreaker(other, 1_000, 1_000)).toBe(true);
  expect(explainBreaker(other, 1_000)).toMatchObject({ state: 'open', heldBy: undefined });
  expect(cap.ejectedCount).toBe(1);
  other.dispose(1_000);
  expect(cap.ejectedCount).toBe(0);
});

test.each(['by hand', 'restored'])('held when opened %s, it is past no threshold', (how) => {
  const breaker = make({ trip: consecutive(2), mode: 'observe' });
  const told: string[] = [];
  breaker.onWouldTrip = (reason) => told.push(reason);
  if (how === 'by hand') {
    expect(forceOpenBreaker(breaker, 1_000, 0)).toBe(false);
  } else {
    const open = make({ trip: consecutive(2) });
    forceOpenBreaker(open, 1_000, 0);
    restoreBreaker(breaker, snapshotBreaker(open, 0), 0);
  }
  expect(explainBreaker(breaker, 0).heldBy).toBeUndefined();
  fail(breaker, 0, 2);
  expect([told, explainBreaker(breaker, 0).heldBy]).toEqual([['consecutive-failures'], 'observe']);
});

test('an `openMs` that throws opens for the maximum, and takes one place', () => {
  const cap = capOf(9);
  const openMs = (): number => {
    throw new Error('no table of openings');
  };
  const breaker = make({ trip: consecutive(1), openMs, openMaxMs: 5_000 }, cap);
  for (let call = 0; call < 3; call += 1) {
    const permit = breaker.tryAcquire(0);
    if (permit >= 0) expect(() => breaker.failure(permit, 0)).toThrow('no table of openings');
  }
  expect([breaker.retryAfterMs(0), cap.ejectedCount]).toEqual([5_000, 1]);
  breaker.success(breaker.tryAcquire(5_000), 5_000);
  expect([breaker.stateAt(5_000), cap.ejectedCount]).toEqual(['closed', 0]);
});

test('isolated by the listener that hears of its closing: the call says nothing', () => {
  const breaker = make({ trip: consecutive(1) });
  fail(breaker, 0);
  breaker.update({ mode: 'observe' });
  breaker.onTransition = () => {
    isolateBreaker(breaker, 'not yet');
  };
  const permit = breaker.tryAcquire(0);
  breaker.failure(permit, 0);
  expect(explainBreaker(breaker, 0)).toMatchObject({
    lateCount: 1,
    consecutiveFailureCount: 0,
    holds: ['not yet'],
  });
});

test.each([
  { name: 'opens it again', act: (it: Breaker) => void forceOpenBreaker(it, 1_000, 0) },
  {
    name: 'throws',
    act: () => {
      throw new Error('deaf');
    },
  },
])('disposed with a listener that $name: nothing of the cap is kept', ({ act }) => {
  const cap = capOf(4);
  const breaker = make({ trip: consecutive(1) }, cap);
  fail(breaker, 0);
  breaker.onTransition = () => act(breaker);
  try {
    breaker.dispose(0);
  } catch {
    // As the listener wishes.
  }
  breaker.onTransition = undefined;
  fail(breaker, 0);
  expect(cap.ejectedCount).toBe(0);
});

test.each([
  { name: 'opened at no time', openedAtMs: Number.NaN, probedAtMs: Number.NaN },
  { name: 'probed at no time', openedAtMs: 0, probedAtMs: Number.NaN },
  { name: 'opened at no time, probed at one', openedAtMs: Number.NaN, probedAtMs: 1_000 },
])('$name: asking and foretelling agree, and nothing is wedged', ({ openedAtMs, probedAtMs }) => {
  const breaker = make({ trip: consecutive(1), probeWaitMaxMs: 500 });
  fail(breaker, openedAtMs);
  for (let call = 0; call < 3; call += 1) {
    const [admits, permit] = [breaker.admits(probedAtMs), breaker.tryAcquire(probedAtMs)];
    expect(permit >= 0).toBe(admits);
  }
  expect(breaker.retryAfterMs(2_000)).toBe(0);
  const probe = breaker.tryAcquire(2_000);
  expect(breaker.tryAcquire(2_000)).toBe(-1);
  breaker.success(probe, 2_001);
  expect(breaker.stateAt(2_001)).toBe('closed');
});

test('a probe settled twice counts once, and takes no place of another', () => {
  const breaker = make({ trip: consecutive(1), probeCount: 2 });
  fail(breaker, 0);
  const probe = breaker.tryAcquire(1_000);
  breaker.release(probe, 1_000);
  breaker.release(probe, 1_000);
  const two = [breaker.tryAcquire(1_000), breaker.tryAcquire(1_000)];
  expect(two.map((permit) => permit > 0)).toEqual([true, true]);
  expect(breaker.tryAcquire(1_000)).toBe(-1);
  expect(explainBreaker(breaker, 1_000)).toMatchObject({ probeCount: 2, lateCount: 1 });
});

test('a listener that throws leaves the breaker whole', () => {
  const cap = capOf(4);
  const breaker = make({ trip: anyOf(consecutive(1), failureRate()), probeWaitMaxMs: 500 }, cap);
  breaker.onTransition = (_from, to) => {
    throw new Error(to);
  };
  expect(() => fail(breaker, 0)).toThrow('open');
  expect([breaker.stateAt(0), cap.ejectedCount]).toEqual(['open', 1]);
  expect(() => breaker.tryAcquire(1_000)).toThrow('half-open');
  // Its permit is lost as that of a probe that hangs.
  expect(breaker.retryAfterMs(1_000)).toBe(500);
  const probe = breaker.tryAcquire(1_500);
  expect(() => breaker.success(probe, 1_500)).toThrow('closed');
  expect([breaker.stateAt(1_500), cap.ejectedCount]).toEqual(['closed', 0]);
});

test('held by a share that is judged no more, it is held no longer than to the next success', () => {
  const breaker = make({ trip: failureRate({ requestCountMin: 2 }), mode: 'observe' });
  fail(breaker, 0, 2);
  breaker.success(breaker.tryAcquire(0), 0);
  expect(explainBreaker(breaker, 0).heldBy).toBe('observe');
  breaker.update({ trip: consecutive(3) });
  breaker.success(breaker.tryAcquire(0), 0);
  expect(explainBreaker(breaker, 0).heldBy).toBeUndefined();
});

test('a probe that is lost is under way no more', () => {
  const breaker = make({ trip: consecutive(1), probeWaitMaxMs: 500 });
  fail(breaker, 0);
  breaker.tryAcquire(1_000);
  const counts = [1_499, 1_500].map((nowMs) => explainBreaker(breaker, nowMs).probeCount);
  expect(counts).toEqual([1, 0]);
});
