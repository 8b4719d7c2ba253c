import { LenoError } from '@leno/std';

/** The store cannot be opened, read or written; the message names the file and what to do. */
export class StoreError extends LenoError {
  readonly code = 'LENO_STORE';
  readonly fault = 'mesh';
}
