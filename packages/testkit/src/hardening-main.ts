/** `pnpm hardening FILE [FILE …] [--only TEXT] [--report FILE]`: paths are the caller's. */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { AccessBed } from './corpus/access/access-bed.ts';
import { Bed } from './corpus/bed/bed.ts';
import { runCorpora } from './corpus/run-corpora.ts';

// pnpm runs scripts in the root of the workspace, and tells where it was called.
const calledIn = process.env['INIT_CWD'] ?? process.cwd();
const pathOf = (path: string): string => resolve(calledIn, path);

process.exitCode = await runCorpora(process.argv.slice(2), {
  read: (path) => readFileSync(pathOf(path), 'utf8'),
  write: (path, text) => writeFileSync(pathOf(path), text),
  say: (line) => console.log(line),
  complain: (line) => console.error(`hardening: ${line}`),
  openAccess: () => AccessBed.open(),
  openBed: (named) => Bed.open(named),
});
