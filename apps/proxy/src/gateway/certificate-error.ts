import { LenoError } from '@leno/std';

/** A certificate of a gateway cannot be used; the message names its file and what to do. */
export class CertificateError extends LenoError {
  readonly code = 'LENO_CERTIFICATE';
  readonly fault = 'mesh';
}
