import type { CountWindow, TimeWindow } from '@leno/std';
import type { RateTerms } from './rate-terms.ts';

/** Where the shares stand in one breaker: one of them, or several. */
export interface Gauge {
  /** Each by itself. */
  readonly shares: readonly RateGauge[];
  /** As long and longer is slow, to any of them. */
  readonly slowMs: number;
  /** Takes an outcome; the reason of the first share that trips now. */
  record(succeeded: boolean, nowMs: number, tookMs: number): RateTerms['reason'] | undefined;
  /** Until when successes need only be counted, if no share trips now. */
  readonly quietUntilMs: number;
  /** Takes that many of them. */
  flush(count: number): void;
  /** Forgets everything. */
  reset(): void;
}

/** Where one share of failures stands in one breaker. */
export class RateGauge implements Gauge {
  readonly trigger: RateTerms;
  readonly window: TimeWindow | CountWindow;
  /** What it counts over what, as a text to compare. */
  readonly counted: string;
  readonly slowMs: number = Number.POSITIVE_INFINITY;

  /** Takes over what `known` has counted if it counts the same. */
  constructor(trigger: RateTerms, known: RateGauge | undefined) {
    const { over, slowMs } = trigger;
    this.trigger = trigger;
    this.counted = JSON.stringify([over, slowMs]);
    this.window = known?.counted === this.counted ? known.window : over.make();
  }

  get shares(): readonly RateGauge[] {
    return [this];
  }

  record(succeeded: boolean, nowMs: number, _tookMs: number): RateTerms['reason'] | undefined {
    this.window.record(succeeded, nowMs);
    return this.tripReason;
  }

  /** Absent if the share does not trip now. */
  get tripReason(): RateTerms['reason'] | undefined {
    const { window, trigger } = this;
    const { failureCount, totalCount } = window;
    // Divided, as the bounds are quotients too: 57 of 100 is 0.57, but 100 × 0.57 is less than 57.
    const isPast =
      failureCount > 0 &&
      totalCount >= trigger.requestCountMin &&
      (window.successCount / totalCount < trigger.successRateMin ||
        failureCount / totalCount >= trigger.rateMax);
    return isPast ? trigger.reason : undefined;
  }

  /**
   * Within a bucket successes can but raise their share, so that it can only trip as it begins to
   * be judged.
   */
  get quietUntilMs(): number {
    const { window, trigger } = this;
    const isQuiet = window.failureCount === 0 || window.totalCount >= trigger.requestCountMin;
    return isQuiet ? window.endsAtMs : Number.NEGATIVE_INFINITY;
  }

  flush(count: number): void {
    // At no time: all belong to the present bucket.
    this.window.record(true, Number.NEGATIVE_INFINITY, count);
  }

  reset(): void {
    this.window.reset();
  }
}
