/** That the benchmark of proxies measures, proves what was on, and says who is not there. Figures are no matter of a test. */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';

const run = promisify(execFile);
const main = resolve(import.meta.dirname, '../apps/bench/src/main.ts');
const needed = ['wrk', 'h2load', 'nginx', 'taskset'];
const missing = needed.filter((it) => spawnSync('sh', ['-c', `command -v ${it}`]).status !== 0);
let directory = '';

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'leno-e2e-bench-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

function bench(...args: readonly string[]): Promise<{ stdout: string }> {
  return run(process.execPath, ['--conditions=@leno/source', main, 'proxy', ...args], {
    env: { ...process.env, NODE_OPTIONS: '' },
  });
}

test('a hop is measured beside its peers, and every part of the mesh has counted', async (context) => {
  if (missing.length > 0) context.skip(`needs ${missing.join(', ')}`);
  const file = join(directory, 'report.json');
  const { stdout } = await bench('--quick', '--only', '1 KiB, 1 conn', '--report', file);
  const report = JSON.parse(await readFile(file, 'utf8')) as {
    rows: readonly { subject: string; case: string; metric: string; value: number }[];
    absent: readonly { subject: string }[];
  };
  const costs = report.rows.filter((it) => it.metric === 'cpu');
  expect(costs.map((it) => it.subject)).toEqual(
    expect.arrayContaining(['leno hop', 'leno pair', 'nginx', 'nginx h1']),
  );
  for (const { subject, value } of costs) expect(value, subject).toBeGreaterThan(1);
  const proofs = report.rows.filter((it) => it.case === 'what was on');
  expect(proofs.map((it) => it.subject.split(': ')[1])).toEqual(
    expect.arrayContaining([
      'breaker',
      'balancer',
      'metrics',
      'access log',
      'trace context',
      'authorization',
    ]),
  );
  for (const { subject, value } of proofs) expect(value, subject).toBeGreaterThan(0);
  expect(stdout).toContain('ratio');
});
