import { LenoError } from '@leno/std';

/** A call took longer than it was given. What it was doing may have been done. */
export class TimedOutError extends LenoError {
  readonly code = 'LENO_TIMED_OUT';
  readonly fault = 'upstream';
  readonly timeoutMs: number;

  /** `options.cause` is what a cooperative call threw when its signal told it to end. */
  constructor(timeoutMs: number, options?: ErrorOptions) {
    super(`no result after ${timeoutMs} ms`, options);
    this.timeoutMs = timeoutMs;
  }
}
