import type { OptionProblems } from '@leno/std';

/**
 * How an `AdaptiveLimiter` finds its limit: from how long calls took and whether they were dropped.
 * Has state; each limiter needs its own.
 */
export interface ConcurrencyAlgorithm {
  readonly name: string;
  /**
   * Calls that may be under way now; the limiter rounds down, but not below 1. It changes only in
   * `observe`.
   */
  readonly limit: number;
  /**
   * One call, or the mean of a window of calls, has ended: after `tookMs`, with `inFlightCount`
   * under way, itself included. Allocates nothing.
   */
  observe(tookMs: number, inFlightCount: number, isDropped: boolean, nowMs: number): void;
  /** What it knows beside the limit, by name. */
  explain(): Readonly<Record<string, number>>;
}

/** Where a limit starts and within which bounds it stays. */
export interface LimitBounds {
  readonly limitInitial: number;
  readonly limitMin: number;
  readonly limitMax: number;
}

/** The same as options. */
export type LimitBoundsOptions = {
  readonly [Name in keyof LimitBounds]?: number | undefined;
};

/** Where limits start and stay unless the options say otherwise: 1 to 200, from 20. */
export const defaultLimitBounds: LimitBounds = { limitInitial: 20, limitMin: 1, limitMax: 200 };

/** Notes what is wrong with the bounds. */
export function checkLimitBounds(problems: OptionProblems, bounds: LimitBounds): void {
  const { limitInitial, limitMin, limitMax } = bounds;
  problems.count('limitMin', limitMin, 1);
  problems.count('limitMax', limitMax, 1);
  problems.check(limitMin <= limitMax, 'limitMin', limitMin, 'not exceed limitMax');
  const isWithin = limitInitial >= limitMin && limitInitial <= limitMax;
  problems.check(isWithin, 'limitInitial', limitInitial, 'be from limitMin to limitMax');
}

/** `value` within the bounds. */
export function clampLimit(
  value: number,
  { limitMin, limitMax }: Omit<LimitBounds, 'limitInitial'>,
): number {
  return Math.min(Math.max(value, limitMin), limitMax);
}
