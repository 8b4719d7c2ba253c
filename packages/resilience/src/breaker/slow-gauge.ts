import { RateGauge } from './rate-gauge.ts';
import type { RateTerms } from './rate-terms.ts';

/** Where one share of slow calls stands in one breaker. */
export class SlowGauge extends RateGauge {
  override readonly slowMs = this.trigger.slowMs;

  /** What comes without its time says nothing here. */
  override record(
    _succeeded: boolean,
    nowMs: number,
    tookMs: number,
  ): RateTerms['reason'] | undefined {
    if (tookMs >= 0) this.window.record(tookMs < this.slowMs, nowMs);
    return this.tripReason;
  }

  /** Never: how long a success took is yet to be seen. */
  override get quietUntilMs(): number {
    return Number.NEGATIVE_INFINITY;
  }
}
