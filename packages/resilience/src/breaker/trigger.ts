/** When a breaker trips, as data: one condition or several, any of which is enough. */
import { GaugeList } from './gauge-list.ts';
import type { Gauge } from './rate-gauge.ts';
import type { RateTrigger } from './rate-trigger.ts';

/** Made by `consecutive`, `failureRate`, `slowRate` and `anyOf`; any number of breakers share it. */
export interface Trigger {
  /** Failures in a row that trip; `Infinity` if a row of them does not. */
  readonly consecutiveFailures: number;
  readonly rates: readonly RateTrigger[];
  /**
   * Begins to count for one breaker; goes on from `known` where that counts the same. Absent where
   * there are no shares.
   */
  readonly gauge?: ((known: Gauge | undefined) => Gauge) | undefined;
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
  const rates = triggers.flatMap((it) => it.rates);
  return {
    consecutiveFailures: Math.min(...triggers.map((it) => it.consecutiveFailures)),
    rates,
    gauge:
      rates.length > 1
        ? (known) => new GaugeList(rates, known)
        : triggers.find((it) => it.gauge)?.gauge,
  };
}
