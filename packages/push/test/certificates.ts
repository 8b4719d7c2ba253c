/** Certificates of one mesh, and of a stranger, for tests over TLS. */
import {
  createIssuer,
  createRoot,
  generateKey,
  issueLeaf,
  privateKeyPem,
  publicKeyDerOf,
  readCertificate,
} from '@leno/ca';
import { systemClock } from '@leno/std';

/** PEM texts; `cert` is the leaf and its issuer. */
export interface Leaf {
  readonly key: string;
  readonly cert: string;
  /** The leaf alone, DER. */
  readonly der: Uint8Array;
}

/** A root, one issuer, and leaves below it. */
export class TestMesh {
  readonly rootPem: string;
  readonly #trustDomain: string;
  readonly #issuer: ReturnType<typeof createIssuer>;

  constructor(trustDomain = 'mesh.local') {
    const nowMs = systemClock.wallMs() - 86_400_000;
    const root = createRoot({ trustDomain, key: generateKey(), nowMs });
    this.#trustDomain = trustDomain;
    this.#issuer = createIssuer({ root, key: generateKey(), nowMs });
    this.rootPem = root.certificatePem;
  }

  /** A leaf for the path, made so long ago; it lives for an hour. */
  leaf(path = '/ns/test/sa/client', agoMs = 60_000): Leaf {
    const key = generateKey();
    const { certificatePem, chainPem } = issueLeaf({
      issuer: this.#issuer,
      publicKeyDer: publicKeyDerOf(key),
      spiffeId: `spiffe://${this.#trustDomain}${path}`,
      nowMs: systemClock.wallMs() - agoMs,
      ttlMs: 3_600_000,
    });
    return { key: privateKeyPem(key), cert: chainPem, der: readCertificate(certificatePem).der };
  }
}
