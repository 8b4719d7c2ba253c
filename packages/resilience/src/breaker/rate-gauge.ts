import { failureCountAt, type OutcomeRun, type OutcomeWindow, successCountAt } from '@leno/std';
import type { RateReport } from './breaker-report.ts';
import type { RateTrigger } from './trigger.ts';

/** Where one share stands in one breaker. */
export class RateGauge {
  readonly trigger: RateTrigger;
  readonly window: OutcomeWindow;

  /** Takes over what `known` has counted if it counts the same. */
  constructor(trigger: RateTrigger, known: RateGauge | undefined) {
    this.trigger = trigger;
    this.window =
      known?.trigger.slowMs === trigger.slowMs &&
      known.trigger.over.size === trigger.over.size &&
      known.trigger.over.countMax === trigger.over.countMax
        ? known.window
        : trigger.over.make();
  }

  /** Takes an outcome; true if the share trips now. */
  record(succeeded: boolean, nowMs: number, tookMs: number): boolean {
    const { window, trigger } = this;
    const { slowMs } = trigger;
    if (slowMs === 0) window.record(succeeded, nowMs);
    else if (tookMs >= 0) window.record(tookMs < slowMs, nowMs);
    const { failureCount } = window;
    // Most of the time, and with nothing to divide.
    if (failureCount === 0) return false;
    const { totalCount } = window;
    // Divided, as the bounds are quotients too: 57 of 100 is 0.57, but 100 × 0.57 is less than 57.
    return (
      totalCount >= trigger.requestCountMin &&
      (window.successCount / totalCount < trigger.successRateMin ||
        failureCount / totalCount >= trigger.rateMax)
    );
  }

  /** Where it stands; changes nothing. */
  report(nowMs: number): RateReport {
    const { window } = this;
    return {
      reason: this.trigger.reason,
      successCount: successCountAt(window, nowMs),
      failureCount: failureCountAt(window, nowMs),
      runs: window.runs(nowMs),
    };
  }

  /** Takes the `runs` of a report that was made at `thenMs`, oldest first as they are. */
  restore(runs: readonly OutcomeRun[], thenMs: number): void {
    for (const [ageMs, successCount, failureCount] of runs) {
      this.window.record(true, thenMs - ageMs, successCount);
      this.window.record(false, thenMs - ageMs, failureCount);
    }
  }
}
