/**
 * Opens, aborts and ends at random moments, 200 a second for five seconds, or with `LENO_TEST_LONG` for
 * a minute: afterwards nothing is left of them in either proxy, not a socket, and both serve as before.
 */
import { seededRng } from '@leno/std';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MeshClient } from './support/client.ts';
import { type DepotMesh, poolsOf, startDepotMesh } from './support/depot-mesh.ts';
import type { MeshApp } from './support/mesh.ts';
import { memoryOf, socketsOf } from './support/process-figures.ts';
import { Racer } from './support/racer.ts';
import { until } from './support/until.ts';

const SECONDS = process.env['LENO_TEST_LONG'] === undefined ? 5 : 60;
const RACES_PER_SECOND = 200;
const MEBIBYTE = 1_048_576;
const GROWTH_BYTES_MAX = 64 * MEBIBYTE;

let bed: DepotMesh;

beforeAll(async () => {
  bed = await startDepotMesh();
});

afterAll(async () => {
  await bed?.stop();
});

/** Sockets of a sidecar but for those of its pools, which may rest: clients, and its own few. */
async function otherSockets(entry: MeshApp): Promise<number> {
  const [sockets, pools] = await Promise.all([
    socketsOf(entry.sidecar.pid),
    poolsOf(bed.mesh, entry),
  ]);
  return sockets.length - pools.reduce((sum, { connectionCount }) => sum + connectionCount, 0);
}

test('a storm of opens and aborts leaves nothing behind', async () => {
  const entries = [bed.web, bed.shop];
  const racer = new Racer(bed.port, seededRng(20_260_711));
  await racer.run(100, RACES_PER_SECOND); // What code and buffers take once.
  await bed.atRest(10_000);
  const socketsBefore = await Promise.all(entries.map(otherSockets));
  const memoryBefore = await Promise.all(entries.map((it) => memoryOf(it.sidecar.pid)));

  await racer.run(SECONDS * RACES_PER_SECOND, RACES_PER_SECOND);
  await bed.atRest(10_000);

  await until(() => bed.depot.socketCount <= 200, 'the application has only idle connections');
  const leaked = async (): Promise<number[]> => {
    const counts = await Promise.all(entries.map(otherSockets));
    return counts.map((count, index) => count - (socketsBefore[index] ?? 0));
  };
  await until(
    async () => (await leaked()).every((count) => count <= 0),
    'no socket is left',
    5_000,
  );
  const memory = await Promise.all(entries.map((it) => memoryOf(it.sidecar.pid)));
  const grownMiB = memory.map(
    (it, index) => (it.rssBytes - (memoryBefore[index]?.rssBytes ?? 0)) / MEBIBYTE,
  );
  console.log(JSON.stringify({ races: racer.outcomes, leaked: await leaked(), grownMiB }));
  expect(Math.max(...grownMiB)).toBeLessThan(GROWTH_BYTES_MAX / MEBIBYTE);
  // The races were what they claim to be.
  for (const count of Object.values(racer.outcomes)) expect(count).toBeGreaterThan(0);

  const client = new MeshClient(bed.web.outbound);
  const replies = await Promise.all(Array.from({ length: 50 }, () => client.send('depot')));
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
  client.close();
}, 180_000);
