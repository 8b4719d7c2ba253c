import * as z from 'zod';

const unitMs = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 } as const;
const pattern = /^([0-9]{1,5}(h|m|s|ms)){1,4}$/;
const part = /([0-9]+)(ms|h|m|s)/g;
const expectation = 'expected a duration such as 250ms, 10s or 1m30s';

/**
 * The milliseconds of a Gateway API duration (GEP-2257: up to four whole numbers with `h`, `m`, `s`
 * or `ms`, as in `1m30s`), or undefined if `text` is none.
 */
export function durationMs(text: string): number | undefined {
  if (!pattern.test(text)) return undefined;
  let sumMs = 0;
  for (const [, count, unit] of text.matchAll(part)) {
    sumMs += Number(count) * unitMs[unit as keyof typeof unitMs];
  }
  return sumMs;
}

/** The milliseconds of an optional duration that a schema has let pass. */
export function optionalMs(text: string | undefined): number | undefined {
  return text === undefined ? undefined : durationMs(text);
}

/** A duration as users write it, with bounds in milliseconds; both ends are allowed. */
export function duration(minMs: number, maxMs = Number.MAX_SAFE_INTEGER): z.ZodString {
  return z
    .string({ error: expectation })
    .regex(pattern, { error: expectation })
    .refine((text) => within(text, minMs, maxMs), {
      error: `expected a duration of ${rangeText(minMs, maxMs)}`,
      params: { code: 'LN0104' },
    });
}

function within(text: string, minMs: number, maxMs: number): boolean {
  const ms = durationMs(text);
  // What is no duration at all has been said already.
  return ms === undefined || (ms >= minMs && ms <= maxMs);
}

function rangeText(minMs: number, maxMs: number): string {
  return maxMs === Number.MAX_SAFE_INTEGER ? `${minMs}ms or more` : `${minMs}ms to ${maxMs}ms`;
}
