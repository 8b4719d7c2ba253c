import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';
import { EjectionCap } from './ejection-cap.ts';
import { explainBreaker } from './explain-breaker.ts';
import { failureRate } from './failure-rate.ts';
import { anyOf, consecutive } from './trigger.ts';
import { lastMs } from './window-size.ts';

const bounds = { row: 4, successRateMin: 0.7, windowMs: 1_000, requestCountMin: 6 };
const options = {
  trip: anyOf(consecutive(4), failureRate({ ...bounds, over: lastMs(1_000) })),
  openMs: 300,
  openMaxMs: 2_000,
  openJitterRatio: 0,
  probeWaitMaxMs: 400,
};

/**
 * What the documentation says, in the plainest way: a list of outcomes, and no thought for cost.
 */
class PlainBreaker {
  state: 'closed' | 'open' | 'half-open' = 'closed';
  untilMs = 0;
  era = 0;
  inRow = 0;
  openings = 0;
  outcomes: { bucket: number; good: boolean }[] = [];
  originMs: number | undefined;

  ask(nowMs: number): number {
    if (this.state === 'closed') return this.era;
    if (nowMs < this.untilMs) return -1;
    this.state = 'half-open';
    this.untilMs = nowMs + options.probeWaitMaxMs;
    this.era += 1;
    return this.era;
  }

  settle(permit: number, outcome: Outcome, nowMs: number): void {
    if (permit !== this.era) return;
    if (this.state === 'half-open') this.judge(outcome, nowMs);
    else if (outcome !== 'ignored') this.count(outcome, nowMs);
  }

  judge(outcome: Outcome, nowMs: number): void {
    this.era += 1;
    if (outcome === 'ignored') {
      this.untilMs = nowMs;
    } else if (outcome === 'success') {
      Object.assign(this, { state: 'closed', inRow: 0, openings: 0, outcomes: [] });
      this.originMs = undefined;
    } else {
      this.open(nowMs);
    }
  }

  count(outcome: Outcome, nowMs: number): void {
    this.originMs ??= nowMs;
    const bucket = Math.floor((nowMs - this.originMs) / (bounds.windowMs / 10));
    this.outcomes.push({ bucket, good: outcome === 'success' });
    if (outcome === 'success') this.inRow = 0;
    if (outcome === 'failure') this.inRow += 1;
    const recent = this.outcomes.filter((it) => it.bucket > bucket - 10);
    const rate = recent.filter((it) => it.good).length / recent.length;
    const isBad = recent.length >= bounds.requestCountMin && rate < bounds.successRateMin;
    if (this.inRow < bounds.row && !isBad) return;
    this.era += 1;
    this.open(nowMs);
  }

  open(nowMs: number): void {
    this.state = 'open';
    this.untilMs = nowMs + Math.min(options.openMaxMs, options.openMs * 2 ** this.openings);
    this.openings += 1;
  }
}

type Outcome = 'success' | 'failure' | 'rateOnly' | 'ignored';

type Step =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'ask' }
  | { readonly kind: 'settle'; readonly which: number; readonly outcome: Outcome };

const outcome = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom<Outcome>('failure', 'success') },
  { weight: 1, arbitrary: fc.constantFrom<Outcome>('rateOnly', 'ignored') },
);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 350 }) }),
  { weight: 3, arbitrary: fc.constant<Step>({ kind: 'ask' }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('settle' as const), which: fc.nat(5), outcome }),
  },
);
const steps = fc.array(step, { maxLength: 150, size: 'max' });

function settle(breaker: Breaker, permit: number, how: Outcome, nowMs: number): void {
  if (how === 'success') breaker.success(permit, nowMs);
  else if (how === 'ignored') breaker.release(permit, nowMs);
  else breaker.failure(permit, nowMs, how);
}

/** Runs the steps; calls under way are settled in any order, however late. Gives what was seen. */
function run(script: readonly Step[], breaker: Breaker, look?: (nowMs: number) => void): string[] {
  const underWay: number[] = [];
  let nowMs = 0;
  return script.map((it) => {
    look?.(nowMs);
    if (it.kind === 'wait') nowMs += it.ms;
    if (it.kind === 'ask') {
      const permit = breaker.tryAcquire(nowMs);
      if (permit >= 0) underWay.push(permit);
    }
    if (it.kind === 'settle') {
      const [permit] = underWay.splice(it.which, 1);
      if (permit !== undefined) settle(breaker, permit, it.outcome, nowMs);
    }
    return `${nowMs} ${breaker.stateAt(nowMs)} ${breaker.retryAfterMs(nowMs)} ${underWay.length}`;
  });
}

test('property: it does what its plain description does', () => {
  const make = (): Breaker => new Breaker(options, { rng: () => 0 });
  fc.assert(
    fc.property(steps, (script) => {
      const plain = new PlainBreaker();
      const breaker = make();
      const underWay: { mine: number; plain: number }[] = [];
      let nowMs = 0;
      for (const it of script) {
        if (it.kind === 'wait') nowMs += it.ms;
        if (it.kind === 'ask') {
          const permits = { mine: breaker.tryAcquire(nowMs), plain: plain.ask(nowMs) };
          expect(permits.mine < 0).toBe(permits.plain < 0);
          if (permits.mine >= 0) underWay.push(permits);
        }
        if (it.kind === 'settle') {
          const [permits] = underWay.splice(it.which, 1);
          if (permits === undefined) continue;
          settle(breaker, permits.mine, it.outcome, nowMs);
          plain.settle(permits.plain, it.outcome, nowMs);
        }
        const untilMs = plain.state === 'closed' ? 0 : plain.untilMs;
        expect(breaker.retryAfterMs(nowMs)).toBe(Math.max(0, untilMs - nowMs));
      }
    }),
    { numRuns: 300 },
  );
});

test('property: looking changes nothing, not even at times to come', () => {
  fc.assert(
    fc.property(steps, fc.nat(5_000), (script, aheadMs) => {
      const ports = { rng: seededRng(7) };
      const watched = new Breaker({ ...options, openJitterRatio: 0.5 }, ports);
      const alone = new Breaker({ ...options, openJitterRatio: 0.5 }, { rng: seededRng(7) });
      const look = (nowMs: number): void => {
        explainBreaker(watched, nowMs);
        watched.admits(nowMs + aheadMs);
        watched.stateAt(nowMs + aheadMs);
        watched.retryAfterMs(nowMs + aheadMs);
      };
      expect(run(script, watched, look)).toEqual(run(script, alone));
    }),
  );
});

test('property: `admits` foretells `tryAcquire`, and half-open admits one at a time', () => {
  fc.assert(
    fc.property(steps, (script) => {
      const breaker = new Breaker(options, { rng: () => 0 });
      run(script, breaker, (nowMs) => {
        const state = breaker.stateAt(nowMs);
        const admits = breaker.admits(nowMs);
        const permit = breaker.tryAcquire(nowMs);
        expect(permit >= 0).toBe(admits);
        if (state !== 'closed') expect(breaker.tryAcquire(nowMs)).toBe(-1);
        breaker.release(permit, nowMs);
      });
    }),
  );
});

interface ClusterEvent {
  readonly endpoint: number;
  readonly outcome: Outcome;
  readonly waitMs: number;
  /** The endpoint leaves instead of being called. */
  readonly leaves: boolean;
}

const clusterEvent: fc.Arbitrary<ClusterEvent> = fc.record({
  endpoint: fc.nat(5),
  outcome,
  waitMs: fc.integer({ min: 0, max: 60 }),
  leaves: fc.integer({ min: 0, max: 30 }).map((it) => it === 0),
});

/** Checks the law of the cap after each event. */
function playCluster(endpointCount: number, events: readonly ClusterEvent[]): void {
  const cap = new EjectionCap({ ratioMax: 0.5, failFast: false });
  const ports = { rng: () => 0, cap };
  let breakers = Array.from({ length: endpointCount }, () => new Breaker(options, ports));
  cap.setEndpointCount(endpointCount);
  let nowMs = 0;
  for (const { endpoint, outcome: how, waitMs, leaves } of events) {
    nowMs += waitMs;
    const breaker = breakers[endpoint % breakers.length];
    if (breaker === undefined) return;
    if (leaves && breakers.length > 1) {
      breaker.dispose(nowMs);
      breakers = breakers.filter((other) => other !== breaker);
      cap.setEndpointCount(breakers.length);
      // Whoever is asked next makes room, so that the cap holds again.
      for (const other of breakers) if (cap.isExceeded) other.tryAcquire(nowMs);
    } else {
      settle(breaker, breaker.tryAcquire(nowMs), how, nowMs);
    }
    const closedCount = breakers.filter((other) => other.stateAt(nowMs) === 'closed').length;
    expect(cap.ejectedCount).toBe(breakers.length - closedCount);
    expect(cap.ejectedCount).toBeLessThanOrEqual(cap.ejectedCountMax);
    expect(closedCount).toBeGreaterThanOrEqual(1);
  }
  for (const other of breakers) other.dispose(nowMs);
  expect(cap.ejectedCount).toBe(0);
}

test('property: breakers under one cap leave an endpoint, and give back what they took', () => {
  const events = fc.array(clusterEvent, { maxLength: 120, size: 'max' });
  fc.assert(fc.property(fc.integer({ min: 1, max: 6 }), events, playCluster));
});
