/** `half-open` also names an open breaker whose time is over: the next call will be its probe. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** Why a breaker changed its state. */
export type BreakerReason =
  | 'consecutive-failures'
  | 'success-rate'
  | 'open-elapsed'
  | 'probe-failed'
  | 'probe-succeeded'
  | 'over-cap'
  | 'disposed';

/**
 * Told of each change once it is complete; it may call the breaker. What it throws, the caller
 * gets.
 */
export type BreakerListener = (
  from: BreakerState,
  to: BreakerState,
  reason: BreakerReason,
  nowMs: number,
) => void;

/**
 * Everything a breaker knows, for people who ask why. Plain data, made for each call of `explain`.
 */
export interface BreakerReport {
  readonly state: BreakerState;
  /** Why it is in this state; absent until its first change. */
  readonly reason: BreakerReason | undefined;
  /** On the clock of the caller; absent until the first change. */
  readonly changedAtMs: number | undefined;
  /** Failures since the last success; a `rateOnly` neither adds nor resets. */
  readonly consecutiveFailureCount: number;
  /** Outcomes within the window. */
  readonly successCount: number;
  readonly failureCount: number;
  /** Share of successes within the window; absent if there was no outcome. */
  readonly successRate: number | undefined;
  /** Openings since the last recovery. */
  readonly openingCount: number;
  /** 0 if the next call is admitted. */
  readonly retryAfterMs: number;
  /** It would have tripped, but the ejection cap of its cluster refused. */
  readonly isHeldByCap: boolean;
  /** A probe is under way and has not expired. */
  readonly isProbing: boolean;
}
