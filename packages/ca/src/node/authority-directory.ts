/**
 * The control plane's authority on disk.
 *
 *   DIR/root.pem     the root's certificate
 *   DIR/root.key     its key, encrypted; may be moved away, and is needed again for a new issuer
 *   DIR/issuer.pem   the issuer's key, encrypted, and its certificate, in one file and so in step
 *
 * A new authority is written beside DIR and renamed into place: a crash leaves all of it or none.
 * What is there is never replaced but for an issuer at two thirds of its life, by its own root.
 * Anything missing, damaged or foreign is named in the error, and left for a person to decide on:
 * a new root in its place would cut off every proxy of the mesh.
 */
import type { KeyObject } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { codeOf, messageOf } from '@leno/std';
import { writeFileAtomic } from '@leno/std/node';
import { type Authority, authorityFrom, createIssuer, createRoot } from '../authority.ts';
import { certificatePem, isIssuedBy, readCertificate } from '../certificate.ts';
import { createSigner, generateKey } from '../keys.ts';
import { decodePem, encodePem } from '../pem.ts';
import { renewAtMs } from '../renewal.ts';
import { TrustBundle } from '../trust-bundle.ts';
import { AuthorityFileError } from './authority-error.ts';
import { encryptKey } from './encrypted-key.ts';
import { openKey, requirePassphrase, writeKeyFile } from './key-file.ts';
import { readSecretFile } from './secret-file.ts';

/** For `loadOrCreateAuthority`. */
export interface AuthorityOptions {
  /** Must be the trust domain of an authority that is there already. */
  readonly trustDomain: string;
  /** The wall clock. */
  readonly nowMs: number;
  /** Life of a new root. Default 10 years. */
  readonly rootTtlMs?: number;
  /** Life of a new issuer. Default 1 year. */
  readonly issuerTtlMs?: number;
}

/** An authority that can issue. */
export interface LoadedAuthority {
  readonly issuer: Authority;
  readonly bundle: TrustBundle;
  /** Whether it was made by this call. */
  readonly isNew: boolean;
  /** Whether the root's key is there, so that the issuer can be renewed without a person. */
  readonly hasRootKey: boolean;
  /** Wall time at which to call again, for a new issuer. */
  readonly renewIssuerAtMs: number;
}

const rootName = 'root.pem';
const rootKeyName = 'root.key';
const issuerName = 'issuer.pem';

/**
 * Gives the authority in `directory`, or makes one where the directory is missing or empty. The
 * directory has to be the authority's own, below a mount point and not one itself. Throws
 * `AuthorityFileError` or `KeyFileError`, each with the path at fault.
 */
export async function loadOrCreateAuthority(
  directory: string,
  passphrase: string,
  options: AuthorityOptions,
): Promise<LoadedAuthority> {
  requirePassphrase(directory, passphrase);
  const isNew = await isMissingOrEmpty(directory);
  if (isNew) await create(directory, passphrase, options);
  return load({ directory, passphrase, options, isNew });
}

async function isMissingOrEmpty(directory: string): Promise<boolean> {
  try {
    return (await readdir(directory)).length === 0;
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return true;
    throw new AuthorityFileError(directory, `cannot be listed (${codeOf(cause)})`, { cause });
  }
}

async function create(
  directory: string,
  passphrase: string,
  options: AuthorityOptions,
): Promise<void> {
  const { trustDomain, nowMs, rootTtlMs } = options;
  const key = generateKey();
  const life = rootTtlMs === undefined ? {} : { ttlMs: rootTtlMs };
  const root = createRoot({ trustDomain, key, nowMs, ...life });
  const target = resolve(directory);
  const parent = dirname(target);
  await mkdir(parent, { recursive: true, mode: 0o700 });
  const draft = await mkdtemp(join(parent, `.${basename(target)}.`));
  try {
    await writeFileAtomic(join(draft, rootName), root.certificatePem);
    await writeKeyFile(join(draft, rootKeyName), key, passphrase);
    await writeIssuer(draft, passphrase, { root, options });
    await rename(draft, target);
    await syncDirectory(parent);
  } catch (cause) {
    await rm(draft, { recursive: true, force: true });
    // Another process was first: its authority is the one.
    if (codeOf(cause) !== 'ENOTEMPTY' && codeOf(cause) !== 'EEXIST') throw cause;
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function writeIssuer(
  directory: string,
  passphrase: string,
  from: { readonly root: Authority; readonly options: AuthorityOptions },
): Promise<Authority> {
  const { nowMs, issuerTtlMs } = from.options;
  const key = generateKey();
  const life = issuerTtlMs === undefined ? {} : { ttlMs: issuerTtlMs };
  const issuer = createIssuer({ root: from.root, key, nowMs, ...life });
  const sealed = await encryptKey(key, passphrase);
  await writeFileAtomic(join(directory, issuerName), sealed + issuer.certificatePem);
  return issuer;
}

interface Place {
  readonly directory: string;
  readonly passphrase: string;
  readonly options: AuthorityOptions;
  readonly isNew: boolean;
}

async function load(place: Place): Promise<LoadedAuthority> {
  const { directory, passphrase, options, isNew } = place;
  const rootPath = join(directory, rootName);
  const rootPem = await readPart(rootPath);
  requireRoot(rootPath, rootPem, options.trustDomain);
  const root = await loadRoot(place, rootPem);
  let issuer = await loadIssuer(place, rootPem);
  if (root !== undefined && options.nowMs >= issuerRenewalAtMs(issuer)) {
    issuer = await writeIssuer(directory, passphrase, { root, options });
  }
  if (options.nowMs >= issuer.notAfterMs) {
    const until = new Date(issuer.notAfterMs).toISOString();
    throw new AuthorityFileError(
      join(directory, issuerName),
      `the issuer expired at ${until}; put ${rootKeyName} back, and it is renewed`,
    );
  }
  return {
    issuer,
    bundle: TrustBundle.of([rootPem]),
    isNew,
    hasRootKey: root !== undefined,
    renewIssuerAtMs: issuerRenewalAtMs(issuer),
  };
}

/** One authority renews for itself: there is no fleet to spread out. */
function issuerRenewalAtMs(issuer: Authority): number {
  return renewAtMs(issuer.notBeforeMs, issuer.notAfterMs, () => 0.5);
}

async function readPart(path: string): Promise<string> {
  const text = await readSecretFile(path);
  if (text !== undefined) return text;
  throw new AuthorityFileError(
    path,
    'is missing, and the directory not empty; restore it, or move the directory away to start anew',
  );
}

function requireRoot(path: string, pem: string, trustDomain: string): void {
  const root = naming(path, () => readCertificate(pem));
  if (!root.isAuthority || !isIssuedBy(root, root)) {
    throw new AuthorityFileError(path, 'is not a self-signed root; restore it from a backup');
  }
  if (root.spiffeId !== `spiffe://${trustDomain}`) {
    const found = root.spiffeId ?? 'no trust domain';
    throw new AuthorityFileError(path, `is the root of ${found}, not of spiffe://${trustDomain}`);
  }
}

/** The root with its key, or undefined where the key has been moved away. */
async function loadRoot(place: Place, rootPem: string): Promise<Authority | undefined> {
  const path = join(place.directory, rootKeyName);
  const pem = await readSecretFile(path);
  if (pem === undefined) return undefined;
  const key = openKey({ path, pem, passphrase: place.passphrase });
  return naming(path, () => authorityFrom(rootPem, createSigner(key)));
}

async function loadIssuer(place: Place, rootPem: string): Promise<Authority> {
  const path = join(place.directory, issuerName);
  const text = await readPart(path);
  const [sealed, certificate, ...others] = naming(path, () => decodePem(text));
  if (sealed === undefined || certificate === undefined || others.length > 0) {
    throw new AuthorityFileError(path, 'is cut short; restore it from a backup');
  }
  const pem = encodePem(sealed.label, sealed.der);
  const key: KeyObject = openKey({ path, pem, passphrase: place.passphrase });
  return naming(path, () => {
    const stated = readCertificate(certificate.der);
    if (!isIssuedBy(stated, readCertificate(rootPem))) {
      throw new AuthorityFileError(path, `was not issued by the root in ${rootName}`);
    }
    return authorityFrom(certificatePem(stated.der), createSigner(key));
  });
}

/** Adds the path to whatever is wrong with a file's content. */
function naming<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof AuthorityFileError) throw cause;
    const advice = `${messageOf(cause)}; restore it from a backup`;
    throw new AuthorityFileError(path, advice, { cause });
  }
}
