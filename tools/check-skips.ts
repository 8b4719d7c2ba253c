/**
 * `node tools/check-skips.ts LOG`: fails if a run skipped a test that `e2e/optional.json` does not name.
 * A machine of a stranger may lack what a test needs; the machine that decides may not.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from './packages.ts';

interface Optional {
  /** What the line of a skipped test holds: a file, a title, what it needs. */
  readonly skipped: string;
  readonly reason: string;
}

const log = readFileSync(process.argv[2] ?? 0, 'utf8');
const list = readFileSync(join(repository, 'e2e/optional.json'), 'utf8');
const { optional } = JSON.parse(list) as { readonly optional: readonly Optional[] };
const skips = log.split('\n').filter((line) => line.startsWith('skipped: '));
const unexpected = skips.filter((line) => !optional.some((it) => line.includes(it.skipped)));
for (const line of unexpected) console.error(`not in e2e/optional.json: ${line}`);
process.exitCode = unexpected.length === 0 ? 0 : 1;
