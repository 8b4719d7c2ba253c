import { assert } from './assert.ts';

/**
 * Exponentially weighted moving average over irregular times: a sample that is `decayMs` old weighs
 * e⁻¹. Samples from the past are ignored. After linkerd2-proxy's `ewma`.
 */
export class Ewma {
  readonly #decayMs: number;
  #value: number;
  #updatedAtMs: number;

  constructor(decayMs: number, initial: number, nowMs: number) {
    assert(decayMs > 0, 'decayMs > 0');
    this.#decayMs = decayMs;
    this.#value = initial;
    this.#updatedAtMs = nowMs;
  }

  /** Takes a sample at `nowMs`. */
  add(sample: number, nowMs: number): void {
    if (nowMs < this.#updatedAtMs) return;
    const weight = Math.exp(-(nowMs - this.#updatedAtMs) / this.#decayMs);
    this.#value = sample + (this.#value - sample) * weight;
    this.#updatedAtMs = nowMs;
  }

  get value(): number {
    return this.#value;
  }
}
