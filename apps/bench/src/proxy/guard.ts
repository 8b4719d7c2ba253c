/**
 * The guard against regressions: what our hop and our pair take beside bare sockets in the same run.
 * No other program is compared, so that nothing but our code and Node moves the ratio; the bounds in
 * `guard.json` are generous, for it has to hold on a machine that does something else too.
 */
import { readFileSync } from 'node:fs';
import type { ReportRow } from '../harness/report.ts';
import { makeBed } from './bed.ts';
import type { CpuCase, SubjectName } from './cases.ts';
import { cpuRows, measureCase, newLedger } from './cpu-rounds.ts';
import { Lineup } from './lineup.ts';
import type { Programs } from './programs.ts';
import { startUpstreams } from './upstream.ts';

const baseline = 'bare echo';

/** What may not be exceeded: how often the cost of the baseline a subject may take. */
export interface GuardBound {
  readonly subject: SubjectName;
  readonly ratioMax: number;
}

/** What it says, and whether every ratio keeps to its bound. */
export interface GuardVerdict {
  readonly isGood: boolean;
  readonly text: string;
}

const budget = { roundCount: 4, roundS: 1, warmUpSMax: 6 };

/** The committed bounds. */
export function readGuardBounds(): readonly GuardBound[] {
  const text = readFileSync(new URL('guard.json', import.meta.url), 'utf8');
  return JSON.parse(text) as readonly GuardBound[];
}

/** Runs it: less than a minute. */
export async function guardProxy(
  programs: Programs,
  say: (line: string) => void,
): Promise<GuardVerdict> {
  const bed = await makeBed(programs);
  try {
    const lineup = new Lineup(bed, await startUpstreams(bed));
    say(`measuring beside ${baseline}`);
    const outcome = await measureCase(lineup, guardCase, budget, newLedger());
    (await lineup.startedMesh)?.stop();
    return verdictOn(readGuardBounds(), cpuRows(outcome));
  } finally {
    await bed.end();
  }
}

const guardCase: CpuCase = {
  name: 'guard',
  ours: 'leno hop',
  baselines: [baseline],
  others: ['leno pair'],
  what: { kind: 'get', path: '/1k' },
  connectionCount: 64,
};

/** Judges; a ratio that could not be measured is bad. */
export function verdictOn(bounds: readonly GuardBound[], rows: readonly ReportRow[]): GuardVerdict {
  const lines = bounds.map(({ subject, ratioMax }) => {
    const ratio = rows.find((row) => row.subject === subject)?.ratio ?? Number.NaN;
    const isGood = ratio <= ratioMax;
    const shown = Number.isNaN(ratio) ? 'not measured' : ratio.toFixed(2);
    const text = `${isGood ? 'ok  ' : 'FAIL'} ${subject}: ${shown} × ${baseline}, at most ${ratioMax}`;
    return { isGood, text };
  });
  return {
    isGood: lines.every((it) => it.isGood),
    text: lines.map(({ text }) => text).join('\n'),
  };
}
