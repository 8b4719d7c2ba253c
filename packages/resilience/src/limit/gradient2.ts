/**
 * Gradient2: compares what a call took with the long-term mean.
 *
 *   gradient = clamp(tolerance · long / took, 0.5, 1)
 *   limit ← (1 − smoothing) · limit + smoothing · (limit · gradient + queue)
 *
 * The mean falls by 5 % per sample while it is more than twice what calls take, so that it recovers
 * fast from a slow time; and nothing changes while less than half of the limit is in use, since
 * then the limit is not what is felt. After the Gradient2Limit of Netflix's concurrency-limits; it
 * looks at durations alone, so a drop counts by how long it took.
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

/** What is not given is 20 within 1 to 200, and as each says. */
export interface Gradient2Options extends LimitBoundsOptions {
  /** How many times the mean a call may take before the limit shrinks. At least 1; default 1.5. */
  readonly tolerance?: number | undefined;
  /** Calls that may queue: by how much the limit grows at most. At least 0; default 4. */
  readonly queueCount?: number | undefined;
  /** How much of each new limit is taken over, within (0, 1]. Default 0.2. */
  readonly smoothing?: number | undefined;
  /** Samples that the long-term mean is taken over. At least 1; default 600. */
  readonly longSampleCount?: number | undefined;
}

const defaults = {
  ...defaultLimitBounds,
  tolerance: 1.5,
  queueCount: 4,
  smoothing: 0.2,
  longSampleCount: 600,
};

/** The first samples of the long-term mean are averaged plainly. */
const WARMUP_COUNT = 10;

/** The algorithm at the top of this file. */
export function gradient2(options: Gradient2Options = {}): ConcurrencyAlgorithm {
  return new Gradient2(options);
}

class Gradient2 implements ConcurrencyAlgorithm {
  readonly name = 'gradient2';
  readonly #options: typeof defaults;
  #limit: number;
  #longMs = 0;
  #sampleCount = 0;

  constructor(given: Gradient2Options) {
    const options = withDefaults(given, defaults);
    const { smoothing } = options;
    const problems = new OptionProblems();
    checkLimitBounds(problems, options);
    problems.range('tolerance', options.tolerance, 1);
    problems.range('queueCount', options.queueCount, 0);
    problems.check(smoothing > 0 && smoothing <= 1, 'smoothing', smoothing, 'be within (0, 1]');
    problems.count('longSampleCount', options.longSampleCount, 1);
    problems.throwIfAny(InvalidOptionError);
    this.#options = options;
    this.#limit = options.limitInitial;
  }

  get limit(): number {
    return this.#limit;
  }

  observe(tookMs: number, inFlightCount: number): void {
    // What takes no time at all says nothing, and nothing may be divided by it.
    if (!(tookMs > 0)) return;
    this.#learn(tookMs);
    if (this.#longMs / tookMs > 2) this.#longMs *= 0.95;
    if (inFlightCount < this.#limit / 2) return;
    const { tolerance, queueCount, smoothing } = this.#options;
    const gradient = Math.min(Math.max((tolerance * this.#longMs) / tookMs, 0.5), 1);
    const next = this.#limit * gradient + queueCount;
    const smoothed = this.#limit * (1 - smoothing) + next * smoothing;
    this.#limit = clampLimit(smoothed, this.#options);
  }

  explain(): Readonly<Record<string, number>> {
    return { longMs: this.#longMs };
  }

  #learn(tookMs: number): void {
    if (this.#sampleCount < WARMUP_COUNT) {
      this.#sampleCount += 1;
      this.#longMs += (tookMs - this.#longMs) / this.#sampleCount;
    } else {
      this.#longMs += ((tookMs - this.#longMs) * 2) / (this.#options.longSampleCount + 1);
    }
  }
}
