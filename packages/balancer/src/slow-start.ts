/**
 * Slow start: an endpoint that is new, or back from being out, takes its share bit by bit.
 *
 * Its weight counts `weight · max((age ÷ window)^(1 ÷ aggression), ratioMin)` until it is as old as
 * the window; the age is 1 ms at least. With the aggression 1 the share grows linearly, with more
 * it grows faster at first. The formula is Envoy's.
 */
import { OptionProblems, withDefaults } from '@leno/std';
import { InvalidOptionError } from './invalid-option-error.ts';

/** How an endpoint takes up its share. Everything is checked once, where it comes in. */
export interface SlowStartOptions {
  /** How long it takes. Above 0; default 30 s. */
  readonly windowMs?: number | undefined;
  /** The bend of the curve: 1 is a line. From 0.01 to 100; default 1. */
  readonly aggression?: number | undefined;
  /** The share of its weight that it begins with. From 0 to 1; default 0.1. */
  readonly ratioMin?: number | undefined;
}

/** Used where slow start is asked for without saying how; nothing is slow unless asked for. */
export const defaultSlowStartOptions = {
  windowMs: 30_000,
  aggression: 1,
  ratioMin: 0.1,
} as const satisfies SlowStartOptions;

/** How many steps a ramp has: a share is at most a hundredth of the window behind its age. */
const STEP_COUNT = 100;

/** Below this a curve is flat: a weight above 0 must not round to 0. */
const RATIO_FLOOR = 1e-6;

/** The curve, with its options checked. */
export class SlowStart {
  readonly windowMs: number;
  /** How often shares are computed anew while a ramp lasts. */
  readonly stepMs: number;
  readonly #exponent: number;
  readonly #ratioMin: number;

  constructor(given: SlowStartOptions = {}) {
    const options = withDefaults<Curve>(given, defaultSlowStartOptions);
    const problems = new OptionProblems('slowStart.');
    problems.range('windowMs', options.windowMs, Number.MIN_VALUE);
    problems.range('aggression', options.aggression, 0.01, 100);
    problems.range('ratioMin', options.ratioMin, 0, 1);
    problems.throwIfAny(InvalidOptionError);
    this.windowMs = options.windowMs;
    this.stepMs = options.windowMs / STEP_COUNT;
    this.#exponent = 1 / options.aggression;
    this.#ratioMin = options.ratioMin;
  }

  /** The share of its weight that an endpoint of this age has, above 0 and at most 1. */
  ratioAt(ageMs: number): number {
    if (ageMs >= this.windowMs) return 1;
    const progress = Math.min(1, Math.max(1, ageMs) / this.windowMs);
    return Math.max(progress ** this.#exponent, this.#ratioMin, RATIO_FLOOR);
  }
}

interface Curve {
  readonly windowMs: number;
  readonly aggression: number;
  readonly ratioMin: number;
}
