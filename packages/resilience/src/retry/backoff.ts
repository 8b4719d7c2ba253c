/**
 * How long to wait before a retry: exponential with full jitter, U(0, min(max, base · 2ⁿ⁻¹)), after
 * Brooker, "Exponential Backoff and Jitter" (AWS, 2015), with Envoy's base of 25 ms and cap of 250
 * ms.
 */
import type { Rng } from '@leno/std';

/** The bounds of a back-off. `baseMs` may exceed `maxMs`, which then alone counts. */
export interface BackoffOptions {
  /** Upper bound of the wait before the first retry. */
  readonly baseMs: number;
  /** Upper bound of every wait. */
  readonly maxMs: number;
}

/**
 * Waits before the `retryIndex`-th retry, 1 being the first. Finite and within [0, maxMs] for any
 * index.
 */
export function backoffMs(retryIndex: number, options: BackoffOptions, rng: Rng): number {
  // Beyond 2⁶⁰ the cap has long been reached; unbounded, 0 × 2¹⁰²⁴ would be NaN.
  const doublings = Math.min(Math.max(retryIndex - 1, 0), 60);
  return rng() * Math.min(options.maxMs, options.baseMs * 2 ** doublings);
}

/**
 * The same, but not shorter than what the server asked for in `Retry-After`, as far as the cap
 * goes.
 */
export function retryDelayMs(
  retryIndex: number,
  options: BackoffOptions,
  rng: Rng,
  retryAfterMs: number | undefined,
): number {
  const askedMs = Math.min(Math.max(retryAfterMs ?? 0, 0), options.maxMs);
  return Math.max(backoffMs(retryIndex, options, rng), askedMs);
}
