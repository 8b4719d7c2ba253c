/**
 * Certificate requests (PKCS#10, RFC 2986). A request proves that its sender holds a key, and that
 * is all: whatever it asks to be called is ignored, the name comes from attestation.
 */
import type { KeyObject } from 'node:crypto';
import { err, ok, type Result } from '@leno/std';
import { CsrRefusedError, KeyUnsupportedError } from './ca-errors.ts';
import {
  bitString,
  bitsOf,
  context,
  DerError,
  elementsOf,
  encodeDer,
  firstElementBytes,
  integer,
  isContext,
  parseDer,
  sequence,
  smallIntegerOf,
} from './der.ts';
import {
  createSigner,
  isSignedBy,
  type KeyKind,
  readPublicKey,
  signatureIdentifier,
} from './keys.ts';
import { derOf, encodePem } from './pem.ts';

/** What is believed of a request: the key, whose owner has signed it. */
export interface Csr {
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
  readonly keyKind: KeyKind;
}

const csrBytesMax = 8_192;
const label = 'CERTIFICATE REQUEST';

/** Asks for a certificate for this private key: PEM, with an empty subject and no attributes. */
export function createCsr(options: { readonly key: KeyObject }): string {
  const signer = createSigner(options.key);
  const spki = parseDer(signer.publicKeyDer, csrBytesMax);
  const body = sequence(integer(0), sequence(), spki, context(0));
  const signature = signer.sign(encodeDer(body));
  const request = sequence(body, signatureIdentifier(signer.keyKind), bitString(signature));
  return encodePem(label, encodeDer(request));
}

/**
 * Reads a request strictly, PEM or DER: at most 8 KiB and 16 levels, distinguished encoding to the
 * byte, a key and a signature scheme from the allow-list (P-256, P-384, Ed25519, RSA of 2048 to
 * 4096 bits, with SHA-256 or SHA-384), and a signature by that key over the bytes as they came.
 */
export function parseCsr(pemOrDer: string | Uint8Array): Result<Csr, CsrRefusedError> {
  try {
    return ok(parse(derOf(pemOrDer, label, csrBytesMax)));
  } catch (cause) {
    if (cause instanceof CsrRefusedError) return err(cause);
    if (!(cause instanceof DerError || cause instanceof KeyUnsupportedError)) throw cause;
    return err(new CsrRefusedError(`the certificate request: ${cause.message}`, { cause }));
  }
}

function parse(der: Uint8Array): Csr {
  const [body, identifier, signature, ...others] = elementsOf(parseDer(der, csrBytesMax));
  const [version, subject, spki, attributes, ...rest] = elementsOf(body);
  if (others.length > 0 || rest.length > 0 || !isContext(attributes, 0)) {
    throw new DerError('has not the parts of a request');
  }
  if (smallIntegerOf(version) !== 0) throw new DerError('is not of version 1');
  elementsOf(subject); // A name has to stand there; which one is of no interest.
  if (spki === undefined || identifier === undefined) throw new DerError('is cut short');
  const publicKeyDer = encodeDer(spki);
  const { kind } = readPublicKey(publicKeyDer);
  const { bytes, unusedBits } = bitsOf(signature);
  const signed = { bytes: firstElementBytes(der), identifier, signature: bytes };
  if (unusedBits !== 0 || !isSignedBy(publicKeyDer, signed)) {
    throw new CsrRefusedError('the certificate request is not signed by its own key');
  }
  return { publicKeyDer, keyKind: kind };
}
