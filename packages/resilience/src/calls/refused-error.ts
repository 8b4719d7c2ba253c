import { OutcomeError } from './outcome-error.ts';

/** Who refuses calls. */
export type RefusedBy =
  | 'breaker'
  | 'bulkhead'
  | 'rate-limiter'
  | 'concurrency-limiter'
  | 'throttler';

/**
 * The root of every refusal: the call was not made, so making it again does nothing twice. Carries
 * no stack trace: a refusal is an answer, under load a frequent one, and a trace costs seven times
 * what the rest of it does.
 */
export abstract class RefusedError extends OutcomeError {
  abstract readonly by: RefusedBy;
  /** Nothing: it was not called. */
  readonly outcome = 'ignored';
  override readonly replayable = true;
  /** Before this time asking again is in vain; 0 if that is not known. */
  readonly retryAfterMs: number;

  constructor(message: string, retryAfterMs: number, options?: ErrorOptions) {
    const limit = Error.stackTraceLimit;
    // Not by assignment, which throws where the intrinsics are frozen.
    Reflect.set(Error, 'stackTraceLimit', 0);
    super(message, options);
    Reflect.set(Error, 'stackTraceLimit', limit);
    this.retryAfterMs = retryAfterMs;
  }
}
