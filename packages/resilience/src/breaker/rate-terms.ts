import type { WindowSize } from './window-size.ts';

/** What share of outcomes trips, and over what it is taken. */
export interface RateTerms {
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
