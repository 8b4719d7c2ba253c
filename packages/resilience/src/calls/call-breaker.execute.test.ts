import { expect, test } from 'vitest';
import { explainBreaker } from '../breaker/explain-breaker.ts';
import { failureRate } from '../breaker/failure-rate.ts';
import { anyOf, consecutive } from '../breaker/trigger.ts';
import { VirtualTime } from '../testing/virtual-time.ts';
import { BreakerOpenError } from './breaker-open-error.ts';
import { type CallBreaker, type CallBreakerOptions, createBreaker } from './call-breaker.ts';

function never(): Promise<never> {
  return new Promise(() => {});
}

const boom = new Error('boom');

function fail(): never {
  throw boom;
}

function breakerAt(time: VirtualTime, options: CallBreakerOptions = {}): CallBreaker {
  return createBreaker({
    name: 'stock',
    trip: anyOf(consecutive(2), failureRate()),
    clock: time,
    rng: () => 0,
    ...options,
  });
}

test.each([
  ['a value', () => 7, 7],
  ['a promise', () => Promise.resolve(7), 7],
  ['nothing, synchronously', () => undefined, undefined],
])('execute gives %s and counts a success', async (_, fn, value) => {
  const breaker = breakerAt(new VirtualTime());
  expect(await breaker.execute<unknown>(fn)).toBe(value);
  expect(explainBreaker(breaker, 0)).toMatchObject({
    rates: [{ successCount: 1, failureCount: 0 }],
  });
});

test.each([
  ['a synchronous throw', fail],
  ['a rejection', () => Promise.reject(boom)],
])('execute counts %s once, and gives it unchanged', async (_, fn) => {
  const breaker = breakerAt(new VirtualTime());
  await expect(breaker.execute(fn)).rejects.toBe(boom);
  expect(explainBreaker(breaker, 0)).toMatchObject({
    rates: [{ successCount: 0, failureCount: 1 }],
  });
});

test('an open breaker refuses without calling, and says who, how long and why', async () => {
  const time = new VirtualTime();
  const breaker = breakerAt(time);
  for (let call = 0; call < 2; call += 1) await breaker.execute(fail).catch(() => {});
  await time.advance(400);
  let callCount = 0;
  const refused = breaker.execute(() => {
    callCount += 1;
  });
  await expect(refused).rejects.toMatchObject({
    name: 'BreakerOpenError',
    code: 'LENO_BREAKER_OPEN',
    replayable: true,
    breaker: 'stock',
    state: 'open',
    retryAfterMs: 600,
    cause: boom,
  });
  expect(callCount).toBe(0);
  await time.advance(600);
  expect(await breaker.execute(() => 'back')).toBe('back');
  expect(breaker.stateAt(1_000)).toBe('closed');
});

test('aborts and refusals of a breaker further in say nothing', async () => {
  const breaker = breakerAt(new VirtualTime());
  const abort = Object.assign(new Error('stop'), { name: 'AbortError' });
  const inner = new BreakerOpenError({
    name: 'x',
    state: 'open',
    retryAfterMs: 1,
    cause: undefined,
  });
  for (const thrown of [abort, inner, abort, inner]) {
    await breaker.execute(() => Promise.reject(thrown)).catch(() => {});
  }
  expect(explainBreaker(breaker, 0)).toMatchObject({
    state: 'closed',
    rates: [{ successCount: 0, failureCount: 0 }],
  });
});

test('a classifier decides on what returned and on what was thrown', async () => {
  const breaker = breakerAt(new VirtualTime(), {
    classify: (call) =>
      call.kind === 'thrown' ? 'success' : call.value === 429 ? 'rateOnly' : 'failure',
  });
  await breaker.execute(fail).catch(() => {});
  await breaker.execute(() => 429);
  expect(explainBreaker(breaker, 0)).toMatchObject({
    consecutiveFailureCount: 0,
    rates: [{ successCount: 1, failureCount: 1 }],
  });
  await breaker.execute(() => 500);
  expect(explainBreaker(breaker, 0)).toMatchObject({
    consecutiveFailureCount: 1,
    rates: [{ failureCount: 2 }],
  });
});

test('a classifier that throws does not lose the probe', async () => {
  const time = new VirtualTime();
  let isBroken = false;
  const breaker = breakerAt(time, { classify: () => (isBroken ? fail() : 'failure') });
  for (let call = 0; call < 2; call += 1) await breaker.execute(() => 0);
  isBroken = true;
  await time.advance(1_000);
  await expect(breaker.execute(() => 0)).rejects.toBe(boom);
  expect([breaker.admits(1_000), breaker.stateAt(1_000)]).toEqual([true, 'half-open']);
});

test('a probe that hangs wedges nothing', async () => {
  const time = new VirtualTime();
  const breaker = breakerAt(time, { probeWaitMaxMs: 5_000 });
  for (let call = 0; call < 2; call += 1) await breaker.execute(fail).catch(() => {});
  await time.advance(1_000);
  void breaker.execute(never);
  await time.advance(4_999);
  await expect(breaker.execute(() => 1)).rejects.toMatchObject({
    state: 'half-open',
    retryAfterMs: 1,
  });
  await time.advance(1);
  expect(await breaker.execute(() => 1)).toBe(1);
});
