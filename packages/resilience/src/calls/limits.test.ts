/** The policies that ask an engine: rate limit, adaptive concurrency, throttle, on fakes first. */
import { expect, test } from 'vitest';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { AdaptiveLimiter } from '../limit/adaptive-limiter.ts';
import { aimd } from '../limit/aimd.ts';
import { Gcra } from '../limit/gcra.ts';
import { Throttler } from '../limit/throttler.ts';
import { TokenBucket } from '../limit/token-bucket.ts';
import { follow, settled, VirtualTime } from '../testing/virtual-time.ts';
import { adaptiveConcurrency } from './adaptive-concurrency.ts';
import { bulkhead } from './bulkhead.ts';
import { pipeline } from './pipeline.ts';
import type { Policy } from './policy.ts';
import { rateLimit } from './rate-limit.ts';
import { retry } from './retry.ts';
import { throttle } from './throttle.ts';
import { timeout } from './timeout.ts';

const boom = new Error('boom');

function never(): Promise<never> {
  return new Promise(() => {});
}

function run(time: VirtualTime, ...policies: readonly Policy[]) {
  return pipeline(...policies).with({ ports: { clock: time, timers: time, rng: () => 0.5 } });
}

/** One permit every 100 ms, the first at 0. */
class Turnstile {
  freeAtMs = 0;
  readonly cancelled: number[] = [];

  tryAcquire(nowMs: number, cost: number): boolean {
    return this.reserve(nowMs, 0, cost) === 0;
  }

  reserve(nowMs: number, waitMaxMs: number, cost: number): number {
    const waitMs = Math.max(0, this.freeAtMs - nowMs);
    if (waitMs > waitMaxMs) return -1;
    this.freeAtMs = nowMs + waitMs + 100 * cost;
    return waitMs;
  }

  cancel(dueMs: number, _nowMs: number, cost: number): void {
    this.cancelled.push(dueMs);
    this.freeAtMs -= 100 * cost;
  }

  retryAfterMs(nowMs: number): number {
    return Math.max(0, this.freeAtMs - nowMs);
  }
}

test('rateLimit: what is too much is refused at once, and says when to come back', async () => {
  const time = new VirtualTime();
  const call = run(time, retry(), rateLimit(new Turnstile(), { name: 'api' }));
  expect(await call.execute(() => 1)).toBe(1);
  await time.advance(30);
  const refused = await call.settle(() => 1);
  expect(refused).toMatchObject({
    kind: 'refused',
    error: { code: 'LENO_RATE_LIMITED', by: 'rate-limiter', retryAfterMs: 70, limiter: 'api' },
  });
});

test('rateLimit: who may wait does, in order, up to the bound', async () => {
  const time = new VirtualTime();
  const call = run(time, rateLimit(new Turnstile(), { waitMaxMs: 250 }));
  const atMs: number[] = [];
  const calls = [0, 1, 2, 3, 4].map(() => follow(call.settle(() => atMs.push(time.nowMs()))));
  await time.advance(1_000);
  expect(atMs).toEqual([0, 100, 200]);
  expect(calls.map((it) => it.value?.kind)).toEqual([
    ...['returned', 'returned', 'returned', 'refused', 'refused'],
  ]);
  expect(time.timerCount).toBe(0);
});

test('rateLimit: who stops waiting gives its reservation back', async () => {
  const time = new VirtualTime();
  const limiter = new Turnstile();
  const call = run(time, timeout(50), rateLimit(limiter, { waitMaxMs: 1_000 }));
  await call.execute(() => 1);
  const caller = new AbortController();
  const aborted = follow(call.settle(never, { signal: caller.signal }));
  caller.abort();
  await settled();
  const late = follow(call.settle(never));
  await time.advance(50);
  expect([aborted.value?.kind, late.value?.kind]).toEqual(['aborted', 'timed-out']);
  expect([limiter.cancelled, limiter.freeAtMs, time.timerCount]).toEqual([[100, 100], 100, 0]);
});

test('rateLimit: options out of range are refused', () => {
  const bad = { waitMaxMs: Number.NaN, cost: -1 };
  expect(() => rateLimit(new Turnstile(), bad)).toThrow(InvalidOptionError);
});

/** Two at once; notes what it is told. */
class Gauge {
  inFlightCount = 0;
  readonly told: string[] = [];

  tryAcquire(): boolean {
    if (this.inFlightCount === 2) return false;
    this.inFlightCount += 1;
    return true;
  }

  done(outcome: string, tookMs: number): void {
    this.inFlightCount -= 1;
    this.told.push(`${outcome} ${tookMs}`);
  }
}

test('adaptiveConcurrency: each end is told once, for what it says of load', async () => {
  const time = new VirtualTime();
  const limiter = new Gauge();
  const full = bulkhead({ limit: 1 });
  void full.settle(never);
  const inner = run(time, adaptiveConcurrency(limiter), timeout(30));
  const outer = run(time, timeout(20), adaptiveConcurrency(limiter));
  const caller = new AbortController();
  await inner.settle(() => 1);
  await inner.settle(() => Promise.reject(boom));
  await run(time, adaptiveConcurrency(limiter), full).settle(() => 1);
  void inner.settle(never);
  await time.advance(30);
  void outer.settle(never);
  void outer.settle(never, { signal: caller.signal });
  const refused = await outer.settle(() => 1);
  await time.advance(10);
  caller.abort();
  await time.advance(10);
  expect(refused).toMatchObject({ error: { code: 'LENO_CONCURRENCY_LIMITED', retryAfterMs: 0 } });
  expect(limiter.told).toEqual([
    ...['success 0', 'ignored 0', 'ignored 0', 'dropped 30', 'ignored 10', 'dropped 20'],
  ]);
  expect([limiter.inFlightCount, time.timerCount]).toEqual([0, 0]);
});

test('adaptiveConcurrency: a classifier decides, and one that throws loses no place', async () => {
  const limiter = new Gauge();
  const fail = (): never => {
    throw boom;
  };
  const call = adaptiveConcurrency(limiter, { classify: () => 'dropped' });
  await call.settle(() => 1);
  expect(await adaptiveConcurrency(limiter, { classify: fail }).settle(() => 1)).toEqual({
    kind: 'failed',
    error: boom,
  });
  expect(limiter.told.map((it) => it.split(' ')[0])).toEqual(['dropped', 'ignored']);
  expect(limiter.inFlightCount).toBe(0);
});

test('throttle: refuses as the engine says, and tells it what counts', async () => {
  const time = new VirtualTime();
  const told: string[] = [];
  const draws: number[] = [];
  const engine = {
    tryAcquire: (nowMs: number, rng: () => number) => {
      draws.push(rng());
      return nowMs < 50;
    },
    success: () => told.push('success'),
    failure: () => told.push('failure'),
  };
  const call = run(time, timeout(20), throttle(engine, { name: 'stock' }));
  const caller = new AbortController();
  await call.settle(() => 1);
  await call.settle(() => Promise.reject(boom));
  void call.settle(never, { signal: caller.signal });
  caller.abort();
  void call.settle(never);
  await time.advance(50);
  expect(await call.settle(() => 1)).toMatchObject({
    kind: 'refused',
    error: { code: 'LENO_THROTTLED', by: 'throttler', throttler: 'stock' },
  });
  expect(told).toEqual(['success', 'failure', 'failure']);
  expect(draws).toEqual([0.5, 0.5, 0.5, 0.5, 0.5]);
});

test('the engines themselves fit', async () => {
  const time = new VirtualTime();
  const limiter = new AdaptiveLimiter(aimd({ limitInitial: 2 }));
  const throttler = new Throttler({ requestCountMin: 1 });
  const options = { permitCount: 2, periodMs: 100, burstCountMax: 1 };
  const bucket = rateLimit(new TokenBucket(options), { waitMaxMs: 60 });
  const call = run(time, bucket, adaptiveConcurrency(limiter), throttle(throttler));
  const calls = [0, 1, 2].map(() => follow(call.settle(() => time.nowMs())));
  await time.advance(1_000);
  expect(calls.map((it) => it.value)).toMatchObject([
    { kind: 'returned', value: 0 },
    { kind: 'returned', value: 50 },
    { kind: 'refused', error: { retryAfterMs: 100 } },
  ]);
  expect([limiter.inFlightCount, throttler.explain(1_000).acceptCount]).toEqual([0, 2]);
  const gcra = run(time, rateLimit(new Gcra({ permitCount: 1 })));
  expect([(await gcra.settle(() => 1)).kind, (await gcra.settle(() => 1)).kind]).toEqual([
    ...['returned', 'refused'],
  ]);
});
