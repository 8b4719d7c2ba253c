import type { CountWindow, TimeWindow } from '@leno/std';
import type { RateTrigger } from './trigger.ts';

/** Where one share stands in one breaker. */
export class RateGauge {
  readonly trigger: RateTrigger;
  readonly window: TimeWindow | CountWindow;
  /** What it counts over what, as a text to compare. */
  readonly counted: string;

  /** Takes over what `known` has counted if it counts the same. */
  constructor(trigger: RateTrigger, known: RateGauge | undefined) {
    const { over, slowMs } = trigger;
    this.trigger = trigger;
    this.counted = JSON.stringify([over, slowMs]);
    this.window = known?.counted === this.counted ? known.window : over.make();
  }

  /** Takes an outcome; true if the share trips now. */
  record(succeeded: boolean, nowMs: number, tookMs: number): boolean {
    const { window, trigger } = this;
    const { slowMs } = trigger;
    if (slowMs === 0) window.record(succeeded, nowMs);
    else if (tookMs >= 0) window.record(tookMs < slowMs, nowMs);
    const { failureCount, totalCount } = window;
    // Divided, as the bounds are quotients too: 57 of 100 is 0.57, but 100 × 0.57 is less than 57.
    return (
      failureCount > 0 &&
      totalCount >= trigger.requestCountMin &&
      (window.successCount / totalCount < trigger.successRateMin ||
        failureCount / totalCount >= trigger.rateMax)
    );
  }

  /**
   * Until when successes need only be counted, if the share does not trip now: within a bucket they
   * can but raise the share of successes, so that it can only trip as it begins to be judged.
   */
  get quietUntilMs(): number {
    const { window, trigger } = this;
    const isQuiet = window.failureCount === 0 || window.totalCount >= trigger.requestCountMin;
    return isQuiet && trigger.slowMs === 0 ? window.endsAtMs : Number.NEGATIVE_INFINITY;
  }
}
