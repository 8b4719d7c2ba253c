/**
 * What a breaker knows, for people and for other processes. Functions rather than methods, as a
 * bundle of a program that never asks then goes without them.
 */
import { type OutcomeRun, outcomeRuns } from '@leno/std';
import type { Breaker } from './breaker.ts';
import type { BreakerReport, BreakerSnapshot, RateReport } from './breaker-report.ts';
import type { RateGauge } from './rate-gauge.ts';

/** Everything it knows at `nowMs`. Changes nothing that can be seen. */
export function explainBreaker(breaker: Breaker, nowMs: number): BreakerReport {
  breaker['flush']();
  const reason = breaker['reason'];
  const status = breaker['status'];
  return {
    state: breaker.stateAt(nowMs),
    reason,
    changedAtMs: reason && breaker['changedAtMs'],
    retryAfterMs: breaker.retryAfterMs(nowMs),
    openForMs:
      status === 'closed' ? null : Math.max(0, status === 'open' ? breaker['untilMs'] - nowMs : 0),
    openingCount: breaker['openingCount'],
    consecutiveFailureCount: breaker['failureRow'],
    rates: sharesOf(breaker).map((gauge) => reportOf(gauge, nowMs)),
    probeCount: nowMs < breaker['untilMs'] ? breaker['probeCount'] : 0,
    heldBy: breaker['heldBy'],
    holds: breaker['holds'].map((hold) => hold.reason),
    refusedCount: breaker['refusedCount'],
    lateCount: breaker['lateCount'],
    options: breaker['options'],
  };
}

/** What of it can be restored in another process, as plain JSON. */
export function snapshotBreaker(breaker: Breaker, nowMs: number): BreakerSnapshot {
  const { openForMs, openingCount, consecutiveFailureCount, rates } = explainBreaker(
    breaker,
    nowMs,
  );
  // JSON has no Infinity, and null would be closed.
  const forMs = openForMs === Number.POSITIVE_INFINITY ? Number.MAX_SAFE_INTEGER : openForMs;
  return { openForMs: forMs, openingCount, consecutiveFailureCount, rates };
}

/**
 * Takes what `snapshotBreaker` said `elapsedMs` ago, on whatever clock; only for a breaker that has
 * not been used. It opens if the cap lets it. Takes the word for it: see `parseSnapshot`.
 */
export function restoreBreaker(
  breaker: Breaker,
  snapshot: BreakerSnapshot,
  nowMs: number,
  elapsedMs = 0,
): void {
  const thenMs = nowMs - elapsedMs;
  breaker['failureRow'] = snapshot.consecutiveFailureCount;
  for (const [index, gauge] of sharesOf(breaker).entries()) {
    restore(gauge, snapshot.rates[index]?.runs ?? [], thenMs);
  }
  if (snapshot.openForMs === null || breaker['isHeld']()) return;
  breaker['openingCount'] = snapshot.openingCount;
  breaker['open']('restored', snapshot.openForMs, thenMs);
}

function sharesOf(breaker: Breaker): readonly RateGauge[] {
  return breaker['gauge']?.shares ?? [];
}

function reportOf({ window, trigger }: RateGauge, nowMs: number): RateReport {
  const runs = outcomeRuns(window, nowMs);
  return {
    reason: trigger.reason,
    successCount: runs.reduce((sum, [, successCount]) => sum + successCount, 0),
    failureCount: runs.reduce((sum, [, , failureCount]) => sum + failureCount, 0),
    runs,
  };
}

/** Takes the `runs` of a report that was made at `thenMs`, oldest first as they are. */
function restore({ window }: RateGauge, runs: readonly OutcomeRun[], thenMs: number): void {
  for (const [ageMs, successCount, failureCount] of runs) {
    window.record(true, thenMs - ageMs, successCount);
    window.record(false, thenMs - ageMs, failureCount);
  }
}
