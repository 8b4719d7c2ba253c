import { type BreakerOptions, failureRate, lastMs } from '@leno/resilience';
import type { Counts, Status } from './circuit-status.ts';

/** What `toJSON` gives and the option `state` takes. */
export interface CircuitState {
  readonly name?: string;
  readonly enabled?: boolean;
  readonly closed?: boolean;
  readonly open?: boolean;
  readonly halfOpen?: boolean;
  readonly warmUp?: boolean;
  readonly shutdown?: boolean;
  /** When it last opened, by the wall. */
  readonly lastTimerAt?: number | undefined;
}

/** Those options of opossum that ours has an answer to. */
export interface CircuitOptions {
  readonly timeout?: number | false;
  readonly resetTimeout?: number;
  readonly errorThresholdPercentage?: number;
  readonly rollingCountTimeout?: number;
  readonly rollingCountBuckets?: number;
  readonly rollingPercentilesEnabled?: boolean;
  readonly volumeThreshold?: number;
  readonly capacity?: number;
  readonly errorFilter?: (error: unknown, ...args: readonly unknown[]) => unknown;
  readonly allowWarmUp?: boolean;
  readonly enabled?: boolean;
  readonly name?: string;
  readonly group?: string;
  readonly state?: CircuitState;
  readonly status?: Status | Partial<Counts>;
  /** Only warned of. */
  readonly maxFailures?: number;
}

export interface CompleteCircuitOptions extends CircuitOptions {
  readonly timeout: number | false;
  readonly resetTimeout: number;
  readonly errorThresholdPercentage: number;
  readonly rollingCountTimeout: number;
  readonly rollingCountBuckets: number;
  readonly volumeThreshold: number;
  readonly capacity: number;
  readonly errorFilter: (error: unknown, ...args: readonly unknown[]) => unknown;
}

/** A new object with opossum's defaults: the given one stays as it is. */
export function completeOptions(given: CircuitOptions): CompleteCircuitOptions {
  return {
    ...given,
    timeout: given.timeout ?? 10_000,
    resetTimeout: given.resetTimeout ?? 30_000,
    errorThresholdPercentage: given.errorThresholdPercentage ?? 50,
    rollingCountTimeout: given.rollingCountTimeout ?? 10_000,
    rollingCountBuckets: given.rollingCountBuckets ?? 10,
    volumeThreshold: integerOr(given.volumeThreshold, 0),
    capacity: integerOr(given.capacity, Number.MAX_SAFE_INTEGER),
    errorFilter: given.errorFilter ?? (() => false),
  };
}

function integerOr(value: number | undefined, otherwise: number): number {
  return value !== undefined && Number.isInteger(value) ? value : otherwise;
}

/**
 * The engine for these options. More failures than the percentage means fewer successes than the
 * rest of it; where opossum takes 0, ours takes the least that it can: 10 ms of window, 1 ms open.
 */
export function breakerOptions(options: CompleteCircuitOptions): BreakerOptions {
  const openMs = Math.max(1, options.resetTimeout);
  return {
    trip: failureRate({
      over: lastMs(Math.max(10, options.rollingCountTimeout)),
      requestCountMin: Math.max(1, options.volumeThreshold),
      successRateMin: 1 - options.errorThresholdPercentage / 100,
    }),
    openMs,
    openMaxMs: openMs,
    openJitterRatio: 0,
  };
}
