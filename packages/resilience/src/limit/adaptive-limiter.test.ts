import fc from 'fast-check';
import { expect, test } from 'vitest';
import { AdaptiveLimiter, type LimitedOutcome } from './adaptive-limiter.ts';
import { aimd } from './aimd.ts';
import type { ConcurrencyAlgorithm } from './concurrency-algorithm.ts';
import { gradient } from './gradient.ts';
import { gradient2 } from './gradient2.ts';
import { vegas } from './vegas.ts';

/** The limit after each sample, as many calls under way as it allows. */
function limits(algorithm: ConcurrencyAlgorithm, tookMs: readonly number[]): number[] {
  return tookMs.map((it) => {
    algorithm.observe(it, Math.ceil(algorithm.limit), false, 0);
    return algorithm.limit;
  });
}

test.each([
  { name: 'as fast as ever', tookMs: [100, 100], next: [21, 22] },
  { name: 'twice as slow', tookMs: [200, 200], next: [19, 18] },
  { name: '1.3 times as slow', tookMs: [130, 130], next: [20, 20] },
])('AC-03: Vegas without fast start, $name', ({ tookMs, next }) => {
  const algorithm = vegas({ isFastStart: false });
  expect(limits(algorithm, [100])).toEqual([20]);
  expect(limits(algorithm, tookMs)).toEqual(next);
});

test.each([
  { name: 'no queue: six steps', limit: 20, tookMs: 100, next: 26 },
  { name: 'a step is ⌊log₁₀⌋ of the limit', limit: 100, tookMs: 100, next: 112 },
  // ⌈20 · (1 − 100/107)⌉ = 2: more than one step, less than three.
  { name: 'a short queue: one step', limit: 20, tookMs: 107, next: 21 },
  { name: 'three steps hold', limit: 20, tookMs: 115, next: 20 },
  { name: 'six steps hold', limit: 20, tookMs: 140, next: 20 },
  { name: 'a long queue: one step down', limit: 20, tookMs: 160, next: 19 },
  { name: 'a drop: one step down', limit: 20, tookMs: 100, isDropped: true, next: 19 },
  { name: 'less than half in use holds', limit: 20, tookMs: 100, inFlight: 9, next: 20 },
  { name: 'half in use is enough', limit: 20, tookMs: 100, inFlight: 10, next: 26 },
  { name: 'never above the bound', limit: 199, tookMs: 100, next: 200 },
  { name: 'no time at all says nothing', limit: 20, tookMs: 0, next: 20 },
  { name: 'half of it taken over', limit: 20, tookMs: 100, smoothing: 0.5, next: 23 },
])('Vegas: $name', ({ limit, tookMs, isDropped = false, inFlight = limit, smoothing, next }) => {
  const algorithm = vegas({ limitInitial: limit, smoothing });
  algorithm.observe(100, limit, false, 0);
  expect(algorithm.explain()).toEqual({ shortestMs: 100 });
  algorithm.observe(tookMs, inFlight, isDropped, 0);
  expect(algorithm.limit).toBe(next);
});

test('Vegas: refusals that come at once do not make the answers look slow', () => {
  const algorithm = vegas({ limitInitial: 20, probeFactor: 1 });
  algorithm.observe(100, 20, false, 0);
  for (let call = 1; call <= 40; call += 1) algorithm.observe(0.1, 20, true, 0);
  // Each of them takes one off, also those at whose turn the shortest would be taken anew.
  expect([algorithm.limit, algorithm.explain()]).toEqual([1, { shortestMs: 100 }]);
});

test('Vegas: a drop is felt even before anything is known', () => {
  const algorithm = vegas();
  algorithm.observe(5, 20, true, 0);
  expect([algorithm.limit, algorithm.explain()['shortestMs']]).toEqual([19, Infinity]);
});

test('Vegas takes the shortest anew after 30 times the limit', () => {
  const algorithm = vegas({ limitInitial: 2, limitMax: 2 });
  limits(algorithm, [100, ...Array<number>(58).fill(300)]);
  expect(algorithm.explain()).toEqual({ shortestMs: 100 });
  limits(algorithm, [300]);
  // 59 samples at a limit that sank to 1 in between: measured anew, and again.
  expect(algorithm.explain()).toEqual({ shortestMs: 300 });
});

test.each([
  { name: 'one more while half is in use', inFlight: 10, next: 21 },
  { name: 'nothing while less is', inFlight: 9, next: 20 },
  { name: 'nine tenths after a drop, rounded down', isDropped: true, next: 18 },
  { name: 'a call that took too long is a drop', tookMs: 5_001, next: 18 },
  { name: 'but not at the bound', tookMs: 5_000, next: 21 },
  { name: 'not below the bound', isDropped: true, limitMin: 19, next: 19 },
  { name: 'not above the bound', limitMax: 20, next: 20 },
])('AIMD: $name', ({ inFlight = 20, tookMs = 1, isDropped = false, next, ...bounds }) => {
  const algorithm = aimd(bounds);
  algorithm.observe(tookMs, inFlight, isDropped, 0);
  expect([algorithm.limit, algorithm.explain()]).toEqual([next, {}]);
});

test.each([
  // 20 · 1 + 4 = 24, of which a fifth.
  { name: 'steady: a fifth of the queue', tookMs: 100, next: 20.8 },
  { name: 'within the tolerance', tookMs: 150, next: 20.8 },
  { name: 'at most half', tookMs: 1e6, next: 20 * 0.8 + 14 * 0.2 },
  { name: 'less than half in use holds', tookMs: 100, inFlight: 9, next: 20 },
  { name: 'no time at all says nothing', tookMs: 0, next: 20 },
])('Gradient2: $name', ({ tookMs, inFlight = 20, next }) => {
  const algorithm = gradient2({ longSampleCount: 1e9 });
  for (let sample = 0; sample < 10; sample += 1) algorithm.observe(100, 0, false, 0);
  algorithm.observe(tookMs, inFlight, false, 0);
  expect(algorithm.limit).toBeCloseTo(next, 2);
});

test('Gradient2: the mean is plain at first, then exponential, and falls fast', () => {
  const algorithm = gradient2({ longSampleCount: 19 });
  const longMs = (): number => algorithm.explain()['longMs'] ?? Number.NaN;
  for (let sample = 1; sample <= 10; sample += 1) algorithm.observe(sample * 100, 0, false, 0);
  expect(longMs()).toBeCloseTo(550, 9);
  algorithm.observe(650, 0, false, 0);
  expect(longMs()).toBeCloseTo(560, 9);
  algorithm.observe(100, 0, false, 0);
  expect(longMs()).toBeCloseTo((560 - 46) * 0.95, 9);
});

/** 50 samples of 100 ms: the first measurement is over. */
function measured(options: Parameters<typeof gradient>[0] = {}): ConcurrencyAlgorithm {
  const algorithm = gradient({ rng: () => 0, ...options });
  for (let sample = 1; sample <= 50; sample += 1) algorithm.observe(100, 3, false, sample);
  return algorithm;
}

test.each([
  // gradient = 1.25: 3.75 + √3.75 = 5.68
  { name: 'as fast as ever', tookMs: [100], next: [5] },
  { name: 'grows on, 8.75 next', tookMs: [100, 100], next: [5, 8] },
  { name: 'at most twice', tookMs: [1], next: [8] },
  { name: 'at least half', tookMs: [1, 1_000], next: [8, 6] },
  { name: 'never below the bound', tookMs: [1_000], next: [3] },
  { name: 'never above the bound', tookMs: [1, 1, 1, 1], limitMax: 30, next: [8, 20, 30, 30] },
])('Gradient: $name', ({ tookMs, next, limitMax }) => {
  const algorithm = measured({ limitMax });
  expect(algorithm.explain()['isMeasuring']).toBe(0);
  const seen = tookMs.map((it, index) => {
    algorithm.observe(it, 3, false, 50 + 100 * (index + 1) + index * 1_000);
    return algorithm.limit;
  });
  expect(seen).toEqual(next);
});

test('Gradient: at most one update per 100 ms, from the median of them all', () => {
  const algorithm = measured();
  for (const nowMs of [60, 100, 149]) algorithm.observe(1_000, 3, false, nowMs);
  expect(algorithm.limit).toBe(3);
  for (let sample = 0; sample < 4; sample += 1) algorithm.observe(1, 3, false, 149);
  algorithm.observe(100, 3, false, 150);
  // The median is one of the four short ones.
  expect(algorithm.limit).toBe(8);
});

test('Gradient: measures anew in time, at the lowest limit, and then goes on where it was', () => {
  const algorithm = measured({ rng: () => 0.5 });
  algorithm.observe(100, 3, false, 1_000);
  algorithm.observe(100, 3, false, 2_000);
  expect(algorithm.limit).toBe(8);
  const measureAtMs = 50 + 60_000 * 1.075;
  algorithm.observe(100, 3, false, measureAtMs - 1);
  const { limit } = algorithm;
  algorithm.observe(100, 3, false, measureAtMs);
  expect([algorithm.limit, algorithm.explain()['isMeasuring']]).toEqual([3, 1]);
  // Calls that were sent before do not count.
  for (let sample = 0; sample < 99; sample += 1) {
    algorithm.observe(100, 3, false, measureAtMs + 99);
  }
  expect(algorithm.explain()['isMeasuring']).toBe(1);
  for (let sample = 0; sample < 50; sample += 1) {
    algorithm.observe(20, 3, false, measureAtMs + 99);
  }
  expect(algorithm.limit).toBe(limit);
  expect(algorithm.explain()['shortestMs']).toBeGreaterThan(19);
  expect(algorithm.explain()['shortestMs']).toBeLessThan(21);
});

test('Gradient: five updates in a row at the lowest limit measure anew', () => {
  const algorithm = measured();
  const seen = [1, 2, 3, 4, 5].map((update) => {
    algorithm.observe(900, 3, false, 50 + update * 1_000);
    return algorithm.explain()['isMeasuring'];
  });
  expect(seen).toEqual([0, 0, 0, 0, 1]);
});

test('Gradient: after a measurement it takes five updates again', () => {
  const algorithm = measured();
  const observe = (tookMs: number, nowMs: number): void => {
    algorithm.observe(tookMs, 3, false, nowMs);
  };
  for (const update of [1, 2, 3, 4, 5]) observe(900, 50 + update * 1_000);
  for (let sample = 0; sample < 50; sample += 1) observe(100, 6_000);
  expect(algorithm.explain()['isMeasuring']).toBe(0);
  observe(900, 7_000);
  expect(algorithm.explain()['isMeasuring']).toBe(0);
});

const algorithms = [
  { name: 'gradient', make: () => gradient({ rng: () => 0.5 }), most: 1_000 },
  { name: 'gradient2', make: () => gradient2(), most: 200 },
  { name: 'aimd', make: () => aimd(), most: 200 },
  { name: 'vegas', make: () => vegas(), most: 200 },
];

test.each(algorithms)('$name: the limit is kept, and a refusal is counted', ({ make }) => {
  const limiter = new AdaptiveLimiter(make());
  const { limit } = limiter;
  for (let call = 0; call < limit; call += 1) expect(limiter.tryAcquire(0)).toBe(true);
  expect([limiter.tryAcquire(0), limiter.tryAcquire(0)]).toEqual([false, false]);
  expect([limiter.inFlightCount, limiter.refusedCount]).toEqual([limit, 2]);
  limiter.done('ignored', 1, 0);
  expect([limiter.limit, limiter.tryAcquire(0)]).toEqual([limit, true]);
  expect(limiter.explain()).toMatchObject({
    algorithm: make().name,
    limit,
    inFlightCount: limit,
    admittedCount: limit + 1,
    refusedCount: 2,
  });
});

test('a call that was not admitted cannot end, and a duration that is none teaches nothing', () => {
  const limiter = new AdaptiveLimiter(aimd({ limitInitial: 1 }));
  expect(() => {
    limiter.done('success', 1, 0);
  }).toThrow('pairs');
  for (const tookMs of [Number.NaN, -1, Infinity]) {
    limiter.tryAcquire(0);
    limiter.done('success', tookMs, 0);
  }
  expect([limiter.limit, limiter.inFlightCount]).toEqual([1, 0]);
});

test.each([Number.NaN, -1, 0.5])('an algorithm that says %s leaves one place', (limit) => {
  const limiter = new AdaptiveLimiter({ name: 'own', limit, observe() {}, explain: () => ({}) });
  expect([limiter.limit, limiter.tryAcquire(0), limiter.tryAcquire(0)]).toEqual([1, true, false]);
});

test('with a window the algorithm sees the mean, the most under way, and any drop', () => {
  const seen: unknown[] = [];
  const algorithm: ConcurrencyAlgorithm = {
    name: 'spy',
    limit: 9,
    observe: (...sample) => seen.push(sample),
    explain: () => ({}),
  };
  const limiter = new AdaptiveLimiter(algorithm, { windowMs: 100, windowSampleCountMin: 3 });
  const call = (outcome: LimitedOutcome, tookMs: number, nowMs: number): void => {
    limiter.tryAcquire(nowMs);
    limiter.done(outcome, tookMs, nowMs);
  };
  limiter.tryAcquire(0);
  call('success', 10, 0);
  limiter.done('ignored', 0, 50);
  call('dropped', 30, 50);
  call('success', 20, 99);
  expect(seen).toEqual([]);
  call('success', 40, 100);
  expect(seen).toEqual([[25, 2, true, 100]]);
  call('success', 1, 500);
  call('success', 1, 700);
  call('success', 4, 701);
  expect(seen.slice(1)).toEqual([[2, 1, false, 701]]);
});

test('property: within its bounds, never a place too many, whatever comes', () => {
  const step = fc.record({
    asks: fc.boolean(),
    outcome: fc.constantFrom<LimitedOutcome>('success', 'dropped', 'ignored'),
    tookMs: fc.oneof(fc.double({ min: 0, max: 1e5 }), fc.constantFrom(0, Number.NaN, 1e308)),
    waitMs: fc.oneof(fc.nat(200), fc.constantFrom(-100, 70_000)),
  });
  const which = fc.constantFrom(...algorithms);
  const steps = fc.array(step, { maxLength: 300, size: 'max' });
  fc.assert(
    fc.property(which, steps, fc.constantFrom(0, 100), ({ make, most }, script, windowMs) => {
      const limiter = new AdaptiveLimiter(make(), { windowMs, windowSampleCountMin: 1 });
      let nowMs = 0;
      for (const { asks, outcome, tookMs, waitMs } of script) {
        nowMs += waitMs;
        const isFull = limiter.inFlightCount >= limiter.limit;
        if (asks) expect(limiter.tryAcquire(nowMs)).toBe(!isFull);
        else if (limiter.inFlightCount > 0) limiter.done(outcome, tookMs, nowMs);
        expect(limiter.limit >= 1 && limiter.limit <= most).toBe(true);
      }
    }),
  );
});

test.each([
  { make: aimd, bad: { limitMin: 0 } },
  { make: aimd, bad: { limitMin: 30 } },
  { make: aimd, bad: { limitInitial: 201 } },
  { make: aimd, bad: { backoffRatio: 1 } },
  { make: aimd, bad: { tookMaxMs: 0 } },
  { make: gradient2, bad: { tolerance: 0.9 } },
  { make: gradient2, bad: { queueCount: -1 } },
  { make: gradient2, bad: { smoothing: 0 } },
  { make: gradient2, bad: { longSampleCount: 0 } },
  { make: vegas, bad: { smoothing: 1.1 } },
  { make: vegas, bad: { probeFactor: Number.NaN } },
  { make: gradient, bad: { limitMin: 1_001 } },
  { make: gradient, bad: { bufferRatio: -1 } },
  { make: gradient, bad: { updateMs: 0 } },
  { make: gradient, bad: { updateMs: 60_001 } },
  { make: gradient, bad: { measureMs: Infinity } },
  { make: gradient, bad: { measureJitterRatio: 2 } },
  { make: gradient, bad: { measureSampleCount: 0 } },
])('$make.name refuses $bad', ({ make, bad }) => {
  expect(() => make(bad)).toThrow(Object.keys(bad)[0]);
});

test.each([{ windowMs: -1 }, { windowSampleCountMin: 0 }])('a limiter refuses %o', (bad) => {
  expect(() => new AdaptiveLimiter(aimd(), bad)).toThrow(Object.keys(bad)[0]);
});
