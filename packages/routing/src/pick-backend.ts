import type { Rng } from '@leno/std';
import type { RouteBackend, RouteRule } from './route.ts';

/**
 * Chooses a backend by weight: each gets its share of the sum, 0 gets nothing. An invalid backend
 * keeps its share, for the caller to answer 500. Undefined if no backend has a weight.
 */
export function pickBackend(rule: Pick<RouteRule, 'backends'>, rng: Rng): RouteBackend | undefined {
  const { backends } = rule;
  let sum = 0;
  for (const backend of backends) sum += backend.weight;
  if (sum === 0) return undefined;
  let left = rng() * sum;
  let last: RouteBackend | undefined;
  for (const backend of backends) {
    if (backend.weight === 0) continue;
    last = backend;
    left -= backend.weight;
    if (left < 0) return backend;
  }
  // Only by rounding; the last that has a weight, never one that has none.
  return last;
}
