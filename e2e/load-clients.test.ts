/** Tools that others measure servers with, through two sidecars: nothing fails, and nothing is uncounted. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type DepotMesh, startDepotMesh } from './support/depot-mesh.ts';
import type { MeshApp } from './support/mesh.ts';
import { hasProgram, run } from './support/program.ts';
import { until } from './support/until.ts';

let bed: DepotMesh;

beforeAll(async () => {
  bed = await startDepotMesh();
});

afterAll(async () => {
  await bed?.stop();
});

/** Requests that a sidecar has counted in one direction, by status. */
async function counted(entry: MeshApp, dir: string): Promise<Record<string, number>> {
  const text = String(await bed.mesh.admin(entry, '/metrics'));
  const lines = text.matchAll(
    new RegExp(`^leno_requests_total\\{dir="${dir}".*status="(\\d+)".*\\} (\\d+)$`, 'gm'),
  );
  const sums: Record<string, number> = {};
  for (const [, status = '', count] of lines) sums[status] = (sums[status] ?? 0) + Number(count);
  return sums;
}

interface Counts {
  readonly web: number;
  readonly shop: number;
  readonly depot: number;
}

/** What each of the three has counted as answered with 200. */
async function counts(): Promise<Counts> {
  return {
    web: (await counted(bed.web, 'outbound'))['200'] ?? 0,
    shop: (await counted(bed.shop, 'inbound'))['200'] ?? 0,
    depot: bed.depot.requestCount,
  };
}

const OPEN_MAX = 32; // What a tool breaks off when its time is up.

test.skipIf(!hasProgram('wrk'))(
  'wrk: 32 connections for three seconds, no error, all counted (needs wrk)',
  async () => {
    const before = await counts();
    const { stdout, code } = await run('wrk', [
      ...['-c', String(OPEN_MAX), '-t', '1', '-d', '3s', '-H', 'Host: depot'],
      `http://${bed.web.outbound}/wrk`,
    ]);
    const text = String(stdout);
    expect(code).toBe(0);
    expect(text).not.toMatch(/Socket errors|Non-2xx/);
    const answered = Number(/(\d+) requests in/.exec(text)?.[1]);
    expect(answered).toBeGreaterThan(100);
    await until(async () => (await counts()).depot - before.depot >= answered, 'all is counted');
    const after = await counts();
    for (const side of ['web', 'shop', 'depot'] as const) {
      expect(after[side] - before[side]).toBeGreaterThanOrEqual(answered);
      expect(after[side] - before[side]).toBeLessThanOrEqual(answered + OPEN_MAX);
    }
    // Whatever was not a 200 was broken off at the end, and by wrk.
    const { 200: _, ...others } = await counted(bed.web, 'outbound');
    expect(Object.keys(others).filter((status) => status !== '499')).toEqual([]);
  },
);

test.skipIf(!hasProgram('h2load')).each([
  { name: 'HTTP/2 with prior knowledge', args: ['-p', 'h2c', '-m', '16'] },
  { name: 'HTTP/1.1', args: ['--h1'] },
  { name: 'HTTP/2, 64 KiB replies in a small window', args: ['-p', 'h2c', '-m', '8', '-w', '14'] },
])('h2load: $name, none failed, exactly as many counted (needs h2load)', async ({ args }) => {
  const before = await counts();
  const path = args.includes('-w') ? '/octets/65536' : '/h2load';
  const { stdout, stderr } = await run('h2load', [
    ...args,
    ...['-n', '3000', '-c', '8', `--connect-to=${bed.web.outbound}`],
    `http://depot${path}`,
  ]);
  expect(stderr).toBe('');
  expect(String(stdout)).toContain('3000 total, 3000 started, 3000 done, 3000 succeeded, 0 failed');
  await until(async () => (await counts()).web - before.web === 3_000, 'all is counted');
  expect(await counts()).toEqual({
    web: before.web + 3_000,
    shop: before.shop + 3_000,
    depot: before.depot + 3_000,
  });
});
