/** A certificate and its key, as files of one directory: `NAME.crt` and `NAME.key`, both PEM. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { readSecretFile } from '@leno/ca/node';
import { codeOf, messageOf } from '@leno/std';
import { CertificateError } from './certificate-error.ts';

/** A certificate that can be shown. */
export interface GatewayCertificate {
  readonly key: string;
  /** With the issuers that stand behind it in the file. */
  readonly cert: string;
  readonly notAfterMs: number;
  isFor(serverName: string): boolean;
}

/** A chain of ten long certificates has a third of that. */
const CHAIN_BYTES_MAX = 65_536;

/**
 * Reads the pair `name` and checks it as a client would: the key is its own, it has not ended, and
 * OpenSSL takes both. The key file must be its owner's alone. Throws `CertificateError`.
 */
export async function readCertificate(
  directory: string,
  name: string,
  wallMs: number,
): Promise<GatewayCertificate> {
  const [certFile, keyFile] = filesOf(directory, name);
  const cert = await readChain(certFile);
  const key = await readKey(keyFile);
  try {
    const leaf = new X509Certificate(cert);
    if (!leaf.checkPrivateKey(createPrivateKey(key))) throw new Error(`not for ${keyFile}`);
    const notAfterMs = leaf.validToDate.getTime();
    if (notAfterMs <= wallMs) throw new Error(`it has ended on ${leaf.validTo}`);
    createSecureContext({ key, cert });
    return { key, cert, notAfterMs, isFor: (host) => leaf.checkHost(host) !== undefined };
  } catch (cause) {
    throw new CertificateError(`${certFile} cannot be used: ${messageOf(cause)}`, { cause });
  }
}

/** Differs whenever a file of the pair was written anew or replaced; empty where one is missing. */
export async function signatureOf(directory: string, name: string): Promise<string> {
  try {
    const stats = await Promise.all(filesOf(directory, name).map((file) => stat(file)));
    return stats.map(({ ino, size, mtimeMs, mode }) => [ino, size, mtimeMs, mode].join()).join(' ');
  } catch {
    return '';
  }
}

function filesOf(directory: string, name: string): readonly [string, string] {
  return [join(directory, `${name}.crt`), join(directory, `${name}.key`)];
}

async function readChain(file: string): Promise<string> {
  try {
    const { size } = await stat(file);
    if (size <= CHAIN_BYTES_MAX) return await readFile(file, 'utf8');
  } catch (cause) {
    throw new CertificateError(`${file} cannot be read (${codeOf(cause)})`, { cause });
  }
  throw new CertificateError(`${file} has more than ${CHAIN_BYTES_MAX} bytes`);
}

async function readKey(file: string): Promise<string> {
  let key: string | undefined;
  try {
    key = await readSecretFile(file);
  } catch (cause) {
    throw new CertificateError(messageOf(cause), { cause });
  }
  if (key === undefined) throw new CertificateError(`${file} does not exist`);
  return key;
}
