import { resolve } from 'node:path';
import { type RunningProcess, startProcess } from '@leno/std/node';

const main = resolve(import.meta.dirname, '../../apps/demo/src/main.ts');

/** Starts the demo as `pnpm demo` does, with its files in `directory`. */
export function startDemo(directory: string, ...flags: readonly string[]): RunningProcess {
  return startProcess({
    command: process.execPath,
    args: ['--conditions=@leno/source', main, ...['--base-dir', directory], ...flags],
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'] },
  });
}
