/**
 * Writes a certificate exactly as its plan says. This is the pen, not the policy: it signs nonsense
 * too, which is what tests of refusals need. `createRoot`, `createIssuer` and `issueLeaf` hold the
 * rules.
 */
import { randomBytes } from 'node:crypto';
import {
  bitString,
  context,
  contextPrimitive,
  type DerNode,
  encodeDer,
  integer,
  octetString,
  oid,
  parseDer,
  sequence,
  set,
  time,
  truth,
  utf8,
} from './der.ts';
import { generalName, type KeyUsage, keyUsageBits, oids } from './extension-oids.ts';
import { keyIdOf, type Signer, signatureIdentifier } from './keys.ts';

/** Who signs: the name and key that go into the certificate as its issuer's. */
export interface SigningParty {
  readonly signer: Signer;
  /** The issuer's Name, DER. */
  readonly subjectDer: Uint8Array;
  readonly keyId: Uint8Array;
}

/** Everything that a certificate is to state. */
export interface CertificatePlan {
  /** Who signs it; `self` makes a root, by the signer given. */
  readonly by:
    | { readonly kind: 'self'; readonly signer: Signer }
    | { readonly kind: 'issuer'; readonly issuer: SigningParty };
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
  /** Both cut to 64 characters (RFC 5280 appendix A.1). Absent: empty, and the SAN is critical. */
  readonly subject?: { readonly organization: string; readonly commonName: string };
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** URI alternative names, as they are. */
  readonly uris: readonly string[];
  /** DNS alternative names, as they are. Default none. */
  readonly dnsNames?: readonly string[];
  readonly keyUsage: readonly KeyUsage[];
  /** Purposes. Default none: the extension is left out. */
  readonly extKeyUsage?: readonly ('serverAuth' | 'clientAuth')[];
  /** Present for an authority. */
  readonly authority?: {
    /** How many authorities may follow below. Absent: any number. */
    readonly pathLength?: number;
    /** The only host that URIs below may name. Absent: no constraint. */
    readonly permittedUriHost?: string;
  };
}

const nameLengthMax = 64;
const nameBytesMax = 1024;
const keyBytesMax = 1024;
const version3 = 2;

/** Signs what the plan says, with a random serial of 158 bits. Gives the certificate's DER. */
export function signCertificate(plan: CertificatePlan): Uint8Array {
  const subject = nameOf(plan.subject);
  const issuer = plan.by.kind === 'issuer' ? plan.by.issuer : undefined;
  const signer = plan.by.kind === 'issuer' ? plan.by.issuer.signer : plan.by.signer;
  const identifier = signatureIdentifier(signer.keyKind);
  const body = sequence(
    context(0, integer(version3)),
    integer(randomSerial()),
    identifier,
    issuer === undefined ? subject : parseDer(issuer.subjectDer, nameBytesMax),
    sequence(time(plan.notBeforeMs), time(plan.notAfterMs)),
    subject,
    parseDer(plan.publicKeyDer, keyBytesMax),
    context(3, sequence(...extensionsOf(plan, issuer))),
  );
  const signature = signer.sign(encodeDer(body));
  return encodeDer(sequence(body, identifier, bitString(signature)));
}

/** 20 bytes whose top bits are 01: positive, of constant length, and 158 bits to guess. */
function randomSerial(): Uint8Array {
  const serial = randomBytes(20);
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  return serial;
}

function nameOf(subject: CertificatePlan['subject']): DerNode {
  if (subject === undefined) return sequence();
  const attribute = (type: string, text: string): DerNode =>
    set(sequence(oid(type), utf8(text.slice(0, nameLengthMax))));
  return sequence(
    attribute(oids.organization, subject.organization),
    attribute(oids.commonName, subject.commonName),
  );
}

function extensionsOf(plan: CertificatePlan, issuer: SigningParty | undefined): DerNode[] {
  const extensions = [extension(oids.basicConstraints, true, basicConstraints(plan.authority))];
  extensions.push(extension(oids.keyUsage, true, keyUsage(plan.keyUsage)));
  if (plan.extKeyUsage !== undefined) {
    const purposes = plan.extKeyUsage.map((purpose) => oid(oids[purpose]));
    extensions.push(extension(oids.extKeyUsage, false, sequence(...purposes)));
  }
  const keyId = octetString(keyIdOf(plan.publicKeyDer));
  extensions.push(extension(oids.subjectKeyId, false, keyId));
  if (issuer !== undefined) {
    const issuerKeyId = sequence(contextPrimitive(0, issuer.keyId));
    extensions.push(extension(oids.authorityKeyId, false, issuerKeyId));
  }
  const names = [
    ...plan.uris.map((uri) => contextPrimitive(generalName.uri, Buffer.from(uri, 'latin1'))),
    ...(plan.dnsNames ?? []).map((name) => contextPrimitive(generalName.dns, Buffer.from(name))),
  ];
  if (names.length > 0) {
    // RFC 5280 §4.1.2.6: critical where there is no subject to go by.
    const isCritical = plan.subject === undefined;
    extensions.push(extension(oids.subjectAltName, isCritical, sequence(...names)));
  }
  const host = plan.authority?.permittedUriHost;
  if (host !== undefined) {
    const permitted = sequence(contextPrimitive(generalName.uri, Buffer.from(host)));
    extensions.push(extension(oids.nameConstraints, true, sequence(context(0, permitted))));
  }
  return extensions;
}

function extension(id: string, isCritical: boolean, value: DerNode): DerNode {
  const contents = octetString(encodeDer(value));
  return isCritical ? sequence(oid(id), truth(), contents) : sequence(oid(id), contents);
}

/** FALSE is the default of `cA` and therefore not written (X.690 §11.5). */
function basicConstraints(authority: CertificatePlan['authority']): DerNode {
  if (authority === undefined) return sequence();
  if (authority.pathLength === undefined) return sequence(truth());
  return sequence(truth(), integer(authority.pathLength));
}

/** A named bit list: trailing zero bits are cut off (X.690 §11.2.2). */
function keyUsage(uses: readonly KeyUsage[]): DerNode {
  const bits: readonly number[] = uses.map((use) => keyUsageBits[use]);
  const byte = bits.reduce((sum, bit) => sum | (0x80 >> bit), 0);
  return bitString(Uint8Array.of(byte), 7 - Math.max(...bits));
}
