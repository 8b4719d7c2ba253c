/**
 * The mesh's own certificate authority: root → issuer → leaf.
 *
 *   root    10 years, `spiffe://TRUST-DOMAIN`; its key may leave the machine once an issuer exists
 *   issuer  1 year, pathLen 0, a critical URI name constraint: whoever steals it can name nobody
 *           outside the trust domain (RFC 5280 §4.2.1.10)
 *   leaf    24 hours, one SPIFFE id, for both ends of a handshake (X509-SVID §4)
 *
 * Names come from the caller, who has attested them, and never from a request. Nothing outlives
 * what signed it.
 */
import type { KeyObject } from 'node:crypto';
import { IssuanceRefusedError } from './ca-errors.ts';
import { certificatePem, readCertificate } from './certificate.ts';
import { createSigner, keyIdOf, readPublicKey, type Signer } from './keys.ts';
import { type SigningParty, signCertificate } from './sign-certificate.ts';
import { parseSpiffeId, trustDomainFault } from './spiffe-id.ts';

/** A certificate that may sign others, with its key. */
export interface Authority extends SigningParty {
  readonly certificatePem: string;
  readonly trustDomain: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** For `createRoot`. */
export interface RootOptions {
  readonly trustDomain: string;
  /** The root's private key: P-256 or P-384. */
  readonly key: KeyObject;
  /** The wall clock. */
  readonly nowMs: number;
  /** Default 10 years. */
  readonly ttlMs?: number;
}

/** For `createIssuer`. */
export interface IssuerOptions {
  readonly root: Authority;
  readonly key: KeyObject;
  /** The wall clock. */
  readonly nowMs: number;
  /** Default 1 year; cut to the root's end. */
  readonly ttlMs?: number;
}

/** Bounds of a leaf's life. */
export interface LeafLimits {
  /** Default 5 minutes. */
  readonly ttlMinMs: number;
  /** Default 90 days. */
  readonly ttlMaxMs: number;
}

/** For `issueLeaf`. */
export interface LeafOptions {
  readonly issuer: Authority;
  /** SubjectPublicKeyInfo, DER: from `parseCsr`, or of a key made here. */
  readonly publicKeyDer: Uint8Array;
  /** The attested identity: in the issuer's trust domain, with a path. */
  readonly spiffeId: string;
  /** The wall clock. */
  readonly nowMs: number;
  /** Life from now. Default 24 hours. Refused outside the limits, cut to the issuer's end. */
  readonly ttlMs?: number;
  readonly limits?: LeafLimits;
}

/** A leaf as its owner needs it. */
export interface IssuedLeaf {
  readonly certificatePem: string;
  /** Leaf, then issuer: what a peer presents (node:tls `cert`). */
  readonly chainPem: string;
  readonly spiffeId: string;
  /** Serial number, lower-case hex. */
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const dayMs = 24 * 60 * minuteMs;
const backdateMs = minuteMs;
const leafLimitsDefault: LeafLimits = { ttlMinMs: 5 * minuteMs, ttlMaxMs: 90 * dayMs };

/** Makes a self-signed root. Throws `IssuanceRefusedError` for a trust domain that is none. */
export function createRoot(options: RootOptions): Authority {
  const { trustDomain, nowMs } = options;
  const signer = createSigner(options.key);
  const fault = trustDomainFault(trustDomain);
  // A leading dot would turn the issuer's name constraint into one for every host below it.
  if (fault !== undefined || trustDomain.startsWith('.')) {
    throw new IssuanceRefusedError(
      `no root for '${trustDomain}': it ${fault ?? 'begins with a dot'}`,
    );
  }
  const der = signCertificate({
    by: { kind: 'self', signer },
    publicKeyDer: signer.publicKeyDer,
    subject: authorityName('Leno root', trustDomain, signer),
    notBeforeMs: nowMs - backdateMs,
    notAfterMs: nowMs + (options.ttlMs ?? 3_650 * dayMs),
    uris: [`spiffe://${trustDomain}`],
    keyUsage: ['keyCertSign', 'cRLSign'],
    authority: {},
  });
  return authorityFrom(certificatePem(der), signer);
}

/** Makes an issuer below a root. Throws `IssuanceRefusedError` if the root is not valid now. */
export function createIssuer(options: IssuerOptions): Authority {
  const { root, nowMs } = options;
  requireValid(root, nowMs);
  const signer = createSigner(options.key);
  const der = signCertificate({
    by: { kind: 'issuer', issuer: root },
    publicKeyDer: signer.publicKeyDer,
    subject: authorityName('Leno issuer', root.trustDomain, signer),
    notBeforeMs: Math.max(nowMs - backdateMs, root.notBeforeMs),
    notAfterMs: Math.min(nowMs + (options.ttlMs ?? 365 * dayMs), root.notAfterMs),
    uris: [`spiffe://${root.trustDomain}`],
    keyUsage: ['keyCertSign', 'cRLSign'],
    authority: { pathLength: 0, permittedUriHost: root.trustDomain },
  });
  return authorityFrom(certificatePem(der), signer);
}

/**
 * An authority from its certificate and its signer. Throws `IssuanceRefusedError` unless it is an
 * authority's, names a trust domain and nothing else, and belongs to that key.
 */
export function authorityFrom(pem: string, signer: Signer): Authority {
  const certificate = readCertificate(pem);
  const id = parseSpiffeId(certificate.spiffeId ?? '');
  if (!certificate.isAuthority || certificate.keyUsage?.has('keyCertSign') !== true) {
    throw new IssuanceRefusedError('the certificate is not that of an authority');
  }
  if (!id.ok || id.value.path !== '') {
    throw new IssuanceRefusedError('the certificate does not name its trust domain');
  }
  if (!Buffer.from(signer.publicKeyDer).equals(certificate.publicKeyDer)) {
    throw new IssuanceRefusedError('the private key is not that of the certificate');
  }
  return {
    certificatePem: certificatePem(certificate.der),
    trustDomain: id.value.trustDomain,
    notBeforeMs: certificate.notBeforeMs,
    notAfterMs: certificate.notAfterMs,
    signer,
    subjectDer: certificate.subjectDer,
    keyId: certificate.subjectKeyId ?? keyIdOf(certificate.publicKeyDer),
  };
}

/**
 * Issues a leaf for an attested identity. It is valid from 60 s ago, for clocks that lag (less for
 * lives under 4 minutes, so that the renewal at two thirds stays in the future), and ends with its
 * issuer at the latest. Throws `IssuanceRefusedError`, or `KeyUnsupportedError` for the key.
 */
export function issueLeaf(options: LeafOptions): IssuedLeaf {
  const { issuer, nowMs, spiffeId } = options;
  const { ttlMinMs, ttlMaxMs } = options.limits ?? leafLimitsDefault;
  const ttlMs = options.ttlMs ?? Math.min(Math.max(dayMs, ttlMinMs), ttlMaxMs);
  requireWorkloadOf(issuer.trustDomain, spiffeId);
  requireValid(issuer, nowMs);
  readPublicKey(options.publicKeyDer);
  if (!(ttlMs >= ttlMinMs && ttlMs <= ttlMaxMs)) {
    throw new IssuanceRefusedError(
      `a life of ${ttlMs} ms is outside the bounds of ${ttlMinMs} to ${ttlMaxMs} ms`,
    );
  }
  const der = signCertificate({
    by: { kind: 'issuer', issuer },
    publicKeyDer: options.publicKeyDer,
    notBeforeMs: nowMs - Math.min(backdateMs, ttlMs / 4),
    notAfterMs: Math.min(nowMs + ttlMs, issuer.notAfterMs),
    uris: [spiffeId],
    keyUsage: ['digitalSignature'],
    extKeyUsage: ['serverAuth', 'clientAuth'],
  });
  const { serial, notBeforeMs, notAfterMs } = readCertificate(der);
  const pem = certificatePem(der);
  const chainPem = pem + issuer.certificatePem;
  return { certificatePem: pem, chainPem, spiffeId, serial, notBeforeMs, notAfterMs };
}

function requireWorkloadOf(trustDomain: string, spiffeId: string): void {
  const id = parseSpiffeId(spiffeId);
  const fault = !id.ok
    ? id.error
    : id.value.path === ''
      ? 'has no path'
      : id.value.trustDomain !== trustDomain
        ? `is not of the trust domain ${trustDomain}`
        : undefined;
  if (fault !== undefined) {
    throw new IssuanceRefusedError(`no certificate for the SPIFFE id asked for: it ${fault}`);
  }
}

function requireValid(authority: Authority, nowMs: number): void {
  if (nowMs >= authority.notBeforeMs && nowMs < authority.notAfterMs) return;
  const from = new Date(authority.notBeforeMs).toISOString();
  const until = new Date(authority.notAfterMs).toISOString();
  throw new IssuanceRefusedError(
    `the authority of ${authority.trustDomain} is valid only from ${from} to ${until}`,
  );
}

/** Two authorities of one trust domain differ in their name, so that a chain has one reading. */
function authorityName(role: string, trustDomain: string, signer: Signer) {
  const keyId = Buffer.from(keyIdOf(signer.publicKeyDer)).toString('hex', 0, 8);
  return { organization: trustDomain, commonName: `${role} ${keyId}` };
}
