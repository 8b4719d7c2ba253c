/** Functions of options and listeners of signals that end the call in whose course they run. */
import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { explainBreaker } from '../breaker/explain-breaker.ts';
import { consecutive } from '../breaker/trigger.ts';
import { Throttler } from '../limit/throttler.ts';
import { RetryBudget } from '../retry/retry-budget.ts';
import { follow, settled, VirtualTime } from '../testing/virtual-time.ts';
import { activeCallsOf } from './active-calls.ts';
import { adaptiveConcurrency } from './adaptive-concurrency.ts';
import { bulkhead } from './bulkhead.ts';
import { createBreaker } from './call-breaker.ts';
import { fallback } from './fallback.ts';
import type { CallContext } from './frame.ts';
import { hedge } from './hedge.ts';
import { type Pipeline, pipeline } from './pipeline.ts';
import { retry } from './retry.ts';
import { throttle } from './throttle.ts';
import { timeout } from './timeout.ts';

const boom = new Error('boom');

function portsOf(time: VirtualTime) {
  return { clock: time, timers: time, rng: () => 0.5 };
}

/** What runs in the course of the call, and gives `yes` when it has done what it was made for. */
type Hook = <T>(yes: T) => T;

interface Scene {
  readonly hook: Hook;
  readonly budget: RetryBudget;
  readonly time: VirtualTime;
}

const fails = (): Promise<never> => Promise.reject(boom);
const gives = (): Promise<string> => Promise.resolve('value');
const hangs = ({ signal }: CallContext): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(boom)));

const scenes: readonly {
  name: string;
  fn: (context: CallContext, hook: Hook) => Promise<unknown>;
  build: (scene: Scene) => Pipeline<unknown>;
}[] = [
  {
    name: 'retry.isRetryable',
    fn: fails,
    build: ({ hook, budget }) => pipeline(retry({ budget, isRetryable: () => hook(true) })),
  },
  {
    name: 'retry.isRetryableResult',
    fn: gives,
    build: ({ hook, budget }) => pipeline(retry({ budget, isRetryableResult: () => hook(true) })),
  },
  {
    name: 'retry.retryAfterMs',
    fn: fails,
    build: ({ hook, budget }) => pipeline(retry({ budget, retryAfterMs: () => hook(1) })),
  },
  {
    name: 'retry.onRetry',
    fn: fails,
    build: ({ hook, budget }) => pipeline(retry({ budget, onRetry: () => hook(undefined) })),
  },
  {
    name: 'hedge.isHedgeable',
    fn: fails,
    build: ({ hook, budget }) =>
      pipeline(retry({ budget }), hedge({ budget, isHedgeable: () => hook(true) })),
  },
  {
    name: 'fallback.handles',
    fn: fails,
    build: ({ hook, budget }) =>
      pipeline<unknown>(
        retry({ budget }),
        fallback(() => hook(undefined), { handles: () => hook(true) }),
      ),
  },
  {
    name: 'the classifier of a breaker, of a failure',
    fn: fails,
    build: ({ hook, budget }) =>
      pipeline(retry({ budget }), createBreaker({ classify: () => hook('failure') })),
  },
  {
    name: 'the classifier of a breaker, of a value',
    fn: gives,
    build: ({ hook, budget }) =>
      pipeline(
        retry({ budget, isRetryableResult: () => true }),
        createBreaker({ classify: () => hook('failure') }),
      ),
  },
  {
    name: 'the listener of a breaker that trips',
    fn: fails,
    build: ({ hook, budget, time }) => {
      const breaker = createBreaker({ clock: time, trip: consecutive(1) });
      breaker.onTransition = () => hook(undefined);
      return pipeline(retry({ budget }), breaker);
    },
  },
  {
    name: 'the classifier of a throttler',
    fn: gives,
    build: ({ hook, budget }) =>
      pipeline(
        retry({ budget, isRetryableResult: () => true }),
        throttle(new Throttler(), { classify: () => hook('success') }),
      ),
  },
  {
    name: 'a listener of the signal of a try that timed out',
    fn: ({ signal }, hook) =>
      new Promise(() => {
        signal.addEventListener('abort', () => hook(undefined));
      }),
    build: ({ budget }) => pipeline(retry({ budget }), timeout(10)),
  },
  {
    name: 'a listener of the signal of an attempt that lost',
    fn: ({ signal, hedge: index }, hook) => {
      signal.addEventListener('abort', () => hook(undefined));
      return index === 0 ? new Promise(() => {}) : gives();
    },
    build: ({ budget }) =>
      pipeline(retry({ budget, isRetryableResult: () => true }), hedge({ delay: 5, budget })),
  },
  {
    name: 'the same, with nothing around the hedge,',
    fn: ({ signal, hedge: index }, hook) => {
      signal.addEventListener('abort', () => hook(undefined));
      return index === 0 ? new Promise(() => {}) : gives();
    },
    build: ({ budget }) => pipeline(hedge({ delay: 5, budget })),
  },
];

test.each(scenes)('$name may abort the call: nothing begins after it', async ({ fn, build }) => {
  const time = new VirtualTime();
  const budget = new RetryBudget({});
  const caller = new AbortController();
  let abortedCount = 0;
  let lateCount = 0;
  const hook: Hook = (yes) => {
    abortedCount += 1;
    caller.abort('gone');
    return yes;
  };
  const call = build({ hook, budget, time }).with({ ports: portsOf(time) });
  const given: unknown[] = [];
  const discarded: unknown[] = [];
  const end = follow(
    call.settle(
      async (context) => {
        if (abortedCount > 0) lateCount += 1;
        const value: unknown = await fn(context, hook);
        given.push(value);
        return value;
      },
      { signal: caller.signal, discard: (value) => discarded.push(value) },
    ),
  );
  await time.advance(10_000);
  await settled();
  expect([end.value, abortedCount, lateCount]).toEqual([{ kind: 'aborted', reason: 'gone' }, 1, 0]);
  // Whatever was given is somebody's, and nobody got it.
  expect(discarded).toEqual(given);
  expect([activeCallsOf(budget).count, budget.inFlightCount]).toEqual([0, 0]);
  expect(getEventListeners(caller.signal, 'abort')).toHaveLength(0);
});

test('after its end, a call asks nothing any more', async () => {
  const time = new VirtualTime();
  const caller = new AbortController();
  let askedCount = 0;
  const isRetryable = () => {
    askedCount += 1;
    return true;
  };
  const call = pipeline(retry({ isRetryable }), timeout(10)).with({ ports: portsOf(time) });
  const fn = ({ signal }: CallContext): Promise<never> => {
    signal.addEventListener('abort', () => caller.abort('gone'));
    return new Promise(() => {});
  };
  const end = follow(call.execute(fn, { signal: caller.signal }));
  await time.advance(10);
  expect([end.thrown, askedCount]).toEqual(['gone', 0]);
});

test('what a limiter throws at an abort harms nobody', async () => {
  const limiter = {
    tryAcquire: () => true,
    done: () => {
      throw boom;
    },
  };
  const time = new VirtualTime();
  const call = pipeline(timeout(10), adaptiveConcurrency(limiter)).with({ ports: portsOf(time) });
  const caller = new AbortController();
  const end = follow(call.settle(hangs, { signal: caller.signal }));
  caller.abort('gone');
  await settled();
  expect([end.value, time.timerCount]).toEqual([{ kind: 'aborted', reason: 'gone' }, 0]);
});

test('the listener of a breaker that half-opens may abort the call, which gives its probe back', async () => {
  const time = new VirtualTime();
  const breaker = createBreaker({ clock: time, trip: consecutive(1), openMs: 100 });
  const call = pipeline(breaker).with({ ports: portsOf(time) });
  await call.settle(fails);
  await time.advance(1_000);
  const caller = new AbortController();
  breaker.onTransition = () => caller.abort('gone');
  const end = await call.settle(() => expect.unreachable(), { signal: caller.signal });
  expect(end).toEqual({ kind: 'aborted', reason: 'gone' });
  expect(explainBreaker(breaker, time.nowMs())).toMatchObject({
    state: 'half-open',
    probeCount: 0,
  });
});

test('a classifier that throws at a timeout further out still lets the work end', async () => {
  const time = new VirtualTime();
  const classify = (): never => {
    throw boom;
  };
  const places = bulkhead({ limit: 1 });
  for (const guard of [createBreaker({ classify }), throttle(new Throttler(), { classify })]) {
    const call = pipeline(timeout(10), guard, places).with({ ports: portsOf(time) });
    const end = follow(call.settle(hangs));
    await time.advance(10);
    await settled();
    expect(end.value).toEqual({ kind: 'failed', error: boom });
    expect(places.activeCount).toBe(0);
  }
});

test('timeouts go on after a classifier has thrown at one, and the observer at another', async () => {
  const time = new VirtualTime();
  const classify = (): never => {
    throw boom;
  };
  const onEnding = (): never => {
    throw new Error('observer');
  };
  const call = pipeline(timeout(10), createBreaker({ classify })).with({
    ports: portsOf(time),
    onEnding,
  });
  const ends = [follow(call.settle(hangs)), follow(call.settle(hangs))];
  await time.advance(10);
  const third = follow(call.settle(hangs));
  await time.advance(10);
  await settled();
  expect([...ends, third].map((it) => it.value?.kind)).toEqual(['failed', 'failed', 'failed']);
});

test('what the observer throws is dropped, however the call ends', async () => {
  const time = new VirtualTime();
  const call = pipeline(timeout(10)).with({
    ports: portsOf(time),
    onEnding: () => {
      throw new Error('observer');
    },
  });
  const caller = new AbortController();
  const underWay = follow(call.execute(hangs, { signal: caller.signal }));
  const late = follow(call.execute(hangs));
  caller.abort('gone');
  const { signal } = caller;
  await expect(call.execute(gives, { signal })).rejects.toBe('gone');
  expect(await call.execute(gives)).toBe('value');
  await expect(call.execute(fails)).rejects.toBe(boom);
  await time.advance(10);
  await settled();
  expect([underWay.thrown, late.thrown]).toEqual([
    'gone',
    expect.objectContaining({ code: 'LENO_TIMED_OUT' }),
  ]);
});

test('a function may call the pipeline that it runs in', async () => {
  const time = new VirtualTime();
  const places = bulkhead({ limit: 2 });
  const call = pipeline(timeout(50), retry(), createBreaker(), places).with({
    ports: portsOf(time),
  });
  const nested = call.settle(() => call.execute(() => call.settle(gives)));
  expect(await nested).toMatchObject({
    kind: 'returned',
    value: { kind: 'refused', error: { code: 'LENO_BULKHEAD_FULL' } },
  });
  expect(places.activeCount).toBe(0);
});
