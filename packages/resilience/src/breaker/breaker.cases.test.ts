/** How others' breakers behave, case by case; where Leno decides otherwise, the name says so. */
import { seededRng } from '@leno/std';
import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';
import type { BreakerEngineOptions } from './breaker-options.ts';
import { defaultTrip } from './default-breaker-options.ts';
import type { EjectionCap } from './ejection-cap.ts';
import { explainBreaker } from './explain-breaker.ts';
import { failureRate } from './failure-rate.ts';
import { forceOpenBreaker, isolateBreaker } from './operate-breaker.ts';
import { slowRate } from './slow-rate.ts';
import { anyOf, consecutive } from './trigger.ts';
import { lastCalls, lastMs } from './window-size.ts';

const exact = { openMs: 1_000, openGrowth: 2, openJitterRatio: 0 };

function make(options: Partial<BreakerEngineOptions>, cap?: EjectionCap): Breaker {
  return new Breaker({ trip: defaultTrip, ...exact, ...options }, { rng: seededRng(1), cap });
}

interface Case {
  readonly name: string;
  readonly options: Partial<BreakerEngineOptions>;
  /** `.` succeeds, `x` fails, `r` is a 429, `i` is ignored, `s` succeeds after 100 ms, `?` is lost. */
  readonly calls: string;
  /** Between calls; default 0. */
  readonly stepMs?: number;
  /** After each call, by initial; `-` where the call was refused. Only the end is compared. */
  readonly end: string;
}

function play({ options, calls, stepMs = 0 }: Omit<Case, 'name' | 'end'>, breaker = make(options)) {
  return Array.from(calls, (call, index) => {
    const nowMs = index * stepMs;
    const permit = breaker.tryAcquire(nowMs);
    if (permit < 0) return '-';
    if (call === '.') breaker.success(permit, nowMs, 1);
    if (call === 's') breaker.success(permit, nowMs, 100);
    if (call === 'x') breaker.failure(permit, nowMs, 'failure', 1);
    if (call === 'r') breaker.failure(permit, nowMs, 'rateOnly', 1);
    if (call === 'i') breaker.release(permit, nowMs);
    return breaker.stateAt(nowMs).charAt(0);
  }).join('');
}

const half = { requestCountMin: 50, over: lastCalls(100) };
const cases: readonly Case[] = [
  {
    name: 'WIN-08 fewer than the minimum say nothing',
    options: { trip: failureRate({ ...half, rateMax: 0.5 }) },
    calls: 'x'.repeat(49),
    end: 'c',
  },
  {
    name: 'WIN-08 exactly half trips (cockatiel: must be surpassed)',
    options: { trip: failureRate({ ...half, rateMax: 0.5 }) },
    calls: '.'.repeat(25) + 'x'.repeat(25),
    end: 'co',
  },
  {
    name: 'WIN-08 exactly half of successes is good',
    options: { trip: failureRate({ ...half, successRateMin: 0.5 }) },
    calls: '.'.repeat(25) + 'x'.repeat(25),
    end: 'c',
  },
  {
    name: 'WIN-08 less than half of successes is not',
    options: { trip: failureRate({ ...half, successRateMin: 0.5 }) },
    calls: '.'.repeat(24) + 'x'.repeat(26),
    end: 'co',
  },
  {
    name: 'WIN-08 the ring forgets its oldest',
    options: { trip: failureRate({ over: lastCalls(5), rateMax: 0.6 }) },
    calls: 'xx...x.x.',
    end: 'c',
  },
  {
    name: 'WIN-08 after the ring has wrapped three of five trip',
    options: { trip: failureRate({ over: lastCalls(5), rateMax: 0.6 }) },
    calls: '....x.x.x',
    end: 'co',
  },
  {
    name: 'WIN-06 a minimum of one trips at the first failure',
    options: { trip: failureRate({ requestCountMin: 1 }) },
    calls: 'x',
    end: 'o',
  },
  {
    name: 'WIN-06 a minimum that is not reached never trips',
    options: { trip: failureRate({ requestCountMin: 1e9 }) },
    calls: 'x'.repeat(1_000),
    end: 'c',
  },
  {
    name: 'WIN-06 what is older than the window says nothing',
    options: { trip: failureRate({ over: lastMs(1_000), requestCountMin: 5 }) },
    stepMs: 250,
    calls: 'x'.repeat(50),
    end: 'c',
  },
  {
    name: 'CB-16 three failures trip at a minimum of three',
    options: { trip: failureRate({ requestCountMin: 3, rateMax: 0.5 }) },
    calls: 'xxx',
    end: 'cco',
  },
  {
    name: 'CB-16 an ignored probe does not close (opossum: a filtered error does)',
    options: { trip: consecutive(1) },
    stepMs: 1_000,
    calls: 'xi',
    end: 'oh',
  },
  {
    name: 'CB-17 failures leave the window, a bucket at a time',
    options: { trip: failureRate({ over: lastMs(1_000), requestCountMin: 3 }) },
    stepMs: 501,
    calls: 'xxxx',
    end: 'c',
  },
  {
    name: 'slow calls trip, though they succeed',
    options: { trip: slowRate({ slowMs: 100, rateMax: 0.5, requestCountMin: 4 }) },
    calls: '.s.s',
    end: 'ccco',
  },
  {
    name: 'failures are no slow calls',
    options: { trip: slowRate({ slowMs: 100, requestCountMin: 2 }) },
    calls: 'xxxx',
    end: 'c',
  },
  {
    name: 'a slow probe has failed',
    options: { trip: slowRate({ slowMs: 100, requestCountMin: 2 }) },
    stepMs: 1_000,
    calls: 'sss',
    end: 'coo',
  },
  {
    name: 'any of several trips: the row',
    options: { trip: anyOf(consecutive(3), failureRate({ requestCountMin: 50 })) },
    calls: 'xxx',
    end: 'cco',
  },
  {
    name: 'any of several trips: the share',
    options: { trip: anyOf(consecutive(9), failureRate({ requestCountMin: 3 })) },
    calls: '..x',
    end: 'cco',
  },
  { name: 'any of none never trips', options: { trip: anyOf() }, calls: 'xxxxxxxxx', end: 'c' },
  {
    name: 'half-open: all of three must succeed',
    options: { trip: consecutive(1), probeCount: 3 },
    stepMs: 1_000,
    calls: 'x....',
    end: 'ohhcc',
  },
  {
    name: 'half-open: decided at the first failure, if all must succeed',
    options: { trip: consecutive(1), probeCount: 3 },
    stepMs: 1_000,
    calls: 'x.x',
    end: 'oho',
  },
  {
    name: 'half-open: decided at the second of three failures, if two must succeed',
    options: { trip: consecutive(1), probeCount: 3, probeSuccessCountMin: 2 },
    stepMs: 1_000,
    calls: 'xx.x',
    end: 'ohho',
  },
  {
    name: 'half-open: one of two is enough',
    options: { trip: consecutive(1), probeCount: 2, probeSuccessCountMin: 1 },
    stepMs: 1_000,
    calls: 'xx.',
    end: 'ohc',
  },
  {
    name: 'half-open: what is ignored leaves its place to another',
    options: { trip: consecutive(1), probeCount: 2 },
    stepMs: 1_000,
    calls: 'xii.i.',
    end: 'ohhhhc',
  },
  {
    name: 'half-open: a 429 is a probe that failed',
    options: { trip: consecutive(1), probeCount: 2, probeSuccessCountMin: 1 },
    stepMs: 1_000,
    calls: 'xrr',
    end: 'oho',
  },
  {
    name: 'HO-05 a probe that never ends is replaced after its wait (resilience4j: opens or closes)',
    options: { trip: consecutive(1), probeWaitMaxMs: 2_000 },
    stepMs: 1_000,
    calls: 'x?..',
    end: 'oh-c',
  },
  {
    name: 'CB-10 observe never blocks',
    options: { trip: consecutive(1), mode: 'observe' },
    calls: 'xxxxxx',
    end: 'cccccc',
  },
  {
    name: 'CB-10 forced open ignores the time',
    options: { mode: 'forcedOpen' },
    stepMs: 1e9,
    calls: '....',
    end: '----',
  },
  {
    name: 'CB-10 disabled lets everything pass',
    options: { trip: consecutive(1), mode: 'disabled' },
    calls: 'xxxx',
    end: 'cccc',
  },
];

test.each(cases)('$name', ({ end, ...rest }) => {
  expect(play(rest).slice(-end.length)).toBe(end);
});

test('HO-04 each opening lasts longer by the growth: 5 s, then 7.5 s', () => {
  const breaker = make({ trip: consecutive(1), openMs: 5_000, openGrowth: 1.5 });
  breaker.failure(breaker.tryAcquire(0), 0);
  expect([breaker.stateAt(4_999), breaker.stateAt(5_000)]).toEqual(['open', 'half-open']);
  breaker.failure(breaker.tryAcquire(5_000), 5_000);
  expect([breaker.stateAt(11_000), breaker.stateAt(12_500)]).toEqual(['open', 'half-open']);
});

test('CB-12 closing resets the back-off; CB-19 its function is told the openings before', () => {
  const told: number[] = [];
  const openMs = (index: number): number => {
    told.push(index);
    return 1_000;
  };
  const breaker = make({ trip: consecutive(1), openMs });
  play({ options: {}, calls: 'xxx.xx', stepMs: 1_000 }, breaker);
  expect(told).toEqual([0, 1, 2, 0, 1]);
});

test.each([Number.NaN, -1, Number.POSITIVE_INFINITY])(
  'an opening of %d lasts the maximum',
  (ms) => {
    const breaker = make({ trip: consecutive(1), openMs: () => ms, openMaxMs: 7_000 });
    breaker.failure(breaker.tryAcquire(0), 0);
    expect(breaker.retryAfterMs(0)).toBe(7_000);
    expect(forceOpenBreaker(breaker, ms === Number.POSITIVE_INFINITY ? 7_000 : ms, 0)).toBe(true);
    expect(breaker.retryAfterMs(0)).toBe(7_000);
  },
);

test('CB-12 isolation: two holds, open until the last is released; each but once', () => {
  const breaker = make({ trip: consecutive(1) });
  const straggler = breaker.tryAcquire(0);
  const one = isolateBreaker(breaker, 'deploy');
  const other = isolateBreaker(breaker, 'drill');
  breaker.failure(straggler, 0);
  expect([breaker.stateAt(1e9), breaker.tryAcquire(1e9)]).toEqual(['open', -1]);
  expect(explainBreaker(breaker, 0)).toMatchObject({
    holds: ['deploy', 'drill'],
    retryAfterMs: Number.POSITIVE_INFINITY,
    lateCount: 1,
    refusedCount: 1,
  });
  one.release();
  one.release();
  one[Symbol.dispose]();
  expect([breaker.admits(0), explainBreaker(breaker, 0).holds]).toEqual([false, ['drill']]);
  other[Symbol.dispose]();
  expect([breaker.stateAt(0), breaker.tryAcquire(0) > 0]).toEqual(['closed', true]);
});

test('isolation goes on where it was, and leaves no probe behind', () => {
  const breaker = make({ trip: consecutive(1) });
  breaker.failure(breaker.tryAcquire(0), 0);
  const lost = breaker.tryAcquire(1_000);
  isolateBreaker(breaker, 'drill').release();
  breaker.success(lost, 1_000);
  expect([breaker.stateAt(1_000), breaker.admits(1_000)]).toEqual(['half-open', true]);
});

test.each([
  ['2 h', 7_200_000],
  ['30 min', 1_800_000],
])('CB-11 forced open for %s, then a probe', (_, forMs) => {
  const breaker = make({});
  const told: string[] = [];
  breaker.onTransition = (from, to, reason) => told.push(`${from} ${to} ${reason}`);
  expect(forceOpenBreaker(breaker, forMs, 5)).toBe(true);
  expect([breaker.admits(4 + forMs), breaker.admits(5 + forMs)]).toEqual([false, true]);
  breaker.success(breaker.tryAcquire(5 + forMs), 5 + forMs);
  expect(told).toEqual([
    'closed open forced',
    'open half-open open-elapsed',
    'half-open closed probe-succeeded',
  ]);
});

test('CB-10 a self-transition is not told; a new time is taken', () => {
  const breaker = make({});
  forceOpenBreaker(breaker, 1_000, 0);
  let toldCount = 0;
  breaker.onTransition = () => {
    toldCount += 1;
  };
  forceOpenBreaker(breaker, 5_000, 0);
  expect([breaker.retryAfterMs(0), toldCount]).toEqual([5_000, 0]);
});

test('CB-10 observe tells of each time that it would have tripped, once', () => {
  const breaker = make({ trip: consecutive(2), mode: 'observe' });
  const told: string[] = [];
  breaker.onWouldTrip = (reason, nowMs) => told.push(`${nowMs} ${reason}`);
  breaker.onTransition = (_from, to) => told.push(to);
  play({ options: {}, calls: 'xxxx.xxx', stepMs: 1 }, breaker);
  expect(told).toEqual(['1 consecutive-failures', '6 consecutive-failures']);
  expect(explainBreaker(breaker, 9)).toMatchObject({ heldBy: 'observe', state: 'closed' });
  expect(forceOpenBreaker(breaker, 1_000, 9)).toBe(false);
  breaker.update({ mode: 'enforce' });
  expect(play({ options: {}, calls: 'x' }, breaker)).toBe('o');
  breaker.update({ mode: 'observe' });
  expect([breaker.stateAt(0), breaker.admits(0)]).toEqual(['closed', true]);
  expect(breaker.tryAcquire(0)).toBeGreaterThan(0);
  expect(told.slice(2)).toEqual(['open', 'closed']);
});

test('CB-10 disabled counts nothing, and neither does what was under way', () => {
  const breaker = make({ trip: consecutive(1) });
  const before = breaker.tryAcquire(0);
  breaker.update({ mode: 'disabled' });
  const during = breaker.tryAcquire(0);
  breaker.failure(before, 0);
  breaker.failure(during, 0);
  breaker.update({ mode: 'enforce' });
  breaker.failure(during, 0);
  expect(explainBreaker(breaker, 0)).toMatchObject({
    state: 'closed',
    consecutiveFailureCount: 0,
    lateCount: 1,
  });
});

test('CB-19 late results change nothing, and do not prolong the break', () => {
  const breaker = make({ trip: consecutive(1) });
  const late = [breaker.tryAcquire(0), breaker.tryAcquire(0), breaker.tryAcquire(0)];
  for (const [index, permit] of late.entries()) breaker.failure(permit, index * 500);
  expect(breaker.retryAfterMs(999)).toBe(1);
  expect(explainBreaker(breaker, 999)).toMatchObject({ openingCount: 1, lateCount: 2 });
});

test('CB-20 a success from before the opening does not close; six failures at once reach a probe', () => {
  const breaker = make({ trip: consecutive(5) });
  const early = breaker.tryAcquire(0);
  const permits = Array.from({ length: 6 }, () => breaker.tryAcquire(0));
  for (const permit of permits) breaker.failure(permit, 0);
  breaker.success(early, 10);
  expect([breaker.stateAt(10), breaker.stateAt(1_000)]).toEqual(['open', 'half-open']);
  expect(breaker.tryAcquire(1_000)).toBeGreaterThan(0);
});

test('CB-17 reading has no effect: open, read long after, still the same', () => {
  const breaker = make({ trip: consecutive(1) });
  breaker.failure(breaker.tryAcquire(0), 0);
  const before = explainBreaker(breaker, 0);
  for (const nowMs of [1e3, 1e6, 0]) explainBreaker(breaker, nowMs);
  expect([breaker.stateAt(1e6), explainBreaker(breaker, 0)]).toEqual(['half-open', before]);
});

test('half-open refuses more than its probes at once, and a lost round leaves what was said', () => {
  const breaker = make({ trip: consecutive(1), probeCount: 3, probeWaitMaxMs: 500 });
  breaker.failure(breaker.tryAcquire(0), 0);
  const probes = [1_000, 1_100, 1_200, 1_300].map((nowMs) => breaker.tryAcquire(nowMs));
  expect(probes.map((permit) => permit > 0)).toEqual([true, true, true, false]);
  expect([breaker.retryAfterMs(1_300), explainBreaker(breaker, 1_300).probeCount]).toEqual([
    200, 3,
  ]);
  breaker.success(probes[0] ?? -1, 1_400);
  expect([breaker.admits(1_499), breaker.admits(1_500)]).toEqual([false, true]);
  const replacement = breaker.tryAcquire(1_500);
  breaker.success(probes[1] ?? -1, 1_510);
  expect(breaker.stateAt(1_510)).toBe('half-open');
  breaker.success(replacement, 1_520);
  breaker.success(breaker.tryAcquire(1_530), 1_530);
  expect(breaker.stateAt(1_530)).toBe('closed');
});

test('half-open with fewer probes than have answered still gets its verdict', () => {
  const breaker = make({ trip: consecutive(1), probeCount: 5 });
  breaker.failure(breaker.tryAcquire(0), 0);
  for (let probe = 0; probe < 3; probe += 1) breaker.success(breaker.tryAcquire(1_000), 1_000);
  breaker.update({ probeCount: 2 });
  breaker.success(breaker.tryAcquire(1_000), 1_000);
  expect(breaker.stateAt(1_000)).toBe('closed');
});

test('time that runs backwards refuses no longer than was said, and loses no outcome', () => {
  const breaker = make({ trip: anyOf(consecutive(3), failureRate({ requestCountMin: 3 })) });
  breaker.success(breaker.tryAcquire(5_000), 5_000);
  breaker.failure(breaker.tryAcquire(4_000), 4_000);
  expect(explainBreaker(breaker, 4_000).rates).toMatchObject([
    { successCount: 1, failureCount: 1 },
  ]);
  breaker.failure(breaker.tryAcquire(0), 0);
  expect([breaker.stateAt(0), breaker.retryAfterMs(0)]).toEqual(['open', 1_000]);
});

test('everything that is wrong is said at once', () => {
  const trip = anyOf(consecutive(0), failureRate({ requestCountMin: 9, over: lastCalls(5) }));
  const bad = { trip, openMs: 5, openMaxMs: 2, probeCount: 0 };
  expect(() => make(bad)).toThrow(
    expect.objectContaining({
      code: 'LENO_RESILIENCE_OPTION',
      message: expect.stringMatching(/^consecutive .*; requestCountMin .*; openMs .*; probeCount /),
    }),
  );
});

test.each([
  () => lastCalls(0),
  () => lastCalls(1e7),
  () => lastCalls(1.5),
  () => slowRate({ slowMs: 0 }),
  () => slowRate({ slowMs: Number.NaN }),
  () => make({ trip: failureRate({ rateMax: 0 }) }),
  () => make({ trip: failureRate({ over: lastMs(Number.NaN) }) }),
])('a bad trigger is refused: %s', (bad) => {
  expect(bad).toThrow(expect.objectContaining({ code: 'LENO_RESILIENCE_OPTION' }));
});

test('windows of calls without a minimum judge once they are full', () => {
  const breaker = make({ trip: failureRate({ over: lastCalls(10) }) });
  expect(play({ options: {}, calls: 'x'.repeat(10) }, breaker)).toBe('ccccccccco');
});

test('an outcome without its time says nothing of slowness', () => {
  const breaker = make({ trip: slowRate({ slowMs: 100, requestCountMin: 1 }) });
  breaker.success(breaker.tryAcquire(0), 0);
  breaker.failure(breaker.tryAcquire(0), 0);
  expect(explainBreaker(breaker, 0)).toMatchObject({
    state: 'closed',
    rates: [{ failureCount: 0 }],
  });
  breaker.failure(breaker.tryAcquire(0), 0, 'failure', 100);
  expect(explainBreaker(breaker, 0)).toMatchObject({ state: 'open', reason: 'slow-rate' });
});
