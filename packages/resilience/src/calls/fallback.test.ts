import { expect, test } from 'vitest';
import { consecutive } from '../breaker/trigger.ts';
import { follow, settled, VirtualTime } from '../testing/virtual-time.ts';
import { createBreaker } from './call-breaker.ts';
import { fallback } from './fallback.ts';
import { pipeline } from './pipeline.ts';
import { timeout } from './timeout.ts';

const boom = new Error('boom');

function never(): Promise<never> {
  return new Promise(() => {});
}

function portsOf(time: VirtualTime) {
  return { clock: time, timers: time, rng: () => 0 };
}

test('(t) a fallback is told what it stands in for', async () => {
  const time = new VirtualTime();
  const seen: unknown[] = [];
  const breaker = createBreaker({ trip: consecutive(2), clock: time });
  const call = pipeline(
    fallback((failure, { key }) => {
      seen.push([failure.kind, 'error' in failure ? failure.error : undefined, key]);
      return 'cached';
    }),
    breaker,
    timeout(10),
  ).with({ ports: portsOf(time) });
  expect(await call.execute(() => 'fresh')).toBe('fresh');
  expect(await call.execute(() => Promise.reject(boom), { key: 'k' })).toBe('cached');
  const slow = follow(call.execute(never));
  await time.advance(10);
  expect(slow.value).toBe('cached');
  expect(await call.settle(() => 'fresh')).toEqual({ kind: 'returned', value: 'cached' });
  expect(seen).toEqual([
    ['failed', boom, 'k'],
    ['timed-out', expect.objectContaining({ code: 'LENO_TIMED_OUT' }), undefined],
    [
      'refused',
      expect.objectContaining({ code: 'LENO_BREAKER_OPEN', cause: expect.anything() }),
      undefined,
    ],
  ]);
});

test('only what it handles, and what it throws itself passes', async () => {
  const worse = new Error('worse');
  const picky = fallback(() => 0, { handles: (failure) => failure.kind === 'refused' });
  await expect(picky.execute(() => Promise.reject(boom))).rejects.toBe(boom);
  const broken = pipeline(
    fallback(() => Promise.reject(worse)),
    timeout(10),
  );
  await expect(broken.execute(() => Promise.reject(boom))).rejects.toBe(worse);
});

test('the type of a result says what a fallback may add', async () => {
  const call = pipeline(
    fallback(() => 'none' as const),
    timeout(10),
  );
  const value: number | 'none' = await call.execute(() => Promise.resolve(7));
  expect(value).toBe(7);
});

test('the caller’s abort is nothing to fall back from, and ends a fallback under way', async () => {
  let count = 0;
  const call = fallback(() => {
    count += 1;
    return never();
  });
  const before = new AbortController();
  const early = follow(call.settle(never, { signal: before.signal }));
  before.abort('gone');
  await settled();
  expect([early.value, count]).toEqual([{ kind: 'aborted', reason: 'gone' }, 0]);
  const during = new AbortController();
  const late = follow(call.settle(() => Promise.reject(boom), { signal: during.signal }));
  await settled();
  during.abort('gone');
  await settled();
  expect([late.value, count]).toEqual([{ kind: 'aborted', reason: 'gone' }, 1]);
});

test('a cooperative timeout around lets no fallback begin', async () => {
  const time = new VirtualTime();
  let count = 0;
  const call = pipeline(
    timeout({ timeoutMs: 10, mode: 'cooperative' }),
    fallback(() => {
      count += 1;
    }),
  ).with({ ports: portsOf(time) });
  const slow = () =>
    new Promise<never>((_, reject) => {
      time.after(20, () => reject(boom));
    });
  const seen = follow(call.settle(slow));
  await time.advance(20);
  expect([seen.value?.kind, count]).toEqual(['timed-out', 0]);
});
