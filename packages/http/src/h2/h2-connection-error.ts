import { LenoError } from '@leno/std';

/**
 * The other side has broken HTTP/2 such that the connection cannot go on (RFC 9113 §5.4.1): it gets a
 * GOAWAY with `errorCode`. Whatever the input, the codec throws nothing else; the connection catches it.
 */
export class H2ConnectionError extends LenoError {
  readonly code = 'LENO_H2_CONNECTION';
  readonly fault = 'downstream';
  /** One of the codes of RFC 9113 §7. */
  readonly errorCode: number;

  constructor(errorCode: number, message: string) {
    super(message);
    this.errorCode = errorCode;
  }
}
