import { expect, test } from 'vitest';
import { defaults } from './defaults.ts';
import { RetryBody, TimeoutBody } from './model/route.ts';
import { BalancerBody, BreakerBody, LimitsBody, RetryBudgetBody } from './model/traffic-policy.ts';

test('every default could also be written in a policy', () => {
  const { concurrentMin, concurrentRatio, ...budget } = defaults.budget;
  const { perTryDivisor, ...timeouts } = defaults.timeouts;
  expect(BalancerBody.parse(defaults.balancer)).toEqual(defaults.balancer);
  expect(BreakerBody.parse(defaults.breaker)).toEqual(defaults.breaker);
  expect(RetryBody.parse(defaults.retry)).toEqual(defaults.retry);
  expect(RetryBudgetBody.parse(budget)).toEqual(budget);
  expect(TimeoutBody.parse(timeouts)).toEqual(timeouts);
  expect(LimitsBody.parse(defaults.limits)).toEqual(defaults.limits);
  expect([concurrentMin, concurrentRatio, perTryDivisor]).toEqual([3, 0.2, 2]);
});
test('the defaults do not contradict each other', () => {
  const { retry, breaker, timeouts } = defaults;
  expect(retry.backoffBaseMs).toBeLessThanOrEqual(retry.backoffMaxMs);
  expect(breaker.openMs).toBeLessThanOrEqual(breaker.openMaxMs);
  expect(timeouts.connectMs).toBeLessThan(timeouts.requestMs / timeouts.perTryDivisor);
});
