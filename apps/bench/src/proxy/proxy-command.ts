/** The command lines of `pnpm bench proxy`. Exit codes: 0 all measured, 1 not all, or `--guard` found too much, 2 cannot be run here. */
import { writeFileSync } from 'node:fs';
import { messageOf } from '@leno/std';
import { readGoals } from '../harness/goals.ts';
import type { Report } from '../harness/report.ts';
import { benchProxy } from './bench-proxy.ts';
import type { BenchEnvironment } from './env.ts';
import { guardProxy } from './guard.ts';
import { profileProxy } from './profile.ts';
import { findPrograms, MissingProgramError } from './programs.ts';
import { proxyTableOf } from './proxy-table.ts';

/** What was asked for. */
export interface ProxyCommand {
  readonly report: string | undefined;
  readonly only: string;
  readonly roundCount: number;
  readonly isQuick: boolean;
  readonly isGuard: boolean;
  readonly isProfile: boolean;
  readonly commit: string;
}

/** Runs it and prints; gives the exit code. */
export async function runProxyCommand(
  command: ProxyCommand,
  environment: BenchEnvironment,
): Promise<number> {
  const say = (line: string): void => console.error(line);
  try {
    const programs = findPrograms(environment);
    if (command.isGuard) {
      const verdict = await guardProxy(programs, say);
      console.log(verdict.text);
      return verdict.isGood ? 0 : 1;
    }
    const { only, roundCount, isQuick } = command;
    if (command.isProfile) {
      console.log(await profileProxy(programs, only, say));
      return 0;
    }
    const { failures, ...figures } = await benchProxy(programs, { only, roundCount, isQuick, say });
    const { commit } = command;
    const report: Report = { name: 'proxy', node: process.version, commit, ...figures };
    if (command.report !== undefined) {
      writeFileSync(command.report, `${JSON.stringify(report)}\n`);
    }
    console.log(proxyTableOf(report, isQuick ? [] : readGoals()));
    for (const failure of failures) say(`not measured: ${failure}`);
    return failures.length === 0 ? 0 : 1;
  } catch (thrown) {
    console.error(`pnpm bench proxy: ${messageOf(thrown)}`);
    return thrown instanceof MissingProgramError ? 2 : 1;
  }
}
