import type { Rng } from '@leno/std';
import type { CompleteBreakerOptions } from './breaker-options.ts';

/** How long the next opening lasts after `openingIndex` in a row, jitter included. */
export function drawOpenMs(
  { openMs, openGrowth, openMaxMs, openJitterRatio }: CompleteBreakerOptions,
  openingIndex: number,
  rng: Rng,
): number {
  // After a thousand openings this is Infinity, which the cap bounds like everything else.
  const baseMs =
    typeof openMs === 'number' ? openMs * openGrowth ** openingIndex : openMs(openingIndex);
  return Math.min(openMaxMs, baseMs * (1 + openJitterRatio * rng()));
}
