/**
 * A certificate authority for tests, and every kind of leaf that a peer has to refuse. Names are as
 * in the mTLS corpus: the mesh is `mesh.local`, the stranger `other.local`. All are valid by the
 * real clock, since TLS looks at no other.
 */
import type { KeyObject } from 'node:crypto';
import {
  type Authority,
  type CertificatePlan,
  certificatePem,
  createIssuer,
  createRoot,
  createSigner,
  generateKey,
  type KeyUsage,
  privateKeyPem,
  publicKeyDerOf,
  readCertificate,
  type SigningParty,
  signCertificate,
  TrustBundle,
} from '@leno/ca';
import { systemClock } from '@leno/std';

/** What node:tls takes, and what the tests compare with. */
export interface TestIdentity {
  /** Private key, PEM. */
  readonly key: string;
  /** Chain: leaf, then issuers without the root, PEM. */
  readonly cert: string;
  /** Root of the identity's own authority, PEM. */
  readonly ca: string;
  /** The leaf alone, DER. */
  readonly der: Uint8Array;
  readonly spiffeId: string;
}

/** What a leaf is to state instead of what a good one does. */
export interface LeafOverrides {
  /** URIs instead of the one SPIFFE id. */
  readonly uris?: readonly string[];
  readonly dnsNames?: readonly string[];
  /** Relative to now. Default one minute ago. */
  readonly notBeforeInMs?: number;
  /** Relative to now. Default in an hour. */
  readonly notAfterInMs?: number;
  readonly keyUsage?: readonly KeyUsage[];
  readonly extKeyUsage?: readonly ('serverAuth' | 'clientAuth')[];
  readonly authority?: NonNullable<CertificatePlan['authority']>;
  /** Default: no subject, as Leno's leaves have it. */
  readonly subject?: NonNullable<CertificatePlan['subject']>;
  /** Default: a new P-256 key. */
  readonly privateKey?: KeyObject;
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const workloadPath = '/ns/test/sa/client';

/** One root and one issuer, and leaves below it. Each is made when asked for. */
export class TestCa {
  readonly trustDomain: string;
  readonly root: Authority;
  readonly issuer: Authority;
  readonly bundle: TrustBundle;

  constructor(trustDomain = 'mesh.local') {
    const nowMs = systemClock.wallMs() - 24 * hourMs; // So that expired leaves had a valid issuer.
    this.trustDomain = trustDomain;
    this.root = createRoot({ trustDomain, key: generateKey(), nowMs });
    this.issuer = createIssuer({ root: this.root, key: generateKey(), nowMs });
    this.bundle = TrustBundle.of([this.root.certificatePem]);
  }

  /** The SPIFFE id of a path in this trust domain. */
  id(path = workloadPath): string {
    return `spiffe://${this.trustDomain}${path}`;
  }

  /** A good leaf for any SPIFFE id, or one that is bad in the ways asked for. */
  leaf(spiffeId = this.id(), overrides: LeafOverrides = {}): TestIdentity {
    const key = overrides.privateKey ?? generateKey();
    const der = signCertificate(leafPlan({ spiffeId, overrides, key, issuer: this.issuer }));
    const cert = certificatePem(der) + this.issuer.certificatePem;
    return { key: privateKeyPem(key), cert, ca: this.root.certificatePem, der, spiffeId };
  }

  /** Ended a minute ago. */
  expiredLeaf(spiffeId = this.id()): TestIdentity {
    return this.leaf(spiffeId, { notBeforeInMs: -2 * hourMs, notAfterInMs: -minuteMs });
  }

  /** Begins in two minutes. */
  futureLeaf(spiffeId = this.id()): TestIdentity {
    return this.leaf(spiffeId, { notBeforeInMs: 2 * minuteMs });
  }

  /** Signed by this issuer, against its name constraint, for another trust domain. */
  otherDomainLeaf(spiffeId = `spiffe://other.local${workloadPath}`): TestIdentity {
    return this.leaf(spiffeId);
  }

  /** Two SPIFFE ids, the second of an admin. */
  twoUriLeaf(): TestIdentity {
    return this.leaf(this.id(), { uris: [this.id(), this.id('/ns/test/sa/admin')] });
  }

  /** A DNS name and no URI. */
  dnsOnlyLeaf(): TestIdentity {
    return this.leaf(this.id(), { uris: [], dnsNames: ['client.test'] });
  }

  /** For servers only: no client may use it. */
  serverOnlyLeaf(spiffeId = this.id()): TestIdentity {
    return this.leaf(spiffeId, { extKeyUsage: ['serverAuth'] });
  }

  /** An authority's certificate with a workload's name, straight from the root. */
  authorityLeaf(spiffeId = this.id()): TestIdentity {
    const key = generateKey();
    const overrides: LeafOverrides = {
      authority: {},
      keyUsage: ['digitalSignature', 'keyCertSign'],
    };
    const der = signCertificate(leafPlan({ spiffeId, overrides, key, issuer: this.root }));
    const cert = certificatePem(der);
    return { key: privateKeyPem(key), cert, ca: this.root.certificatePem, der, spiffeId };
  }

  /** A leaf that a leaf has signed, with the whole chain. */
  leafOfLeaf(spiffeId = this.id()): TestIdentity {
    const middleKey = generateKey();
    const middle = this.leaf(this.id('/ns/test/sa/middle'), {
      privateKey: middleKey,
      subject: { organization: this.trustDomain, commonName: 'middle' },
    });
    const { subjectDer, subjectKeyId } = readCertificate(middle.der);
    const signer = createSigner(middleKey);
    const issuer = { signer, subjectDer, keyId: subjectKeyId ?? new Uint8Array() };
    const key = generateKey();
    const der = signCertificate(leafPlan({ spiffeId, overrides: {}, key, issuer }));
    const cert = certificatePem(der) + middle.cert;
    return { key: privateKeyPem(key), cert, ca: this.root.certificatePem, der, spiffeId };
  }
}

/** A stranger: another root that signs, without constraint, the mesh's own names. */
export function foreignLeaf(spiffeId = `spiffe://mesh.local${workloadPath}`): TestIdentity {
  const nowMs = systemClock.wallMs() - hourMs;
  const root = createRoot({ trustDomain: 'other.local', key: generateKey(), nowMs });
  const key = generateKey();
  const der = signCertificate(leafPlan({ spiffeId, overrides: {}, key, issuer: root }));
  const cert = certificatePem(der);
  return { key: privateKeyPem(key), cert, ca: root.certificatePem, der, spiffeId };
}

function leafPlan(leaf: {
  readonly spiffeId: string;
  readonly overrides: LeafOverrides;
  readonly key: KeyObject;
  readonly issuer: SigningParty;
}): CertificatePlan {
  const { overrides } = leaf;
  const wallMs = systemClock.wallMs();
  return {
    by: { kind: 'issuer', issuer: leaf.issuer },
    publicKeyDer: publicKeyDerOf(leaf.key),
    notBeforeMs: wallMs + (overrides.notBeforeInMs ?? -minuteMs),
    notAfterMs: wallMs + (overrides.notAfterInMs ?? hourMs),
    uris: overrides.uris ?? [leaf.spiffeId],
    dnsNames: overrides.dnsNames ?? [],
    keyUsage: overrides.keyUsage ?? ['digitalSignature'],
    extKeyUsage: overrides.extKeyUsage ?? ['serverAuth', 'clientAuth'],
    ...(overrides.subject === undefined ? {} : { subject: overrides.subject }),
    ...(overrides.authority === undefined ? {} : { authority: overrides.authority }),
  };
}
