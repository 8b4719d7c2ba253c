import { LenoError } from '@leno/std';

/**
 * A call that was not made, as something between the caller and the service refused it; so it may
 * be made again without the risk of doing its work twice. Has no stack: refusing is what one does
 * under load, a stack costs several times the rest of it, and shows only who called.
 */
export abstract class RefusedError extends LenoError {
  abstract readonly by:
    | 'breaker'
    | 'bulkhead'
    | 'rate-limiter'
    | 'concurrency-limiter'
    | 'throttler';
  override readonly replayable = true;
  /** Before this time asking again is in vain. 0 if that is not known. */
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    const { stackTraceLimit } = Error;
    // Unlike an assignment this does not throw where somebody has frozen Error.
    Reflect.set(Error, 'stackTraceLimit', 0);
    super(message, options);
    Reflect.set(Error, 'stackTraceLimit', stackTraceLimit);
    this.retryAfterMs = retryAfterMs;
  }
}
