/**
 * Private keys under a passphrase: PKCS#8 with PBES2, scrypt and AES-256-CBC (RFC 8018, RFC 7914).
 *
 * Written here because the export of node:crypto derives its key with 2048 rounds of PBKDF2; read
 * by node:crypto and `openssl pkey`, which both know the format. N is 16384, the most that OpenSSL
 * takes within its default bound of memory.
 */
import { createCipheriv, createPrivateKey, type KeyObject, randomBytes, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { encodeDer, integer, octetString, oid, sequence } from '../der.ts';
import { encodePem } from '../pem.ts';

const deriveKey: (passphrase: string, salt: Uint8Array, keyBytes: number) => Promise<Buffer> =
  promisify((passphrase: string, salt: Uint8Array, keyBytes: number, done: Done) =>
    scrypt(passphrase, salt, keyBytes, { N: costN, r: blockR, p: lanesP }, done),
  );
type Done = (error: Error | null, key: Buffer) => void;

const pbes2 = '1.2.840.113549.1.5.13';
const scryptId = '1.3.6.1.4.1.11591.4.11';
const aes256Cbc = '2.16.840.1.101.3.4.1.42';
const costN = 16_384;
const blockR = 8;
const lanesP = 1;
const keyBytes = 32;
const saltBytes = 16;
const ivBytes = 16;

/** The label of an encrypted key in PEM. */
export const encryptedKeyLabel = 'ENCRYPTED PRIVATE KEY';

/** The key as encrypted PKCS#8 PEM. Takes some 50 ms of a pool thread, not of the event loop. */
export async function encryptKey(key: KeyObject, passphrase: string): Promise<string> {
  const salt = randomBytes(saltBytes);
  const iv = randomBytes(ivBytes);
  const cipher = createCipheriv('aes-256-cbc', await deriveKey(passphrase, salt, keyBytes), iv);
  const plain = key.export({ type: 'pkcs8', format: 'der' });
  const encrypted = Buffer.concat([cipher.update(plain), cipher.final()]);
  plain.fill(0);
  const derivation = sequence(
    oid(scryptId),
    sequence(octetString(salt), integer(costN), integer(blockR), integer(lanesP)),
  );
  const encryption = sequence(oid(aes256Cbc), octetString(iv));
  const algorithm = sequence(oid(pbes2), sequence(derivation, encryption));
  return encodePem(encryptedKeyLabel, encodeDer(sequence(algorithm, octetString(encrypted))));
}

/** Reads what `encryptKey` wrote, or undefined if the passphrase is wrong or the text damaged. */
export function decryptKey(pem: string, passphrase: string): KeyObject | undefined {
  try {
    return createPrivateKey({ key: pem, passphrase });
  } catch {
    return undefined; // What OpenSSL says tells the two apart only at times, and helps nobody.
  }
}
