import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { explainBreaker } from '../breaker/explain-breaker.ts';
import { slowRate } from '../breaker/slow-rate.ts';
import { consecutive } from '../breaker/trigger.ts';
import { follow, settled, VirtualTime } from '../testing/virtual-time.ts';
import { bulkhead } from './bulkhead.ts';
import type { ObservedCall } from './call.ts';
import { createBreaker } from './call-breaker.ts';
import { pipeline } from './pipeline.ts';
import { retry } from './retry.ts';
import { timeout } from './timeout.ts';

const boom = new Error('boom');

function fail(): never {
  throw boom;
}

function never(): Promise<never> {
  return new Promise(() => {});
}

function portsOf(time: VirtualTime) {
  return { clock: time, timers: time, rng: () => 0.5 };
}

const thenable: PromiseLike<number> = {
  // oxlint-disable-next-line unicorn/no-thenable -- What a foreign promise library gives.
  then: (done, failed) => Promise.resolve(7).then(done, failed),
};

test.each([
  { name: 'a value', fn: () => 7, value: 7 },
  { name: 'nothing', fn: () => undefined, value: undefined },
  { name: 'a promise', fn: () => Promise.resolve(7), value: 7 },
  { name: 'a thenable', fn: () => thenable, value: 7 },
  { name: 'null', fn: () => null, value: null },
])('execute gives $name, settle says so', async ({ fn, value }) => {
  const call = pipeline(timeout(10), retry(), createBreaker(), bulkhead({ limit: 1 }));
  expect(await call.execute<unknown>(fn)).toBe(value);
  expect(await call.settle<unknown>(fn)).toEqual({ kind: 'returned', value });
});

test('no policy at all is still a pipeline', async () => {
  expect(await pipeline().execute(() => 1)).toBe(1);
  await expect(pipeline().execute(fail)).rejects.toBe(boom);
});

test.each([
  { name: 'a synchronous throw', fn: fail },
  { name: 'a rejection', fn: () => Promise.reject(boom) },
  {
    name: 'a thenable that throws',
    fn: () => ({
      // oxlint-disable-next-line unicorn/no-thenable -- A broken promise library.
      then: fail,
    }),
  },
])('CB-06 $name counts once in the breaker and passes unchanged', async ({ fn }) => {
  const breaker = createBreaker();
  const call = pipeline(breaker, timeout(10));
  await expect(call.execute<unknown>(fn)).rejects.toBe(boom);
  expect(explainBreaker(breaker, 0)).toMatchObject({
    rates: [{ successCount: 0, failureCount: 1 }],
  });
  expect(await call.settle<unknown>(fn)).toEqual({ kind: 'failed', error: boom });
});

test('every way to end, as a value', async () => {
  const time = new VirtualTime();
  const breaker = createBreaker({ trip: consecutive(1), clock: time });
  const call = pipeline(timeout(10), breaker).with({ ports: portsOf(time) });
  const caller = new AbortController();
  const late = follow(call.settle(never));
  const aborted = follow(call.settle(never, { signal: caller.signal }));
  caller.abort('gone');
  await time.advance(10);
  const refused = await call.settle(() => 1);
  expect([late.value, aborted.value, refused].map((it) => it?.kind)).toEqual([
    'timed-out',
    'aborted',
    'refused',
  ]);
  expect(late.value).toMatchObject({ error: { code: 'LENO_TIMED_OUT' } });
  expect(aborted.value).toEqual({ kind: 'aborted', reason: 'gone' });
  expect(refused).toMatchObject({ error: { code: 'LENO_BREAKER_OPEN', by: 'breaker' } });
  expect(await call.settle(fail, { signal: caller.signal })).toMatchObject({ kind: 'aborted' });
});

test('order is data, and prints itself', () => {
  const call = pipeline(timeout(3_000), pipeline(retry(), createBreaker({ name: 'stock' })));
  expect(call.describe().map((it) => it.policy)).toEqual(['timeout', 'retry', 'breaker']);
  expect(String(call)).toBe(
    'timeout(timeoutMs 3000, mode hard) › ' +
      'retry(retryCountMax 2, baseMs 25, maxMs 250, factor 2, jitter full, giveUpAfterMs 0, hasBudget false) › ' +
      'breaker(name stock, mode enforce, openMs 1000, openMaxMs 60000, probeCount 1)',
  );
});

test('the order decides: a timeout inside the retry bounds each try, outside all of them', async () => {
  const time = new VirtualTime();
  const inside = pipeline(retry({ retryCountMax: 1 }), timeout(100)).with({ ports: portsOf(time) });
  const outside = pipeline(timeout(100), retry({ retryCountMax: 1 })).with({
    ports: portsOf(time),
  });
  let callCount = 0;
  const hang = () => {
    callCount += 1;
    return never();
  };
  const first = follow(inside.settle(hang));
  await time.advance(1_000);
  expect([callCount, first.value?.kind]).toEqual([2, 'timed-out']);
  const second = follow(outside.settle(hang));
  await time.advance(1_000);
  expect([callCount, second.value?.kind]).toEqual([3, 'timed-out']);
});

test('a refusal further in is never tried again', async () => {
  const breaker = createBreaker({ trip: consecutive(1) });
  const call = pipeline(retry(), breaker);
  const settledCalls = [await call.settle(fail), await call.settle(fail)];
  // The first failure trips the breaker, which refuses the retry, and that is final.
  expect(settledCalls.map((it) => it.kind)).toEqual(['refused', 'refused']);
  expect(settledCalls[0]).toMatchObject({ error: { cause: boom } });
});

test('what a timeout further out ends counts as a failure, an abort of the caller does not', async () => {
  const time = new VirtualTime();
  const breaker = createBreaker({ clock: time });
  const call = pipeline(timeout(10), breaker).with({ ports: portsOf(time) });
  const caller = new AbortController();
  void call.settle(never);
  void call.settle(never, { signal: caller.signal });
  caller.abort();
  await time.advance(10);
  expect(explainBreaker(breaker, 10)).toMatchObject({
    rates: [{ successCount: 0, failureCount: 1 }],
  });
});

test('the function knows its try, its key and its deadline', async () => {
  const time = new VirtualTime();
  const seen: unknown[] = [];
  const call = pipeline(timeout(1_000), retry({ baseMs: 100 }), timeout(300)).with({
    ports: portsOf(time),
  });
  const done = follow(
    call.execute(
      ({ attempt, hedge, key, deadlineMs }) => {
        seen.push([attempt, hedge, key, deadlineMs]);
        if (attempt < 3) fail();
      },
      { key: 'user 7' },
    ),
  );
  await time.advance(1_000);
  expect(done).toEqual({ value: undefined });
  expect(seen).toEqual([
    [1, 0, 'user 7', 300],
    [2, 0, 'user 7', 350],
    [3, 0, 'user 7', 450],
  ]);
});

test('no signal is made unless it is read', async () => {
  const made: string[] = [];
  const Native = AbortController;
  globalThis.AbortController = class extends Native {
    constructor() {
      super();
      made.push('controller');
    }
  };
  try {
    const call = pipeline(timeout(100), retry(), timeout(10));
    await call.execute(() => 1);
    expect(made).toEqual([]);
    await call.execute(({ signal }) => signal.aborted);
    expect(made).toEqual(['controller']);
  } finally {
    globalThis.AbortController = Native;
  }
});

test('(c) the timeout of one call is no other call’s', async () => {
  const time = new VirtualTime();
  const call = pipeline(timeout(100)).with({ ports: portsOf(time) });
  const signals: AbortSignal[] = [];
  const hang = ({ signal }: { signal: AbortSignal }) => {
    signals.push(signal);
    return never();
  };
  const first = follow(call.settle(hang));
  await time.advance(50);
  const second = follow(call.settle(hang));
  await time.advance(50);
  expect([first.value?.kind, second.value?.kind]).toEqual(['timed-out', undefined]);
  expect(signals.map((signal) => signal.aborted)).toEqual([true, false]);
});

test('(m) an abort during the back-off ends the call at once, with its reason', async () => {
  const time = new VirtualTime();
  const caller = new AbortController();
  const call = follow(
    pipeline(retry({ baseMs: 800, maxMs: 800 }))
      .with({ ports: portsOf(time) })
      .settle(fail, { signal: caller.signal }),
  );
  await time.advance(50);
  caller.abort('gone');
  await settled();
  expect(call.value).toEqual({ kind: 'aborted', reason: 'gone' });
  expect([time.timerCount, getEventListeners(caller.signal, 'abort').length]).toEqual([0, 0]);
});

test.each(['n: queued behind a probe', 'o: abortable'])(
  '(%s) callers beside a probe that hangs are refused at once, none waits',
  async () => {
    const time = new VirtualTime();
    const breaker = createBreaker({ trip: consecutive(1), openJitterRatio: 0, clock: time });
    const call = pipeline(breaker).with({ ports: portsOf(time) });
    await call.settle(fail);
    await time.advance(1_000);
    void call.settle(never);
    const others = await Promise.all(Array.from({ length: 100 }, () => call.settle(() => 1)));
    expect(others.every((it) => it.kind === 'refused')).toBe(true);
  },
);

test('the observer hears of each call once, and cannot break it', async () => {
  const time = new VirtualTime();
  const seen: ObservedCall[] = [];
  const call = pipeline(retry({ retryCountMax: 1 })).with({
    ports: portsOf(time),
    onEnding: (observed) => {
      seen.push(observed);
      throw boom;
    },
  });
  const failed = follow(call.settle(fail, { key: 'k' }));
  await time.advance(100);
  expect(await call.execute(() => 7)).toBe(7);
  expect(failed.value).toEqual({ kind: 'failed', error: boom });
  expect(seen).toEqual([
    { settled: { kind: 'failed', error: boom }, key: 'k', tookMs: 12.5, attemptCount: 2 },
    { settled: { kind: 'returned', value: 7 }, key: undefined, tookMs: 0, attemptCount: 1 },
  ]);
});

test.each([
  {
    name: 'isRetryable',
    policies: () => [timeout(10), retry({ isRetryable: fail }), bulkhead({ limit: 1 })],
  },
  { name: 'classify', policies: () => [timeout(10), createBreaker({ classify: fail })] },
])(
  'a $name that throws ends the call with what it threw, and nothing stays',
  async ({ policies }) => {
    const time = new VirtualTime();
    const call = pipeline(...policies()).with({ ports: portsOf(time) });
    for (let round = 0; round < 2; round += 1) {
      const seen = await call.settle(() => Promise.reject(new Error('first')));
      expect(seen).toEqual({ kind: 'failed', error: boom });
    }
    expect(time.timerCount).toBe(0);
  },
);

test('results that nobody gets go to `discard`', async () => {
  const time = new VirtualTime();
  const discarded: number[] = [];
  const discard = (value: number) => discarded.push(value);
  const call = pipeline(timeout(100), retry({ isRetryableResult: (value) => value === 503 })).with({
    ports: portsOf(time),
  });
  const retried = follow(call.execute(({ attempt }) => (attempt === 1 ? 503 : 200), { discard }));
  await time.advance(50);
  expect([retried.value, discarded]).toEqual([200, [503]]);
  const late = () => new Promise<number>((resolve) => time.after(150, () => resolve(9)));
  const hung = follow(call.settle(late, { discard }));
  await time.advance(200);
  expect([hung.value?.kind, discarded]).toEqual(['timed-out', [503, 9]]);
});

test('a refusal is not tried again, even if isRetryable has it so', async () => {
  const full = bulkhead({ limit: 1 });
  void full.settle(never);
  const call = pipeline(retry({ isRetryable: () => true }), full);
  expect((await call.settle(() => 1)).kind).toBe('refused');
  expect(full.refusedCount).toBe(1);
});

test('a probe that the caller aborts is given back at once', async () => {
  const time = new VirtualTime();
  const breaker = createBreaker({ trip: consecutive(1), clock: time, rng: () => 0 });
  const call = pipeline(breaker).with({ ports: portsOf(time) });
  await call.settle(fail);
  await time.advance(10_000);
  const caller = new AbortController();
  void call.settle(never, { signal: caller.signal });
  expect(breaker.admits(10_000)).toBe(false);
  caller.abort();
  expect(breaker.admits(10_000)).toBe(true);
});

test.each([
  { name: 'timed where the breaker asks for it', slowMs: 100, state: 'open' },
  { name: 'and good if fast enough', slowMs: 101, state: 'closed' },
])('calls through a breaker are $name', async ({ slowMs, state }) => {
  const time = new VirtualTime();
  const trip = slowRate({ slowMs, requestCountMin: 1 });
  const breaker = createBreaker({ trip, clock: time });
  const call = pipeline(breaker).with({ ports: portsOf(time) });
  const end = call.execute(() => new Promise((done) => time.after(100, () => done(1))));
  await time.advance(100);
  await end;
  expect(breaker.state).toBe(state);
});
