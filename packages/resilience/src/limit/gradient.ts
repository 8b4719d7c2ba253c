/**
 * Gradient: compares what calls take with what they take when hardly any are under way.
 *
 *   measuring --50 samples at limitMin--> steady --60 s, or 5 updates in a row at limitMin--> measuring
 *
 *   gradient = clamp(shortest · (1 + buffer) / median, 0.5, 2)       every 100 ms
 *   limit ← clamp(⌊limit · gradient + √(limit · gradient)⌋, limitMin, limitMax)
 *
 * While it measures, the limit is `limitMin`, and what was sent before does not count; afterwards
 * the limit is what it was. After the gradient controller of Envoy's adaptive concurrency filter.
 * It keeps its own windows: leave that of the limiter at 0. A drop counts by how long it took.
 */
import { OptionProblems, type Rng, systemRng, withDefaults } from '@leno/std';
import { LatencyHistogram } from '../histogram/latency-histogram.ts';
import { InvalidOptionError } from '../invalid-option-error.ts';
import {
  type ConcurrencyAlgorithm,
  checkLimitBounds,
  clampLimit,
} from './concurrency-algorithm.ts';

/** What is not given is as each says. */
export interface GradientOptions {
  /** The limit while measuring, and the lowest. At least 1; default 3. */
  readonly limitMin?: number | undefined;
  /** At least `limitMin`; default 1 000. */
  readonly limitMax?: number | undefined;
  /** How much longer than the shortest calls may take. At least 0; default 0.25. */
  readonly bufferRatio?: number | undefined;
  /** How often the limit is set. At least 1; default 100 ms. */
  readonly updateMs?: number | undefined;
  /** How often the shortest is measured. At least `updateMs`; default 60 s. */
  readonly measureMs?: number | undefined;
  /** Up to this share is added at random to `measureMs`, 0 to 1. Default 0.15. */
  readonly measureJitterRatio?: number | undefined;
  /** How many samples make a measurement. At least 1; default 50. */
  readonly measureSampleCount?: number | undefined;
  /** For the jitter. Default the runtime's own. */
  readonly rng?: Rng | undefined;
}

const defaults = {
  limitMin: 3,
  limitMax: 1_000,
  bufferRatio: 0.25,
  updateMs: 100,
  measureMs: 60_000,
  measureJitterRatio: 0.15,
  measureSampleCount: 50,
  rng: systemRng,
};

/** So many updates in a row at the lowest limit mean that the shortest may be wrong. */
const UPDATES_AT_MIN = 5;

/** The algorithm at the top of this file. */
export function gradient(options: GradientOptions = {}): ConcurrencyAlgorithm {
  return new Gradient(options);
}

class Gradient implements ConcurrencyAlgorithm {
  readonly name = 'gradient';
  readonly #options: typeof defaults;
  readonly #latencies = new LatencyHistogram();
  #limit: number;
  #shortestMs = Number.NaN;
  #isMeasuring = true;
  /** Calls that were sent before it say nothing of the present phase. */
  #phaseAtMs = Number.NEGATIVE_INFINITY;
  #updatedAtMs = Number.NEGATIVE_INFINITY;
  #measureAtMs = Number.NEGATIVE_INFINITY;
  #updatesAtMin = 0;

  constructor(given: GradientOptions) {
    this.#options = completed(given);
    this.#limit = this.#options.limitMin;
  }

  get limit(): number {
    return this.#isMeasuring ? this.#options.limitMin : this.#limit;
  }

  observe(tookMs: number, _inFlightCount: number, _isDropped: boolean, nowMs: number): void {
    if (nowMs - tookMs < this.#phaseAtMs) return;
    this.#latencies.record(tookMs);
    if (this.#isMeasuring) {
      if (this.#latencies.count >= this.#options.measureSampleCount) this.#settle(nowMs);
    } else if (nowMs >= this.#measureAtMs) {
      this.#measure(nowMs);
    } else if (nowMs - this.#updatedAtMs >= this.#options.updateMs) {
      this.#update(nowMs);
    }
  }

  explain(): Readonly<Record<string, number>> {
    return { shortestMs: this.#shortestMs, isMeasuring: Number(this.#isMeasuring) };
  }

  #measure(nowMs: number): void {
    this.#isMeasuring = true;
    this.#phaseAtMs = nowMs;
    this.#latencies.reset();
  }

  #settle(nowMs: number): void {
    const { measureMs, measureJitterRatio, rng } = this.#options;
    this.#shortestMs = this.#latencies.quantileMs(0.5);
    this.#isMeasuring = false;
    this.#updatedAtMs = nowMs;
    this.#updatesAtMin = 0;
    this.#measureAtMs = nowMs + measureMs * (1 + measureJitterRatio * rng());
    this.#latencies.reset();
  }

  #update(nowMs: number): void {
    const { limitMin, bufferRatio } = this.#options;
    const ratio = (this.#shortestMs * (1 + bufferRatio)) / this.#latencies.quantileMs(0.5);
    const base = this.#limit * Math.min(Math.max(ratio, 0.5), 2);
    this.#limit = clampLimit(Math.floor(base + Math.sqrt(base)), this.#options);
    this.#updatedAtMs = nowMs;
    this.#latencies.reset();
    this.#updatesAtMin = this.#limit === limitMin ? this.#updatesAtMin + 1 : 0;
    if (this.#updatesAtMin >= UPDATES_AT_MIN) this.#measure(nowMs);
  }
}

function completed(given: GradientOptions): typeof defaults {
  const options = withDefaults(given, defaults);
  const problems = new OptionProblems();
  checkLimitBounds(problems, { ...options, limitInitial: options.limitMin });
  problems.range('bufferRatio', options.bufferRatio, 0);
  problems.range('updateMs', options.updateMs, 1);
  problems.range('measureMs', options.measureMs, 1);
  const { updateMs, measureMs } = options;
  problems.check(updateMs <= measureMs, 'updateMs', updateMs, 'not exceed measureMs');
  problems.range('measureJitterRatio', options.measureJitterRatio, 0, 1);
  problems.count('measureSampleCount', options.measureSampleCount, 1);
  problems.throwIfAny(InvalidOptionError);
  return options;
}
