/** That every subject runs and the report has its shape. What it takes is no matter of a test. */
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { benchmarkNames, groupsOf, notYet } from './benchmarks.ts';
import type { Report } from './harness/report.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, 'main.ts');
let into = '';

beforeAll(async () => {
  into = await mkdtemp(join(tmpdir(), 'leno-bench-'));
});

afterAll(async () => {
  await rm(into, { recursive: true, force: true });
});

function bench(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const env = { ...process.env, NODE_OPTIONS: '' };
  return run(process.execPath, ['--conditions=@leno/source', main, ...args], { env });
}

test.each(benchmarkNames)('%s: every subject is measured or absent', async (name) => {
  const file = join(into, `${name}.json`);
  const { stdout } = await bench(name, '--quick', '--report', file);
  const report = JSON.parse(await readFile(file, 'utf8')) as Report;
  expect(report).toMatchObject({ name, node: process.version });
  expect(report.commit).toMatch(/^[0-9a-f]{40}$|^unknown$/);
  for (const row of report.rows) {
    expect(row).toEqual({
      subject: expect.any(String),
      case: expect.any(String),
      metric: expect.any(String),
      unit: expect.any(String),
      value: expect.any(Number),
      baseline: row.baseline === null ? null : expect.any(Number),
      ratio: row.ratio === null ? null : expect.any(Number),
    });
    expect(Number.isFinite(row.value), `${row.case}: ${row.subject}`).toBe(true);
  }
  const named = [...report.rows, ...report.absent].map((it) => `${it.case}: ${it.subject}`);
  const groups = await groupsOf(name);
  const all = groups.flatMap((it) => it.subjects.map((subject) => `${it.case}: ${subject.name}`));
  expect([...new Set(named)].sort()).toEqual(all.sort());
  expect(stdout).toContain('ratio');
});

test.each([...notYet, 'nothing', ''])('pnpm bench %j ends with 2', async (name) => {
  await expect(bench(name)).rejects.toMatchObject({ code: 2 });
});
