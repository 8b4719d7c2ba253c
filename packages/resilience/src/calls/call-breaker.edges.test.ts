/** Functions, listeners and clocks that misbehave around `execute` and `settle`. */
import { expect, test } from 'vitest';
import { consecutive } from '../breaker/trigger.ts';
import { VirtualTime } from '../testing/virtual-time.ts';
import { type CallBreakerOptions, createBreaker } from './call-breaker.ts';

const boom = new Error('boom');
const fail = (): never => {
  throw boom;
};

function breakerAt(time: VirtualTime, options: CallBreakerOptions = {}) {
  return createBreaker({
    trip: consecutive(1),
    openMs: 1_000,
    openJitterRatio: 0,
    clock: time,
    rng: () => 0,
    ...options,
  });
}

test('the cause of a refusal is what the last failed call threw, if that one threw', async () => {
  const breaker = breakerAt(new VirtualTime(), {
    trip: consecutive(2),
    classify: () => 'failure',
  });
  await breaker.execute(fail).catch(() => {});
  expect(breaker.lastFailure).toBe(boom);
  await breaker.execute(() => 503);
  expect(breaker.lastFailure).toBeUndefined();
  const refused = await breaker.execute(() => 1).catch((error: unknown) => error);
  expect(refused).not.toHaveProperty('cause');
});

/** What is no promise, but can be awaited. */
function thenable(then: unknown): PromiseLike<never> {
  const it = {};
  Reflect.set(it, 'then', then);
  return it as PromiseLike<never>;
}

test.each([
  ['a thenable that rejects', () => thenable((_: unknown, no: (it: Error) => void) => no(boom))],
  ['a thenable that throws', () => thenable(fail)],
])('%s is a failure', async (_, fn) => {
  const breaker = breakerAt(new VirtualTime());
  const calling = breaker.execute(fn);
  await expect(calling).rejects.toBe(boom);
  expect(breaker.state).toBe('open');
});

test.each([
  ['opens', 0],
  ['lets a probe leave', 1_000],
])('a listener that throws as it %s: execute rejects, settle says it', async (_, waitMs) => {
  const told = async (how: 'execute' | 'settle'): Promise<unknown> => {
    const time = new VirtualTime();
    const breaker = breakerAt(time);
    if (waitMs > 0) await breaker.execute(fail).catch(() => {});
    await time.advance(waitMs);
    breaker.onTransition = () => {
      throw new Error('deaf');
    };
    const fn = waitMs > 0 ? () => 1 : fail;
    if (how === 'settle') return breaker.settle(fn);
    // Not by `await` alone, which would take a throw for a rejection.
    const calling = breaker.execute(fn);
    return calling.catch((error: unknown) => error);
  };
  expect(await told('execute')).toMatchObject({ message: 'deaf' });
  expect(await told('settle')).toMatchObject({ kind: 'failed', error: { message: 'deaf' } });
});

test('a reply that a classifier takes for a failure opens at its time, a row alone or not', async () => {
  const time = new VirtualTime();
  await time.advance(5_000);
  const breaker = breakerAt(time, { classify: () => 'failure' });
  await breaker.execute(() => 503);
  expect([breaker.state, breaker.retryAfterMs(time.nowMs())]).toEqual(['open', 1_000]);
});
