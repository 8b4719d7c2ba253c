/** Laws that hold whatever is done to breakers, in any order and at any time. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';
import type { BreakerMode } from './breaker-options.ts';
import type { BreakerHold, CallOutcome } from './breaker-report.ts';
import { EjectionCap } from './ejection-cap.ts';
import { explainBreaker, restoreBreaker, snapshotBreaker } from './explain-breaker.ts';
import { failureRate } from './failure-rate.ts';
import { forceOpenBreaker, isolateBreaker, resetBreaker } from './operate-breaker.ts';
import { slowRate } from './slow-rate.ts';
import { anyOf, consecutive } from './trigger.ts';
import { lastCalls, lastMs } from './window-size.ts';

const overTime = failureRate({ over: lastMs(1_000), requestCountMin: 4, rateMax: 0.5 });
const overCalls = failureRate({ over: lastCalls(6), requestCountMin: 3, successRateMin: 0.6 });
const every = anyOf(consecutive(4), overTime, overCalls);
const trips = [
  consecutive(3),
  overTime,
  overCalls,
  every,
  anyOf(overCalls, slowRate({ slowMs: 50, requestCountMin: 3, over: lastMs(1_000) })),
];

type Step =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'calls'; readonly count: number }
  | { readonly kind: 'call'; readonly outcome: CallOutcome; readonly isSlow: boolean }
  | { readonly kind: 'late'; readonly outcome: CallOutcome }
  | { readonly kind: 'update'; readonly trip: number }
  | { readonly kind: 'mode'; readonly mode: BreakerMode }
  | { readonly kind: 'force' | 'reset' | 'hold' | 'release' | 'restore' | 'leave' };

const outcomes = ['success', 'success', 'failure', 'failure', 'rateOnly', 'ignored'] as const;
const outcome = fc.constantFrom<CallOutcome>(...outcomes);
const modes = ['enforce', 'enforce', 'observe', 'disabled', 'forcedOpen'] as const;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.integer({ min: -300, max: 400 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('calls' as const), count: fc.nat(9) }) },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constant('call' as const), outcome, isSlow: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('late' as const), outcome }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('update' as const), trip: fc.nat(trips.length - 1) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('mode' as const), mode: fc.constantFrom(...modes) }),
  },
  {
    weight: 2,
    arbitrary: fc
      .constantFrom('force', 'reset', 'hold', 'release', 'restore', 'leave')
      .map((kind): Step => ({ kind })),
  },
);

/** A breaker with what its callers hold of it. */
class Actor {
  readonly ports: { readonly rng: () => number; readonly cap: EjectionCap };
  breaker: Breaker;
  holds: BreakerHold[] = [];
  latePermit = -1;
  told = '';

  constructor(cap: EjectionCap) {
    this.ports = { rng: () => 0, cap };
    this.breaker = this.#make();
  }

  #make(): Breaker {
    const breaker = new Breaker({ trip: every, openMs: 200, openMaxMs: 900 }, this.ports);
    breaker.onWouldTrip = (reason, nowMs) => {
      this.told = `${nowMs} ${reason}`;
    };
    this.holds = [];
    return breaker;
  }

  play(it: Step, nowMs: number): void {
    const { breaker } = this;
    if (it.kind === 'call' || it.kind === 'calls') {
      for (let call = 0; call < (it.kind === 'calls' ? it.count : 1); call += 1) {
        const permit = breaker.tryAcquire(nowMs);
        const how = it.kind === 'call' ? it : { outcome: 'success' as const, isSlow: false };
        if (how.outcome === 'success') breaker.success(permit, nowMs, how.isSlow ? 50 : 1);
        else breaker.record(how.outcome, permit, nowMs, how.isSlow ? 50 : 1);
        this.latePermit = breaker.tryAcquire(nowMs);
      }
    }
    if (it.kind === 'late') breaker.record(it.outcome, this.latePermit, nowMs);
    if (it.kind === 'update') breaker.update({ trip: trips[it.trip] });
    if (it.kind === 'mode') breaker.update({ mode: it.mode });
    if (it.kind === 'force') forceOpenBreaker(breaker, 300, nowMs);
    if (it.kind === 'reset') resetBreaker(breaker, nowMs);
    if (it.kind === 'hold' && this.holds.length < 9) {
      this.holds.push(isolateBreaker(breaker, 'drill'));
    }
    if (it.kind === 'release') this.holds.shift()?.release();
    if (it.kind === 'leave' || it.kind === 'restore') {
      const snapshot = snapshotBreaker(breaker, nowMs);
      breaker.dispose(nowMs);
      this.breaker = this.#make();
      this.latePermit = -1;
      if (it.kind === 'restore') restoreBreaker(this.breaker, snapshot, nowMs);
    }
  }
}

function capOf(endpointCount: number): EjectionCap {
  const cap = new EjectionCap({ ratioMax: 0.5, failFast: false });
  cap.setEndpointCount(endpointCount);
  return cap;
}

const script = fc.array(fc.tuple(fc.nat(3), step), { maxLength: 150, size: 'max' });

test('property: successes that are only counted say the same as those that are told', () => {
  fc.assert(
    fc.property(script, (steps) => {
      const [quiet, loud] = [new Actor(capOf(2)), new Actor(capOf(2))];
      let nowMs = 0;
      for (const [, it] of steps) {
        if (it.kind === 'wait') nowMs += it.ms;
        if (it.kind === 'calls') {
          const singly: Step = { kind: 'calls', count: 1 };
          for (let call = 0; call < it.count; call += 1) {
            loud.breaker['quietUntilMs'] = Number.NEGATIVE_INFINITY;
            loud.play(singly, nowMs);
          }
        } else {
          loud.breaker['quietUntilMs'] = Number.NEGATIVE_INFINITY;
          loud.play(it, nowMs);
        }
        quiet.play(it, nowMs);
        expect(explainBreaker(quiet.breaker, nowMs)).toEqual(explainBreaker(loud.breaker, nowMs));
        expect(quiet.told).toBe(loud.told);
      }
    }),
    { numRuns: 200 },
  );
});

test('property: as many places are taken as breakers are not closed beneath', () => {
  fc.assert(
    fc.property(script, fc.array(fc.nat(5), { minLength: 1 }), (steps, endpointCounts) => {
      const cap = capOf(4);
      const actors = Array.from({ length: 4 }, () => new Actor(cap));
      let nowMs = 0;
      for (const [index, [which, it]] of steps.entries()) {
        if (it.kind === 'wait') nowMs += it.ms;
        actors[which]?.play(it, nowMs);
        // Now and then the cap is exceeded, as endpoints have left.
        if (index % 10 === 9) {
          cap.setEndpointCount(endpointCounts[((index / 10) % endpointCounts.length) | 0] ?? 4);
        }
        const outCount = actors.filter(
          ({ breaker }) => explainBreaker(breaker, nowMs).openForMs !== null,
        ).length;
        expect(cap.ejectedCount).toBe(outCount);
      }
      for (const { breaker } of actors) breaker.dispose(nowMs);
      expect(cap.ejectedCount).toBe(0);
    }),
    { numRuns: 200 },
  );
});
