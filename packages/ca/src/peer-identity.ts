import { err, messageOf, ok, type Result } from '@leno/std';
import { type Certificate, readCertificate } from './certificate.ts';
import { oids } from './extension-oids.ts';
import { parseSpiffeId } from './spiffe-id.ts';

/** Whom a peer has to be one of. */
export interface PeerRules {
  /** The trust domain whose roots verified the chain. */
  readonly trustDomain: string;
  /**
   * The wall clock. When given, a certificate outside its validity is refused: for checks after a
   * resumed handshake, which TLS itself does not make. Default: the chain check has done it.
   */
  readonly wallMs?: number;
}

/**
 * Who a peer is, by the certificate (DER) that it proved to own in a handshake whose chain was
 * verified: the SPIFFE id, or why it is nobody. X509-SVID §5.2: exactly one URI; a workload's id,
 * with a path, of this trust domain; no authority; a critical key usage with digitalSignature and
 * without keyCertSign and cRLSign; both purposes if any is stated; a critical SAN if there is no
 * subject. Never throws.
 */
export function peerIdentity(der: Uint8Array, rules: PeerRules): Result<string, string> {
  let certificate: Certificate;
  try {
    certificate = readCertificate(der);
  } catch (thrown) {
    return err(messageOf(thrown));
  }
  const [uri, ...others] = certificate.uris;
  if (uri === undefined) return err('the certificate names no URI');
  if (others.length > 0) return err('the certificate names more than one URI');
  const id = parseSpiffeId(uri);
  if (!id.ok) return err(`the certificate's SPIFFE id ${id.error}`);
  if (id.value.path === '') return err("the certificate's SPIFFE id has no path");
  if (id.value.trustDomain !== rules.trustDomain) {
    return err(`the certificate is of the trust domain ${id.value.trustDomain}`);
  }
  const fault = leafFault(certificate) ?? validityFault(certificate, rules.wallMs);
  return fault === undefined ? ok(uri) : err(`the certificate ${fault}`);
}

function leafFault(certificate: Certificate): string | undefined {
  const { keyUsage, extKeyUsage, criticalExtensions } = certificate;
  if (certificate.isAuthority) return 'is that of an authority';
  if (keyUsage === undefined || !criticalExtensions.has(oids.keyUsage)) {
    return 'has no critical key usage';
  }
  if (!keyUsage.has('digitalSignature')) return 'may not sign handshakes';
  if (keyUsage.has('keyCertSign') || keyUsage.has('cRLSign')) return 'may sign certificates';
  if (extKeyUsage !== undefined) {
    if (!extKeyUsage.includes(oids.clientAuth)) return 'is not for clients';
    if (!extKeyUsage.includes(oids.serverAuth)) return 'is not for servers';
  }
  if (certificate.isSubjectEmpty && !criticalExtensions.has(oids.subjectAltName)) {
    return 'has neither a subject nor a critical alternative name';
  }
  return undefined;
}

function validityFault(certificate: Certificate, wallMs: number | undefined): string | undefined {
  if (wallMs === undefined) return undefined;
  if (wallMs < certificate.notBeforeMs) return 'is not valid yet';
  return wallMs > certificate.notAfterMs ? 'has expired' : undefined;
}
