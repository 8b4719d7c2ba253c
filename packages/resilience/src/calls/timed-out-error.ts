import { LenoError } from '@leno/std';

/** A call took longer than it was given. What it was doing may have been done. */
export class TimedOutError extends LenoError {
  readonly code = 'LENO_TIMED_OUT';
  readonly fault = 'upstream';
  readonly timeoutMs: number;

  constructor(timeoutMs: number) {
    super(`no result after ${timeoutMs} ms`);
    this.timeoutMs = timeoutMs;
  }
}
