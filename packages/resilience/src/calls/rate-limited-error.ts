import { RefusedError } from './refused-error.ts';

/** A rate limiter had no permit in time for the call, which was not made. */
export class RateLimitedError extends RefusedError {
  readonly code = 'LENO_RATE_LIMITED';
  readonly by = 'rate-limiter';
  readonly limiter: string;

  constructor(limiter: string, retryAfterMs: number) {
    const wait = Number.isFinite(retryAfterMs)
      ? `ask again in ${Math.ceil(retryAfterMs)} ms`
      : 'the call costs more than can ever be had';
    super(`rate limiter ${limiter}: no permit in time: ${wait}`, retryAfterMs);
    this.limiter = limiter;
  }
}
