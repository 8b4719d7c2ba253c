/** A rate with a burst: `tokens` were there at `atMs`. Plain data, so that machines can hold it. */
export interface TokenBucket {
  readonly tokens: number;
  readonly atMs: number;
}

/** How fast a bucket fills, and how much it holds. */
export interface TokenRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** Takes one token; undefined, and nothing taken, if there is none. */
export function takeToken(
  bucket: TokenBucket,
  rate: TokenRate,
  nowMs: number,
): TokenBucket | undefined {
  const elapsedMs = Math.max(0, nowMs - bucket.atMs);
  const tokens = Math.min(rate.burst, bucket.tokens + (elapsedMs / 1_000) * rate.perSecond);
  if (tokens < 1) return undefined;
  return { tokens: tokens - 1, atMs: Math.max(nowMs, bucket.atMs) };
}
