/** Runs the compiled tests of a cockatiel checkout against the facade. */
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { facadePath, onCopyOf, runNode, type Verdict } from './suite-run.ts';

/** Their own helpers, which the tests use too, and their tests: not what is put to the test. */
const kept = /(?:\.test|^dist\/common\/.*)\.js$/;

export function runCockatielSuite(checkout: string): Promise<readonly Verdict[]> {
  return onCopyOf(checkout, runIn);
}

async function runIn(copy: string): Promise<readonly Verdict[]> {
  const shim = `export * from ${JSON.stringify(facadePath('cockatiel/index.ts'))};\n`;
  const modules = globSync('dist/**/*.js', { cwd: copy }).filter((path) => !kept.test(path));
  for (const path of modules) writeFileSync(join(copy, path), shim);
  const specs = globSync('dist/**/*.test.js', { cwd: copy }).filter(
    (path) => !path.startsWith('dist/common/'),
  );
  const report = join(copy, 'report.json');
  const options = ['--no-config', '--timeout=5000', '--reporter=json'];
  const mocha = ['node_modules/mocha/bin/_mocha', ...options];
  await runNode(copy, [...mocha, `--reporter-option=output=${report}`, ...specs], 120_000);
  return verdictsOf(JSON.parse(readFileSync(report, 'utf8')) as MochaReport);
}

interface MochaReport {
  readonly tests: readonly {
    readonly file: string;
    readonly fullTitle: string;
    readonly err: { readonly message?: string };
  }[];
}

function verdictsOf(report: MochaReport): readonly Verdict[] {
  return report.tests.map(({ file, fullTitle, err }, testIndex) => ({
    testIndex,
    file: file.replace(/^.*\/dist\//, ''),
    name: fullTitle,
    isPassed: err.message === undefined,
    detail: err.message ?? '',
  }));
}
