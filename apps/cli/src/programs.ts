/** Where the programs are that this one starts: beside it, as sources or as built. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { smallProcess } from '@leno/std/node';
import { UsageError } from './cli-error.ts';

/** What to give to a process starter. */
export interface ProgramCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** Where the build puts them; the proxy is one file, for there are many of it. */
const built = {
  'control-plane': 'dist/main.js',
  proxy: 'dist/leno-proxy.js',
  demo: 'dist/main.js',
} as const;

/** The command of a sibling app. Throws `UsageError` if it is not installed. */
export function programOf(app: 'control-plane' | 'proxy' | 'demo'): ProgramCommand {
  const fromSource = import.meta.filename.endsWith('.ts');
  const file = resolve(import.meta.dirname, '../..', app, fromSource ? 'src/main.ts' : built[app]);
  if (!existsSync(file)) throw new UsageError(`the program ${app} is not installed: no ${file}`);
  const size = app === 'proxy' ? smallProcess.args : [];
  const source = fromSource ? ['--conditions=@leno/source'] : [];
  return { command: process.execPath, args: [...size, ...source, file] };
}
