/** Programs of the machine that are clients of the mesh. */
import { type ChildProcess, spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Whether a program of this name can be started. */
export function hasProgram(name: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, name), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** What a program said and how it ended. */
export interface Ran {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

const WITHIN_MS = 60_000;

/** Runs a program to its end, with `input` as what it reads; kills it when it takes too long. */
export function run(
  name: string,
  args: readonly string[],
  { input, env = {} }: { input?: string | Buffer; env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(name, args, { env: { PATH, HOME, ...env }, timeout: WITHIN_MS });
  child.stdin.on('error', () => undefined);
  child.stdin.end(input);
  return ending(child);
}

function ending(child: ChildProcess): Promise<Ran> {
  const stdout: Buffer[] = [];
  let stderr = '';
  child.stdout?.on('data', (chunk: Buffer) => stdout.push(chunk));
  child.stderr?.on('data', (chunk) => {
    stderr += String(chunk);
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, stdout: Buffer.concat(stdout), stderr }));
  });
}
