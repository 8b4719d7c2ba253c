import { messageOf } from '@leno/std';
import { CommanderError } from 'commander';
import { exitCodeOf } from './cli-error.ts';
import { buildProgram } from './program.ts';

/** Exit codes: 0 ok, 1 a check failed, 2 usage, 3 unreachable. */
async function main(): Promise<number> {
  try {
    await buildProgram().parseAsync(process.argv);
    return Number(process.exitCode ?? 0);
  } catch (thrown) {
    if (thrown instanceof CommanderError) return thrown.exitCode === 0 ? 0 : 2;
    process.stderr.write(`leno: ${messageOf(thrown)}\n`);
    return exitCodeOf(thrown);
  }
}

process.exit(await main());
