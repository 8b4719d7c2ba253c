export {
  type Authority,
  authorityFrom,
  createIssuer,
  createRoot,
  type IssuedLeaf,
  type IssuerOptions,
  issueLeaf,
  type LeafLimits,
  type LeafOptions,
  type RootOptions,
} from './authority.ts';
export {
  CertificateMalformedError,
  CsrRefusedError,
  IssuanceRefusedError,
  type JoinTokenFault,
  JoinTokenRefusedError,
  JoinTokenRequestError,
  KeyUnsupportedError,
  TrustBundleError,
} from './ca-errors.ts';
export {
  type Certificate,
  certificatePem,
  isIssuedBy,
  readCertificate,
  splitCertificates,
} from './certificate.ts';
export { type Csr, createCsr, parseCsr } from './csr.ts';
export type { KeyUsage } from './extension-oids.ts';
export {
  admitJoinToken,
  type JoinToken,
  type JoinTokenOptions,
  type JoinTokenRecord,
  type JoinTokenStore,
  JoinTokens,
  joinTokenHash,
  MemoryJoinTokenStore,
} from './join-tokens.ts';
export {
  createSigner,
  generateKey,
  type KeyKind,
  privateKeyFromPem,
  privateKeyPem,
  publicKeyDerOf,
  type Signer,
} from './keys.ts';
export { type PeerRules, peerIdentity } from './peer-identity.ts';
export {
  type CertificateAlarm,
  certificateAlarm,
  renewAtMs,
  renewalRetryAtMs,
  renewalWindowMs,
} from './renewal.ts';
export { type CertificatePlan, type SigningParty, signCertificate } from './sign-certificate.ts';
export { formatSpiffeId, parseSpiffeId, type SpiffeId, trustDomainFault } from './spiffe-id.ts';
export { bundleHash, checkPin, TrustBundle } from './trust-bundle.ts';
