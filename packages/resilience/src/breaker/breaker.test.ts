import { seededRng } from '@leno/std';
import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';
import type { BreakerEngineOptions } from './breaker-options.ts';
import { defaultTrip } from './default-breaker-options.ts';
import { EjectionCap } from './ejection-cap.ts';
import { explainBreaker } from './explain-breaker.ts';
import { failureRate } from './failure-rate.ts';
import { anyOf, consecutive } from './trigger.ts';
import { lastMs } from './window-size.ts';

/** The options of a breaker with a row and a share of the last `windowMs`; 0 switches one off. */
interface Settings extends Partial<BreakerEngineOptions> {
  readonly row?: number;
  readonly successRateMin?: number;
  readonly windowMs?: number;
  readonly requestCountMin?: number;
}

function optionsOf(settings: Settings = {}): BreakerEngineOptions {
  const {
    row = 3,
    successRateMin = 0.8,
    windowMs = 1_000,
    requestCountMin = 5,
    ...rest
  } = settings;
  const rate = failureRate({ over: lastMs(windowMs), requestCountMin, successRateMin });
  const trip = anyOf(
    ...(row === 0 ? [] : [consecutive(row)]),
    ...(successRateMin === 0 ? [] : [rate]),
  );
  const times = { openMs: 200, openMaxMs: 1_000, openJitterRatio: 0, probeWaitMaxMs: 300 };
  return { trip, ...times, ...rest };
}

function make(settings: Settings = {}, cap?: EjectionCap): Breaker {
  return new Breaker(optionsOf(settings), { rng: seededRng(1), cap });
}

/**
 * One step of 100 ms a character: `.` a call succeeds, `x` fails, `r` is rate-limited, `i` is
 * ignored, `?` is lost, `_` is no call. Gives the state after each step, `-` where the call was
 * refused.
 */
function play(calls: string, breaker = make()): string {
  return Array.from(calls, (call, index) => {
    const nowMs = index * 100;
    if (call === '_') return '_';
    const permit = breaker.tryAcquire(nowMs);
    if (permit < 0) return '-';
    if (call === '.') breaker.success(permit, nowMs);
    if (call === 'x') breaker.failure(permit, nowMs);
    if (call === 'r') breaker.failure(permit, nowMs, 'rateOnly');
    if (call === 'i') breaker.release(permit, nowMs);
    return breaker.stateAt(nowMs).charAt(0);
  }).join('');
}

const rowOnly = { successRateMin: 0 };
const rateOnly = { row: 0 };

test.each([
  { name: 'trips at the third failure in a row', changes: rowOnly, calls: 'xxx', states: 'cco' },
  { name: 'a success forgives', changes: rowOnly, calls: 'xx.xxx', states: 'ccccco' },
  { name: 'a 429 neither adds nor forgives', changes: rowOnly, calls: 'xxrrx', states: 'cccco' },
  { name: '429s alone never make a row', changes: rowOnly, calls: 'rrrrrrrr', states: 'cccccccc' },
  { name: 'what is ignored changes nothing', changes: rowOnly, calls: 'xxiix', states: 'cccco' },
  { name: '0 switches the row off', changes: rateOnly, calls: 'xxxx', states: 'cccc' },
  { name: 'exactly the lowest rate is good', changes: rateOnly, calls: '....x', states: 'ccccc' },
  { name: 'trips below the lowest rate', changes: rateOnly, calls: 'x..x.', states: 'cccco' },
  {
    name: 'a late success completes the count',
    changes: rateOnly,
    calls: 'x.x..',
    states: 'cccco',
  },
  { name: '429s count in the rate', changes: rateOnly, calls: '...rr', states: 'cccco' },
  { name: 'the ignored do not count', changes: rateOnly, calls: 'xixixixix', states: 'cccccccco' },
  {
    name: 'old outcomes leave',
    changes: rateOnly,
    calls: 'xxx________..x',
    states: 'ccc________ccc',
  },
  {
    name: 'an idle window forgets',
    changes: rateOnly,
    calls: `xxxx${'_'.repeat(20)}x`,
    states: `cccc${'_'.repeat(20)}c`,
  },
  { name: 'open refuses, then one probe', calls: 'xxx.x.', states: 'cco-o-' },
  { name: 'a probe that succeeds closes', calls: 'xxx_..', states: 'cco_cc' },
  { name: 'a probe that fails opens for twice as long', calls: 'xxx_x....', states: 'cco_o---c' },
  { name: 'a 429 never recovers a probe', calls: 'xxx_r___.', states: 'cco_o___c' },
  { name: 'an ignored probe gives way at once', calls: 'xxx_i.', states: 'cco_hc' },
  { name: 'a lost probe expires', calls: 'xxx_?...', states: 'cco_h--c' },
  {
    name: 'the back-off stops at its cap',
    calls: 'xxx_x___x_______x_________x_________.',
    states: 'cco_o___o_______o_________o_________c',
  },
  { name: 'recovery restarts the back-off', calls: 'xxx_x___.xxx_.', states: 'cco_o___ccco_c' },
  {
    name: 'closing forgets the window',
    changes: { row: 4 },
    calls: '..xxx_.x',
    states: 'cccco_cc',
  },
])('$name', ({ changes, calls, states }) => {
  expect(play(calls, make(changes))).toBe(states);
});

test('opening lasts until its last millisecond, and says so', () => {
  const breaker = make();
  play('xxx', breaker); // Opens at 200, for 200.
  expect(breaker.retryAfterMs(201)).toBe(199);
  expect([breaker.admits(399), breaker.admits(400)]).toEqual([false, true]);
  expect([breaker.stateAt(399), breaker.stateAt(400)]).toEqual(['open', 'half-open']);
  expect(breaker.tryAcquire(399)).toBe(-1);
  expect(breaker.tryAcquire(400)).toBeGreaterThan(0);
  expect([breaker.admits(699), breaker.admits(700)]).toEqual([false, true]);
});

test('jitter lengthens each opening, and the cap bounds it', () => {
  const waits = (jitter: number, openMaxMs: number): number[] => {
    const ports = { rng: () => jitter };
    const breaker = new Breaker(optionsOf({ openMaxMs, openJitterRatio: 0.5 }), ports);
    let nowMs = 0;
    for (let failure = 0; failure < 3; failure += 1) breaker.failure(breaker.tryAcquire(0), 0);
    return Array.from({ length: 4 }, () => {
      const waitMs = breaker.retryAfterMs(nowMs);
      nowMs += waitMs;
      breaker.failure(breaker.tryAcquire(nowMs), nowMs);
      return waitMs;
    });
  };
  expect(waits(0, 1_000)).toEqual([200, 400, 800, 1_000]);
  expect(waits(0.5, 1_000)).toEqual([250, 500, 1_000, 1_000]);
  expect(waits(1, 10_000)).toEqual([300, 600, 1_200, 2_400]);
});

test('thousands of failed probes later the wait is still the cap', () => {
  const breaker = make();
  play('xxx', breaker);
  let nowMs = 200;
  for (let probe = 0; probe < 3_000; probe += 1) {
    nowMs += breaker.retryAfterMs(nowMs);
    breaker.failure(breaker.tryAcquire(nowMs), nowMs);
  }
  expect(breaker.retryAfterMs(nowMs)).toBe(1_000);
});

test.each(['success', 'failure', 'release'] as const)(
  'a straggler from before the trip counts for nothing: %s',
  (settle) => {
    const breaker = make();
    const straggler = breaker.tryAcquire(0);
    play('xxx', breaker);
    breaker[settle](straggler, 250);
    expect(explainBreaker(breaker, 250)).toMatchObject({
      state: 'open',
      retryAfterMs: 150,
      openingCount: 1,
    });
    const probe = breaker.tryAcquire(400);
    breaker[settle](straggler, 410);
    expect(explainBreaker(breaker, 410)).toMatchObject({ state: 'half-open', probeCount: 1 });
    breaker.success(probe, 420);
    breaker[settle](straggler, 430);
    expect(explainBreaker(breaker, 430)).toMatchObject({
      state: 'closed',
      rates: [{ failureCount: 0, successCount: 0 }],
      lateCount: 3,
    });
  },
);

test('many failures at once trip once, and the probe still comes', () => {
  const breaker = make();
  const permits = Array.from({ length: 8 }, () => breaker.tryAcquire(0));
  for (const permit of permits) breaker.failure(permit, 10);
  expect(explainBreaker(breaker, 10)).toMatchObject({ openingCount: 1, retryAfterMs: 200 });
  expect(breaker.admits(210)).toBe(true);
});

test('a probe that was replaced is a straggler', () => {
  const breaker = make();
  play('xxx', breaker);
  const lost = breaker.tryAcquire(400);
  const replacement = breaker.tryAcquire(700);
  breaker.success(lost, 710);
  expect(explainBreaker(breaker, 710)).toMatchObject({ state: 'half-open', probeCount: 1 });
  breaker.failure(lost, 720);
  expect(breaker.stateAt(720)).toBe('half-open');
  breaker.success(replacement, 730);
  expect(breaker.stateAt(730)).toBe('closed');
});

test('a probe that is late, but was not replaced, still counts', () => {
  const breaker = make();
  play('xxx', breaker);
  const probe = breaker.tryAcquire(400);
  breaker.success(probe, 5_000);
  expect(breaker.stateAt(5_000)).toBe('closed');
});

test('a probe that was given back cannot be settled as well', () => {
  const breaker = make();
  play('xxx', breaker);
  const probe = breaker.tryAcquire(400);
  breaker.release(probe, 410);
  breaker.success(probe, 420);
  expect(breaker.stateAt(420)).toBe('half-open');
});

test('a refusal given back by mistake changes nothing', () => {
  const breaker = make();
  play('xxx', breaker);
  breaker.success(-1, 300);
  breaker.failure(-1, 300);
  breaker.release(-1, 300);
  expect(breaker.stateAt(300)).toBe('open');
});

test('each change is told once it is complete, with its reason', () => {
  const breaker = make();
  const told: string[] = [];
  breaker.onTransition = (from, to, reason, nowMs) => {
    expect(breaker.stateAt(nowMs)).toBe(to);
    told.push(`${nowMs} ${from} ${to} ${reason}`);
  };
  play('xxx_x___.', breaker);
  play('.....', breaker);
  expect(told).toEqual([
    '200 closed open consecutive-failures',
    '400 open half-open open-elapsed',
    '400 half-open open probe-failed',
    '800 open half-open open-elapsed',
    '800 half-open closed probe-succeeded',
  ]);
});

test('explains itself', () => {
  const breaker = make({ row: 2, requestCountMin: 9 });
  play('...x', breaker);
  expect(explainBreaker(breaker, 300)).toEqual({
    state: 'closed',
    reason: undefined,
    changedAtMs: undefined,
    retryAfterMs: 0,
    openForMs: null,
    openingCount: 0,
    consecutiveFailureCount: 1,
    rates: [{ reason: 'failure-rate', successCount: 3, failureCount: 1, runs: expect.anything() }],
    probeCount: 0,
    heldBy: undefined,
    holds: [],
    refusedCount: 0,
    lateCount: 0,
    options: expect.objectContaining({ mode: 'enforce', openMs: 200 }),
  });
  const ages = explainBreaker(breaker, 300).rates[0]?.runs;
  expect(ages).toEqual([
    [300, 1, 0],
    [200, 1, 0],
    [100, 1, 0],
    [0, 0, 1],
  ]);
  expect(explainBreaker(breaker, 1_100).rates).toMatchObject([
    { successCount: 1, failureCount: 1 },
  ]);
  expect(explainBreaker(breaker, 5_000).rates).toMatchObject([
    { successCount: 0, failureCount: 0 },
  ]);
  expect(explainBreaker(breaker, 300).rates).toMatchObject([{ successCount: 3, failureCount: 1 }]);
});

test('new options hold from the next outcome on, the others and the state stay', () => {
  const breaker = make({ ...rowOnly, row: 10 });
  play('xxxx', breaker);
  breaker.update({ trip: consecutive(5) });
  expect(play('x', breaker)).toBe('o');
  breaker.update(optionsOf({ windowMs: 5_000 }));
  expect(breaker.stateAt(0)).toBe('open');
  expect(explainBreaker(breaker, 0).options.openMs).toBe(200);
});

test.each([
  ['another length', { windowMs: 2_000 }, 0],
  ['the same length, with another bound', { successRateMin: 0.1, openMs: 300 }, 4],
])('a window of %s', (_, changes, failureCount) => {
  const breaker = make({ ...rateOnly, requestCountMin: 9 });
  play('xxxx', breaker);
  breaker.update(optionsOf({ ...rateOnly, requestCountMin: 9, ...changes }));
  expect(explainBreaker(breaker, 300).rates[0]?.failureCount).toBe(failureCount);
});

/** Where the name of a setting above is not that of the option. */
function pathOf(name: string): string {
  return { row: 'consecutive', windowMs: 'over' }[name] ?? name;
}

test.each([
  ['row', [-1, 1.5, Number.NaN, Number.NEGATIVE_INFINITY]],
  ['successRateMin', [-0.1, 1.1, Number.NaN]],
  ['windowMs', [0, 9, Number.POSITIVE_INFINITY, Number.NaN]],
  ['requestCountMin', [0, -1, 0.5, Number.NaN]],
  ['openMs', [0, -1, Number.NaN, 2_000]],
  ['openMaxMs', [0, Number.NaN, Number.POSITIVE_INFINITY]],
  ['openJitterRatio', [-1, 2, Number.NaN]],
  ['openGrowth', [0, 0.5, 101, Number.NaN]],
  ['probeCount', [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]],
  ['probeSuccessCountMin', [-1, 2, 0.5, Number.NaN]],
  ['probeWaitMaxMs', [0, Number.NaN, Number.POSITIVE_INFINITY]],
  ['mode', ['on', null]],
] as const)('refuses a bad %s', (name, values) => {
  for (const value of values) {
    expect(() => make({ [name]: value })).toThrow(
      expect.objectContaining({
        code: 'LENO_RESILIENCE_OPTION',
        message: expect.stringContaining(pathOf(name)),
      }),
    );
    expect(() => make().update(optionsOf({ [name]: value }))).toThrow(pathOf(name));
  }
});

test('the defaults are those of the mesh, and what is given is never touched', () => {
  const given = Object.freeze(optionsOf());
  new Breaker(given, { rng: () => 0 });
  const breaker = new Breaker({ trip: defaultTrip, openMs: undefined }, { rng: () => 0 });
  for (let failure = 0; failure < 4; failure += 1) breaker.failure(breaker.tryAcquire(0), 0);
  expect(breaker.stateAt(0)).toBe('closed');
  breaker.failure(breaker.tryAcquire(0), 0);
  expect(breaker.retryAfterMs(0)).toBe(1_000);
});

test('the cap holds a breaker closed, visibly, until there is a place', () => {
  const cap = new EjectionCap({ ratioMax: 0.5, failFast: false });
  cap.setEndpointCount(2);
  const [one, other] = [make(rowOnly, cap), make(rowOnly, cap)];
  expect(play('xxx', one)).toBe('cco');
  expect(play('xxxx', other)).toBe('cccc');
  expect(explainBreaker(other, 300)).toMatchObject({ heldBy: 'cap', consecutiveFailureCount: 4 });
  expect(cap.refusedCount).toBe(2);
  one.success(one.tryAcquire(400), 400);
  expect(cap.ejectedCount).toBe(0);
  other.failure(other.tryAcquire(410), 410);
  expect(explainBreaker(other, 410)).toMatchObject({ state: 'open', heldBy: undefined });
});

test('a success that mends the row lifts the hold', () => {
  const cap = new EjectionCap({ ratioMax: 0.5, failFast: false });
  cap.setEndpointCount(1);
  const breaker = make(rowOnly, cap);
  expect(play('xxxx.', breaker)).toBe('ccccc');
  expect(explainBreaker(breaker, 400)).toMatchObject({ heldBy: undefined });
});

test('an endpoint that leaves gives its place back, once, and its outcomes are dropped', () => {
  const cap = new EjectionCap({ ratioMax: 0.5, failFast: false });
  cap.setEndpointCount(4);
  const breaker = make(rowOnly, cap);
  const straggler = breaker.tryAcquire(0);
  play('xxx', breaker);
  const told: string[] = [];
  breaker.onTransition = (_from, to, reason) => told.push(`${to} ${reason}`);
  breaker.dispose(300);
  breaker.dispose(310);
  breaker.failure(straggler, 320);
  expect([cap.ejectedCount, told]).toEqual([0, ['closed disposed']]);
  play('xxx', breaker);
  expect(cap.ejectedCount).toBe(0);
  const closed = make(rowOnly, cap);
  const permit = closed.tryAcquire(0);
  closed.dispose(0);
  closed.failure(permit, 10);
  expect(explainBreaker(closed, 10).consecutiveFailureCount).toBe(0);
});

test('once the healthy have left, what is left may not refuse everything', () => {
  const cap = new EjectionCap({ ratioMax: 0.5, failFast: false });
  cap.setEndpointCount(4);
  const [one, other] = [make(rowOnly, cap), make(rowOnly, cap)];
  play('xxx', one);
  play('xxx', other);
  cap.setEndpointCount(2);
  expect([one.stateAt(250), one.admits(250), one.retryAfterMs(250)]).toEqual(['closed', true, 0]);
  one.success(one.tryAcquire(250), 250);
  expect(explainBreaker(one, 250)).toMatchObject({ state: 'closed', reason: 'over-cap' });
  expect([other.stateAt(250), other.tryAcquire(250)]).toEqual(['open', -1]);
});

test('closed by the first of two probes, none is under way any more', () => {
  const breaker = make({ row: 1, probeCount: 2, probeSuccessCountMin: 1 });
  breaker.failure(breaker.tryAcquire(0), 0);
  const [one, other] = [breaker.tryAcquire(200), breaker.tryAcquire(200)];
  expect(explainBreaker(breaker, 200).probeCount).toBe(2);
  breaker.success(one, 201);
  breaker.failure(other, 202);
  expect(explainBreaker(breaker, 202)).toMatchObject({
    state: 'closed',
    probeCount: 0,
    lateCount: 1,
  });
});
