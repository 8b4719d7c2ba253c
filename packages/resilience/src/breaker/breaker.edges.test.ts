/** Breakers that are called from their own listeners, at no time at all, and with ports that throw. */
import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';
import type { BreakerOptions } from './breaker-options.ts';
import { explainBreaker, restoreBreaker, snapshotBreaker } from './explain-breaker.ts';
import { failureRate } from './failure-rate.ts';
import { slowRate } from './slow-rate.ts';
import { consecutive, type Trigger } from './trigger.ts';
import { lastCalls } from './window-size.ts';

function make(options: BreakerOptions & { readonly trip: Trigger }): Breaker {
  return new Breaker({ openMs: 1_000, openJitterRatio: 0, ...options }, { rng: () => 0 });
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
