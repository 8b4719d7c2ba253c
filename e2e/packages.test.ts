/**
 * Each public package alone: packed as it would be published, installed by npm into an empty project,
 * and the example of its README run there. What a package forgot to ship or to declare shows here.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PublicPackage, pack, publicPackages } from '../tools/packages.ts';

const run = promisify(execFile);
const packages = publicPackages();
const tarballs = new Map<string, string>();
let into = '';

beforeAll(async () => {
  into = await mkdtemp(join(tmpdir(), 'leno-packages-'));
  for (const it of packages) tarballs.set(it.name, `file:${await pack(it.folder, into)}`);
});

afterAll(async () => {
  await rm(into, { recursive: true, force: true });
});

/** Makes an empty project that has the package and nothing else; our own others come from their tarballs. */
async function install({ name }: PublicPackage): Promise<string> {
  const project = join(into, name.replace('/', '-'));
  await mkdir(project);
  const tarball = tarballs.get(name);
  const overrides = Object.fromEntries([...tarballs].filter(([other]) => other !== name));
  const manifest = { private: true, type: 'module', dependencies: { [name]: tarball }, overrides };
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest));
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...flags], { cwd: project, timeout: 120_000 });
  return project;
}

/** The one block of TypeScript in a README. */
async function exampleOf({ folder }: PublicPackage): Promise<string> {
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  const example = /^```ts\n([\s\S]*?)^```$/m.exec(readme)?.[1];
  if (example === undefined) throw new Error(`${folder}/README.md has no example`);
  return example;
}

test.each(packages)('$name: its example runs where only it is installed', async (it) => {
  const project = await install(it);
  await writeFile(join(project, 'example.ts'), await exampleOf(it));
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { stdout } = await run(process.execPath, ['example.ts'], {
    cwd: project,
    env,
    timeout: 30_000,
  });
  expect(stdout).not.toBe('');
});
