import type { Gauge, RateGauge } from './rate-gauge.ts';
import type { RateTerms } from './rate-terms.ts';
import type { RateTrigger } from './rate-trigger.ts';

/** Where several shares stand in one breaker. */
export class GaugeList implements Gauge {
  readonly shares: readonly RateGauge[];
  readonly slowMs: number;

  /** Each takes over what the one in its place has counted, if it counts the same. */
  constructor(rates: readonly RateTrigger[], known: Gauge | undefined) {
    const before = known?.shares;
    this.shares = rates.map((rate, index) => rate.gauge(before?.[index]));
    this.slowMs = Math.min(...this.shares.map((share) => share.slowMs));
  }

  record(succeeded: boolean, nowMs: number, tookMs: number): RateTerms['reason'] | undefined {
    let reason: RateTerms['reason'] | undefined;
    for (const share of this.shares) {
      const own = share.record(succeeded, nowMs, tookMs);
      reason ??= own;
    }
    return reason;
  }

  get quietUntilMs(): number {
    let untilMs = Number.POSITIVE_INFINITY;
    for (const share of this.shares) untilMs = Math.min(untilMs, share.quietUntilMs);
    return untilMs;
  }

  flush(count: number): void {
    for (const share of this.shares) share.flush(count);
  }

  reset(): void {
    for (const share of this.shares) share.reset();
  }
}
