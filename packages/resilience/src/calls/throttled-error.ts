import { RefusedError } from './refused-error.ts';

/** A throttler spared a service that accepts few calls this one, which was not made. */
export class ThrottledError extends RefusedError {
  readonly code = 'LENO_THROTTLED';
  readonly by = 'throttler';
  readonly throttler: string;

  constructor(throttler: string) {
    super(`throttler ${throttler}: the service accepts too few calls at present`, 0);
    this.throttler = throttler;
  }
}
