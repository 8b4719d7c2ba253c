/** A certificate authority of the run, for peers: P-256, a leaf for either end, verified by both. */
import {
  certificatePem,
  createIssuer,
  createRoot,
  generateKey,
  privateKeyPem,
  publicKeyDerOf,
  signCertificate,
} from '@leno/ca';
import { systemClock } from '@leno/std';

/** Under this name the far end of a pair is known. */
const inboundName = 'inbound.test';

const hourMs = 3_600_000;
const trustDomain = 'mesh.local';

/** PEM: the root alone, and of each end the chain with its key behind it. */
export interface PeerCertificates {
  readonly root: string;
  readonly client: string;
  readonly server: string;
}

export function makeCertificates(): PeerCertificates {
  const nowMs = systemClock.wallMs() - hourMs;
  const root = createRoot({ trustDomain, key: generateKey(), nowMs });
  const issuer = createIssuer({ root, key: generateKey(), nowMs });
  const leaf = (name: string, dnsNames: readonly string[]): string => {
    const key = generateKey();
    const der = signCertificate({
      by: { kind: 'issuer', issuer },
      publicKeyDer: publicKeyDerOf(key),
      notBeforeMs: nowMs,
      notAfterMs: nowMs + 24 * hourMs,
      uris: [`spiffe://${trustDomain}/ns/bench/sa/${name}`],
      dnsNames,
      keyUsage: ['digitalSignature'],
      extKeyUsage: ['serverAuth', 'clientAuth'],
    });
    return certificatePem(der) + issuer.certificatePem + privateKeyPem(key);
  };
  return {
    root: root.certificatePem,
    client: leaf('client', []),
    server: leaf('server', [inboundName]),
  };
}
