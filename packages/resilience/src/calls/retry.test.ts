import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { RetryBudget } from '../retry/retry-budget.ts';
import { follow, settled, VirtualTime } from '../testing/virtual-time.ts';
import { activeCallsOf } from './active-calls.ts';
import { BreakerOpenError } from './breaker-open-error.ts';
import type { CallOptions } from './call.ts';
import { hedge } from './hedge.ts';
import { pipeline } from './pipeline.ts';
import { type RetryNotice, type RetryOptions, retry } from './retry.ts';

const boom = new Error('boom');

function never(): Promise<never> {
  return new Promise(() => {});
}

function retried<T>(
  time: VirtualTime,
  fn: (tryIndex: number) => T | PromiseLike<T>,
  { signal, ...options }: RetryOptions & CallOptions<T> = {},
): Promise<T> {
  const ports = { clock: time, timers: time, rng: () => 0.5 };
  return pipeline(retry(options))
    .with({ ports })
    .execute(({ attempt }) => fn(attempt), { signal });
}

/** Notes when each try came; all fail until the one given. */
function flaky(time: VirtualTime, goodTry = Number.POSITIVE_INFINITY) {
  const atMs: number[] = [];
  const fn = (tryIndex: number): string => {
    atMs.push(time.nowMs());
    if (tryIndex < goodTry) throw boom;
    return `try ${tryIndex}`;
  };
  return { atMs, fn };
}

test.each([
  {
    name: 'the first success counts',
    goodTry: 2,
    options: {},
    result: { value: 'try 2' },
    atMs: [0, 12.5],
  },
  {
    name: 'two retries, then the failure',
    options: {},
    result: { thrown: boom },
    atMs: [0, 12.5, 37.5],
  },
  {
    name: 'none if none are wanted',
    options: { retryCountMax: 0 },
    result: { thrown: boom },
    atMs: [0],
  },
  {
    name: 'bounds of the wait',
    options: { baseMs: 100, maxMs: 120 },
    result: { thrown: boom },
    atMs: [0, 50, 110],
  },
  {
    name: 'what was asked for, up to the cap',
    options: { retryAfterMs: () => 9_000 },
    result: { thrown: boom },
    atMs: [0, 250, 500],
  },
  {
    name: 'not what cannot be mended',
    options: { isRetryable: () => false },
    result: { thrown: boom },
    atMs: [0],
  },
  {
    name: 'no retry at the end of the time',
    options: { giveUpAfterMs: 37.5 },
    result: { thrown: boom },
    atMs: [0, 12.5],
  },
  {
    name: 'a retry before the end of the time',
    options: { giveUpAfterMs: 38 },
    result: { thrown: boom },
    atMs: [0, 12.5, 37.5],
  },
])('retry: $name', async ({ goodTry, options, result, atMs }) => {
  const time = new VirtualTime();
  const tries = flaky(time, goodTry);
  const call = follow(retried(time, tries.fn, options));
  await time.advance(10_000);
  expect(call).toEqual(result);
  expect(tries.atMs).toEqual(atMs);
});

test.each([
  [
    'a breaker that refuses',
    new BreakerOpenError({ name: 'x', state: 'open', retryAfterMs: 1, cause: undefined }),
  ],
  ['an abort', Object.assign(new Error('stop'), { name: 'AbortError' })],
])('retry: %s is final', async (_, thrown) => {
  let tryCount = 0;
  const call = retried(new VirtualTime(), () => {
    tryCount += 1;
    return Promise.reject(thrown);
  });
  await expect(call).rejects.toBe(thrown);
  expect(tryCount).toBe(1);
});

test('retry: an abort ends the wait at once, and leaves nothing behind', async () => {
  const time = new VirtualTime();
  const caller = new AbortController();
  const budget = new RetryBudget({ ratio: 1, perSecondMin: 10, windowMs: 10_000 });
  const tries = flaky(time);
  const call = follow(retried(time, tries.fn, { signal: caller.signal, budget }));
  await time.advance(5);
  expect(budget.inFlightCount).toBe(1);
  caller.abort('gone');
  await settled();
  expect(call.thrown).toBe('gone');
  expect([tries.atMs.length, time.timerCount, budget.inFlightCount]).toEqual([1, 0, 0]);
  expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
  await expect(retried(time, () => 1, { signal: caller.signal })).rejects.toBe('gone');
});

test('retry: an abort during a try ends the call at once, whatever the try still says', async () => {
  const time = new VirtualTime();
  const caller = new AbortController();
  const call = retried(
    time,
    () => {
      caller.abort('gone');
      throw boom;
    },
    { signal: caller.signal },
  );
  await expect(call).rejects.toBe('gone');
  expect(time.timerCount).toBe(0);
});

test('retry: calls that share a budget stop where it ends, and give back their part', async () => {
  const time = new VirtualTime();
  const budget = new RetryBudget({ ratio: 0.2, perSecondMin: 0, windowMs: 10_000 });
  let tryCount = 0;
  const calls = Array.from({ length: 100 }, () =>
    follow(
      retried(
        time,
        () => {
          tryCount += 1;
          throw boom;
        },
        { budget },
      ),
    ),
  );
  await time.advance(10_000);
  expect(calls.every((call) => call.thrown === boom)).toBe(true);
  expect(tryCount).toBeGreaterThan(100);
  expect(tryCount).toBeLessThanOrEqual(120);
  expect(budget.inFlightCount).toBe(0);
});

test('retry: the concurrency of a budget grows with the calls under way', async () => {
  const time = new VirtualTime();
  const budget = new RetryBudget({ ratio: 1, perSecondMin: 0, windowMs: 10_000 });
  for (let call = 0; call < 50; call += 1) {
    follow(
      retried(time, (tryIndex) => (tryIndex === 1 ? Promise.reject(boom) : never()), { budget }),
    );
  }
  await time.advance(10);
  expect(budget.inFlightCount).toBe(10);
});

test('retry: calls that have ended count no more', async () => {
  const time = new VirtualTime();
  const budget = new RetryBudget({ ratio: 1, perSecondMin: 100, windowMs: 10_000 });
  for (let call = 0; call < 50; call += 1) await retried(time, () => 1, { budget });
  for (let call = 0; call < 10; call += 1) {
    follow(
      retried(time, (tryIndex) => (tryIndex === 1 ? Promise.reject(boom) : never()), { budget }),
    );
  }
  await time.advance(10);
  expect(budget.inFlightCount).toBe(3);
});

test('retry: what may not be done twice is not, though its result asks for it', async () => {
  let callCount = 0;
  const call = pipeline(retry({ isRetryableResult: () => true }));
  const end = call.execute(() => (callCount += 1), { repeatable: false });
  expect([await end, callCount]).toEqual([1, 1]);
});

test('retry: a hedge with the same budget does not count its call again', async () => {
  const time = new VirtualTime();
  const budget = new RetryBudget({ ratio: 1, perSecondMin: 0, windowMs: 10_000 });
  const ports = { clock: time, timers: time, rng: () => 0.5 };
  const policies = [retry({ budget }), hedge({ delay: 5, budget })];
  for (const order of [policies, policies.toReversed()]) {
    const call = pipeline(...order).with({ ports });
    const caller = new AbortController();
    for (let n = 0; n < 50; n += 1) void call.settle(never, { signal: caller.signal });
    await time.advance(10);
    // A fifth of those under way, as for retries alone.
    expect([activeCallsOf(budget).count, budget.inFlightCount]).toEqual([50, 10]);
    caller.abort();
    expect([activeCallsOf(budget).count, budget.inFlightCount]).toEqual([0, 0]);
  }
});

test.each([
  { baseMs: undefined, maxMs: 250 },
  { baseMs: 5, maxMs: 250 },
  { baseMs: 1_000, maxMs: 10_000 },
  { baseMs: 1e9, maxMs: 2 ** 31 - 1 },
])('retry: waits from $baseMs ms stop at $maxMs ms unless told otherwise', ({ baseMs, maxMs }) => {
  expect(retry({ baseMs }).describe()[0]?.options['maxMs']).toBe(maxMs);
});

test('retry: onRetry is told of each retry, and of no other end', async () => {
  const time = new VirtualTime();
  const notices: RetryNotice[] = [];
  const onRetry = (notice: RetryNotice) => notices.push(notice);
  const value = follow(retried(time, flaky(time, 2).fn, { onRetry }));
  const thrown = follow(retried(time, flaky(time).fn, { onRetry, isRetryable: () => false }));
  const budget = new RetryBudget({ ratio: 0, perSecondMin: 0, windowMs: 10_000 });
  const unpaid = follow(retried(time, flaky(time).fn, { onRetry, budget }));
  await time.advance(1_000);
  expect([value.value, thrown.thrown, unpaid.thrown]).toEqual(['try 2', boom, boom]);
  expect(notices).toEqual([
    { attempt: 1, delayMs: 12.5, ending: { kind: 'thrown', thrown: boom } },
  ]);
  notices.length = 0;
  const isRetryableResult = () => true;
  const given = follow(retried(time, () => 'bad', { onRetry, isRetryableResult }));
  await time.advance(1_000);
  expect(given.value).toBe('bad');
  const ending = { kind: 'returned', value: 'bad' };
  expect(notices).toEqual([
    { attempt: 1, delayMs: 12.5, ending },
    { attempt: 2, delayMs: 25, ending },
  ]);
});

test('retry: what onRetry throws ends the call, and leaves nothing behind', async () => {
  const time = new VirtualTime();
  const budget = new RetryBudget({});
  const odd = new Error('odd');
  const onRetry = (): never => {
    throw odd;
  };
  const tries = flaky(time);
  const call = follow(retried(time, tries.fn, { onRetry, budget }));
  await time.advance(1_000);
  expect([call.thrown, tries.atMs]).toEqual([odd, [0]]);
  expect([activeCallsOf(budget).count, budget.inFlightCount, time.timerCount]).toEqual([0, 0, 0]);
});
