import {
  appendFile,
  chmod,
  cp,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { createRoot, issueLeaf } from '../authority.ts';
import { generateKey, publicKeyDerOf } from '../keys.ts';
import { type AuthorityOptions, loadOrCreateAuthority } from './authority-directory.ts';

const dayMs = 86_400_000;
const nowMs = Date.UTC(2030, 0, 1);
const files = ['issuer.pem', 'root.key', 'root.pem'];
let template = '';
let parent = '';
let directory = '';
beforeAll(async () => {
  template = await mkdtemp(join(tmpdir(), 'leno-authority-'));
  directory = template;
  await open();
});
afterAll(() => rm(template, { recursive: true }));
beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'leno-authority-'));
  directory = join(parent, 'state', 'ca');
});
afterEach(() => rm(parent, { recursive: true }));

const open = (options: Partial<AuthorityOptions> = {}, passphrase = 'correct horse') =>
  loadOrCreateAuthority(directory, passphrase, { trustDomain: 'mesh.local', nowMs, ...options });
const file = (name: string) => join(directory, name);

test('an authority is made once, and the same one is found afterwards', async () => {
  const made = await open();
  const found = await open();
  expect([made.isNew, found.isNew]).toEqual([true, false]);
  expect(found.bundle.hash).toBe(made.bundle.hash);
  expect(found.issuer.certificatePem).toBe(made.issuer.certificatePem);
  expect(found.hasRootKey).toBe(true);
  const publicKeyDer = publicKeyDerOf(generateKey());
  const spiffeId = 'spiffe://mesh.local/x';
  expect(issueLeaf({ issuer: found.issuer, publicKeyDer, spiffeId, nowMs }).spiffeId).toBe(
    spiffeId,
  );
});

test('its files are its owner’s alone, its keys encrypted, and nothing else is left', async () => {
  await open();
  expect((await stat(directory)).mode & 0o777).toBe(0o700);
  expect((await readdir(directory)).sort()).toEqual(files);
  expect(await readdir(join(parent, 'state'))).toEqual(['ca']);
  for (const name of files) {
    expect((await stat(file(name))).mode & 0o777).toBe(0o600);
    expect(await readFile(file(name), 'utf8')).not.toContain('BEGIN PRIVATE KEY');
  }
});

test('two that start at once end up with one authority', async () => {
  const [one, other] = await Promise.all([open(), open()]);
  expect(one?.bundle.hash).toBe(other?.bundle.hash);
  expect(await readdir(join(parent, 'state'))).toEqual(['ca']);
});

test('the root’s key may be moved away', async () => {
  const made = await open();
  await rm(file('root.key'));
  const found = await open();
  expect(found.hasRootKey).toBe(false);
  expect(found.issuer.certificatePem).toBe(made.issuer.certificatePem);
});

test('an issuer at two thirds of its life is renewed under its root', async () => {
  const made = await open({ issuerTtlMs: 30 * dayMs });
  expect((await open({ nowMs: nowMs + 19 * dayMs })).issuer.certificatePem).toBe(
    made.issuer.certificatePem,
  );
  const later = await open({ nowMs: made.renewIssuerAtMs + 1, issuerTtlMs: 30 * dayMs });
  expect(later.issuer.notAfterMs).toBeGreaterThan(made.issuer.notAfterMs);
  expect(later.bundle.hash).toBe(made.bundle.hash);
});

test('an expired issuer without the root’s key is an error that says what is needed', async () => {
  await open({ issuerTtlMs: 30 * dayMs });
  await rm(file('root.key'));
  await expect(open({ nowMs: nowMs + 31 * dayMs })).rejects.toMatchObject({
    code: 'LENO_AUTHORITY_FILE',
    path: file('issuer.pem'),
    message: expect.stringContaining('root.key'),
  });
});

const foreign = createRoot({ trustDomain: 'mesh.local', key: generateKey(), nowMs }).certificatePem;
test.each<{ what: string; path: string; damage: () => Promise<unknown> }>([
  { what: 'a missing root', path: 'root.pem', damage: () => rm(file('root.pem')) },
  { what: 'a missing issuer', path: 'issuer.pem', damage: () => rm(file('issuer.pem')) },
  { what: 'an empty root', path: 'root.pem', damage: () => writeFile(file('root.pem'), '') },
  { what: 'an empty issuer', path: 'issuer.pem', damage: () => writeFile(file('issuer.pem'), '') },
  { what: 'an empty key', path: 'root.key', damage: () => writeFile(file('root.key'), '') },
  { what: 'a tail', path: 'issuer.pem', damage: () => appendFile(file('issuer.pem'), foreign) },
  { what: 'a foreign root', path: 'root.key', damage: () => writeFile(file('root.pem'), foreign) },
  {
    what: 'a foreign root without key',
    path: 'issuer.pem',
    damage: async () => {
      await writeFile(file('root.pem'), foreign);
      await rm(file('root.key'));
    },
  },
  {
    what: 'a key others may read',
    path: 'issuer.pem',
    damage: () => chmod(file('issuer.pem'), 0o644),
  },
])('$what is named and left as it is', async ({ path, damage }) => {
  await cp(template, directory, { recursive: true });
  await damage();
  const before = await snapshot();
  await expect(open()).rejects.toMatchObject({
    code: expect.stringMatching(/^LENO_(AUTHORITY|KEY)_FILE$/),
    path: file(path),
    message: expect.stringContaining(file(path)),
  });
  expect(await snapshot()).toEqual(before);
});

test('another trust domain, another passphrase and none are refused', async () => {
  await open();
  await expect(open({ trustDomain: 'other.local' })).rejects.toMatchObject({
    path: file('root.pem'),
  });
  await expect(open({}, 'wrong')).rejects.toMatchObject({ because: 'wrong-passphrase' });
  await expect(open({}, '')).rejects.toMatchObject({ because: 'wrong-passphrase' });
});

test('a directory with something else in it is not taken over', async () => {
  directory = parent;
  await writeFile(file('notes.txt'), 'mine');
  await expect(open()).rejects.toMatchObject({ path: file('root.pem') });
  expect(await readdir(parent)).toEqual(['notes.txt']);
});

async function snapshot() {
  const names = (await readdir(directory)).sort();
  return Promise.all(names.map(async (name) => [name, await readFile(file(name), 'utf8')]));
}
