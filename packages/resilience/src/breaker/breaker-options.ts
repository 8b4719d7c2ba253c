import { OptionProblems, withDefaults } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { Trigger } from './trigger.ts';

/**
 * What a breaker does with its verdict. `enforce` refuses; `observe` counts and says when it would
 * have tripped (`onWouldTrip`), and never refuses; `forcedOpen` refuses everything, whatever the
 * time; `disabled` admits everything and counts nothing.
 */
export type BreakerMode = 'enforce' | 'observe' | 'forcedOpen' | 'disabled';

/**
 * When a breaker trips and how it comes back. What is not given, or undefined, is as in
 * `defaultBreakerOptions`; values out of range throw `InvalidOptionError`, which lists them all.
 */
export interface BreakerOptions {
  /**
   * What trips it. Default `anyOf(consecutive(5), failureRate())`: five failures in a row, or fewer
   * than 0.8 successes among at least 20 outcomes of the last 10 s.
   */
  readonly trip?: Trigger | undefined;
  /** Default `enforce`. */
  readonly mode?: BreakerMode | undefined;
  /**
   * How long the first opening refuses, at least 1; or how long each does, by the openings in a row
   * before it (0, 1, 2, …), where what is no number of at least 0 means `openMaxMs`. Default 1 s.
   */
  readonly openMs?: number | ((openingIndex: number) => number) | undefined;
  /** What `openMs`, if a number, is multiplied by for each further opening in a row, 1 to 100. Default 2. */
  readonly openGrowth?: number | undefined;
  /** Where that stops, jitter included. At least `openMs`; default 60 s. */
  readonly openMaxMs?: number | undefined;
  /** Up to this share is added at random to each opening, 0 to 1. Default 0.5. */
  readonly openJitterRatio?: number | undefined;
  /** Calls that half-open admits at once, and by which it decides. At least 1; default 1. */
  readonly probeCount?: number | undefined;
  /**
   * How many of them must succeed; decided as soon as it is certain. At most `probeCount`; 0, the
   * default, is all of them.
   */
  readonly probeSuccessCountMin?: number | undefined;
  /**
   * How long probes may take before they are lost, and others may take their place. At least 1;
   * default 30 s.
   */
  readonly probeWaitMaxMs?: number | undefined;
}

/** The same with nothing left open. */
export type CompleteBreakerOptions = {
  readonly [Name in keyof BreakerOptions]-?: Exclude<BreakerOptions[Name], undefined>;
};

/** What `Breaker` takes: nothing trips it but what is said. */
export type BreakerEngineOptions = BreakerOptions & { readonly trip: Trigger };

/** What stands in for what is not given; what trips does not, as it brings code of its own. */
export const engineDefaults: Omit<CompleteBreakerOptions, 'trip'> = {
  mode: 'enforce',
  openMs: 1_000,
  openGrowth: 2,
  openMaxMs: 60_000,
  openJitterRatio: 0.5,
  probeCount: 1,
  probeSuccessCountMin: 0,
  probeWaitMaxMs: 30_000,
};

/** Fills in what is not given from `base` and checks every value. Never touches what it is given. */
export function completeBreakerOptions(
  given: BreakerOptions,
  base: CompleteBreakerOptions,
): CompleteBreakerOptions {
  const options = withDefaults(given, base);
  const { openMs, openMaxMs, probeCount, probeSuccessCountMin, mode } = options;
  const problems = new OptionProblems();
  const { trip } = options;
  // Of a program without types; what follows would throw a TypeError.
  if (Array.isArray((trip as Trigger | undefined)?.rates)) {
    if (trip.consecutiveFailures !== Number.POSITIVE_INFINITY) {
      problems.count('consecutive', trip.consecutiveFailures, 1);
    }
    for (const rate of trip.rates) rate.check(problems);
  } else problems.check(false, 'trip', trip, 'be a trigger');
  problems.oneOf('mode', mode, ['enforce', 'observe', 'forcedOpen', 'disabled']);
  if (typeof openMs !== 'function') problems.range('openMs', openMs, 1, openMaxMs);
  problems.range('openGrowth', options.openGrowth, 1, 100);
  problems.range('openMaxMs', openMaxMs, 1);
  problems.range('openJitterRatio', options.openJitterRatio, 0, 1);
  problems.count('probeCount', probeCount, 1);
  problems.count('probeSuccessCountMin', probeSuccessCountMin, 0, probeCount);
  problems.range('probeWaitMaxMs', options.probeWaitMaxMs, 1);
  problems.throwIfAny(InvalidOptionError);
  return options;
}
