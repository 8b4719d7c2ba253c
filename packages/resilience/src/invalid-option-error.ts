import { LenoError } from '@leno/std';

/** An option that this package cannot work with; the message names it, its range and its value. */
export class InvalidOptionError extends LenoError {
  readonly code = 'LENO_RESILIENCE_OPTION';
  readonly fault = 'mesh';
}
