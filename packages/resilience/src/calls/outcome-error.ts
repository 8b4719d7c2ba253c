import { LenoError } from '@leno/std';
import type { CallOutcome } from '../breaker/breaker-report.ts';

/** An error that says of itself what breakers and throttlers make of it. */
export abstract class OutcomeError extends LenoError {
  readonly fault = 'upstream';
  /** What it says of the service that was called. */
  abstract readonly outcome: CallOutcome;
}
