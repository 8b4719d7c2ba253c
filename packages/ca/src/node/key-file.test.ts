import { spawnSync } from 'node:child_process';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { generateKey, privateKeyPem } from '../keys.ts';
import { readKeyFile, readPlainKeyFile, writeKeyFile, writePlainKeyFile } from './key-file.ts';

const passphrase = 'correct horse';
const key = generateKey();
let directory = '';
let path = '';
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'leno-key-'));
  path = join(directory, 'a.key');
});
afterEach(() => rm(directory, { recursive: true }));

const forms = [
  {
    form: 'encrypted',
    write: () => writeKeyFile(path, key, passphrase),
    read: () => readKeyFile(path, passphrase),
  },
  {
    form: 'plain',
    write: () => writePlainKeyFile(path, key),
    read: () => readPlainKeyFile(path),
  },
] as const;

test.each(forms)('a key comes back from its $form file of mode 0600', async ({ write, read }) => {
  await write();
  expect(privateKeyPem(await read())).toBe(privateKeyPem(key));
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  expect(await readdir(directory)).toEqual(['a.key']);
});

test.each(forms)('the $form file that others may touch is refused', async ({ write, read }) => {
  await write();
  for (const mode of [0o640, 0o604, 0o620, 0o610]) {
    await chmod(path, mode);
    await expect(read()).rejects.toMatchObject({ code: 'LENO_KEY_FILE', because: 'exposed', path });
  }
});

test.each(forms)('a missing or damaged $form file is named', async ({ form, write, read }) => {
  await expect(read()).rejects.toMatchObject({ because: 'missing', path });
  await write();
  const text = await readFile(path, 'utf8');
  await writeFile(path, text.slice(0, text.length / 2));
  const because = form === 'plain' ? 'malformed' : 'wrong-passphrase';
  await expect(read()).rejects.toMatchObject({ because, message: expect.stringContaining(path) });
  await writeFile(path, 'x'.repeat(65_537));
  await expect(read()).rejects.toMatchObject({ because: 'malformed' });
});

test('another passphrase opens nothing, and an empty one locks nothing', async () => {
  await writeKeyFile(path, key, passphrase);
  await expect(readKeyFile(path, 'wrong')).rejects.toMatchObject({ because: 'wrong-passphrase' });
  await expect(writeKeyFile(path, key, '')).rejects.toMatchObject({ because: 'wrong-passphrase' });
});

test('a plain key where an encrypted one belongs is refused, and the other way about', async () => {
  await writePlainKeyFile(path, key);
  await expect(readKeyFile(path, passphrase)).rejects.toMatchObject({ because: 'malformed' });
  await writeKeyFile(path, key, passphrase);
  await expect(readPlainKeyFile(path)).rejects.toMatchObject({ because: 'malformed' });
});

test('no error repeats the key or the passphrase', async () => {
  await writePlainKeyFile(path, key);
  await writeFile(path, privateKeyPem(key).slice(0, -40));
  const error: unknown = await readPlainKeyFile(path).catch((thrown: unknown) => thrown);
  expect(String(error) + JSON.stringify(error)).not.toContain(privateKeyPem(key).slice(40, 60));
});

test('RFC 7914: openssl opens the file with the passphrase, which scrypt has stretched', async ({
  skip,
}) => {
  skip(spawnSync('openssl', ['version']).status !== 0, 'needs openssl');
  await writeKeyFile(path, key, passphrase);
  const parsed = spawnSync('openssl', ['asn1parse', '-in', path], { encoding: 'utf8' });
  expect(parsed.stdout).toMatch(/PBES2[^]*:scrypt[^]*INTEGER *:4000\n[^]*:aes-256-cbc/);
  const args = ['pkey', '-in', path, '-passin', `pass:${passphrase}`];
  expect(spawnSync('openssl', args, { encoding: 'utf8' }).stdout).toBe(privateKeyPem(key));
});
