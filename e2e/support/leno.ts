import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

export const lenoMain = resolve(import.meta.dirname, '../../apps/cli/src/main.ts');

/** What a command said and how it ended. */
export interface Spoken {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the real command to its end. */
export function leno(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<Spoken> {
  const child = spawn(process.execPath, ['--conditions=@leno/source', lenoMain, ...args], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], NO_COLOR: '1', ...env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  return new Promise((done) => {
    child.on('close', (code) => done({ code: code ?? -1, stdout, stderr }));
  });
}
