/**
 * The one file that holds who a proxy is: its key, its chain and the roots that it trusts, 0600, replaced
 * whole. Together, because a key and a certificate that do not fit are worth nothing.
 */
import { createPrivateKey } from 'node:crypto';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { isIssuedBy, publicKeyDerOf, readCertificate } from '@leno/ca';
import { codeOf, messageOf, systemClock } from '@leno/std';
import { writeFileAtomic } from '@leno/std/node';

const FILE = 'identity.json';
const BYTES_MAX = 262_144;
const GROUP_AND_OTHERS = 0o077;

/** Who a proxy is, and whom it trusts. */
export interface Identity {
  /** PKCS#8 PEM. */
  readonly key: string;
  /** PEM, the leaf first. */
  readonly chain: readonly string[];
  /** PEM, one root each. */
  readonly roots: readonly string[];
  readonly spiffeId: string;
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** What was found; `why` says what was wrong with a file that had to be put aside. */
export type LoadedIdentity =
  | { readonly kind: 'found'; readonly identity: Identity }
  | { readonly kind: 'absent' }
  | { readonly kind: 'set-aside'; readonly file: string; readonly why: string };

/** Makes an identity of its parts. Throws if key, chain and roots do not belong together. */
export function identityOf(
  key: string,
  chain: readonly string[],
  roots: readonly string[],
): Identity {
  const certificates = [...chain].map((pem) => readCertificate(pem));
  const [leaf] = certificates;
  if (leaf?.spiffeId === undefined) throw new Error('the first certificate has no SPIFFE id');
  const ownKey = publicKeyDerOf(createPrivateKey(key));
  if (Buffer.compare(leaf.publicKeyDer, ownKey) !== 0) {
    throw new Error('the certificate is for another key');
  }
  const last = certificates.at(-1);
  const trusted = roots.map((pem) => readCertificate(pem));
  if (last === undefined || !trusted.some((root) => leadsTo(last, root.der, root))) {
    throw new Error('the chain does not lead to a root that is trusted');
  }
  const { spiffeId, serial, notBeforeMs, notAfterMs } = leaf;
  return { key, chain, roots, spiffeId, serial, notBeforeMs, notAfterMs };
}

/** Writes the identity in place of the one before. */
export async function saveIdentity(directory: string, identity: Identity): Promise<void> {
  const { key, chain, roots } = identity;
  await writeFileAtomic(join(directory, FILE), `${JSON.stringify({ key, chain, roots })}\n`, {
    mode: 0o600,
  });
}

/**
 * Reads the identity, which must be that of `spiffeId`. What cannot be used (damaged, somebody
 * else's, or readable by others, so that its key counts as lost) is moved aside under a name that
 * says so, never overwritten.
 */
export async function loadIdentity(directory: string, spiffeId: string): Promise<LoadedIdentity> {
  const file = join(directory, FILE);
  try {
    const text = await readPrivate(file);
    if (text === undefined) return { kind: 'absent' };
    const value: unknown = JSON.parse(text);
    if (!isStored(value)) throw new Error('it does not hold key, chain and roots');
    const identity = identityOf(value.key, value.chain, value.roots);
    if (identity.spiffeId !== spiffeId) throw new Error(`it is that of ${identity.spiffeId}`);
    return { kind: 'found', identity };
  } catch (thrown) {
    const aside = `${file}.unusable-${systemClock.wallMs()}`;
    await rename(file, aside);
    return { kind: 'set-aside', file: aside, why: messageOf(thrown) };
  }
}

async function readPrivate(file: string): Promise<string | undefined> {
  const handle = await open(file, 'r').catch((thrown: unknown) => {
    if (codeOf(thrown) !== 'ENOENT') throw thrown;
    return undefined;
  });
  if (handle === undefined) return undefined;
  try {
    const { mode, size } = await handle.stat();
    if ((mode & GROUP_AND_OTHERS) !== 0) throw new Error('others may read it: its key is lost');
    if (size > BYTES_MAX) throw new Error(`it is larger than ${BYTES_MAX} bytes`);
    return await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

interface Stored {
  readonly key: string;
  readonly chain: readonly string[];
  readonly roots: readonly string[];
}

function isStored(value: unknown): value is Stored {
  if (typeof value !== 'object' || value === null) return false;
  const { key, chain, roots } = value as Partial<Record<string, unknown>>;
  const texts = (list: unknown): boolean =>
    Array.isArray(list) && list.length > 0 && list.every((it) => typeof it === 'string');
  return typeof key === 'string' && texts(chain) && texts(roots);
}

function leadsTo(
  certificate: ReturnType<typeof readCertificate>,
  rootDer: Uint8Array,
  root: ReturnType<typeof readCertificate>,
): boolean {
  return Buffer.compare(certificate.der, rootDer) === 0 || isIssuedBy(certificate, root);
}
