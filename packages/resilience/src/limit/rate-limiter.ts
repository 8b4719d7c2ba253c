/**
 * What rate limiters have in common: how many permits per period, how many at once, and what they
 * say. Time comes in as `nowMs`; time that runs backwards earns nothing.
 */
import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';

/** How much is let through. Values out of range throw `InvalidOptionError`. */
export interface RateOptions {
  /** Permits that are earned per period. At least 1, whole. */
  readonly permitCount: number;
  /** The period. At least 1 ms; default 1 s. */
  readonly periodMs?: number | undefined;
  /** Permits that may be spent at once after a pause. At least 1; default: see the limiter. */
  readonly burstCountMax?: number | undefined;
}

/**
 * A limiter of a rate. A cost is how many permits a call takes, above 0; one that exceeds the burst
 * is never granted.
 */
export interface RateLimiter {
  /** Takes the permits if they are there. Allocates nothing. */
  tryAcquire(nowMs: number, cost?: number): boolean;
  /**
   * Takes the permits, if need be from the future: gives how long the call must wait in
   * milliseconds, 0 if not at all, or −1, and takes nothing, if that exceeded `waitMaxMs`.
   */
  reserve(nowMs: number, waitMaxMs: number, cost?: number): number;
  /**
   * Gives back what a `reserve` took whose time `dueMs` (when it was made, and its wait) has not
   * come yet: as much as those who reserved after it do not rest on, so that nobody's wait gets
   * shorter and the law holds whatever was cancelled.
   */
  cancel(dueMs: number, nowMs: number, cost?: number): void;
  /** How long until `tryAcquire` would give true; 0 if now, Infinity if never. Changes nothing. */
  retryAfterMs(nowMs: number, cost?: number): number;
  /** New bounds from `nowMs` on; what was earned or reserved before stays so. */
  update(options: RateOptions, nowMs: number): void;
  /** For people who ask why. Changes nothing. */
  explain(nowMs: number): RateLimiterReport;
  /** Calls refused since the start: the metric of this bound. */
  readonly refusedCount: number;
}

/** Everything that a rate limiter knows. */
export interface RateLimiterReport {
  readonly permitCount: number;
  readonly periodMs: number;
  readonly burstCountMax: number;
  /** Permits that could be spent now; below 0 if some of the future are reserved. */
  readonly availableCount: number;
  readonly retryAfterMs: number;
  /** Calls that were granted, at once or with a wait, since the start. */
  readonly admittedCount: number;
  /** Calls that were refused since the start: the metric of this bound. */
  readonly refusedCount: number;
}

/** The same with nothing left open. */
export type CompleteRateOptions = {
  readonly [Name in keyof RateOptions]-?: Exclude<RateOptions[Name], undefined>;
};

/** Fills in and checks; `burstCountMax` is the default of the limiter that asks. */
export function completeRateOptions(
  given: RateOptions,
  burstCountMax: number,
  problems = new OptionProblems(),
): CompleteRateOptions {
  const options = {
    permitCount: given.permitCount,
    periodMs: given.periodMs ?? 1_000,
    burstCountMax: given.burstCountMax ?? burstCountMax,
  };
  problems.count('permitCount', options.permitCount, 1);
  problems.range('periodMs', options.periodMs, 1);
  problems.range('burstCountMax', options.burstCountMax, 1);
  problems.throwIfAny(InvalidOptionError);
  return options;
}

/** What floating point may lose of a permit; far less than anybody can tell. */
export const PERMIT_EPSILON = 1e-9;

/** And what it may lose of a wait: a nanosecond, in milliseconds. */
export const WAIT_EPSILON_MS = 1e-6;
