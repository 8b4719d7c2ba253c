/** What one decision of each engine takes, the call itself left out; nobody else has these by themselves. */
import {
  AdaptiveLimiter,
  aimd,
  defaultRetryBudgetOptions,
  Gcra,
  gradient,
  gradient2,
  HedgeDelay,
  RetryBudget,
  Throttler,
  TokenBucket,
  vegas,
} from '@leno/resilience';
import { seededRng } from '@leno/std';
import type { Run, Subject } from '../harness/group.ts';

// More than is asked for: what refuses has been measured in place of what admits.
const plenty = { permitCount: 1_000_000, periodMs: 1, burstCountMax: 1_000_000 };

const algorithms = { aimd, gradient, gradient2, vegas };

/** Each step a quarter of a millisecond after the last. */
function stepping(step: (nowMs: number) => number): Run {
  let passedMs = 0;
  return {
    kind: 'sync',
    run: (count) => {
      const startMs = 1_000.5 + passedMs;
      let sum = 0;
      for (let index = 0; index < count; index += 1) sum += step(startMs + index / 4);
      passedMs += count / 4;
      return sum;
    },
  };
}

function tokenBucket(): Run {
  const limiter = new TokenBucket(plenty);
  return stepping((nowMs) => (limiter.tryAcquire(nowMs) ? 1 : 0));
}

function gcra(): Run {
  const limiter = new Gcra(plenty);
  return stepping((nowMs) => (limiter.tryAcquire(nowMs) ? 1 : 0));
}

function throttler(): Run {
  const it = new Throttler();
  const rng = seededRng(1);
  return stepping((nowMs) => {
    if (!it.tryAcquire(nowMs, rng)) return 0;
    it.success(nowMs);
    return 1;
  });
}

function adaptive(name: keyof typeof algorithms): Run {
  const limiter = new AdaptiveLimiter(algorithms[name]());
  return stepping((nowMs) => {
    if (!limiter.tryAcquire(nowMs)) return 0;
    limiter.done('success', 5.5 + (nowMs % 3), nowMs);
    return 1;
  });
}

function hedgeDelay(): Run {
  const it = new HedgeDelay({ kind: 'quantile' });
  return stepping((nowMs) => {
    it.observe(5.5 + (nowMs % 3), nowMs);
    return it.delayMs(nowMs);
  });
}

function retryBudget(): Run {
  const budget = new RetryBudget(defaultRetryBudgetOptions);
  return stepping((nowMs) => {
    budget.deposit(nowMs);
    return 1;
  });
}

/** In the order of the table. */
export const engineSubjects: readonly Subject[] = [
  { name: 'token bucket, tryAcquire', load: tokenBucket },
  { name: 'GCRA, tryAcquire', load: gcra },
  { name: 'throttler, tryAcquire and success', load: throttler },
  ...(['aimd', 'gradient', 'gradient2', 'vegas'] as const).map((name) => ({
    name: `adaptive limiter (${name}), tryAcquire and done`,
    load: () => adaptive(name),
  })),
  { name: 'hedge delay, observe and delayMs', load: hedgeDelay },
  { name: 'retry budget, deposit', load: retryBudget },
];
