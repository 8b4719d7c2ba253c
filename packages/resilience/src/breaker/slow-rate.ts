import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { RateWindowOptions } from './failure-rate.ts';
import { checkTerms, type RateTrigger } from './rate-trigger.ts';
import { SlowGauge } from './slow-gauge.ts';
import type { Trigger } from './trigger.ts';
import { lastMs } from './window-size.ts';

/** Options of `slowRate`. */
export interface SlowRateOptions extends RateWindowOptions {
  /** A call that takes this long is slow (`>=`). At least 1. */
  readonly slowMs: number;
  /** Share of slow calls, above 0 to 1, that trips as soon as it is reached (`>=`). Default 1. */
  readonly rateMax?: number | undefined;
}

/**
 * Trips on the share of calls that took long, whether they failed or not; by default if all of at
 * least 20 in the last 10 s did. A probe that is slow has failed. An outcome that comes without its
 * time (`tookMs`) says nothing here. Throws `InvalidOptionError` for a bad `slowMs`. After
 * resilience4j's slowCallRateThreshold.
 */
export function slowRate(options: SlowRateOptions): Trigger {
  const {
    slowMs,
    over = lastMs(10_000),
    requestCountMin = Math.min(20, over.countMax),
    rateMax = 1,
  } = options;
  const problems = new OptionProblems();
  problems.range('slowMs', slowMs, 1);
  problems.throwIfAny(InvalidOptionError);
  const rate: RateTrigger = {
    reason: 'slow-rate',
    over,
    requestCountMin,
    rateMax,
    successRateMin: 0,
    slowMs,
    gauge(known) {
      return new SlowGauge(this, known);
    },
    check(listed) {
      checkTerms(listed, this);
    },
  };
  return {
    consecutiveFailures: Number.POSITIVE_INFINITY,
    rates: [rate],
    gauge: (known) => rate.gauge(known?.shares[0]),
  };
}
