import { LenoError } from '@leno/std';

/** A certificate that cannot be read: not PEM, not DER, or not an X.509 v3 certificate. */
export class CertificateMalformedError extends LenoError {
  readonly code = 'LENO_CERTIFICATE_MALFORMED';
  readonly fault = 'mesh';
}

/** A key of a kind that is not on the allow-list, or that cannot be read as a key. */
export class KeyUnsupportedError extends LenoError {
  readonly code = 'LENO_KEY_UNSUPPORTED';
  readonly fault = 'mesh';
}

/** A request that is malformed, over its size, of a weak algorithm, or not signed by its key. */
export class CsrRefusedError extends LenoError {
  readonly code = 'LENO_CSR_REFUSED';
  readonly fault = 'downstream';
}

/** A certificate that this authority may not or can no longer issue. */
export class IssuanceRefusedError extends LenoError {
  readonly code = 'LENO_ISSUANCE_REFUSED';
  readonly fault = 'mesh';
}

/** A change that would leave a trust bundle useless, or a root that is none. */
export class TrustBundleError extends LenoError {
  readonly code = 'LENO_TRUST_BUNDLE';
  readonly fault = 'mesh';
}

/** Why a join token opens nothing. */
export type JoinTokenFault = 'malformed' | 'unknown-or-used' | 'expired';

/** A join token that is malformed, expired, used before, or was never given out. */
export class JoinTokenRefusedError extends LenoError {
  readonly code = 'LENO_JOIN_TOKEN_REFUSED';
  readonly fault = 'downstream';
  readonly because: JoinTokenFault;

  constructor(because: JoinTokenFault) {
    super(`join token refused: ${because}; ask the control plane for a new one`);
    this.because = because;
  }
}

/** A join token that may not be made: for no workload, of a wrong life, or one too many. */
export class JoinTokenRequestError extends LenoError {
  readonly code = 'LENO_JOIN_TOKEN_REQUEST';
  readonly fault = 'mesh';
}
