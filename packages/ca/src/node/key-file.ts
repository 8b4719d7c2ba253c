import type { KeyObject } from 'node:crypto';
import { writeFileAtomic } from '@leno/std/node';
import { privateKeyFromPem, privateKeyPem } from '../keys.ts';
import { decryptKey, encryptedKeyLabel, encryptKey } from './encrypted-key.ts';
import { KeyFileError } from './key-file-error.ts';
import { readSecretFile } from './secret-file.ts';

/**
 * Writes a private key encrypted under a passphrase (PKCS#8, PBES2, scrypt N=16384), mode 0600,
 * whole or not at all. Throws `KeyFileError` for an empty passphrase.
 */
export async function writeKeyFile(
  path: string,
  key: KeyObject,
  passphrase: string,
): Promise<void> {
  requirePassphrase(path, passphrase);
  await writeFileAtomic(path, await encryptKey(key, passphrase), { mode: 0o600 });
}

/** Reads what `writeKeyFile` wrote. Throws `KeyFileError`, also for a key that is not encrypted. */
export async function readKeyFile(path: string, passphrase: string): Promise<KeyObject> {
  requirePassphrase(path, passphrase);
  return openKey({ path, pem: await readExisting(path), passphrase });
}

/**
 * Writes a private key as it is, mode 0600, whole or not at all: for a proxy's own state directory,
 * where a passphrase would only lie beside it.
 */
export async function writePlainKeyFile(path: string, key: KeyObject): Promise<void> {
  await writeFileAtomic(path, privateKeyPem(key), { mode: 0o600 });
}

/** Reads what `writePlainKeyFile` wrote. Throws `KeyFileError`. */
export async function readPlainKeyFile(path: string): Promise<KeyObject> {
  const pem = await readExisting(path);
  try {
    return privateKeyFromPem(pem);
  } catch {
    const advice =
      'is not an unencrypted private key in PEM; restore it, or remove it to join anew';
    throw new KeyFileError({ path, because: 'malformed', advice });
  }
}

/** The key of an encrypted PEM that was read from `path`. Throws `KeyFileError`. */
export function openKey(sealed: {
  readonly path: string;
  readonly pem: string;
  readonly passphrase: string;
}): KeyObject {
  const { path, pem, passphrase } = sealed;
  if (!pem.startsWith(`-----BEGIN ${encryptedKeyLabel}-----\n`)) {
    const advice = 'is not an encrypted private key in PEM; restore it from a backup';
    throw new KeyFileError({ path, because: 'malformed', advice });
  }
  const key = decryptKey(pem, passphrase);
  if (key !== undefined) return key;
  const advice = 'does not open: the passphrase is another, or the file is damaged';
  throw new KeyFileError({ path, because: 'wrong-passphrase', advice });
}

/** Throws `KeyFileError` where there is nothing to encrypt with. */
export function requirePassphrase(path: string, passphrase: string): void {
  if (passphrase !== '') return;
  const advice = 'an empty passphrase protects nothing; give one';
  throw new KeyFileError({ path, because: 'wrong-passphrase', advice });
}

async function readExisting(path: string): Promise<string> {
  const text = await readSecretFile(path);
  if (text !== undefined) return text;
  throw new KeyFileError({ path, because: 'missing', advice: 'there is no such key file' });
}
