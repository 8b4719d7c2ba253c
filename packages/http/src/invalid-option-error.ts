import { OptionError } from '@leno/std';

/** Options that this package cannot work with; the message names each, its range and its value. */
export class InvalidOptionError extends OptionError {
  readonly code = 'LENO_HTTP_OPTION';
}
