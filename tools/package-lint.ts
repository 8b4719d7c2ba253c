/**
 * Lints what would be published: packs every public package, and has publint and attw look at the
 * tarball. Prints one line a package, and exits 1 if there is anything to say.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { type PublicPackage, pack, publicPackages, repository } from './packages.ts';

const run = promisify(execFile);

async function problemsOf(it: PublicPackage, into: string): Promise<readonly string[]> {
  const tarball = await pack(it.folder, into);
  return [...(await publintProblems(tarball)), ...(await attwProblems(tarball))];
}

async function publintProblems(tarball: string): Promise<readonly string[]> {
  const bytes = readFileSync(tarball);
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages, pkg } = await publint({ pack: { tarball: buffer }, strict: true });
  return messages
    .filter((message) => message.type !== 'suggestion')
    .map((message) => `publint: ${formatMessage(message, pkg, { color: false }) ?? message.code}`);
}

async function attwProblems(tarball: string): Promise<readonly string[]> {
  const program = join(repository, 'node_modules/.bin/attw');
  const args = [tarball, '--profile', 'esm-only', '--format', 'table-flipped', '--no-color'];
  try {
    await run(program, [...args, '--no-emoji'], { maxBuffer: 1 << 24 });
    return [];
  } catch (thrown) {
    const output = thrown instanceof Error && 'stdout' in thrown ? String(thrown.stdout) : '';
    return [`attw: ${output.trim() || String(thrown)}`];
  }
}

async function main(): Promise<void> {
  const into = mkdtempSync(join(tmpdir(), 'leno-pack-'));
  let problemCount = 0;
  try {
    for (const it of publicPackages()) {
      const problems = await problemsOf(it, into);
      problemCount += problems.length;
      console.log(`${problems.length === 0 ? '√' : '×'} ${it.name}`);
      for (const problem of problems) console.log(`    ${problem.replaceAll('\n', '\n    ')}`);
    }
  } finally {
    rmSync(into, { recursive: true, force: true });
  }
  console.log(`${basename(import.meta.filename)}: ${problemCount} problems`);
  process.exitCode = problemCount === 0 ? 0 : 1;
}

await main();
