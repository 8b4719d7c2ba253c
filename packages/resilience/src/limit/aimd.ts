/**
 * AIMD: one more per call that went well while at least half of the limit is in use, times
 * `backoffRatio`, rounded down, for one that was dropped or took longer than `tookMaxMs`. After
 * TCP's (Chiu, Jain, 1989) and the AIMDLimit of Netflix's concurrency-limits.
 */
import { OptionProblems, withDefaults } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import {
  type ConcurrencyAlgorithm,
  checkLimitBounds,
  clampLimit,
  defaultLimitBounds,
  type LimitBoundsOptions,
} from './concurrency-algorithm.ts';

/** What is not given is 20 within 1 to 200, 0.9 and 5 s. */
export interface AimdOptions extends LimitBoundsOptions {
  /** What a drop leaves of the limit, within [0.5, 1). Default 0.9. */
  readonly backoffRatio?: number | undefined;
  /** A call that took longer counts as dropped. At least 1; default 5 s. */
  readonly tookMaxMs?: number | undefined;
}

const defaults = { ...defaultLimitBounds, backoffRatio: 0.9, tookMaxMs: 5_000 };

/** The algorithm at the top of this file. */
export function aimd(options: AimdOptions = {}): ConcurrencyAlgorithm {
  return new Aimd(options);
}

class Aimd implements ConcurrencyAlgorithm {
  readonly name = 'aimd';
  readonly #options: typeof defaults;
  #limit: number;

  constructor(given: AimdOptions) {
    const options = withDefaults(given, defaults);
    const { backoffRatio } = options;
    const problems = new OptionProblems();
    checkLimitBounds(problems, options);
    const isGood = backoffRatio >= 0.5 && backoffRatio < 1;
    problems.check(isGood, 'backoffRatio', backoffRatio, 'be within [0.5, 1)');
    problems.range('tookMaxMs', options.tookMaxMs, 1);
    problems.throwIfAny(InvalidOptionError);
    this.#options = options;
    this.#limit = options.limitInitial;
  }

  get limit(): number {
    return this.#limit;
  }

  observe(tookMs: number, inFlightCount: number, isDropped: boolean): void {
    const { backoffRatio, tookMaxMs } = this.#options;
    if (isDropped || tookMs > tookMaxMs) {
      this.#limit = clampLimit(Math.floor(this.#limit * backoffRatio), this.#options);
    } else if (inFlightCount * 2 >= this.#limit) {
      this.#limit = clampLimit(this.#limit + 1, this.#options);
    }
  }

  explain(): Readonly<Record<string, number>> {
    return {};
  }
}
