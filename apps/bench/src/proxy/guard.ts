/**
 * The guard against regressions: what our hop and our pair take beside bare sockets in the same run.
 * No other program is compared, so that nothing but our code and Node moves the ratio; the bounds in
 * `guard.json` are generous, for it has to hold on a machine that does something else too.
 */
import { readFileSync } from 'node:fs';
import { makeBed } from './bed.ts';
import type { CpuCase, SubjectName } from './cases.ts';
import { type CpuOutcome, cpuRows, measureCase } from './cpu-rounds.ts';
import { readEnvironment } from './env.ts';
import { Lineup } from './lineup.ts';
import { findPrograms } from './programs.ts';
import { startUpstreams } from './upstream.ts';

/** What may not be exceeded. */
export interface GuardBound {
  readonly subject: SubjectName;
  readonly baseline: SubjectName;
  readonly ratioMax: number;
}

/** What it says, and whether every ratio keeps to its bound. */
export interface GuardVerdict {
  readonly isGood: boolean;
  readonly text: string;
}

const budget = { roundCount: 3, roundS: 1, warmUpS: 2 };

/** The committed bounds. */
export function readGuardBounds(): readonly GuardBound[] {
  const text = readFileSync(new URL('guard.json', import.meta.url), 'utf8');
  return JSON.parse(text) as readonly GuardBound[];
}

/** Runs it: less than a minute. */
export async function guardProxy(say: (line: string) => void): Promise<GuardVerdict> {
  const bed = await makeBed(findPrograms(readEnvironment()));
  try {
    const lineup = new Lineup(bed, await startUpstreams(bed));
    const outcomes: CpuOutcome[] = [];
    const bounds = readGuardBounds();
    for (const bound of bounds) {
      say(`measuring ${bound.subject} beside ${bound.baseline}`);
      outcomes.push(await measureCase(lineup, caseOf(bound), budget, new Map()));
    }
    (await lineup.startedMesh)?.stop();
    return verdictOn(bounds, outcomes);
  } finally {
    await bed.end();
  }
}

function caseOf({ subject, baseline }: GuardBound): CpuCase {
  return {
    name: subject,
    ours: subject,
    baselines: [baseline],
    others: [],
    what: { kind: 'get', path: '/1k' },
    connectionCount: 64,
  };
}

/** Judges; a ratio that could not be measured is bad. */
export function verdictOn(
  bounds: readonly GuardBound[],
  outcomes: readonly CpuOutcome[],
): GuardVerdict {
  const lines = bounds.map(({ subject, baseline, ratioMax }) => {
    const rows = outcomes.flatMap(cpuRows);
    const ratio = rows.find((row) => row.case === subject && row.subject === subject)?.ratio;
    const isGood = typeof ratio === 'number' && ratio <= ratioMax;
    const shown = typeof ratio === 'number' ? ratio.toFixed(2) : 'not measured';
    const text = `${isGood ? 'ok  ' : 'FAIL'} ${subject}: ${shown} × ${baseline}, at most ${ratioMax}`;
    return { isGood, text };
  });
  return {
    isGood: lines.every((it) => it.isGood),
    text: lines.map(({ text }) => text).join('\n'),
  };
}
