/**
 * Keys and signatures: the allow-list of algorithms, by object identifier. Every operation is
 * node:crypto's; DER is looked at only to know that a key is what it says.
 */
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  verify,
} from 'node:crypto';
import { KeyUnsupportedError } from './ca-errors.ts';
import {
  bitsOf,
  DerError,
  type DerNode,
  elementsOf,
  isNothing,
  nothing,
  oid,
  oidOf,
  parseDer,
  sequence,
} from './der.ts';

/** Kinds of key that the mesh takes. Its own are P-256; RSA is taken from others, never made. */
export type KeyKind = 'P-256' | 'P-384' | 'Ed25519' | 'RSA';

/** What signs for an authority: a key in memory, or a module that keeps it. */
export interface Signer {
  readonly keyKind: KeyKind;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKeyDer: Uint8Array;
  /** The signature over `bytes`, DER-encoded where the algorithm has it so. */
  sign(bytes: Uint8Array): Uint8Array;
}

interface SignatureScheme {
  readonly oid: string;
  /** The digest by node:crypto's name, or null where the algorithm brings its own. */
  readonly digest: 'sha256' | 'sha384' | null;
  /** Whether NULL parameters belong to it (RFC 4055 §5) or none (RFC 5758, RFC 8410). */
  readonly withNull: boolean;
}

const schemes: Readonly<Record<KeyKind, SignatureScheme>> = {
  'P-256': { oid: '1.2.840.10045.4.3.2', digest: 'sha256', withNull: false },
  'P-384': { oid: '1.2.840.10045.4.3.3', digest: 'sha384', withNull: false },
  Ed25519: { oid: '1.3.101.112', digest: null, withNull: false },
  RSA: { oid: '1.2.840.113549.1.1.11', digest: 'sha256', withNull: true },
};
const ellipticCurveKey = '1.2.840.10045.2.1';
const rsaKey = '1.2.840.113549.1.1.1';
const curves: ReadonlyMap<string, { readonly kind: KeyKind; readonly pointBytes: number }> =
  new Map([
    ['1.2.840.10045.3.1.7', { kind: 'P-256', pointBytes: 65 }],
    ['1.3.132.0.34', { kind: 'P-384', pointBytes: 97 }],
  ]);
const rsaBitsMin = 2048;
const rsaBitsMax = 4096;
const keyBytesMax = 1024;
const uncompressed = 0x04;

/** A new P-256 private key. It prints as an opaque object; `privateKeyPem` is the way out. */
export function generateKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
}

/** The private key as unencrypted PKCS#8 PEM, as node:tls takes it. A secret: never log it. */
export function privateKeyPem(key: KeyObject): string {
  return String(key.export({ type: 'pkcs8', format: 'pem' }));
}

/** Reads an unencrypted PKCS#8 PEM. Throws `KeyUnsupportedError`, without the text. */
export function privateKeyFromPem(pem: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch {
    // The cause is left out on purpose: nothing of a key file may reach a log.
    throw new KeyUnsupportedError('the text is not an unencrypted private key in PEM');
  }
}

/** SubjectPublicKeyInfo of a private or public key, DER. */
export function publicKeyDerOf(key: KeyObject): Uint8Array {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ type: 'spki', format: 'der' });
}

/** A signer over a key in memory. Throws `KeyUnsupportedError` for a kind off the allow-list. */
export function createSigner(key: KeyObject): Signer {
  const publicKeyDer = publicKeyDerOf(key);
  const { kind } = readPublicKey(publicKeyDer);
  const { digest } = schemes[kind];
  return { keyKind: kind, publicKeyDer, sign: (bytes) => sign(digest, bytes, key) };
}

/**
 * Checks a SubjectPublicKeyInfo against the allow-list: P-256 or P-384 by name with an uncompressed
 * point on the curve, Ed25519, RSA of 2048 to 4096 bits. Throws `KeyUnsupportedError`.
 */
export function readPublicKey(spki: Uint8Array): {
  readonly kind: KeyKind;
  readonly key: KeyObject;
} {
  try {
    const kind = declaredKind(spki);
    // OpenSSL checks here that the point is on its curve.
    const key = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    const bits = key.asymmetricKeyDetails?.modulusLength ?? rsaBitsMin;
    if (bits < rsaBitsMin || bits > rsaBitsMax) {
      throw new DerError(`is RSA of ${bits} bits, not ${rsaBitsMin} to ${rsaBitsMax}`);
    }
    return { kind, key };
  } catch (cause) {
    const why = cause instanceof DerError ? cause.message : 'is not a valid point or modulus';
    throw new KeyUnsupportedError(`the public key ${why}`, { cause });
  }
}

function declaredKind(spki: Uint8Array): KeyKind {
  const [algorithm, point] = elementsOf(parseDer(spki, keyBytesMax));
  const [name, parameters, ...others] = elementsOf(algorithm);
  const { bytes, unusedBits } = bitsOf(point);
  if (others.length > 0 || unusedBits !== 0) throw new DerError('has a malformed algorithm');
  switch (oidOf(name)) {
    case ellipticCurveKey: {
      const curve = curves.get(oidOf(parameters));
      if (curve === undefined) throw new DerError('is on another curve than P-256 or P-384');
      if (bytes.length !== curve.pointBytes || bytes[0] !== uncompressed) {
        throw new DerError('has no uncompressed point');
      }
      return curve.kind;
    }
    case schemes.Ed25519.oid:
      if (parameters !== undefined) throw new DerError('has parameters where none belong');
      return 'Ed25519';
    case rsaKey:
      if (!isNothing(parameters)) throw new DerError('has no NULL parameters');
      return 'RSA';
    default:
      throw new DerError('is of another kind than EC, Ed25519 or RSA');
  }
}

/** Leftmost 160 bits of the SHA-256 of the key's bits (RFC 7093 §2, method 1). */
export function keyIdOf(spki: Uint8Array): Uint8Array {
  const [, point] = elementsOf(parseDer(spki, keyBytesMax));
  return createHash('sha256').update(bitsOf(point).bytes).digest().subarray(0, 20);
}

/** The AlgorithmIdentifier with which keys of this kind sign. */
export function signatureIdentifier(kind: KeyKind): DerNode {
  const { oid: name, withNull } = schemes[kind];
  return withNull ? sequence(oid(name), nothing()) : sequence(oid(name));
}

/**
 * Whether `signature` over `bytes` is by that key, under the one scheme that belongs to its kind;
 * an identifier of another scheme (SHA-1, say) counts as a bad signature.
 */
export function isSignedBy(
  spki: Uint8Array,
  signed: {
    readonly bytes: Uint8Array;
    readonly identifier: DerNode;
    readonly signature: Uint8Array;
  },
): boolean {
  const { kind, key } = readPublicKey(spki);
  const { oid: expected, digest, withNull } = schemes[kind];
  const [name, parameters, ...others] = elementsOf(signed.identifier);
  const isWellFormed = withNull ? isNothing(parameters) : parameters === undefined;
  if (oidOf(name) !== expected || !isWellFormed || others.length > 0) return false;
  return verify(digest, signed.bytes, key, signed.signature);
}
