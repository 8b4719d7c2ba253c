import { OptionProblems, withDefaults } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';

/**
 * When a breaker trips and how it comes back. What is not given, or undefined, is as in
 * `defaultBreakerOptions`; values out of range throw `InvalidOptionError`.
 */
export interface BreakerOptions {
  /**
   * Failures in a row that trip; reached, not exceeded (`>=`). 0 switches this trigger off. Default
   * 5.
   */
  readonly consecutiveFailures?: number | undefined;
  /**
   * The lowest share of successes, 0 to 1, that is still good; below it the breaker trips; 0 is
   * off. Default 0.8.
   */
  readonly successRateMin?: number | undefined;
  /** The time that the share is taken over, in ten buckets. At least 10 ms; default 10 s. */
  readonly windowMs?: number | undefined;
  /** Outcomes within the window before the share is judged at all. At least 1; default 20. */
  readonly requestCountMin?: number | undefined;
  /**
   * How long the first opening refuses; each further one in a row twice as long. At least 1;
   * default 1 s.
   */
  readonly openMs?: number | undefined;
  /** Where the doubling stops, jitter included. At least `openMs`; default 60 s. */
  readonly openMaxMs?: number | undefined;
  /** Up to this share is added at random to each opening, 0 to 1. Default 0.5. */
  readonly openJitterRatio?: number | undefined;
  /** How long a probe may take before another may take its place. At least 1; default 30 s. */
  readonly probeWaitMaxMs?: number | undefined;
}

/** The same with nothing left open. */
export type CompleteBreakerOptions = {
  readonly [Name in keyof BreakerOptions]-?: Exclude<BreakerOptions[Name], undefined>;
};

/** Linkerd's unified breaker with a higher minimum: what Leno does when nothing is configured. */
export const defaultBreakerOptions: CompleteBreakerOptions = {
  consecutiveFailures: 5,
  successRateMin: 0.8,
  windowMs: 10_000,
  requestCountMin: 20,
  openMs: 1_000,
  openMaxMs: 60_000,
  openJitterRatio: 0.5,
  probeWaitMaxMs: 30_000,
};

/** Fills in what is optional and checks every value. Never touches what it was given. */
export function completeBreakerOptions(given: BreakerOptions): CompleteBreakerOptions {
  const options = withDefaults(given, defaultBreakerOptions);
  const problems = new OptionProblems();
  problems.count('consecutiveFailures', options.consecutiveFailures, 0);
  problems.range('successRateMin', options.successRateMin, 0, 1);
  problems.range('windowMs', options.windowMs, 10);
  problems.count('requestCountMin', options.requestCountMin, 1);
  problems.range('openMs', options.openMs, 1);
  problems.range('openMaxMs', options.openMaxMs, 1);
  problems.check(
    options.openMs <= options.openMaxMs,
    'openMs',
    options.openMs,
    'not exceed openMaxMs',
  );
  problems.range('openJitterRatio', options.openJitterRatio, 0, 1);
  problems.range('probeWaitMaxMs', options.probeWaitMaxMs, 1);
  problems.throwIfAny(InvalidOptionError);
  return options;
}
