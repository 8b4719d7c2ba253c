import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  ConstantBackoff,
  CountBreaker,
  circuitBreaker,
  ExponentialBackoff,
  fallback,
  handleAll,
  handleType,
  handleWhenResult,
  IterableBackoff,
  isBrokenCircuitError,
  isBulkheadRejectedError,
  isTaskCancelledError,
  noJitterGenerator,
  noop,
  retry,
  SamplingBreaker,
  TimeoutStrategy,
  timeout,
  wrap,
} from './index.ts';

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

const fails = (): Promise<never> => Promise.reject(new TypeError('boom'));
const hangs = (): Promise<never> => new Promise(() => {});

/** What a promise was rejected with, once time has moved on. */
async function thrownBy(promise: Promise<unknown>, afterMs: number): Promise<unknown> {
  const thrown = promise.then(
    () => undefined,
    (error: unknown) => error,
  );
  await vi.advanceTimersByTimeAsync(afterMs);
  return await thrown;
}

test.each([
  { name: 'in a row', breaker: () => new ConsecutiveBreaker(2), calls: 'x.xx', states: '0001' },
  {
    name: 'more than half of the last calls',
    breaker: () => new CountBreaker({ threshold: 0.5, size: 4 }),
    calls: 'x.x.xx',
    states: '000001',
  },
  {
    name: 'more than half within a time',
    breaker: () => new SamplingBreaker({ threshold: 0.5, duration: 1_000, minimumRps: 3 }),
    calls: '.xx',
    states: '001',
  },
])('a circuit opens: $name', async ({ breaker, calls, states }) => {
  const policy = circuitBreaker(handleAll, { halfOpenAfter: 1_000, breaker: breaker() });
  let seen = '';
  for (const call of calls) {
    await policy.execute(call === '.' ? () => 'fine' : fails).catch(() => {});
    seen += policy.state;
  }
  expect(seen).toBe(states);
});

test('a circuit waits as its back-off says, and tells what happens to it', async () => {
  const halfOpenAfter = new IterableBackoff([100, 200]);
  const policy = circuitBreaker(handleAll, { halfOpenAfter, breaker: new ConsecutiveBreaker(1) });
  const states: CircuitState[] = [];
  policy.onStateChange((state) => states.push(state));
  await thrownBy(policy.execute(fails), 100);
  await thrownBy(policy.execute(fails), 199);
  expect(isBrokenCircuitError(await thrownBy(policy.execute(fails), 1))).toBe(true);
  expect(await policy.execute(() => 'fine')).toBe('fine');
  const { Closed, HalfOpen, Open } = CircuitState;
  expect(states).toEqual([Open, HalfOpen, Open, HalfOpen, Closed]);
});

test('a circuit stays isolated until the last handle is disposed', () => {
  const breaker = new ConsecutiveBreaker(1);
  const policy = circuitBreaker(handleAll, { halfOpenAfter: 1, breaker });
  const handles = [policy.isolate(), policy.isolate()];
  const seen = handles.map((handle) => {
    const { state } = policy;
    handle.dispose();
    handle.dispose();
    return state;
  });
  expect([...seen, policy.state]).toEqual([3, 3, CircuitState.Closed]);
});

test.each([
  { name: 'constant', backoff: new ConstantBackoff(7), delays: [7, 7, 7] },
  {
    name: 'exponential, its exponent heeded',
    backoff: new ExponentialBackoff({
      generator: noJitterGenerator,
      initialDelay: 10,
      exponent: 3,
      maxDelay: 80,
    }),
    delays: [10, 30, 80],
  },
])('retries wait: $name', async ({ backoff, delays }) => {
  const policy = retry(handleAll, { maxAttempts: 3, backoff });
  const told: number[] = [];
  policy.onRetry(({ delay }) => told.push(delay));
  expect(await thrownBy(policy.execute(fails), 1_000)).toBeInstanceOf(TypeError);
  expect(told).toEqual(delays);
});

test('results are retried as they are handled, and the last is given', async () => {
  let callCount = 0;
  const policy = retry(
    handleWhenResult((it) => typeof it === 'number'),
    { maxAttempts: 2 },
  );
  const call = policy.execute(() => (callCount += 1));
  await vi.advanceTimersByTimeAsync(10);
  expect(await call).toBe(3);
});

test.each([
  { name: 'a timeout', policy: timeout(20, TimeoutStrategy.Aggressive), is: isTaskCancelledError },
  { name: 'no place', policy: bulkhead(0 + 1), is: isBulkheadRejectedError },
])('$name has the error of cockatiel', async ({ policy, is }) => {
  const first = policy.execute(hangs).catch((error: unknown) => error);
  const second = await thrownBy(policy.execute(hangs), 20);
  expect(is(second) || is(await first)).toBe(true);
});

test('a fallback is for what is handled', async () => {
  const policy = fallback(handleType(TypeError), 'instead');
  expect(await policy.execute(fails)).toBe('instead');
  await expect(policy.execute(() => Promise.reject(new RangeError()))).rejects.toThrow(RangeError);
});

test('the innermost of what is wrapped sees the contexts of all', async () => {
  const policy = wrap(retry(handleAll, { maxAttempts: 1 }), noop);
  const seen: (number | undefined)[] = [];
  const call = policy.execute(({ attempt }) => {
    seen.push(attempt);
    return fails();
  });
  await thrownBy(call, 10);
  expect(seen).toEqual([0, 1]);
});
