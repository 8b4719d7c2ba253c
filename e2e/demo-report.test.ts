/** The demo that runs by itself, checks itself and reports: the figures that the README quotes. */
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startDemo } from './support/demo.ts';

test('--for 20s checks itself and reports', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'leno-demo-'));
  const file = join(directory, 'report.json');
  const run = startDemo(join(directory, 'run'), '--for', '20s', '--report', file);
  const { code } = await run.exited;
  const text = run.recentLines().join('\n');
  expect(existsSync(file), text).toBe(true);
  const report = JSON.parse(await readFile(file, 'utf8')) as Record<string, number>;
  const { requests, failures, successRate, mtlsRatio, p50Ms, p99Ms } = report;
  console.log(JSON.stringify({ requests, failures, successRate, mtlsRatio, p50Ms, p99Ms }));
  expect(code, text).toBe(0);
  expect(requests).toBeGreaterThanOrEqual(2_000);
  expect(successRate).toBeGreaterThanOrEqual(0.999);
  expect(mtlsRatio).toBe(1);
  expect(report['converged']).toBe(true);
  await rm(directory, { recursive: true, force: true });
});
