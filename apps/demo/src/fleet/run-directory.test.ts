import { mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeRunDirectory } from './run-directory.ts';

async function freshPath(): Promise<string> {
  return join(await mkdtemp(join(tmpdir(), 'leno-demo-')), 'run');
}

test('made afresh each time, private, with new secrets', async () => {
  const path = await freshPath();
  const first = await makeRunDirectory(path);
  const token = await readFile(first.apiTokenFile, 'utf8');
  await first.write('tokens/cart-v1', 'secret');
  await writeFile(join(path, 'demo.pid'), '999999999'); // That run is over.
  const second = await makeRunDirectory(path);
  expect(await readdir(path)).not.toContain('tokens');
  expect(await readFile(second.apiTokenFile, 'utf8')).not.toBe(token);
  expect((await stat(second.apiTokenFile)).mode & 0o777).toBe(0o600);
});

test('refuses the directory of a run that goes on', async () => {
  const path = await freshPath();
  await makeRunDirectory(path);
  await writeFile(join(path, 'demo.pid'), String(process.ppid));
  await expect(makeRunDirectory(path)).rejects.toThrow(`runs already as process ${process.ppid}`);
});

test('never removes what is not its own', async () => {
  const path = await freshPath();
  await makeRunDirectory(path);
  const other = join(path, 'logs');
  await writeFile(join(other, 'thesis.txt'), 'years of work');
  await expect(makeRunDirectory(other)).rejects.toThrow('--base-dir');
  expect(await readdir(other)).toEqual(['thesis.txt']);
});
