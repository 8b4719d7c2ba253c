import { expect, test } from 'vitest';
import { HedgeDelay } from './hedge/hedge-delay.ts';
import { AdaptiveLimiter } from './limit/adaptive-limiter.ts';
import { aimd } from './limit/aimd.ts';
import { Gcra } from './limit/gcra.ts';
import { gradient } from './limit/gradient.ts';
import { gradient2 } from './limit/gradient2.ts';
import { Throttler } from './limit/throttler.ts';
import { TokenBucket } from './limit/token-bucket.ts';
import { vegas } from './limit/vegas.ts';
import { OutlierDetector } from './outlier/outlier-detector.ts';
import { RetryBudget } from './retry/retry-budget.ts';
import { bytesPerCall } from './testing/bytes-per-call.ts';

// A generator that is not inlined would box each of its numbers.
const rng = (): number => 0.5;

function limiterStep(limiter: AdaptiveLimiter): (nowMs: number, call: number) => void {
  return (nowMs, call) => {
    if (limiter.tryAcquire(nowMs)) {
      limiter.done(call % 9 === 0 ? 'dropped' : 'success', (call % 50) + 1, nowMs);
    }
  };
}

/** Each gives a step that does everything its engine does per call, refusals included. */
const engines = [
  {
    name: 'TokenBucket',
    make: () => {
      const bucket = new TokenBucket({ permitCount: 100 });
      return (nowMs: number) => {
        bucket.tryAcquire(nowMs);
      };
    },
  },
  {
    name: 'Gcra',
    make: () => {
      const gcra = new Gcra({ permitCount: 100 });
      return (nowMs: number) => {
        gcra.tryAcquire(nowMs);
      };
    },
  },
  {
    name: 'RetryBudget',
    make: () => {
      const budget = new RetryBudget({ perSecondMin: 1 });
      return (nowMs: number) => {
        budget.deposit(nowMs);
        if (budget.tryWithdraw(nowMs, 10)) budget.release();
      };
    },
  },
  {
    name: 'Throttler',
    make: () => {
      const throttler = new Throttler({ windowMs: 1_000 });
      return (nowMs: number, call: number) => {
        if (!throttler.tryAcquire(nowMs, rng)) return;
        if (call % 4 === 0) throttler.success(nowMs);
        else throttler.failure(nowMs);
      };
    },
  },
  {
    name: 'HedgeDelay',
    make: () => {
      const delay = new HedgeDelay({ kind: 'quantile', windowMs: 10_000 });
      return (nowMs: number, call: number) => {
        delay.observe((call % 100) + 0.5, nowMs);
      };
    },
  },
  { name: 'aimd', make: () => limiterStep(new AdaptiveLimiter(aimd())) },
  { name: 'vegas', make: () => limiterStep(new AdaptiveLimiter(vegas())) },
  { name: 'gradient', make: () => limiterStep(new AdaptiveLimiter(gradient({ rng }))) },
  { name: 'gradient2', make: () => limiterStep(new AdaptiveLimiter(gradient2())) },
  {
    name: 'OutlierDetector',
    make: () => {
      const detector = new OutlierDetector({ intervalMs: 1e12 });
      const [one, other] = [detector.add('one'), detector.add('other')];
      return (nowMs: number, call: number) => {
        detector.record(one, call % 5 === 0 ? 'success' : 'error', nowMs);
        if (!detector.isEjected(other, nowMs)) detector.record(other, 'local-failure', nowMs);
      };
    },
  },
];

test.each(engines)('$name allocates nothing per call', ({ make }) => {
  const step = make();
  let nowMs = 0;
  expect(
    bytesPerCall((call) => {
      nowMs += 7;
      step(nowMs, call);
    }),
  ).toBeLessThan(1);
});
