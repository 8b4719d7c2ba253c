/** Where the programs are that this one starts: beside it, as sources or as built. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { UsageError } from './cli-error.ts';

/** What to give to a process starter. */
export interface ProgramCommand {
  readonly command: string;
  readonly args: readonly string[];
}

/** The command of a sibling app. Throws `UsageError` if it is not installed. */
export function programOf(app: 'control-plane' | 'proxy' | 'demo'): ProgramCommand {
  const fromSource = import.meta.filename.endsWith('.ts');
  const file = resolve(
    import.meta.dirname,
    '../..',
    app,
    fromSource ? 'src/main.ts' : 'dist/main.js',
  );
  if (!existsSync(file)) throw new UsageError(`the program ${app} is not installed: no ${file}`);
  const flags = fromSource ? ['--conditions=@leno/source'] : [];
  return { command: process.execPath, args: [...flags, file] };
}
