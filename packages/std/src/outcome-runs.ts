/** What a window says of a time without being changed by it. */
import type { CountWindow } from './count-window.ts';
import { type OutcomeRun, TimeWindow } from './window.ts';

/** What counts at `nowMs`, oldest first. */
export function outcomeRuns(window: TimeWindow | CountWindow, nowMs: number): OutcomeRun[] {
  if (!(window instanceof TimeWindow)) return window.runs();
  const runs: OutcomeRun[] = [];
  const [counts, slot, widthMs] = [window['counts'], window['slot'], window['widthMs']];
  const sinceEndMs = nowMs - window.endsAtMs;
  const leaving = Math.max(0, Math.floor(sinceEndMs / widthMs) + 1);
  // The oldest bucket comes after the present one; what a roll would drop is passed over.
  for (let ahead = 2 * leaving + 2; ahead <= counts.length; ahead += 2) {
    const [successCount = 0, failureCount = 0] = counts.subarray((slot + ahead) % counts.length);
    if (successCount + failureCount === 0) continue;
    const ageMs = sinceEndMs + ((counts.length - ahead) / 2 + 1) * widthMs;
    // Time that ran backwards does not make anything younger than now.
    runs.push([Math.max(0, ageMs), successCount, failureCount]);
  }
  return runs;
}

/** The successes that count at `nowMs`. Changes nothing, unlike `roll`. */
export function successCountAt(window: TimeWindow | CountWindow, nowMs: number): number {
  return outcomeRuns(window, nowMs).reduce((sum, [, successCount]) => sum + successCount, 0);
}

/** The failures that count at `nowMs`. Changes nothing, unlike `roll`. */
export function failureCountAt(window: TimeWindow | CountWindow, nowMs: number): number {
  return outcomeRuns(window, nowMs).reduce((sum, [, , failureCount]) => sum + failureCount, 0);
}
