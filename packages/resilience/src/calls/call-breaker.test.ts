/** The breaker around calls; and what is known to go wrong with others' (letters), which must not here. */
import { expect, test } from 'vitest';
import { explainBreaker, restoreBreaker, snapshotBreaker } from '../breaker/explain-breaker.ts';
import { failureRate } from '../breaker/failure-rate.ts';
import { slowRate } from '../breaker/slow-rate.ts';
import { anyOf, consecutive } from '../breaker/trigger.ts';
import { lastMs } from '../breaker/window-size.ts';
import { settled, VirtualTime } from '../testing/virtual-time.ts';
import { BreakerOpenError } from './breaker-open-error.ts';
import { type CallBreaker, type CallBreakerOptions, createBreaker } from './call-breaker.ts';
import { RefusedError } from './refused-error.ts';

const boom = new Error('boom');

function fail(): never {
  throw boom;
}

function breakerAt(time: VirtualTime, options: CallBreakerOptions = {}): CallBreaker {
  const trip = anyOf(consecutive(2), failureRate({ requestCountMin: 1_000 }));
  return createBreaker({ name: 'stock', trip, clock: time, rng: () => 0, ...options });
}

async function failTimes(breaker: CallBreaker, count: number): Promise<void> {
  for (let call = 0; call < count; call += 1) await breaker.execute(fail).catch(() => {});
}

/** What is no promise, but can be awaited. */
function thenable(): object {
  const it = {};
  Reflect.set(it, 'then', (give: (value: number) => void) => give(7));
  return it;
}

/** A promise that is settled by hand. */
function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (thrown: Error) => void = () => {};
  const promise = new Promise<T>((onValue, onThrown) => {
    resolve = onValue;
    reject = onThrown;
  });
  return { promise, resolve, reject };
}

test.each([
  ['a value', () => 7, { kind: 'returned', value: 7 }],
  ['a promise', () => Promise.resolve(7), { kind: 'returned', value: 7 }],
  ['(a) nothing', () => undefined, { kind: 'returned', value: undefined }],
  ['a throw', fail, { kind: 'failed', error: boom }],
  ['a rejection', () => Promise.reject(boom), { kind: 'failed', error: boom }],
  ['a thenable', thenable, { kind: 'returned', value: 7 }],
])('settle gives how it ended: %s', async (_, fn, ending) => {
  expect(await breakerAt(new VirtualTime()).settle<unknown>(fn)).toMatchObject(ending);
});

test('settle gives a refusal with its error, and does not call', async () => {
  const breaker = breakerAt(new VirtualTime());
  await failTimes(breaker, 2);
  const ending = await breaker.settle(() => expect.unreachable());
  expect(ending).toMatchObject({ kind: 'refused', error: { breaker: 'stock', cause: boom } });
  if (ending.kind === 'refused') expect(ending.error).toBe(ending.error);
});

test('settle does not reject, not even where the classifier throws', async () => {
  const breaker = breakerAt(new VirtualTime(), { classify: fail });
  expect(await breaker.settle(() => 1)).toEqual({ kind: 'failed', error: boom });
});

test('a refusal passed on by the function is its failure, and says nothing of it', async () => {
  const breaker = breakerAt(new VirtualTime());
  const error = new BreakerOpenError({
    name: 'x',
    state: 'open',
    retryAfterMs: 1,
    cause: undefined,
  });
  expect(await breaker.settle(() => Promise.reject(error))).toEqual({ kind: 'failed', error });
  expect(explainBreaker(breaker, 0).consecutiveFailureCount).toBe(0);
});

test('(s) a refusal says who, why and how long, with its cause and its name; without a stack', async () => {
  const breaker = breakerAt(new VirtualTime());
  await failTimes(breaker, 2);
  const error: unknown = await breaker.execute(() => 1).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(RefusedError);
  expect(error).toBeInstanceOf(Error);
  expect(error).toMatchObject({
    name: 'BreakerOpenError',
    code: 'LENO_BREAKER_OPEN',
    by: 'breaker',
    retryAfterMs: 1_000,
    cause: boom,
    message: 'breaker stock is open: ask again in 1000 ms',
  });
  expect((error as Error).stack).not.toContain('\n    at ');
  expect(new Error('x').stack).toContain('\n    at ');
});

test('a refusal is made where errors are frozen too', () => {
  const before = Object.getOwnPropertyDescriptor(Error, 'stackTraceLimit');
  Object.defineProperty(Error, 'stackTraceLimit', {
    value: 10,
    writable: false,
    configurable: true,
  });
  try {
    const refusal = { name: 'x', state: 'open', retryAfterMs: 1, cause: undefined } as const;
    expect(new BreakerOpenError(refusal).retryAfterMs).toBe(1);
  } finally {
    Object.defineProperty(Error, 'stackTraceLimit', before ?? {});
  }
});

test('(a) a function that returns nothing is a success', async () => {
  const breaker = breakerAt(new VirtualTime());
  for (let call = 0; call < 5; call += 1) await breaker.execute(() => undefined);
  expect(explainBreaker(breaker, 0)).toMatchObject({
    state: 'closed',
    rates: [{ successCount: 5 }],
  });
});

test('(b) restored a millisecond after it has opened, it is open', async () => {
  const time = new VirtualTime();
  const breaker = breakerAt(time);
  await failTimes(breaker, 2);
  const snapshot = snapshotBreaker(breaker, time.nowMs());
  const restored = breakerAt(new VirtualTime());
  restoreBreaker(restored, snapshot, 0, 1);
  expect([restored.state, restored.retryAfterMs(0)]).toEqual(['open', 999]);
});

test('(c) calls that fail leave those beside them alone', async () => {
  const breaker = breakerAt(new VirtualTime());
  const other = deferred<string>();
  const call = breaker.execute(() => other.promise);
  await failTimes(breaker, 2);
  other.resolve('unharmed');
  expect(await call).toBe('unharmed');
});

test('(e) a success from before the opening does not close half-open', async () => {
  const time = new VirtualTime();
  const breaker = breakerAt(time);
  const early = deferred<number>();
  const call = breaker.execute(() => early.promise);
  await failTimes(breaker, 2);
  await time.advance(1_000);
  void breaker.execute(() => new Promise(() => {}));
  early.resolve(1);
  await call;
  expect([breaker.state, explainBreaker(breaker, 1_000).lateCount]).toEqual(['half-open', 1]);
});

test.each([
  ['(f) a probe that hangs wedges nothing', 1],
  ['(n) nor do more callers than one can count', 100],
])('%s', async (_, callerCount) => {
  const time = new VirtualTime();
  const breaker = breakerAt(time, { probeWaitMaxMs: 5_000 });
  await failTimes(breaker, 2);
  await time.advance(1_000);
  void breaker.execute(() => new Promise(() => {}));
  const others = Array.from({ length: callerCount }, () => breaker.settle(() => 1));
  await settled();
  const endings = await Promise.all(others);
  expect(endings.every((it) => it.kind === 'refused')).toBe(true);
  await time.advance(5_000);
  expect(await breaker.execute(() => 'back')).toBe('back');
});

test('(g) one failure after the recovery does not open again', async () => {
  const time = new VirtualTime();
  const trip = failureRate({ requestCountMin: 5, rateMax: 0.5 });
  const breaker = breakerAt(time, { trip });
  await failTimes(breaker, 5);
  await time.advance(1_000);
  await breaker.execute(() => 1);
  await failTimes(breaker, 1);
  expect(breaker.state).toBe('closed');
});

test('(j) the options are not touched', () => {
  const options = Object.freeze({ name: 'stock' });
  createBreaker(options);
  expect(Object.keys(options)).toEqual(['name']);
});

test('(k) a thousand breakers hold no timer, (i) and ten thousand calls no latency', async () => {
  const time = new VirtualTime();
  const breakers = Array.from({ length: 1_000 }, () => breakerAt(time));
  for (const breaker of breakers) await failTimes(breaker, 2);
  expect(time.timerCount).toBe(0);
  const breaker = breakerAt(time);
  const size = JSON.stringify(explainBreaker(breaker, 0)).length;
  for (let call = 0; call < 10_000; call += 1) await breaker.execute(() => 1);
  expect(JSON.stringify(explainBreaker(breaker, 0)).length).toBeLessThan(size + 50);
});

test('(l) after ten idle minutes old failures count no more', async () => {
  const time = new VirtualTime();
  const trip = failureRate({ over: lastMs(10_000), requestCountMin: 50 });
  const breaker = breakerAt(time, { trip });
  await failTimes(breaker, 49);
  await time.advance(600_000);
  await failTimes(breaker, 1);
  expect(explainBreaker(breaker, 600_000)).toMatchObject({
    state: 'closed',
    rates: [{ failureCount: 1 }],
  });
});

test('(o) nobody queues for half-open, so that nobody need be aborted there', async () => {
  const time = new VirtualTime();
  const breaker = breakerAt(time);
  await failTimes(breaker, 2);
  await time.advance(1_000);
  void breaker.execute(() => new Promise(() => {}));
  await expect(breaker.execute(() => 1)).rejects.toMatchObject({ state: 'half-open' });
});

test('(p) a failure from before the opening does not open half-open again', async () => {
  const time = new VirtualTime();
  const breaker = breakerAt(time);
  const early = deferred<number>();
  const call = breaker.execute(() => early.promise).catch(() => {});
  await failTimes(breaker, 2);
  await time.advance(1_000);
  const probe = deferred<number>();
  const probing = breaker.execute(() => probe.promise);
  early.reject(boom);
  await call;
  expect(breaker.state).toBe('half-open');
  probe.resolve(1);
  await probing;
  expect(breaker.state).toBe('closed');
});

test('(q) a probe that says nothing does not close', async () => {
  const time = new VirtualTime();
  const breaker = breakerAt(time);
  await failTimes(breaker, 2);
  await time.advance(1_000);
  const abort = Object.assign(new Error('stop'), { name: 'AbortError' });
  await breaker.execute(() => Promise.reject(abort)).catch(() => {});
  expect([breaker.state, breaker.admits(1_000)]).toEqual(['half-open', true]);
});

test('(r) the growth of the openings is heeded', async () => {
  const time = new VirtualTime();
  const breaker = breakerAt(time, { openMs: 100, openGrowth: 3, openJitterRatio: 0 });
  const waits: number[] = [];
  await failTimes(breaker, 1);
  for (let opening = 0; opening < 4; opening += 1) {
    await failTimes(breaker, 1);
    waits.push(breaker.retryAfterMs(time.nowMs()));
    await time.advance(waits.at(-1) ?? 0);
  }
  expect(waits).toEqual([100, 300, 900, 2_700]);
});

test('(h) a failure costs the same whatever the traffic: nothing is kept of a single call', () => {
  const breaker = breakerAt(new VirtualTime());
  for (let call = 0; call < 100_000; call += 1) breaker.success(breaker.tryAcquire(0), 0);
  expect(snapshotBreaker(breaker, 0).rates[0]?.runs).toEqual([[0, 100_000, 0]]);
});

test('CB-06 a throw counts once; CB-07 a classifier decides, excluded beats success', async () => {
  const outcomes = ['success', 'success', 'success', 'failure', 'failure', 'ignored'] as const;
  let call = -1;
  const breaker = breakerAt(new VirtualTime(), {
    trip: failureRate(),
    classify: () => outcomes[call] ?? 'ignored',
  });
  for (const _ of Array.from({ length: 8 })) {
    call += 1;
    await breaker.execute(fail).catch(() => {});
  }
  expect(explainBreaker(breaker, 0).rates).toMatchObject([{ successCount: 3, failureCount: 2 }]);
});

test('HO-07 a second caller is refused while the probe is under way (cockatiel: waits)', async () => {
  const time = new VirtualTime();
  const breaker = breakerAt(time);
  await failTimes(breaker, 2);
  await time.advance(1_000);
  const probe = deferred<number>();
  const probing = breaker.execute(() => probe.promise);
  expect(await breaker.settle(() => 2)).toMatchObject({ kind: 'refused' });
  probe.resolve(1);
  expect(await probing).toBe(1);
  expect(await breaker.execute(() => 2)).toBe(2);
});

test('CB-17 execute finds an opening over that nobody has looked at', async () => {
  const time = new VirtualTime();
  const breaker = breakerAt(time);
  await failTimes(breaker, 2);
  await time.advance(1e9);
  expect(await breaker.execute(() => 1)).toBe(1);
  expect(breaker.state).toBe('closed');
});

test('a row alone needs no clock while all goes well', async () => {
  let readCount = 0;
  const clock = { nowMs: () => (readCount += 1), wallMs: () => 0 };
  const breaker = createBreaker({ trip: consecutive(2), clock });
  await breaker.execute(() => 1);
  expect(readCount).toBe(0);
  await failTimes(breaker, 2);
  expect(breaker.retryAfterMs(readCount)).toBeGreaterThan(900);
});

test('the last failure is the last one that counted', async () => {
  const breaker = breakerAt(new VirtualTime());
  await failTimes(breaker, 1);
  const abort = Object.assign(new Error('stop'), { name: 'AbortError' });
  await breaker.execute(() => Promise.reject(abort)).catch(() => {});
  expect(breaker.lastFailure).toBe(boom);
});

test.each([
  ['by default', {}],
  ['with a classifier', { classify: () => 'success' as const }],
])('calls are timed for slowRate: %s', async (_, options) => {
  const time = new VirtualTime();
  const trip = slowRate({ slowMs: 100, requestCountMin: 2 });
  const breaker = breakerAt(time, { trip, ...options });
  const call = async (ms: number): Promise<void> => {
    const slow = deferred<number>();
    const calling = breaker.execute(() => slow.promise);
    await time.advance(ms);
    slow.resolve(1);
    await calling;
  };
  await call(100);
  await call(99);
  expect(explainBreaker(breaker, time.nowMs()).rates).toMatchObject([
    { successCount: 1, failureCount: 1 },
  ]);
  await time.advance(10_000);
  await call(100);
  await call(100);
  expect(explainBreaker(breaker, time.nowMs())).toMatchObject({
    state: 'open',
    reason: 'slow-rate',
  });
});

test('what is given as undefined is not given', () => {
  const absent = { name: undefined, trip: undefined, clock: undefined, rng: undefined };
  const breaker = createBreaker({ ...absent, classify: undefined, cap: undefined });
  expect([breaker.name, breaker.state]).toEqual(['unnamed', 'closed']);
});
