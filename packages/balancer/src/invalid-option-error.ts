import { LenoError } from '@leno/std';

/** An option that a picker cannot work with; the message names it, its range and its value. */
export class InvalidOptionError extends LenoError {
  readonly code = 'LENO_BALANCER_OPTION';
  readonly fault = 'mesh';
}
