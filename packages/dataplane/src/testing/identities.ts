/** Certificates of one small mesh, for tests. */
import {
  type Authority,
  createIssuer,
  createRoot,
  generateKey,
  issueLeaf,
  privateKeyPem,
  publicKeyDerOf,
} from '@leno/ca';
import type { TlsClientOptions } from '@leno/http';
import { systemClock } from '@leno/std';
import { peerMustBe } from '../node/join-check.ts';

export const trustDomain = 'mesh.local';

const nowMs = systemClock.wallMs() - 60_000;
const root = createRoot({ trustDomain, key: generateKey(), nowMs });
const issuer: Authority = createIssuer({ root, key: generateKey(), nowMs });

/** The SPIFFE id of a service of the namespace `default`. */
export function idOf(service: string): string {
  return `spiffe://${trustDomain}/ns/default/sa/${service}`;
}

/** Who `service` is; it takes exactly `expected`, or anyone of the mesh if that is empty. */
export function tlsOf(service: string, expected = ''): TlsClientOptions {
  const key = generateKey();
  const leaf = issueLeaf({
    issuer,
    publicKeyDer: publicKeyDerOf(key),
    spiffeId: idOf(service),
    nowMs,
  });
  return {
    key: privateKeyPem(key),
    cert: leaf.chainPem,
    ca: root.certificatePem,
    verifyPeer: peerMustBe(expected, trustDomain),
  };
}
