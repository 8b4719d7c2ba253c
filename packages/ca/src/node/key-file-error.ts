import { LenoError } from '@leno/std';

/** What is the matter with a key file. */
export type KeyFileFault = 'missing' | 'exposed' | 'malformed' | 'wrong-passphrase' | 'unreadable';

/** A key file that is missing, readable by others, damaged, or locked with another passphrase. */
export class KeyFileError extends LenoError {
  readonly code = 'LENO_KEY_FILE';
  readonly fault = 'mesh';
  readonly path: string;
  readonly because: KeyFileFault;

  constructor(
    failure: { readonly path: string; readonly because: KeyFileFault; readonly advice: string },
    options?: ErrorOptions,
  ) {
    super(`${failure.path}: ${failure.advice}`, options);
    this.path = failure.path;
    this.because = failure.because;
  }
}
