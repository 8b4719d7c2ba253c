import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { failureRate } from '../breaker/failure-rate.ts';
import { anyOf, consecutive } from '../breaker/trigger.ts';
import { RetryBudget } from '../retry/retry-budget.ts';
import { follow, settled, VirtualTime } from '../testing/virtual-time.ts';
import { BreakerOpenError } from './breaker-open-error.ts';
import { type CallBreaker, type CallBreakerOptions, createBreaker } from './call-breaker.ts';
import { type RetryOptions, retry } from './retry.ts';
import { sleep } from './sleep.ts';
import { TimedOutError } from './timed-out-error.ts';
import { type TimeoutContext, type WithTimeoutOptions, withTimeout } from './with-timeout.ts';

function never(): Promise<never> {
  return new Promise(() => {});
}

const boom = new Error('boom');

function fail(): never {
  throw boom;
}

// The breaker around calls.

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
  expect(breaker.explain(0)).toMatchObject({ rates: [{ successCount: 1, failureCount: 0 }] });
});

test.each([
  ['a synchronous throw', fail],
  ['a rejection', () => Promise.reject(boom)],
])('execute counts %s once, and gives it unchanged', async (_, fn) => {
  const breaker = breakerAt(new VirtualTime());
  await expect(breaker.execute(fn)).rejects.toBe(boom);
  expect(breaker.explain(0)).toMatchObject({ rates: [{ successCount: 0, failureCount: 1 }] });
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
  expect(breaker.explain(0)).toMatchObject({
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
  expect(breaker.explain(0)).toMatchObject({
    consecutiveFailureCount: 0,
    rates: [{ successCount: 1, failureCount: 1 }],
  });
  await breaker.execute(() => 500);
  expect(breaker.explain(0)).toMatchObject({
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

// Timeouts.

function timed<T>(
  time: VirtualTime,
  fn: (context: TimeoutContext) => T | PromiseLike<T>,
  options: Omit<WithTimeoutOptions, 'timers'> = {},
): Promise<T> {
  return withTimeout(fn, 100, { timers: time, ...options });
}

test('a call within its time keeps its result, and leaves no timer', async () => {
  const time = new VirtualTime();
  expect(await timed(time, () => 7)).toBe(7);
  await expect(timed(time, fail)).rejects.toBe(boom);
  await expect(timed(time, () => Promise.reject(boom))).rejects.toBe(boom);
  expect(time.timerCount).toBe(0);
});

test('a call beyond its time is given up at that time, heedful or not, and alone', async () => {
  const time = new VirtualTime();
  const signals: AbortSignal[] = [];
  const hung = follow(
    timed(time, (context) => {
      signals.push(context.signal);
      return never();
    }),
  );
  await time.advance(50);
  const later = follow(timed(time, () => never()));
  const other = follow(
    timed(time, (context) => {
      signals.push(context.signal);
      return never();
    }),
  );
  await time.advance(49);
  expect(hung.thrown).toBeUndefined();
  await time.advance(1);
  expect(hung.thrown).toBeInstanceOf(TimedOutError);
  expect(hung.thrown).toMatchObject({ code: 'LENO_TIMED_OUT', timeoutMs: 100 });
  expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
  expect([later.thrown, other.thrown]).toEqual([undefined, undefined]);
  await time.advance(50);
  expect(later.thrown).toBeInstanceOf(TimedOutError);
});

test('a heedful call cannot put its own error before the timeout', async () => {
  const time = new VirtualTime();
  const call = follow(
    timed(
      time,
      ({ signal }) =>
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(boom))),
    ),
  );
  await time.advance(100);
  expect(call.thrown).toBeInstanceOf(TimedOutError);
});

test('the caller who aborts gets the own reason, at once, and no listener stays', async () => {
  const time = new VirtualTime();
  const caller = new AbortController();
  const inner: AbortSignal[] = [];
  const call = follow(
    timed(
      time,
      (context) => {
        inner.push(context.signal);
        return never();
      },
      { signal: caller.signal },
    ),
  );
  await timed(time, () => 1, { signal: caller.signal });
  expect(getEventListeners(caller.signal, 'abort')).toHaveLength(1);
  caller.abort(boom);
  await settled();
  expect([call.thrown, inner[0]?.reason]).toEqual([boom, boom]);
  expect([getEventListeners(caller.signal, 'abort').length, time.timerCount]).toEqual([0, 0]);
  await expect(timed(time, () => 1, { signal: caller.signal })).rejects.toBe(boom);
});

test('a signal that is first read after the end is aborted', async () => {
  const time = new VirtualTime();
  let late: TimeoutContext | undefined;
  const call = follow(
    timed(time, (context) => {
      late = context;
      return never();
    }),
  );
  await time.advance(100);
  expect(late?.signal.reason).toBe(call.thrown);
});

test.each([0, -1, Number.POSITIVE_INFINITY])('%d is no timeout', async (timeoutMs) => {
  const time = new VirtualTime();
  const call = follow(withTimeout(never, timeoutMs, { timers: time }));
  await time.advance(1e9);
  expect([call, time.timerCount]).toEqual([{}, 0]);
});

// Retries.

function retried<T>(
  time: VirtualTime,
  fn: (tryIndex: number) => T | PromiseLike<T>,
  options: Omit<RetryOptions, 'ports'> = {},
): Promise<T> {
  return retry(fn, { ports: { clock: time, timers: time, rng: () => 0.5 }, ...options });
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

test('retry: an abort during a try leaves the last word to the try', async () => {
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
  await expect(call).rejects.toBe(boom);
  expect(time.timerCount).toBe(0);
});

test('sleep: ends in time without a trace, or with the reason of the abort', async () => {
  const time = new VirtualTime();
  const caller = new AbortController();
  const whole = follow(sleep(10, time, caller.signal).then(() => 'awake'));
  await time.advance(10);
  expect(whole.value).toBe('awake');
  expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
  const cut = follow(sleep(10, time, caller.signal));
  caller.abort('gone');
  await settled();
  expect([cut.thrown, time.timerCount]).toEqual(['gone', 0]);
  await expect(sleep(10, time, caller.signal)).rejects.toBe('gone');
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
