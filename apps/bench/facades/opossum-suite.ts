/** Runs the test files of an opossum checkout against the facade. */
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { facadePath, onCopyOf, runNode, type Verdict } from './suite-run.ts';

/** Ends tests that wait for ever or throw; without it, the rest of their file would not be run. */
const preload = `
const Module = require('node:module');
const load = Module._load;
Module._load = function (request, ...rest) {
  const loaded = load.call(this, request, ...rest);
  if (request !== 'tape') return loaded;
  return (name, body) => loaded(name, { timeout: 5_000 }, (t) => {
    try {
      return body(t);
    } catch (error) {
      t.fail(String(error));
      t.end();
    }
  });
};
`;

export function runOpossumSuite(checkout: string): Promise<readonly Verdict[]> {
  return onCopyOf(checkout, runIn);
}

async function runIn(copy: string): Promise<readonly Verdict[]> {
  const facade = JSON.stringify(facadePath('opossum/circuit-breaker.ts'));
  const status = JSON.stringify(facadePath('opossum/circuit-status.ts'));
  writeFileSync(join(copy, 'index.js'), `module.exports = require(${facade}).CircuitBreaker;\n`);
  writeFileSync(join(copy, 'lib/status.js'), `module.exports = require(${status}).Status;\n`);
  writeFileSync(join(copy, 'preload.cjs'), preload);
  // Not those of their semaphore, a part of theirs that ours has no use for.
  const files = readdirSync(join(copy, 'test')).filter((name) =>
    /^(?!semaphore).*\.js$/.test(name),
  );
  const verdicts: Verdict[] = [];
  for (const file of files) {
    const args = ['--require=./preload.cjs', 'node_modules/tape/bin/tape', `test/${file}`];
    verdicts.push(...verdictsOf(file, await runNode(copy, args, 120_000)));
  }
  return verdicts;
}

/** Reads the Test Anything Protocol: assertions under the name of their test. */
export function verdictsOf(file: string, output: string): readonly Verdict[] {
  const verdicts: Verdict[] = [];
  let name = '';
  let testIndex = 0;
  for (const line of output.split('\n')) {
    const title = /^# (?!(?:tests|pass|fail) +\d+$|ok$)(.+)/.exec(line)?.[1];
    if (title !== undefined) {
      name = title;
      testIndex += 1;
    }
    const assertion = /^(not )?ok \d+ ?(.*)/.exec(line);
    if (assertion === null) continue;
    const [, negation, detail = ''] = assertion;
    verdicts.push({ file, name, testIndex, isPassed: negation === undefined, detail });
  }
  return verdicts;
}
