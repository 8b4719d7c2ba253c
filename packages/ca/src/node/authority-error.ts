import { LenoError } from '@leno/std';

/** A directory that holds an authority in part, damaged, or of another trust domain. */
export class AuthorityFileError extends LenoError {
  readonly code = 'LENO_AUTHORITY_FILE';
  readonly fault = 'mesh';
  /** The file at fault. */
  readonly path: string;

  constructor(path: string, advice: string, options?: ErrorOptions) {
    super(`${path}: ${advice}`, options);
    this.path = path;
  }
}
