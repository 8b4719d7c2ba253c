/**
 * Reading certificates by their DER. Strings that a library has joined from names are never split
 * again: a SAN may hold commas, and a peer may choose them.
 *
 * Reading is no trust: chains are verified by node:tls; this says what a certificate states.
 */
import { X509Certificate } from 'node:crypto';
import { CertificateMalformedError } from './ca-errors.ts';
import {
  bitsOf,
  contextBytesOf,
  contextElementsOf,
  DerError,
  type DerNode,
  elementsOf,
  encodeDer,
  integerBytesOf,
  isBoolean,
  isContext,
  isTruth,
  octetsOf,
  oidOf,
  parseDer,
  smallIntegerOf,
  timeMsOf,
} from './der.ts';
import { generalName, type KeyUsage, keyUsageBits, oids } from './extension-oids.ts';
import { decodePem, derOf, encodePem } from './pem.ts';
import { parseSpiffeId } from './spiffe-id.ts';

/** What a certificate states. Times are ms since 1970. */
export interface Certificate {
  /** Serial number, lower-case hex, two digits a byte. */
  readonly serial: string;
  readonly notBeforeMs: number;
  /** The last moment at which it is valid. */
  readonly notAfterMs: number;
  /** The SPIFFE id, if there is exactly one URI and it is a SPIFFE id. */
  readonly spiffeId: string | undefined;
  /** Every URI among the alternative names, as written. */
  readonly uris: readonly string[];
  readonly isAuthority: boolean;
  /** Undefined where the extension is missing. */
  readonly keyUsage: ReadonlySet<KeyUsage> | undefined;
  /** Object identifiers of purposes; undefined where the extension is missing. */
  readonly extKeyUsage: readonly string[] | undefined;
  readonly publicKeyDer: Uint8Array;
  /** The subject's Name, DER. */
  readonly subjectDer: Uint8Array;
  readonly isSubjectEmpty: boolean;
  readonly subjectKeyId: Uint8Array | undefined;
  /** Object identifiers of the extensions that are marked critical. */
  readonly criticalExtensions: ReadonlySet<string>;
  readonly der: Uint8Array;
}

interface Extension {
  readonly isCritical: boolean;
  readonly value: Uint8Array;
}

const certificateBytesMax = 16_384;
const extensionCountMax = 32;
const version3 = 2;

/**
 * Reads one X.509 v3 certificate of at most 16 KiB, PEM or DER. Throws
 * `CertificateMalformedError` where it is not strict DER or states an extension twice.
 */
export function readCertificate(pemOrDer: string | Uint8Array): Certificate {
  try {
    return parse(derOf(pemOrDer, 'CERTIFICATE', certificateBytesMax));
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new CertificateMalformedError(`the certificate ${cause.message}`, { cause });
  }
}

/**
 * Whether one certificate bears the name and signature of another that may sign. One link only:
 * validity and constraints are for the chain check of TLS.
 */
export function isIssuedBy(certificate: Certificate, issuer: Certificate): boolean {
  const below = new X509Certificate(certificate.der);
  const above = new X509Certificate(issuer.der);
  return below.checkIssued(above) && below.verify(above.publicKey);
}

/**
 * The certificates of a PEM text, one PEM each, in order: a chain or a bundle taken apart. Throws
 * `CertificateMalformedError` for anything else in it, and for an empty text.
 */
export function splitCertificates(pem: string): readonly string[] {
  try {
    const blocks = decodePem(pem);
    if (blocks.length === 0) throw new DerError('is missing');
    return blocks.map(({ label, der }) => {
      if (label !== 'CERTIFICATE') throw new DerError(`is a ${label}`);
      return certificatePem(der);
    });
  } catch (cause) {
    if (!(cause instanceof DerError)) throw cause;
    throw new CertificateMalformedError(`a certificate ${cause.message}`, { cause });
  }
}

/** A certificate as PEM. */
export function certificatePem(der: Uint8Array): string {
  return encodePem('CERTIFICATE', der);
}

function parse(der: Uint8Array): Certificate {
  const [body] = elementsOf(parseDer(der, certificateBytesMax));
  const [version, serial, , , validity, subject, spki, ...rest] = elementsOf(body);
  if (!isContext(version, 0) || smallIntegerOf(contextElementsOf(version)[0]) !== version3) {
    throw new DerError('is not of version 3');
  }
  const [notBefore, notAfter] = elementsOf(validity);
  const extensions = extensionsOf(rest);
  const uris = urisOf(extensions.get(oids.subjectAltName));
  const [uri, ...otherUris] = uris;
  const isSpiffe = uri !== undefined && otherUris.length === 0 && parseSpiffeId(uri).ok;
  const subjectKeyId = extensions.get(oids.subjectKeyId);
  if (subject === undefined || spki === undefined) throw new DerError('is cut short');
  return {
    serial: Buffer.from(integerBytesOf(serial)).toString('hex'),
    notBeforeMs: timeMsOf(notBefore),
    notAfterMs: timeMsOf(notAfter),
    spiffeId: isSpiffe ? uri : undefined,
    uris,
    isAuthority: isAuthority(extensions.get(oids.basicConstraints)),
    keyUsage: keyUsageOf(extensions.get(oids.keyUsage)),
    extKeyUsage: extKeyUsageOf(extensions.get(oids.extKeyUsage)),
    publicKeyDer: encodeDer(spki),
    subjectDer: encodeDer(subject),
    isSubjectEmpty: elementsOf(subject).length === 0,
    subjectKeyId: subjectKeyId && octetsOf(parseValue(subjectKeyId)),
    criticalExtensions: new Set(
      [...extensions].filter(([, { isCritical }]) => isCritical).map(([oid]) => oid),
    ),
    der,
  };
}

function extensionsOf(rest: readonly DerNode[]): ReadonlyMap<string, Extension> {
  const extensions = new Map<string, Extension>();
  const wrapper = rest.find((node) => isContext(node, 3));
  if (wrapper === undefined) return extensions;
  const elements = elementsOf(contextElementsOf(wrapper)[0]);
  if (elements.length > extensionCountMax) {
    throw new DerError(`has more than ${extensionCountMax} extensions`);
  }
  for (const element of elements) {
    const [id, second, third] = elementsOf(element);
    const oid = oidOf(id);
    // RFC 5280 §4.2 forbids it, and parsers differ in which of the two they heed.
    if (extensions.has(oid)) throw new DerError(`states the extension ${oid} twice`);
    const value = octetsOf(isBoolean(second) ? third : second);
    extensions.set(oid, { isCritical: isTruth(second), value });
  }
  return extensions;
}

function parseValue(extension: Extension): DerNode {
  return parseDer(extension.value, certificateBytesMax);
}

function urisOf(extension: Extension | undefined): readonly string[] {
  if (extension === undefined) return [];
  const names = elementsOf(parseValue(extension));
  return names
    .filter((name) => isContext(name, generalName.uri))
    .map((name) => Buffer.from(contextBytesOf(name)).toString('latin1'));
}

function isAuthority(extension: Extension | undefined): boolean {
  return extension !== undefined && isTruth(elementsOf(parseValue(extension))[0]);
}

function keyUsageOf(extension: Extension | undefined): ReadonlySet<KeyUsage> | undefined {
  if (extension === undefined) return undefined;
  const first = bitsOf(parseValue(extension)).bytes[0] ?? 0;
  const uses = Object.entries(keyUsageBits) as readonly (readonly [KeyUsage, number])[];
  return new Set(uses.filter(([, bit]) => (first & (0x80 >> bit)) !== 0).map(([use]) => use));
}

function extKeyUsageOf(extension: Extension | undefined): readonly string[] | undefined {
  return extension && elementsOf(parseValue(extension)).map(oidOf);
}
