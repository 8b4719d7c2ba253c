/**
 * How long to wait before a retry: a ceiling that grows from retry to retry, min(max, base ·
 * factorⁿ⁻¹), and jitter that spreads callers below it. Leno's default is Envoy's: 25 ms doubling
 * to 250 ms with full jitter. Forms after Brooker, "Exponential Backoff and Jitter" (AWS, 2015).
 */
import type { OptionProblems, Rng } from '@leno/std';

/**
 * How waits are spread:
 * - `full`: U(0, ceiling); the fewest collisions, the default;
 * - `equal`: ceiling / 2 + U(0, ceiling / 2); never retries at once;
 * - `decorrelated`: U(base, min(max, 3 · previous wait)), at most max; needs the previous wait, has
 *   no factor. Capped before it is drawn, as Finagle does: after it, most waits would be max itself;
 * - `none`: the ceiling itself.
 */
export type BackoffJitter = 'full' | 'equal' | 'decorrelated' | 'none';

/** The bounds of a back-off. `baseMs` may exceed `maxMs`, which then alone counts. */
export interface BackoffOptions {
  /** The ceiling of the wait before the first retry; for `decorrelated` the floor of every wait. */
  readonly baseMs: number;
  /** Upper bound of every wait. */
  readonly maxMs: number;
  /** What the ceiling is multiplied by from retry to retry; at least 1. Default 2. */
  readonly factor?: number | undefined;
  /** Default `full`. */
  readonly jitter?: BackoffJitter | undefined;
}

/**
 * Waits before the `retryIndex`-th retry, 1 being the first. `previousMs` is the wait before the
 * one before, which only `decorrelated` looks at; absent is none, that is `baseMs`. Finite and
 * within [0, maxMs] for any index, if the options are.
 */
export function backoffMs(
  retryIndex: number,
  options: BackoffOptions,
  rng: Rng,
  previousMs?: number,
): number {
  const { baseMs, maxMs, jitter = 'full' } = options;
  if (jitter === 'decorrelated') {
    const highMs = Math.min(maxMs, Math.max(baseMs, 3 * (previousMs ?? baseMs)));
    // Once more, for what floating point adds and for a base above the cap.
    return Math.min(maxMs, baseMs + rng() * (highMs - baseMs));
  }
  const ceilingMs = ceilingOf(retryIndex, options);
  if (jitter === 'none') return ceilingMs;
  if (jitter === 'full') return rng() * ceilingMs;
  // At most, for what floating point adds where halves are rounded.
  return Math.min(ceilingMs, ceilingMs / 2 + rng() * (ceilingMs / 2));
}

function ceilingOf(retryIndex: number, { baseMs, maxMs, factor = 2 }: BackoffOptions): number {
  // The power may be infinite, which the cap takes care of, unless it meets a 0: that would be NaN.
  if (baseMs === 0) return 0;
  return Math.min(maxMs, baseMs * factor ** Math.max(retryIndex - 1, 0));
}

/**
 * The same, but not shorter than what the server asked for in `Retry-After`, as far as the cap
 * goes. Knows no previous wait, so that `decorrelated` does not grow: for that take `decideRetry`.
 */
export function retryDelayMs(
  retryIndex: number,
  options: BackoffOptions,
  rng: Rng,
  retryAfterMs: number | undefined,
): number {
  return Math.max(backoffMs(retryIndex, options, rng), askedDelayMs(options, retryAfterMs));
}

/** What of `Retry-After` is honoured: within [0, maxMs]; 0 if nothing, or nonsense, was asked. */
export function askedDelayMs({ maxMs }: BackoffOptions, retryAfterMs: number | undefined): number {
  return retryAfterMs !== undefined && retryAfterMs > 0 ? Math.min(retryAfterMs, maxMs) : 0;
}

/** Notes what is wrong with the options of a back-off; whoever takes them throws. */
export function checkBackoff(problems: OptionProblems, options: BackoffOptions): void {
  const { baseMs, maxMs, factor = 2, jitter = 'full' } = options;
  problems.range('baseMs', baseMs, 0);
  problems.range('maxMs', maxMs, 0);
  problems.range('factor', factor, 1);
  problems.check(JITTERS.has(jitter), 'jitter', jitter, `be one of ${[...JITTERS].join(', ')}`);
}

const JITTERS: ReadonlySet<string> = new Set<BackoffJitter>([
  'full',
  'equal',
  'decorrelated',
  'none',
]);
