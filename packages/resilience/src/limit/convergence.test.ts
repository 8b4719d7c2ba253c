import { seededRng } from '@leno/std';
import { expect, test } from 'vitest';
import { AdaptiveLimiter } from './adaptive-limiter.ts';
import { aimd } from './aimd.ts';
import type { ConcurrencyAlgorithm } from './concurrency-algorithm.ts';
import { gradient } from './gradient.ts';
import { gradient2 } from './gradient2.ts';
import { vegas } from './vegas.ts';

/**
 * A service with so many workers that share what is under way, 10 ms of work a call, jitter aside;
 * callers want more than it can do. What takes longer than 100 ms is dropped. Gives the mean limit
 * of the last five of 25 seconds.
 */
function settle(algorithm: ConcurrencyAlgorithm, workers: number): number {
  const limiter = new AdaptiveLimiter(algorithm);
  const rng = seededRng(5);
  const endingAt = Array.from({ length: 27_000 }, (): number[] => []);
  let sum = 0;
  for (let nowMs = 0; nowMs < 25_000; nowMs += 1) {
    for (const tookMs of endingAt[nowMs] ?? []) {
      limiter.done(tookMs > 100 ? 'dropped' : 'success', tookMs, nowMs);
    }
    while (limiter.tryAcquire(nowMs)) {
      const tookMs = (9 + 2 * rng()) * Math.max(1, limiter.inFlightCount / workers);
      endingAt[nowMs + Math.ceil(tookMs)]?.push(tookMs);
    }
    if (nowMs >= 20_000) sum += limiter.limit;
  }
  return sum / 5_000;
}

test.each([
  { name: 'gradient', make: () => gradient({ rng: () => 0.5 }), least: 1, most: 2 },
  { name: 'gradient2', make: () => gradient2(), least: 1, most: 5 },
  { name: 'vegas', make: () => vegas(), least: 1, most: 2 },
  // It only ever learns from drops, which come at ten times as long.
  { name: 'aimd', make: () => aimd(), least: 4, most: 10 },
])('$name settles where the service is busy and its queue is short', ({ make, least, most }) => {
  for (const workers of [10, 20]) {
    const limit = settle(make(), workers);
    expect(limit / workers).toBeGreaterThan(least);
    expect(limit / workers).toBeLessThan(most);
  }
});
