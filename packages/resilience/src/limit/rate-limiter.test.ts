import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Gcra } from './gcra.ts';
import type { RateLimiter, RateOptions } from './rate-limiter.ts';
import { TokenBucket, type TokenBucketOptions } from './token-bucket.ts';

const limiters = [
  { name: 'TokenBucket', make: (options: RateOptions) => new TokenBucket(options) },
  { name: 'Gcra', make: (options: RateOptions) => new Gcra(options) },
];

/** `t` asks, `5` moves on by 5 × 100 ms. Gives what was said. */
function play(limiter: RateLimiter, script: string, startMs = 0): string {
  let nowMs = startMs;
  let said = '';
  for (const step of script) {
    if (step === 't') said += limiter.tryAcquire(nowMs) ? 'T' : 'F';
    else nowMs += Number(step) * 100;
  }
  return said;
}

test.each([
  { name: 'a full burst, then one per interval', burst: 3, script: 'tttt4t1t5t', said: 'TTTFFTT' },
  { name: 'a pause earns no more than the burst', burst: 2, script: 'tt999ttt', said: 'TTTTF' },
  { name: 'evenly spaced with a burst of 1', burst: 1, script: 'tt5tt5t4t1t', said: 'TFTFTFT' },
  { name: 'a refusal costs nothing', burst: 1, script: 'ttttt5t', said: 'TFFFFT' },
])('2 per second: $name', ({ burst, script, said }) => {
  for (const { make } of limiters) {
    const limiter = make({ permitCount: 2, burstCountMax: burst });
    expect(play(limiter, script, 12_345.6)).toBe(said);
  }
});

test.each([
  { cost: 1, first: 0, second: 500, last: 1_000 },
  { cost: 2, first: 0, second: 1_000, last: 2_000 },
])('reserving $cost takes from the future', ({ cost, first, second, last }) => {
  for (const { make } of limiters) {
    const limiter = make({ permitCount: 2, burstCountMax: 2 });
    if (cost === 1) limiter.tryAcquire(0);
    expect(limiter.reserve(0, 10_000, cost)).toBe(first);
    expect(limiter.reserve(0, 10_000, cost)).toBeCloseTo(second, 9);
    expect(limiter.tryAcquire(0)).toBe(false);
    expect(limiter.reserve(0, last - 1, cost)).toBe(-1);
    expect(limiter.reserve(0, last, cost)).toBeCloseTo(last, 9);
    expect([limiter.refusedCount, limiter.explain(0).refusedCount]).toEqual([2, 2]);
  }
});

test('what exceeds the burst is never granted, and waits that are no number neither', () => {
  for (const { make } of limiters) {
    const limiter = make({ permitCount: 10, burstCountMax: 2 });
    expect(limiter.tryAcquire(0, 3)).toBe(false);
    expect(limiter.retryAfterMs(0, 3)).toBe(Infinity);
    expect(limiter.reserve(0, Infinity, 3)).toBe(-1);
    limiter.tryAcquire(0, 2);
    expect(limiter.reserve(0, Number.NaN)).toBe(-1);
    expect(limiter.tryAcquire(Number.NaN)).toBe(false);
    expect(limiter.explain(0)).toMatchObject({ admittedCount: 1, refusedCount: 4 });
    for (const cost of [0, -1, Number.NaN]) {
      expect(() => limiter.tryAcquire(0, cost)).toThrow('cost');
      expect(() => limiter.reserve(0, 0, cost)).toThrow('cost');
    }
  }
});

test.each([
  { name: 'the last one gives back all', cancel: 2, next: 1_000 },
  { name: 'those after an earlier one rest on it', cancel: 1, next: 1_500 },
])('cancel: $name', ({ cancel, next }) => {
  for (const { make } of limiters) {
    const limiter = make({ permitCount: 2, burstCountMax: 1 });
    const dueMs = [0, 1, 2].map(() => limiter.reserve(0, 10_000));
    expect(dueMs).toEqual([0, 500, 1_000]);
    limiter.cancel(dueMs[cancel] ?? Number.NaN, 0);
    expect(limiter.reserve(0, 10_000)).toBe(next);
  }
});

test('cancel: what has been due gives nothing back', () => {
  for (const { make } of limiters) {
    const limiter = make({ permitCount: 2, burstCountMax: 1 });
    limiter.tryAcquire(0);
    expect(limiter.reserve(0, 1_000)).toBe(500);
    limiter.cancel(500, 501);
    expect(limiter.retryAfterMs(501)).toBeCloseTo(499, 9);
  }
});

test('RL-01: one per cycle; a doubled limit holds from the next cycle', () => {
  const options: TokenBucketOptions = { permitCount: 1, periodMs: 100, refill: 'per-period' };
  const bucket = new TokenBucket(options);
  expect([bucket.tryAcquire(0), bucket.tryAcquire(99)]).toEqual([true, false]);
  expect(bucket.retryAfterMs(30)).toBe(70);
  expect(bucket.tryAcquire(100)).toBe(true);
  bucket.update({ ...options, permitCount: 2 }, 150);
  expect([bucket.tryAcquire(150), bucket.tryAcquire(199)]).toEqual([false, false]);
  expect([200, 200, 200].map((nowMs) => bucket.tryAcquire(nowMs))).toEqual([true, true, false]);
  // resilience4j gives nanoseconds or −1 for what is beyond the patience.
  expect([bucket.reserve(250, 49), bucket.reserve(250, 50)]).toEqual([-1, 50]);
  expect([bucket.reserve(250, 500), bucket.reserve(250, 500)]).toEqual([50, 150]);
});

test('RL-01: a halved limit leaves the running cycle what it has', () => {
  const options: TokenBucketOptions = { permitCount: 4, periodMs: 100, refill: 'per-period' };
  const bucket = new TokenBucket(options);
  bucket.tryAcquire(0);
  bucket.update({ ...options, permitCount: 2 }, 10);
  expect([10, 10, 10, 10].map((nowMs) => bucket.tryAcquire(nowMs))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  expect([100, 100, 100].map((nowMs) => bucket.tryAcquire(nowMs))).toEqual([true, true, false]);
});

test('update: from one refill to the other, what was earned is kept', () => {
  const rate = { permitCount: 10, burstCountMax: 10 };
  const bucket = new TokenBucket(rate);
  bucket.tryAcquire(0, 10);
  bucket.update({ ...rate, refill: 'per-period' }, 550);
  expect(bucket.explain(1_549).availableCount).toBeCloseTo(5.5, 9);
  expect(bucket.retryAfterMs(550, 6)).toBe(1_000);
  bucket.update(rate, 600);
  expect(bucket.explain(700).availableCount).toBeCloseTo(6.5, 9);
});

test.each([
  { name: 'a wider burst is no windfall', to: { permitCount: 2, burstCountMax: 9 }, afterMs: 500 },
  { name: 'a faster rate from now on', to: { permitCount: 10, burstCountMax: 1 }, afterMs: 100 },
])('update: $name', ({ to, afterMs }) => {
  for (const { make } of limiters) {
    const limiter = make({ permitCount: 2, burstCountMax: 1 });
    limiter.tryAcquire(0);
    limiter.update(to, 0);
    expect(limiter.retryAfterMs(0)).toBeCloseTo(afterMs, 9);
  }
});

test('nothing drifts: a third of a second a million times over', () => {
  for (const { make } of limiters) {
    const limiter = make({ permitCount: 3, burstCountMax: 1 });
    let nowMs = 5;
    for (let call = 0; call < 1_000_000; call += 1) {
      limiter.reserve(nowMs, 2_000);
      if (call % 3 === 2) nowMs += 1_000;
    }
    // All thirds are spent: the next one is due at the end of the last whole second.
    expect(limiter.retryAfterMs(nowMs)).toBeCloseTo(1_000 / 3, 6);
    expect(nowMs).toBe(5 + 333_333_000);
  }
});

const call = fc.record({
  waitMs: fc.oneof(fc.nat(300), fc.constantFrom(0, 0, -50, 5_000)),
  cost: fc.integer({ min: 1, max: 4 }),
  kind: fc.constantFrom('try' as const, 'reserve' as const, 'cancel' as const, 'look' as const),
  waitMaxMs: fc.constantFrom(0, 100, 1_000, 100_000),
});
const calls = fc.array(call, { maxLength: 120, size: 'max' });
const options = fc.record({
  permitCount: fc.integer({ min: 1, max: 10 }),
  periodMs: fc.constantFrom(100, 1_000, 777),
  burstCountMax: fc.integer({ min: 1, max: 6 }),
});

type Call = typeof call extends fc.Arbitrary<infer It> ? It : never;

/** Gives what was said, and when which permits may be spent by whom was not cancelled. */
function run(limiter: RateLimiter, script: readonly Call[]) {
  const spent: { atMs: number; cost: number }[] = [];
  let nowMs = 1_000;
  const said = script.map(({ waitMs, cost, kind, waitMaxMs }) => {
    nowMs = Math.max(0, nowMs + waitMs);
    if (kind === 'look') return limiter.retryAfterMs(nowMs + waitMaxMs, cost);
    if (kind === 'cancel') {
      const index = spent.findLastIndex(({ atMs }) => atMs >= nowMs);
      const [gone] = index < 0 ? [] : spent.splice(index - (cost > 2 ? 1 : 0), 1);
      if (gone !== undefined) limiter.cancel(gone.atMs, nowMs, gone.cost);
      return 0;
    }
    const waited =
      kind === 'try'
        ? limiter.tryAcquire(nowMs, cost)
          ? 0
          : -1
        : limiter.reserve(nowMs, waitMaxMs, cost);
    if (waited >= 0) spent.push({ atMs: nowMs + waited, cost });
    return waited;
  });
  return { said, spent };
}

test('property: a smooth bucket and GCRA with the same options say the same', () => {
  fc.assert(
    fc.property(options, calls, (bounds, script) => {
      const forward = script.map((it) => ({ ...it, waitMs: Math.max(0, it.waitMs) }));
      const bucket = run(new TokenBucket(bounds), forward).said;
      const gcra = run(new Gcra(bounds), forward).said;
      bucket.forEach((it, index) => {
        if (it === Infinity) expect(gcra[index]).toBe(Infinity);
        else expect(it).toBeCloseTo(gcra[index] ?? Number.NaN, 6);
      });
    }),
    { numRuns: 300 },
  );
});

test('property: never more within any time than the burst and what the time earns', () => {
  fc.assert(
    fc.property(options, calls, fc.nat(1), (bounds, script, which) => {
      const limiter = limiters[which]?.make(bounds) ?? new Gcra(bounds);
      const forward = script.map((it) => ({ ...it, waitMs: Math.max(0, it.waitMs) }));
      const spent = run(limiter, forward).spent.toSorted((a, b) => a.atMs - b.atMs);
      const rate = bounds.permitCount / bounds.periodMs;
      for (let first = 0; first < spent.length; first += 1) {
        let sum = 0;
        for (let last = first; last < spent.length; last += 1) {
          sum += spent[last]?.cost ?? 0;
          const elapsedMs = (spent[last]?.atMs ?? 0) - (spent[first]?.atMs ?? 0);
          expect(sum).toBeLessThanOrEqual(bounds.burstCountMax + elapsedMs * rate + 1e-6);
        }
      }
    }),
    { numRuns: 300 },
  );
});

test('property: time that runs backwards earns nothing', () => {
  fc.assert(
    fc.property(options, calls, fc.nat(1), (bounds, script, which) => {
      const limiter = limiters[which]?.make(bounds) ?? new Gcra(bounds);
      const tries = script.map((it) => ({ ...it, kind: 'try' as const }));
      const { spent } = run(limiter, tries);
      // What was earned by a call that was refused may be spent by one whose time is before it.
      let nowMs = 1_000;
      const times = script.map(({ waitMs }) => (nowMs = Math.max(0, nowMs + waitMs)));
      const spanMs = times.length === 0 ? 0 : Math.max(...times) - Math.min(...times);
      const sum = spent.reduce((total, { cost }) => total + cost, 0);
      const earned = (spanMs * bounds.permitCount) / bounds.periodMs;
      expect(sum).toBeLessThanOrEqual(bounds.burstCountMax + earned + 1e-6);
    }),
  );
});

test('property: per period, never more in a period than it has', () => {
  fc.assert(
    fc.property(options, calls, (bounds, script) => {
      const burst = { burstCountMax: bounds.permitCount, refill: 'per-period' as const };
      const bucket = new TokenBucket({ ...bounds, ...burst });
      bucket.tryAcquire(1_000);
      // What costs more than 1 may be earned in one period and spent in the next.
      const forward = script.map((it) => ({ ...it, cost: 1, waitMs: Math.max(0, it.waitMs) }));
      const perPeriod = new Map([[0, 1]]);
      for (const { atMs, cost } of run(bucket, forward).spent) {
        const period = Math.floor((atMs - 1_000) / bounds.periodMs + 1e-9);
        perPeriod.set(period, (perPeriod.get(period) ?? 0) + cost);
      }
      for (const sum of perPeriod.values()) expect(sum).toBeLessThanOrEqual(bounds.permitCount);
    }),
    { numRuns: 300 },
  );
});

test('property: `retryAfterMs` tells when, and looking changes nothing', () => {
  fc.assert(
    fc.property(options, calls, fc.nat(1), (bounds, script, which) => {
      const make = limiters[which]?.make ?? ((it: RateOptions) => new Gcra(it));
      const watched = make(bounds);
      const looking = script.flatMap((it) => [{ ...it, kind: 'look' as const, waitMs: 0 }, it]);
      const alone = make(bounds);
      expect(run(watched, looking).spent).toEqual(run(alone, script).spent);
      const waitMs = watched.retryAfterMs(1e6);
      if (waitMs > 1) expect(watched.tryAcquire(1e6 + waitMs - 0.5)).toBe(false);
      expect(watched.tryAcquire(1e6 + waitMs)).toBe(true);
    }),
    { numRuns: 200 },
  );
});

test.each([
  { permitCount: 0 },
  { permitCount: 1.5 },
  { periodMs: 0 },
  { periodMs: Number.NaN },
  { burstCountMax: 0.5 },
  { burstCountMax: Infinity },
])('bad bounds are refused: %o', (bad) => {
  const [name] = Object.keys(bad);
  for (const { make } of limiters) {
    expect(() => make({ permitCount: 1, ...bad })).toThrow(name);
    expect(() => {
      make({ permitCount: 1 }).update({ permitCount: 1, ...bad }, 0);
    }).toThrow(name);
  }
});

test('everything that is wrong is said at once', () => {
  const bad = { permitCount: -1, periodMs: -1, burstCountMax: -1, refill: 'x' as 'smooth' };
  expect(() => new TokenBucket(bad)).toThrow(/refill.*permitCount.*periodMs.*burstCountMax/);
});

test('explain says what there is, to the future too', () => {
  for (const { make } of limiters) {
    const limiter = make({ permitCount: 2, burstCountMax: 2 });
    expect(limiter.explain(0)).toEqual({
      permitCount: 2,
      periodMs: 1_000,
      burstCountMax: 2,
      availableCount: 2,
      retryAfterMs: 0,
      admittedCount: 0,
      refusedCount: 0,
    });
    limiter.reserve(0, 9_999, 2);
    limiter.reserve(0, 9_999, 2);
    expect(limiter.explain(0)).toMatchObject({ availableCount: -2, retryAfterMs: 1_500 });
    expect(limiter.explain(2_000).availableCount).toBe(2);
  }
});
