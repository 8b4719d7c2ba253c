import { LenoError } from '@leno/std';

/**
 * A request over a push session has failed. `refusal.code` says how: `LOST` (the session went away,
 * or there was none), `TIMEOUT`, `LIMIT`, or the server's own word such as `DENIED`.
 */
export class PushRefusedError extends LenoError {
  readonly code = 'LENO_PUSH_REFUSED';
  readonly fault = 'mesh';
  /** Asking again does no harm: every request of the protocol is idempotent. */
  override readonly replayable = true;
  readonly refusal: { readonly ref: string; readonly code: string; readonly msg: string };

  constructor(refusal: { readonly ref: string; readonly code: string; readonly msg: string }) {
    super(`${refusal.ref} was refused (${refusal.code}): ${refusal.msg}`);
    this.refusal = refusal;
  }
}
