/** All triggers, modes, holds and probes at once, against a slow and obvious breaker. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Breaker } from './breaker.ts';
import type { BreakerMode } from './breaker-options.ts';
import type { BreakerHold, CallOutcome } from './breaker-report.ts';
import { explainBreaker } from './explain-breaker.ts';
import { failureRate } from './failure-rate.ts';
import { isolateBreaker } from './operate-breaker.ts';
import { slowRate } from './slow-rate.ts';
import { anyOf, consecutive } from './trigger.ts';
import { lastCalls, lastMs } from './window-size.ts';

interface Settings {
  readonly row: number;
  readonly callCount: number;
  readonly rateMax: number;
  readonly slowRateMax: number;
  readonly probeCount: number;
  readonly probeSuccessCountMin: number;
}

interface Seen {
  readonly good: boolean;
  readonly slow: boolean;
  readonly bucket: number;
}

/** A permit is an object here: whose it is, and whether it still counts, is plain to see. */
interface Permit {
  counts: boolean;
}

const slowMs = 50;
const windowMs = 1_000;
const openMs = 300;
const probeWaitMaxMs = 400;

class PlainBreaker {
  readonly settings: Settings;
  state: 'closed' | 'open' | 'half-open' = 'closed';
  mode: BreakerMode = 'enforce';
  holdCount = 0;
  permits: Permit[] = [];
  seen: Seen[] = [];
  row = 0;
  openings = 0;
  untilMs = 0;
  probes: { permit: Permit; lostAtMs: number }[] = [];
  goodCount = 0;
  badCount = 0;
  originMs: number | undefined;

  constructor(settings: Settings) {
    this.settings = settings;
  }

  ask(nowMs: number): Permit | undefined {
    if (this.holdCount > 0 || this.mode === 'forcedOpen') return undefined;
    const permit = { counts: this.mode !== 'disabled' };
    if (this.mode === 'disabled') return permit;
    if (this.mode === 'observe' && this.state !== 'closed') this.close();
    if (this.state === 'open' && nowMs >= this.untilMs) this.enter('half-open');
    if (this.state === 'open') return undefined;
    if (this.state === 'half-open') {
      const [first] = this.probes;
      if (first !== undefined && nowMs >= first.lostAtMs) this.invalidate();
      const takenCount = this.probes.length + this.goodCount + this.badCount;
      if (takenCount >= this.settings.probeCount) return undefined;
      const lostAtMs = this.probes[0]?.lostAtMs ?? nowMs + probeWaitMaxMs;
      this.probes.push({ permit, lostAtMs });
    }
    this.permits.push(permit);
    return permit;
  }

  settle(permit: Permit, outcome: CallOutcome, nowMs: number, tookMs: number): void {
    if (!permit.counts) return;
    permit.counts = false;
    if (this.state === 'half-open') this.probed(permit, outcome, tookMs);
    else if (outcome !== 'ignored') this.count(outcome, nowMs, tookMs);
    if (this.state === 'open' && this.untilMs === 0) this.untilMs = nowMs + this.lengthMs();
  }

  probed(permit: Permit, outcome: CallOutcome, tookMs: number): void {
    this.probes = this.probes.filter((it) => it.permit !== permit);
    if (outcome === 'ignored') return;
    if (outcome === 'success' && tookMs < slowMs) this.goodCount += 1;
    else this.badCount += 1;
    const { probeCount, probeSuccessCountMin } = this.settings;
    const goodMin = probeSuccessCountMin === 0 ? probeCount : probeSuccessCountMin;
    if (this.goodCount >= goodMin) this.close();
    else if (this.goodCount + (probeCount - this.goodCount - this.badCount) < goodMin) this.open();
  }

  count(outcome: CallOutcome, nowMs: number, tookMs: number): void {
    const { row, callCount, rateMax, slowRateMax } = this.settings;
    if (outcome === 'success') this.row = 0;
    if (outcome === 'failure') this.row += 1;
    this.originMs ??= nowMs;
    const bucket = Math.floor((nowMs - this.originMs) / (windowMs / 10));
    this.seen.push({ good: outcome === 'success', slow: tookMs >= slowMs, bucket });
    const recent = this.seen.filter((it) => it.bucket > bucket - 10);
    const last = this.seen.slice(-callCount);
    const failed = last.filter((it) => !it.good).length / last.length;
    const slow = recent.filter((it) => it.slow).length / recent.length;
    const trips =
      (outcome !== 'success' && this.row >= row) ||
      (last.length >= callCount && failed >= rateMax) ||
      (recent.length >= 4 && slow >= slowRateMax);
    if (trips && this.mode !== 'observe') this.open();
  }

  open(): void {
    this.openings += 1;
    this.untilMs = 0;
    this.enter('open');
  }

  close(): void {
    Object.assign(this, { row: 0, openings: 0, seen: [], originMs: undefined });
    this.enter('closed');
  }

  enter(state: 'closed' | 'open' | 'half-open'): void {
    this.state = state;
    this.goodCount = 0;
    this.badCount = 0;
    this.invalidate();
  }

  /** What is under way counts no more. */
  invalidate(): void {
    for (const permit of this.permits) permit.counts = false;
    this.permits = [];
    this.probes = [];
  }

  interrupt(): void {
    this.invalidate();
    this.goodCount = 0;
    this.badCount = 0;
  }

  lengthMs(): number {
    return Math.min(2_000, openMs * 2 ** (this.openings - 1));
  }
}

type Step =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'ask' | 'hold' | 'release' }
  | { readonly kind: 'mode'; readonly mode: BreakerMode }
  | {
      readonly kind: 'settle';
      readonly which: number;
      readonly outcome: CallOutcome;
      readonly slow: boolean;
    };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(250) }) },
  { weight: 16, arbitrary: fc.constant<Step>({ kind: 'ask' }) },
  {
    weight: 16,
    arbitrary: fc.record({
      kind: fc.constant('settle' as const),
      which: fc.nat(4),
      outcome: fc.constantFrom<CallOutcome>('success', 'failure', 'failure', 'rateOnly', 'ignored'),
      slow: fc.integer({ min: 0, max: 4 }).map((it) => it === 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('mode' as const),
      mode: fc.constantFrom<BreakerMode>('enforce', 'enforce', 'observe', 'forcedOpen', 'disabled'),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'hold' }, { kind: 'release' }) },
);

const settingsOf: fc.Arbitrary<Settings> = fc
  .record({
    row: fc.integer({ min: 1, max: 6 }),
    callCount: fc.integer({ min: 1, max: 8 }),
    rateMax: fc.constantFrom(0.25, 0.5, 0.75, 1),
    slowRateMax: fc.constantFrom(0.5, 1),
    probeCount: fc.integer({ min: 1, max: 4 }),
    successShare: fc.nat(4),
  })
  .map(({ successShare, ...rest }) => ({
    ...rest,
    probeSuccessCountMin: Math.min(successShare, rest.probeCount),
  }));

function make({ row, callCount, rateMax, slowRateMax, ...probes }: Settings): Breaker {
  const trip = anyOf(
    consecutive(row),
    failureRate({ over: lastCalls(callCount), rateMax }),
    slowRate({ over: lastMs(windowMs), requestCountMin: 4, slowMs, rateMax: slowRateMax }),
  );
  const times = { openMs, openMaxMs: 2_000, openJitterRatio: 0, probeWaitMaxMs };
  return new Breaker({ trip, ...times, ...probes }, { rng: () => 0 });
}

test('property: with everything in play it does what its plain description does', () => {
  fc.assert(
    fc.property(settingsOf, fc.array(step, { maxLength: 200, size: 'max' }), (settings, script) => {
      const [breaker, plain] = [make(settings), new PlainBreaker(settings)];
      const underWay: { mine: number; plain: Permit }[] = [];
      const holds: BreakerHold[] = [];
      let nowMs = 0;
      for (const it of script) {
        if (it.kind === 'wait') nowMs += it.ms;
        if (it.kind === 'ask') {
          const [mine, theirs] = [breaker.tryAcquire(nowMs), plain.ask(nowMs)];
          expect(mine >= 0).toBe(theirs !== undefined);
          if (theirs !== undefined) underWay.push({ mine, plain: theirs });
        }
        if (it.kind === 'settle') {
          const [permits] = underWay.splice(it.which, 1);
          const tookMs = it.slow ? slowMs : slowMs - 1;
          if (permits === undefined) continue;
          breaker.record(it.outcome, permits.mine, nowMs, tookMs);
          plain.settle(permits.plain, it.outcome, nowMs, tookMs);
        }
        if (it.kind === 'mode') {
          if (it.mode !== plain.mode) plain.interrupt();
          plain.mode = it.mode;
          breaker.update({ mode: it.mode });
        }
        if (it.kind === 'hold') {
          holds.push(isolateBreaker(breaker, 'drill'));
          plain.holdCount += 1;
          plain.interrupt();
        }
        if (it.kind === 'release' && holds.length > 0) {
          holds.pop()?.release();
          plain.holdCount -= 1;
        }
        const { openingCount, holds: held } = explainBreaker(breaker, nowMs);
        expect([openingCount, held.length]).toEqual([plain.openings, plain.holdCount]);
      }
    }),
    { numRuns: 1_000 },
  );
});
