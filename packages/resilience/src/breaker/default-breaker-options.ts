import { type CompleteBreakerOptions, engineDefaults } from './breaker-options.ts';
import { RateGauge } from './rate-gauge.ts';
import type { RateTrigger } from './rate-trigger.ts';
import type { Trigger } from './trigger.ts';
import { lastMs } from './window-size.ts';

const rate: RateTrigger = {
  reason: 'failure-rate',
  over: /* @__PURE__ */ lastMs(10_000),
  requestCountMin: 20,
  rateMax: 1,
  successRateMin: 0.8,
  slowMs: 0,
  gauge: (known) => new RateGauge(rate, known),
  // Known to be right.
  check() {},
};

/** As `anyOf(consecutive(5), failureRate())`, whose code a bundle need not hold for this. */
export const defaultTrip: Trigger = {
  consecutiveFailures: 5,
  rates: [rate],
  gauge: (known) => rate.gauge(known?.shares[0]),
};

/** Linkerd's unified breaker with a higher minimum: what Leno does when nothing is configured. */
export const defaultBreakerOptions: CompleteBreakerOptions = {
  ...engineDefaults,
  trip: defaultTrip,
};
