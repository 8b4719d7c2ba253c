/** When a breaker trips, as data: one condition or several, any of which is enough. */
import type { OptionProblems } from '@leno/std';
import type { WindowSize } from './window-size.ts';

/** Made by `consecutive`, `failureRate`, `slowRate` and `anyOf`; any number of breakers share it. */
export interface Trigger {
  /** Failures in a row that trip; `Infinity` if a row of them does not. */
  readonly consecutiveFailures: number;
  readonly rates: readonly RateTrigger[];
}

/** A share of outcomes that trips. */
export interface RateTrigger {
  readonly reason: 'failure-rate' | 'slow-rate';
  readonly over: WindowSize;
  /** Outcomes in the window before the share is judged at all. */
  readonly requestCountMin: number;
  /** Reached, it trips (`>=`). */
  readonly rateMax: number;
  /** Below this share of the others it trips; 0 never. */
  readonly successRateMin: number;
  /** As long and longer is slow; 0 where failures count instead. */
  readonly slowMs: number;
}

/**
 * Trips at the `count`-th failure in a row (`>=`), a whole number of at least 1. A success begins
 * anew; a `rateOnly` neither adds nor begins anew.
 */
export function consecutive(count: number): Trigger {
  return { consecutiveFailures: count, rates: [] };
}

/**
 * Trips as soon as one of them does. The reason reported is a row before a share, then the first.
 * Of none of them: never trips.
 */
export function anyOf(...triggers: readonly Trigger[]): Trigger {
  return {
    consecutiveFailures: Math.min(...triggers.map((it) => it.consecutiveFailures)),
    rates: triggers.flatMap((it) => it.rates),
  };
}

/** Notes what a breaker cannot work with. */
export function checkTrigger(problems: OptionProblems, trigger: Trigger): void {
  // Of a program without types; what follows would throw a TypeError.
  const isTrigger = Array.isArray((trigger as Trigger | null)?.rates);
  problems.check(isTrigger, 'trip', trigger, 'be a trigger');
  if (!isTrigger) return;
  const { consecutiveFailures } = trigger;
  if (consecutiveFailures !== Number.POSITIVE_INFINITY) {
    problems.count('consecutive', consecutiveFailures, 1);
  }
  for (const { over, requestCountMin, rateMax, successRateMin } of trigger.rates) {
    problems.range('over', over.size, Math.min(10, over.countMax));
    problems.count('requestCountMin', requestCountMin, 1, over.countMax);
    problems.range('rateMax', rateMax, Number.MIN_VALUE, 1);
    problems.range('successRateMin', successRateMin, 0, 1);
  }
}
