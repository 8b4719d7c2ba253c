import { expect, test } from 'vitest';
import { bytesPerCall } from '../testing/bytes-per-call.ts';
import { Breaker } from './breaker.ts';
import { defaultTrip } from './default-breaker-options.ts';

/** More than elsewhere: what is done but once a bucket is compiled late. */
const ROUND_COUNT = 201;

test('asking and settling allocate nothing', () => {
  // A change is rare enough not to be compiled, and then boxes the numbers that it draws.
  const breaker = new Breaker({ trip: defaultTrip, openMs: 30_000 }, { rng: () => 0.5 });
  let changeCount = 0;
  breaker.onTransition = () => {
    changeCount += 1;
  };
  let nowMs = 0;
  const bytes = bytesPerCall((call) => {
    nowMs += 7;
    const permit = breaker.tryAcquire(nowMs);
    // Every outcome, and now and then a trip, a refusal and a recovery.
    if (call % 3 !== 0) breaker.success(permit, nowMs);
    else if (call % 9 !== 0)
      breaker.failure(permit, nowMs, call % 4 === 0 ? 'failure' : 'rateOnly');
    else breaker.release(permit, nowMs);
  }, ROUND_COUNT);
  expect(bytes).toBeLessThan(1);
  expect(changeCount).toBeGreaterThan(100);
});

test('a call that succeeds while closed allocates nothing at all', () => {
  const breaker = new Breaker({ trip: defaultTrip }, { rng: () => 0.5 });
  let nowMs = 0;
  const bytes = bytesPerCall(() => {
    nowMs += 7;
    breaker.success(breaker.tryAcquire(nowMs), nowMs);
  }, ROUND_COUNT);
  expect(bytes).toBeLessThan(0.1);
});

test('the measure itself would see one small object', () => {
  const kept: object[] = [];
  const bytes = bytesPerCall((call) => {
    kept[call & 7] = { call };
  });
  expect(bytes).toBeGreaterThan(8);
});
