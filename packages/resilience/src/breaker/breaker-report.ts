import type { OutcomeRun } from '@leno/std';
import type { CompleteBreakerOptions } from './breaker-options.ts';
import type { RateTerms } from './rate-terms.ts';

/** `half-open` also names an open breaker whose time is over: the next call will be its probe. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** How a call ended: `rateOnly` is a 429, `ignored` says nothing. */
export type CallOutcome = 'success' | 'failure' | 'rateOnly' | 'ignored';

/** Why a breaker trips by itself. */
export type TripReason = 'consecutive-failures' | RateTerms['reason'];

/** Why a breaker changed its state. */
export type BreakerReason =
  | TripReason
  | 'forced'
  | 'reset'
  | 'restored'
  | 'open-elapsed'
  | 'probe-failed'
  | 'probe-succeeded'
  | 'over-cap'
  | 'observed'
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

/** Where one share stands. */
export interface RateReport {
  readonly reason: RateTerms['reason'];
  /** Of the outcomes in the window: those that did not fail, or were not slow. */
  readonly successCount: number;
  /** The others. */
  readonly failureCount: number;
  /** Both again by their age, oldest first. */
  readonly runs: readonly OutcomeRun[];
}

/** Everything a breaker knows, for people who ask why. Plain data, made anew by `explainBreaker`. */
export interface BreakerReport {
  readonly state: BreakerState;
  /** Why it last changed its state; absent until it did. */
  readonly reason: BreakerReason | undefined;
  /** On the clock of the caller; absent until the first change. */
  readonly changedAtMs: number | undefined;
  /** 0 if the next call is admitted; `Infinity` while it is forced open or isolated. */
  readonly retryAfterMs: number;
  /** What is left of its opening, 0 once it is half-open; null if it is closed. */
  readonly openForMs: number | null;
  /** Openings since the last recovery, but for forced ones. */
  readonly openingCount: number;
  /** Failures since the last success; a `rateOnly` neither adds nor resets. */
  readonly consecutiveFailureCount: number;
  /** Each share, in the order of the triggers. */
  readonly rates: readonly RateReport[];
  /** Probes under way that are not lost. */
  readonly probeCount: number;
  /** It is past a threshold, but its cluster's ejection cap or its mode keeps it closed. */
  readonly heldBy: 'cap' | 'observe' | undefined;
  /** What `isolateBreaker` was told, for those that still hold. */
  readonly holds: readonly string[];
  /** Calls refused, since the start. */
  readonly refusedCount: number;
  /** Outcomes dropped as they came after a change of state, since the start. */
  readonly lateCount: number;
  /** What holds now: the mode, the thresholds and all the rest. */
  readonly options: CompleteBreakerOptions;
}

/** Keeps a breaker open until it is released, by `using` or by hand; twice does no harm. */
export interface BreakerHold extends Disposable {
  readonly reason: string;
  /** For runtimes without `using`. */
  release(): void;
}

/** What of a report a breaker can be restored from. */
export type BreakerSnapshot = Pick<
  BreakerReport,
  'openForMs' | 'openingCount' | 'consecutiveFailureCount' | 'rates'
>;
