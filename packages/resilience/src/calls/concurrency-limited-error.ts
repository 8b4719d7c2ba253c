import { RefusedError } from './refused-error.ts';

/** An adaptive limiter had as many calls under way as the service bears; this one was not made. */
export class ConcurrencyLimitedError extends RefusedError {
  readonly code = 'LENO_CONCURRENCY_LIMITED';
  readonly by = 'concurrency-limiter';
  readonly limiter: string;

  constructor(limiter: string) {
    super(`concurrency limiter ${limiter}: as many calls under way as the service bears`, 0);
    this.limiter = limiter;
  }
}
