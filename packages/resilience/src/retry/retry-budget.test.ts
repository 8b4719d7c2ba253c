import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultRetryBudgetOptions, RetryBudget, type RetryBudgetOptions } from './retry-budget.ts';

const MANY = 1_000_000;

function budgetOf(options: Partial<RetryBudgetOptions> = {}): RetryBudget {
  return new RetryBudget({ ratio: 0.2, perSecondMin: 0, windowMs: 10_000, ...options });
}

function deposit(budget: RetryBudget, count: number, nowMs = 0): void {
  for (let index = 0; index < count; index += 1) budget.deposit(nowMs);
}

/** Withdraws until refused; each retry ends at once, so that only the rate counts. */
function drain(budget: RetryBudget, nowMs = 0): number {
  let count = 0;
  while (budget.tryWithdraw(nowMs, MANY)) {
    budget.release();
    count += 1;
  }
  return count;
}

test.each([
  { options: {}, firstTries: 100, retries: 20 },
  { options: {}, firstTries: 4, retries: 0 },
  { options: {}, firstTries: 5, retries: 1 },
  { options: { ratio: 0.29 }, firstTries: 100, retries: 29 },
  { options: { ratio: 0 }, firstTries: 100, retries: 0 },
  { options: { ratio: 2 }, firstTries: 3, retries: 6 },
  { options: { perSecondMin: 10 }, firstTries: 0, retries: 100 },
  { options: { perSecondMin: 10 }, firstTries: 50, retries: 110 },
  { options: { perSecondMin: 0.5, windowMs: 2_000 }, firstTries: 0, retries: 1 },
])('by rate: $options after $firstTries first tries', ({ options, firstTries, retries }) => {
  const budget = budgetOf(options);
  deposit(budget, firstTries);
  expect(drain(budget)).toBe(retries);
  expect(budget.refusedCount).toBe(1);
});

test('what was earned and what was spent leave with the window', () => {
  const budget = budgetOf();
  deposit(budget, 50);
  expect(drain(budget, 5_000)).toBe(10);
  expect(drain(budget, 9_999)).toBe(0);
  deposit(budget, 50, 9_999);
  // The first 50 are gone, their retries are not yet: 10 spent of 10.
  expect(drain(budget, 10_000)).toBe(0);
  expect(drain(budget, 15_000)).toBe(10);
});

test.each([
  { active: 0, concurrent: 3 },
  { active: 15, concurrent: 3 },
  { active: 19, concurrent: 3 },
  { active: 20, concurrent: 4 },
  { active: 100, concurrent: 20 },
])('by concurrency: $concurrent of $active', ({ active, concurrent }) => {
  const budget = budgetOf({ perSecondMin: 1_000 });
  let count = 0;
  while (budget.tryWithdraw(0, active)) count += 1;
  expect([count, budget.inFlightCount, budget.refusedByConcurrencyCount]).toEqual([
    concurrent,
    concurrent,
    1,
  ]);
  budget.release();
  expect([budget.tryWithdraw(0, active), budget.tryWithdraw(0, active)]).toEqual([true, false]);
});

test('a retry that concurrency refuses costs nothing of the rate', () => {
  const budget = budgetOf({ concurrentMin: 0, concurrentRatio: 0 });
  deposit(budget, 5);
  expect(budget.tryWithdraw(0, MANY)).toBe(false);
  expect(budget.remainingRatio(0)).toBe(1);
});

test('what is left, as a share', () => {
  const budget = budgetOf();
  expect(budget.remainingRatio(0)).toBe(0);
  deposit(budget, 20);
  expect(budget.remainingRatio(0)).toBe(1);
  budget.tryWithdraw(0, MANY);
  expect(budget.remainingRatio(0)).toBe(0.75);
  drain(budget);
  expect(budget.remainingRatio(0)).toBe(0);
  expect(budget.remainingRatio(20_000)).toBe(0);
  const granted = budgetOf({ perSecondMin: 1 });
  granted.tryWithdraw(0, MANY);
  expect([granted.remainingRatio(9_999), granted.remainingRatio(10_000)]).toEqual([0.9, 1]);
});

test('new bounds hold at once and keep the count; another window starts afresh', () => {
  const budget = budgetOf();
  deposit(budget, 100);
  drain(budget);
  budget.update({ ...defaultRetryBudgetOptions, perSecondMin: 0, ratio: 0.3 });
  expect(drain(budget)).toBe(10);
  budget.update({ ...defaultRetryBudgetOptions, perSecondMin: 1, windowMs: 5_000 });
  expect(drain(budget)).toBe(5);
});

test('property: what it grants is what the documentation says', () => {
  const event = fc.record({ waitMs: fc.nat(1_500), isRetry: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 200, size: 'max' }), (events) => {
      const budget = budgetOf({ perSecondMin: 0.3 });
      const log: { bucket: number; isRetry: boolean }[] = [];
      let nowMs = 0;
      let originMs: number | undefined;
      for (const { waitMs, isRetry } of events) {
        nowMs += waitMs;
        originMs ??= nowMs;
        const bucket = Math.floor((nowMs - originMs) / 1_000);
        const recent = log.filter((it) => it.bucket > bucket - 10);
        const spent = recent.filter((it) => it.isRetry).length;
        const isAllowed = spent + 1 <= 0.2 * (recent.length - spent) + 3 + 1e-9;
        if (isRetry) {
          const isGranted = budget.tryWithdraw(nowMs, MANY);
          expect(isGranted).toBe(isAllowed);
          if (isGranted) budget.release();
        } else {
          budget.deposit(nowMs);
        }
        if (!isRetry || isAllowed) log.push({ bucket, isRetry });
        const left = log.filter((it) => it.bucket > bucket - 10);
        const used = left.filter((it) => it.isRetry).length;
        const share = 1 - used / (0.2 * (left.length - used) + 3);
        expect(budget.remainingRatio(nowMs)).toBeCloseTo(Math.max(0, share), 9);
      }
    }),
  );
});

test('a release without a withdrawal is a bug, and bad bounds are refused', () => {
  expect(() => budgetOf().release()).toThrow('pairs');
  for (const bad of [
    { ratio: -1 },
    { perSecondMin: Number.NaN },
    { windowMs: 0 },
    { concurrentMin: 0.5 },
    { concurrentRatio: 2 },
  ]) {
    expect(() => budgetOf(bad)).toThrow(Object.keys(bad)[0]);
  }
});
