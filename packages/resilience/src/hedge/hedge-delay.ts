/**
 * When to send a second, hedged try beside one that has not answered: after a fixed time, or once
 * the first is slower than most recent ones (Dean, Barroso, "The Tail at Scale", CACM 2013: after
 * the 95th percentile, which costs 5 % more load at the most).
 *
 * The quantile comes from a histogram over a rolling window: bounded memory, within 5 % of the
 * truth. While there are too few samples it says "do not hedge" rather than guess, at the start and
 * after a pause alike. Whether a hedge may be sent at all is for a `RetryBudget` to say.
 */
import { OptionProblems, withDefaults } from '@leno/std';
import { RollingQuantile } from '../histogram/rolling-quantile.ts';
import { InvalidOptionError } from '../invalid-option-error.ts';

/** How the delay is found. Values out of range throw `InvalidOptionError`. */
export type HedgeDelayOptions =
  | { readonly kind: 'fixed' /** At least 0, which hedges at once. */; readonly delayMs: number }
  | HedgeQuantileOptions;

/** What is not given, or undefined, is as in `defaultHedgeQuantileOptions`. */
export interface HedgeQuantileOptions {
  readonly kind: 'quantile';
  /** The share of recent calls that answer without a hedge; within (0, 1). Default 0.95. */
  readonly quantile?: number | undefined;
  /** How long a latency counts, in six slots. At least 6 ms; default 60 s. */
  readonly windowMs?: number | undefined;
  /** Latencies within the window before anything is hedged. At least 1; default 20. */
  readonly sampleCountMin?: number | undefined;
  /** The delay is never below it. Default 1 ms. */
  readonly delayMinMs?: number | undefined;
  /** Nor above it. At least `delayMinMs`; default 60 s. */
  readonly delayMaxMs?: number | undefined;
}

type CompleteQuantileOptions = {
  readonly [Name in keyof HedgeQuantileOptions]-?: Exclude<HedgeQuantileOptions[Name], undefined>;
};

/** The 95th percentile of the last minute, once there are 20 samples. */
export const defaultHedgeQuantileOptions: CompleteQuantileOptions = {
  kind: 'quantile',
  quantile: 0.95,
  windowMs: 60_000,
  sampleCountMin: 20,
  delayMinMs: 1,
  delayMaxMs: 60_000,
};

/** What a hedge delay knows. */
export interface HedgeDelayReport {
  readonly kind: 'fixed' | 'quantile';
  /** −1 while there are too few samples. */
  readonly delayMs: number;
  /** Latencies within the window; 0 for a fixed delay. */
  readonly sampleCount: number;
}

/** See the top of this file. One for all calls to one service. */
export class HedgeDelay {
  /** Absent for a fixed delay. */
  readonly #latencies: RollingQuantile | undefined;
  readonly #options: CompleteQuantileOptions;
  readonly #fixedMs: number;

  constructor(options: HedgeDelayOptions = { kind: 'quantile' }) {
    const isFixed = options.kind === 'fixed';
    this.#options = isFixed ? defaultHedgeQuantileOptions : completed(options);
    this.#fixedMs = isFixed ? checkedFixed(options.delayMs) : -1;
    const { quantile, windowMs } = this.#options;
    this.#latencies = isFixed ? undefined : new RollingQuantile(quantile, windowMs);
  }

  /** A first try has answered after `tookMs`. Allocates nothing. */
  observe(tookMs: number, nowMs: number): void {
    this.#latencies?.record(tookMs, nowMs);
  }

  /**
   * How long to wait before hedging; −1 is not at all. Changes nothing. Costs the same however many
   * samples there are; where it is not inlined, the number that it gives is allocated.
   */
  delayMs(nowMs: number): number {
    const latencies = this.#latencies;
    if (latencies === undefined) return this.#fixedMs;
    const { sampleCountMin, delayMinMs, delayMaxMs } = this.#options;
    if (latencies.countAt(nowMs) < sampleCountMin) return -1;
    return Math.min(Math.max(latencies.quantileMsAt(nowMs), delayMinMs), delayMaxMs);
  }

  /** For people who ask why. Changes nothing. */
  explain(nowMs: number): HedgeDelayReport {
    return {
      kind: this.#latencies === undefined ? 'fixed' : 'quantile',
      delayMs: this.delayMs(nowMs),
      sampleCount: this.#latencies?.countAt(nowMs) ?? 0,
    };
  }
}

function checkedFixed(delayMs: number): number {
  const problems = new OptionProblems();
  problems.range('delayMs', delayMs, 0);
  problems.throwIfAny(InvalidOptionError);
  return delayMs;
}

function completed(given: HedgeQuantileOptions): CompleteQuantileOptions {
  const options = withDefaults(given, defaultHedgeQuantileOptions);
  const { quantile, delayMinMs, delayMaxMs } = options;
  const problems = new OptionProblems();
  problems.check(given.kind === 'quantile', 'kind', given.kind, 'be fixed or quantile');
  problems.check(quantile > 0 && quantile < 1, 'quantile', quantile, 'be within (0, 1)');
  problems.range('windowMs', options.windowMs, 6);
  problems.count('sampleCountMin', options.sampleCountMin, 1);
  problems.range('delayMinMs', delayMinMs, 0);
  problems.range('delayMaxMs', delayMaxMs, 0);
  problems.check(delayMinMs <= delayMaxMs, 'delayMinMs', delayMinMs, 'not exceed delayMaxMs');
  problems.throwIfAny(InvalidOptionError);
  return options;
}
