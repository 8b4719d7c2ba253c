/**
 * Each public package alone: packed as it would be published, installed by npm into an empty project,
 * and the examples of its README run there. What a package forgot to ship or to declare shows here, and what is wrong with
 * the types of those that run everywhere.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type PublicPackage, pack, publicPackages, repository } from '../tools/packages.ts';

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

/**
 * Makes an empty project that has the package, the optional peers that its examples import, and
 * nothing else; our own others come from their tarballs.
 */
async function install({ name, folder }: PublicPackage, examples: string): Promise<string> {
  const project = join(into, name.replace('/', '-'));
  await mkdir(project);
  const dependencies = { [name]: tarballs.get(name), ...(await importedPeers(folder, examples)) };
  const overrides = Object.fromEntries([...tarballs].filter(([other]) => other !== name));
  const manifest = { private: true, type: 'module', dependencies, overrides };
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest));
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...flags], { cwd: project, timeout: 120_000 });
  return project;
}

/** The packages that run in browsers, too, and so must not ask for the types of Node. */
const EVERYWHERE = new Set(['@leno/balancer', '@leno/resilience', '@leno/std']);

/** What a careful project checks with: libraries, too, and nothing declared but the language. */
const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  skipLibCheck: false,
  noEmit: true,
  module: 'nodenext',
  target: 'es2023',
  lib: ['es2023', 'dom'],
  types: [],
};

/** What the compiler has to say of the package's types in the project. */
async function typeProblems(it: PublicPackage, project: string): Promise<string> {
  const entries = await entriesOf(it);
  const lines = entries.map((entry, index) => `export * as it${index} from '${entry}';\n`);
  await writeFile(join(project, 'types.ts'), lines.join(''));
  const config = { compilerOptions: STRICT, files: ['types.ts'] };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify(config));
  const tsc = join(repository, 'node_modules/.bin/tsc');
  try {
    return (await run(tsc, ['-p', project])).stdout;
  } catch (failed) {
    return (failed as { readonly stdout: string }).stdout;
  }
}

/** The names to import the package by, but for those that need a peer, or Node, and its types. */
async function entriesOf({ name, folder }: PublicPackage): Promise<readonly string[]> {
  const { exports = {}, peerDependencies = {} } = await manifestIn(folder);
  const paths = Object.keys(exports).filter((it) => !it.endsWith('.json') && it !== './node');
  return paths.filter((it) => !(it.slice(2) in peerDependencies)).map((it) => join(name, it));
}

/** The peers of the package that the examples import, in the versions that its own tests use. */
async function importedPeers(folder: string, examples: string): Promise<Record<string, string>> {
  const { peerDependencies = {} } = await manifestIn(folder);
  const names = Object.keys(peerDependencies).filter((it) => examples.includes(`from '${it}'`));
  const versions: Record<string, string> = {};
  for (const name of names) {
    const { version = '' } = await manifestIn(join(folder, 'node_modules', name));
    versions[name] = version;
  }
  return versions;
}

interface Manifest {
  readonly version?: string;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly exports?: Readonly<Record<string, unknown>>;
}

async function manifestIn(folder: string): Promise<Manifest> {
  return JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Manifest;
}

/** The blocks of TypeScript in a README: each is a program of its own. */
async function examplesOf({ folder }: PublicPackage): Promise<readonly string[]> {
  const readme = await readFile(join(folder, 'README.md'), 'utf8');
  const examples = [...readme.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((it) => it[1] ?? '');
  if (examples.length === 0) throw new Error(`${folder}/README.md has no example`);
  return examples;
}

test.each(packages)('$name: its examples run where only it is installed', async (it) => {
  const examples = await examplesOf(it);
  const project = await install(it, examples.join('\n'));
  const { NODE_OPTIONS: _, ...env } = process.env;
  for (const [index, example] of examples.entries()) {
    const file = `example-${index + 1}.ts`;
    await writeFile(join(project, file), example);
    const options = { cwd: project, env, timeout: 30_000 };
    const { stdout } = await run(process.execPath, [file], options);
    expect(stdout, file).not.toBe('');
  }
  if (EVERYWHERE.has(it.name)) expect(await typeProblems(it, project)).toBe('');
});
