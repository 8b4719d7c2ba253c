/** What both suites need: a copy of the checkout in which modules can be replaced, and a runner. */
import { spawn } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** One assertion or test of a suite, by the names that it has there. */
export interface Verdict {
  readonly file: string;
  readonly name: string;
  /** Tells tests of one name apart: where in its file it stands. */
  readonly testIndex: number;
  readonly isPassed: boolean;
  readonly detail: string;
}

/** Works on a copy without history, which is gone afterwards; packages stay where they are. */
export async function onCopyOf<T>(
  checkout: string,
  work: (copy: string) => Promise<T>,
): Promise<T> {
  const copy = mkdtempSync(join(tmpdir(), 'leno-suite-'));
  const left = ['.git', 'node_modules'];
  try {
    cpSync(checkout, copy, { recursive: true, filter: (path) => !left.includes(basename(path)) });
    symlinkSync(join(checkout, 'node_modules'), join(copy, 'node_modules'));
    return await work(copy);
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

/** The path of a file of this folder. */
export function facadePath(name: string): string {
  return fileURLToPath(new URL(name, import.meta.url));
}

/** Runs Node from sources in a folder, at most so long; gives what it wrote to its output. */
export function runNode(cwd: string, args: readonly string[], timeoutMs: number): Promise<string> {
  const flags = ['--conditions=@leno/source', '--unhandled-rejections=warn'];
  const child = spawn(process.execPath, [...flags, ...args], { cwd, timeout: timeoutMs });
  return new Promise((resolve, reject) => {
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.resume();
    child.on('error', reject);
    child.on('close', () => resolve(output));
  });
}
