import { expect, test } from 'vitest';
import { explainBreaker } from '../breaker/explain-breaker.ts';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { RetryBudget } from '../retry/retry-budget.ts';
import { follow, VirtualTime } from '../testing/virtual-time.ts';
import { bulkhead } from './bulkhead.ts';
import { createBreaker } from './call-breaker.ts';
import { standard } from './standard.ts';

const boom = new Error('boom');

test.each([
  { name: 'by default', options: {}, order: 'timeout retry breaker bulkhead timeout' },
  {
    name: 'with a hedge',
    options: { hedge: { delay: 50 } },
    order: 'timeout retry hedge breaker bulkhead timeout',
  },
  {
    name: 'with less',
    options: { retry: false, hedge: false, breaker: false, bulkhead: false } as const,
    order: 'timeout timeout',
  },
])('the order $name', ({ options, order }) => {
  const policies = standard(options).describe();
  expect(policies.map((it) => it.policy).join(' ')).toBe(order);
});

test('the defaults are those of the mesh', () => {
  expect(String(standard({ name: 'stock' }))).toBe(
    'timeout(timeoutMs 15000, mode hard) › ' +
      'retry(retryCountMax 2, baseMs 25, maxMs 250, factor 2, jitter full, giveUpAfterMs 0, hasBudget true) › ' +
      'breaker(name stock, mode enforce, openMs 1000, openMaxMs 60000, probeCount 1) › ' +
      'bulkhead(limit 1024, queueCountMax 1024, queueWaitMaxMs 0, name stock) › ' +
      'timeout(timeoutMs 7500, mode hard)',
  );
});

test('parts that are given are used as they are', async () => {
  const breaker = createBreaker({ name: 'given' });
  const places = bulkhead({ limit: 3, name: 'given' });
  const budget = new RetryBudget({ ratio: 0, perSecondMin: 0 });
  const time = new VirtualTime();
  const call = standard({ breaker, bulkhead: places, budget, retry: { retryCountMax: 5 } }).with({
    ports: { clock: time, timers: time, rng: () => 0.5 },
  });
  const seen = follow(call.settle(() => Promise.reject(boom)));
  await time.advance(1_000);
  expect(seen.value).toEqual({ kind: 'failed', error: boom });
  expect([explainBreaker(breaker, 0).rates[0]?.failureCount, budget.refusedCount]).toEqual([1, 1]);
});

test.each([
  { timeoutMs: 100, perTryMs: 200 },
  { timeoutMs: 100, perTryMs: Number.NaN },
  { timeoutMs: 100, perTryMs: -1 },
  { timeoutMs: 0, perTryMs: -1 },
  { timeoutMs: -1 },
])('%o contradicts itself', (options) => {
  expect(() => standard(options)).toThrow(InvalidOptionError);
});

test.each([
  { options: { timeoutMs: Number.NaN }, path: 'timeoutMs' },
  { options: { timeoutMs: '500' as unknown as number }, path: 'timeoutMs' },
  { options: { perTryMs: Number.NaN }, path: 'perTryMs' },
  { options: { perTryMs: -1 }, path: 'perTryMs' },
])('$options: what is wrong is $path, and nothing that follows from it', ({ options, path }) => {
  const problems = [expect.objectContaining({ path })] as unknown[];
  expect(() => standard(options)).toThrow(expect.objectContaining({ problems }) as Error);
});
