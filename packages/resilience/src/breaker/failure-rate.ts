import { RateGauge } from './rate-gauge.ts';
import { checkTerms, type RateTrigger } from './rate-trigger.ts';
import type { Trigger } from './trigger.ts';
import { lastMs, type WindowSize } from './window-size.ts';

/** Over what a share is taken. */
export interface RateWindowOptions {
  /** `lastMs(…)` or `lastCalls(…)`. Default `lastMs(10_000)`. */
  readonly over?: WindowSize | undefined;
  /**
   * Outcomes in the window before the share is judged at all: a whole number of at least 1, no more
   * than a window of calls holds. Default 20, or the whole of a smaller window of calls.
   */
  readonly requestCountMin?: number | undefined;
}

/** Options of `failureRate`. */
export interface FailureRateOptions extends RateWindowOptions {
  /** Share of failures, above 0 to 1, that trips as soon as it is reached (`>=`). Default 1. */
  readonly rateMax?: number | undefined;
  /**
   * Share of successes, 0 to 1, below which it trips (`<`): exactly this much is still good.
   * Default 0.8, or 0 where `rateMax` is given.
   */
  readonly successRateMin?: number | undefined;
}

/**
 * Trips on the share of failures in a window, judged at each outcome, successes included. Default:
 * fewer than 0.8 successes among at least 20 outcomes of the last 10 s, as linkerd2-proxy has it
 * (with `rateMax`, as resilience4j and Polly have it).
 */
export function failureRate({
  over = lastMs(10_000),
  requestCountMin = Math.min(20, over.countMax),
  rateMax,
  successRateMin = rateMax === undefined ? 0.8 : 0,
}: FailureRateOptions = {}): Trigger {
  const rate: RateTrigger = {
    reason: 'failure-rate',
    over,
    requestCountMin,
    rateMax: rateMax ?? 1,
    successRateMin,
    slowMs: 0,
    gauge(known) {
      return new RateGauge(this, known);
    },
    check(problems) {
      checkTerms(problems, this);
    },
  };
  return {
    consecutiveFailures: Number.POSITIVE_INFINITY,
    rates: [rate],
    gauge: (known) => rate.gauge(known?.shares[0]),
  };
}
