/**
 * Vegas: reckons how many calls queue at the service from how much longer they take than the
 * shortest that was seen.
 *
 *   queue = ⌈limit · (1 − shortest / took)⌉        ℓ = max(1, ⌊log₁₀ limit⌋)
 *
 *   dropped         limit − ℓ
 *   queue ≤ ℓ       limit + 6ℓ   fast start; + ℓ without it
 *   queue < 3ℓ      limit + ℓ
 *   queue > 6ℓ      limit − ℓ
 *
 * and nothing changes while less than half of the limit is in use. Every 30 · limit samples the
 * shortest is taken anew, since a service may have become slower for good. A drop teaches no
 * shortest: a service that refuses at once would make all its answers look slow. After TCP Vegas
 * (Brakmo, Peterson, 1995) and the VegasLimit of Netflix's concurrency-limits, without its random
 * jitter.
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
export interface VegasOptions extends LimitBoundsOptions {
  /** How much of each new limit is taken over, within (0, 1]. Default 1. */
  readonly smoothing?: number | undefined;
  /** Grows six times as fast while there is no queue at all. Default true. */
  readonly isFastStart?: boolean | undefined;
  /** The shortest is taken anew after this many times the limit of samples. Default 30. */
  readonly probeFactor?: number | undefined;
}

const defaults = { ...defaultLimitBounds, smoothing: 1, isFastStart: true, probeFactor: 30 };

/** The algorithm at the top of this file. */
export function vegas(options: VegasOptions = {}): ConcurrencyAlgorithm {
  return new Vegas(options);
}

class Vegas implements ConcurrencyAlgorithm {
  readonly name = 'vegas';
  readonly #options: typeof defaults;
  #limit: number;
  #shortestMs = Number.POSITIVE_INFINITY;
  #sampleCount = 0;

  constructor(given: VegasOptions) {
    const options = withDefaults(given, defaults);
    const { smoothing } = options;
    const problems = new OptionProblems();
    checkLimitBounds(problems, options);
    problems.check(smoothing > 0 && smoothing <= 1, 'smoothing', smoothing, 'be within (0, 1]');
    problems.range('probeFactor', options.probeFactor, 1);
    problems.throwIfAny(InvalidOptionError);
    this.#options = options;
    this.#limit = options.limitInitial;
  }

  get limit(): number {
    return this.#limit;
  }

  observe(tookMs: number, inFlightCount: number, isDropped: boolean): void {
    // What takes no time at all says nothing, and nothing may be divided by it.
    if (!(tookMs > 0)) return;
    if (!isDropped && this.#learns(tookMs)) return;
    const next = this.#next(tookMs, inFlightCount, isDropped);
    const { smoothing } = this.#options;
    const clamped = clampLimit(next, this.#options);
    this.#limit = (1 - smoothing) * this.#limit + smoothing * clamped;
  }

  explain(): Readonly<Record<string, number>> {
    return { shortestMs: this.#shortestMs };
  }

  /** Whether the sample is the measure itself, by which it then cannot be judged. */
  #learns(tookMs: number): boolean {
    const isFirst = this.#shortestMs === Number.POSITIVE_INFINITY;
    this.#sampleCount += 1;
    if (this.#sampleCount >= this.#options.probeFactor * this.#limit) {
      this.#sampleCount = 0;
      this.#shortestMs = tookMs;
      return true;
    }
    this.#shortestMs = Math.min(this.#shortestMs, tookMs);
    return isFirst;
  }

  #next(tookMs: number, inFlightCount: number, isDropped: boolean): number {
    const limit = this.#limit;
    const step = Math.max(1, Math.floor(Math.log10(limit)));
    if (isDropped) return limit - step;
    if (inFlightCount * 2 < limit) return limit;
    const queue = Math.ceil(limit * (1 - this.#shortestMs / tookMs));
    if (queue <= step) return limit + (this.#options.isFastStart ? 6 * step : step);
    if (queue < 3 * step) return limit + step;
    return queue > 6 * step ? limit - step : limit;
  }
}
