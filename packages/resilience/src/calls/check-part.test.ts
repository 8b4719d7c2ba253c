import { expect, test } from 'vitest';
import { Breaker } from '../breaker/breaker.ts';
import { consecutive } from '../breaker/trigger.ts';
import { resilientFetch } from '../fetch/resilient-fetch.ts';
import { resilience as guard } from '../hono/resilient-hono.ts';
import { vegas } from '../limit/vegas.ts';
import { resilience as intercept } from '../undici/resilient-dispatch.ts';
import { adaptiveConcurrency } from './adaptive-concurrency.ts';
import { createBreaker } from './call-breaker.ts';
import { fallback } from './fallback.ts';
import { hedge } from './hedge.ts';
import { pipeline } from './pipeline.ts';
import { rateLimit } from './rate-limit.ts';
import { retry } from './retry.ts';
import { throttle } from './throttle.ts';

/** Whatever a program without types may give. */
function untyped(value: unknown): never {
  return value as never;
}

/** That it tells its functions nothing would be found out by every call. */
const breaker = untyped(createBreaker());
const engine = new Breaker({ trip: consecutive(1) }, { rng: () => 0.5 });

test.each<{ name: string; make: () => unknown; path: string; must: string }>([
  {
    name: 'options of a bucket',
    make: () => rateLimit(untyped({ permitCount: 5 })),
    path: 'limiter',
    must: 'be a TokenBucket or a Gcra',
  },
  {
    name: 'no bucket',
    make: () => rateLimit(untyped(undefined)),
    path: 'limiter',
    must: 'be a TokenBucket or a Gcra',
  },
  {
    name: 'an algorithm',
    make: () => adaptiveConcurrency(untyped(vegas())),
    path: 'limiter',
    must: 'be an AdaptiveLimiter',
  },
  {
    name: 'options of a throttler',
    make: () => throttle(untyped({})),
    path: 'throttler',
    must: 'be a Throttler',
  },
  {
    name: 'options of a budget, retry',
    make: () => retry({ budget: untyped({ ratio: 0.1 }) }),
    path: 'budget',
    must: 'be a RetryBudget',
  },
  {
    name: 'options of a budget, hedge',
    make: () => hedge({ budget: untyped({ ratio: 0.1 }) }),
    path: 'budget',
    must: 'be a RetryBudget',
  },
  {
    name: 'a text for a delay',
    make: () => hedge({ delay: untyped('10') }),
    path: 'delay',
    must: 'be a number or a HedgeDelay',
  },
  {
    name: 'a value to fall back to',
    make: () => fallback(untyped('none')),
    path: 'give',
    must: 'be a function',
  },
  {
    name: 'a policy that was not called',
    make: () => pipeline(retry(), untyped(retry)),
    path: 'policies[1]',
    must: 'be a policy, or a breaker of createBreaker',
  },
  {
    name: 'a list of policies',
    make: () => pipeline(untyped([retry()])),
    path: 'policies[0]',
    must: 'be a policy, or a breaker of createBreaker',
  },
  {
    name: 'the engine of a breaker',
    make: () => pipeline(untyped(engine)),
    path: 'policies[0]',
    must: 'be a policy, or a breaker of createBreaker',
  },
  ...[resilientFetch, guard, intercept].map((adapter) => ({
    name: `a breaker by itself, ${adapter.name}`,
    make: () => adapter(breaker),
    path: 'policy',
    must: 'be a policy, of a breaker pipeline(breaker)',
  })),
])('$name is refused where it is given', ({ make, path, must }) => {
  const problems = [expect.objectContaining({ path, must })] as unknown[];
  const code = 'LENO_RESILIENCE_OPTION';
  expect(make).toThrow(expect.objectContaining({ code, problems }) as Error);
});
