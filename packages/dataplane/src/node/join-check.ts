/**
 * The first look at a control plane, before a proxy trusts any root: the chain that the server sends must lead
 * to a root whose hash was handed over with the join token, and its leaf must be the control plane's.
 */
import { checkPin, isIssuedBy, peerIdentity, readCertificate } from '@leno/ca';
import { err, messageOf, type Result } from '@leno/std';

/** What the proxy was told beforehand. */
export interface JoinExpectation {
  readonly trustDomain: string;
  /** `sha256:…` of the trust bundle. */
  readonly trustPin: string;
  readonly nowMs: number;
}

/** The SPIFFE id of the control plane of a trust domain. */
export function controlPlaneId(trustDomain: string): string {
  return `spiffe://${trustDomain}/control-plane`;
}

/** Judges a server's chain (DER, leaf first, root last) by the pin alone. */
export function checkJoinChain(
  chain: readonly Uint8Array[],
  expected: JoinExpectation,
): Result<string, string> {
  try {
    const certificates = chain.map((der) => readCertificate(der));
    const root = certificates.at(-1);
    if (root === undefined) return err('the server sent no certificate');
    const pinned = checkPin([root.der], expected.trustPin);
    if (!pinned.ok) return pinned;
    for (const [index, certificate] of certificates.entries()) {
      const issuer = certificates[index + 1] ?? root;
      if (!isIssuedBy(certificate, issuer)) return err('the chain of the server is broken');
      if (expected.nowMs > certificate.notAfterMs) return err('a certificate has expired');
    }
    return checkControlPlane(chain[0] ?? new Uint8Array(), expected.trustDomain);
  } catch (thrown) {
    return err(messageOf(thrown));
  }
}

/** Whether the leaf is the control plane's own. */
export function checkControlPlane(der: Uint8Array, trustDomain: string): Result<string, string> {
  const who = peerIdentity(der, { trustDomain });
  if (!who.ok) return who;
  const expected = controlPlaneId(trustDomain);
  return who.value === expected ? who : err(`the server is ${who.value}, not ${expected}`);
}

/** A judge of peers that must be exactly `identity`; anyone of the trust domain if it is empty. */
export function peerMustBe(
  identity: string,
  trustDomain: string,
): (der: Uint8Array) => Result<string, string> {
  return (der) => {
    const who = peerIdentity(der, { trustDomain });
    if (!who.ok || identity === '' || who.value === identity) return who;
    return err(`it is ${who.value}, not ${identity}`);
  };
}
