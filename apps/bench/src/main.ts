/**
 * `pnpm bench NAME [--report FILE] [--only CASE] [--quick]`: measures the packages beside their
 * peers and prints a table. Ends with 0 whatever the figures are, 2 if it was asked wrongly. `proxy` also
 * takes `--rounds N`, `--guard` and `--profile`.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { benchmarkNames, groupsOf, notYet } from './benchmarks.ts';
import { readGoals } from './harness/goals.ts';
import type { Group, GroupOutcome } from './harness/group.ts';
import { absentPeers, type Report, reportRows } from './harness/report.ts';
import { runGroups } from './harness/run-groups.ts';
import { tableOf } from './harness/table.ts';
import { readEnvironment } from './proxy/env.ts';
import { runProxyCommand } from './proxy/proxy-command.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    report: { type: 'string' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '4' },
    guard: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
  },
});
const name = positionals[0] ?? '';
if (notYet.includes(name)) {
  console.error(`pnpm bench ${name}: not yet`);
  process.exit(2);
}
if (name === 'proxy') {
  // So that what an end clears away is cleared away after Ctrl-C too.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
  process.exit(
    await runProxyCommand(
      {
        report: values.report,
        only: values.only ?? '',
        roundCount: Math.max(1, Number(values.rounds) || 1),
        isQuick: values.quick,
        isGuard: values.guard,
        isProfile: values.profile,
        commit: commit(),
      },
      readEnvironment(),
    ),
  );
}
if (!benchmarkNames.includes(name)) {
  console.error(`pnpm bench NAME: one of ${[...benchmarkNames, 'proxy', ...notYet].join(', ')}`);
  process.exit(2);
}

async function measured(): Promise<readonly GroupOutcome[]> {
  const all = await groupsOf(name);
  const groups = all.filter((it) => it.case.includes(values.only ?? ''));
  if (values.quick) return runGroups({ name, cases: groups.map((it) => it.case), isQuick: true });
  const outcomes: GroupOutcome[] = [];
  for (const group of groups) {
    console.error(`measuring ${group.case}`);
    const isIsolated = group.kind === 'timed' && group.isIsolated === true;
    outcomes.push(...(isIsolated ? await isolated(group) : await together(group, undefined)));
  }
  return outcomes;
}

function together(group: Group, subject: string | undefined): Promise<readonly GroupOutcome[]> {
  const part = subject === undefined ? {} : { subject };
  return runGroups({ name, cases: [group.case], isQuick: false, ...part });
}

/** An outcome for each subject, to be compared with the baseline beside it. */
async function isolated(group: Group): Promise<readonly GroupOutcome[]> {
  const outcomes: GroupOutcome[] = [];
  for (const subject of group.subjects) {
    if (subject.name !== group.baseline) outcomes.push(...(await together(group, subject.name)));
  }
  return outcomes;
}

function commit(): string {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    }).trim();
  } catch {
    return 'unknown';
  }
}

const outcomes = await measured();
const report: Report = {
  name,
  node: process.version,
  commit: commit(),
  rows: reportRows(outcomes),
  absent: absentPeers(outcomes),
};
if (values.report !== undefined) writeFileSync(values.report, `${JSON.stringify(report)}\n`);
// What a smoke test takes keeps to no goal.
console.log(tableOf(report, values.quick ? [] : readGoals()));
