/** Runs the suites by hand; README.md says how. Ends with 1 if a failure has no stated reason. */
import { runCockatielSuite } from './cockatiel-suite.ts';
import { readEnv } from './env.ts';
import { reasonOf, type SuiteName } from './intended.ts';
import { runOpossumSuite } from './opossum-suite.ts';
import type { Verdict } from './suite-run.ts';

const env = readEnv(process.env);
if (env.opossum === undefined && env.cockatiel === undefined) {
  console.error('Set LENO_OPOSSUM or LENO_COCKATIEL to a checkout; see README.md.');
  process.exit(2);
}
let unexplainedCount = 0;
if (env.opossum !== undefined) report('opossum', await runOpossumSuite(env.opossum));
if (env.cockatiel !== undefined) report('cockatiel', await runCockatielSuite(env.cockatiel));
process.exit(unexplainedCount === 0 ? 0 : 1);

function report(suite: SuiteName, verdicts: readonly Verdict[]): void {
  const failed = verdicts.filter(({ isPassed }) => !isPassed);
  console.log(`${suite}: ${counted(verdicts)}; failed: ${counted(failed)}`);
  const byReason = new Map<string | undefined, Verdict[]>();
  for (const it of failed) {
    const reason = reasonOf(suite, it);
    byReason.set(reason, [...(byReason.get(reason) ?? []), it]);
  }
  for (const [reason, its] of byReason) {
    console.log(`\n  ${counted(its)}: ${reason ?? 'WITHOUT A REASON'}`);
    if (reason === undefined) unexplainedCount += its.length;
    for (const line of new Set(its.map((it) => lineOf(it, reason)))) console.log(`    ${line}`);
  }
}

function counted(verdicts: readonly Verdict[]): string {
  const tests = new Set(verdicts.map(({ file, testIndex }) => `${file} ${testIndex}`));
  return `assertions ${verdicts.length}, tests ${tests.size}`;
}

function lineOf({ file, name, detail }: Verdict, reason: string | undefined): string {
  return reason === undefined ? `${file}: ${name}: ${detail}` : `${file}: ${name}`;
}
