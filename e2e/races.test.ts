/**
 * Opens, aborts and ends at random moments, 200 a second for six seconds, or with `LENO_TEST_LONG` for
 * a minute: afterwards nothing is left of them in either proxy, not a socket, and both serve as before.
 */
import { seededRng } from '@leno/std';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MeshClient } from './support/client.ts';
import { type DepotMesh, figuresOf, startDepotMesh } from './support/depot-mesh.ts';
import type { MeshApp } from './support/mesh.ts';
import { memoryOf, socketsOf } from './support/process-figures.ts';
import { Racer } from './support/racer.ts';
import { until } from './support/until.ts';

const isLong = process.env['LENO_TEST_LONG'] !== undefined;
const SECONDS = isLong ? 60 : 6;
const RACES_PER_SECOND = 200;
const MEBIBYTE = 1_048_576;
/** From the first half to the second; in a few seconds memory is still being taken for the first time. */
const GROWTH_MIB_MAX = isLong ? 64 : 128;

let bed: DepotMesh;

beforeAll(async () => {
  bed = await startDepotMesh();
});

afterAll(async () => {
  await bed?.stop();
});

/** Sockets of a sidecar that its own figures do not account for, but for those of who asks for figures. */
async function otherSockets(entry: MeshApp): Promise<number> {
  const [sockets, figures] = await Promise.all([
    socketsOf(entry.sidecar.pid),
    figuresOf(bed.mesh, entry),
  ]);
  const adminPort = Number(entry.admin.split(':')[1]);
  const others = sockets.filter(({ localPort }) => localPort !== adminPort);
  return others.length - figures.peerConnections - figures.poolConnections;
}

test('a storm of opens and aborts leaves nothing behind', async () => {
  const entries = [bed.web, bed.shop];
  const pids = entries.map(({ sidecar }) => sidecar.pid);
  const racer = new Racer(bed.port, seededRng(20_260_711));
  const socketsBefore = await Promise.all(entries.map(otherSockets));
  const leaked = async (): Promise<number[]> => {
    const counts = await Promise.all(entries.map(otherSockets));
    return counts.map((count, index) => count - (socketsBefore[index] ?? 0));
  };
  const rssMiB: number[][] = [];
  // What a storm takes is taken once: a second one finds it there.
  for (let half = 0; half < 2; half += 1) {
    await racer.run((SECONDS / 2) * RACES_PER_SECOND, RACES_PER_SECOND);
    await bed.atRest(10_000);
    await until(() => bed.depot.webSocketCount === 0, 'no tunnel is left');
    await until(async () => {
      const counts = await leaked();
      if (counts.some((count) => count !== 0)) throw new Error(`left are ${String(counts)}`);
      return true;
    }, 'no socket is left');
    const memory = await Promise.all(pids.map((pid) => memoryOf(pid)));
    rssMiB.push(memory.map(({ rssBytes }) => Math.round(rssBytes / MEBIBYTE)));
  }
  console.log(JSON.stringify({ races: racer.outcomes, leaked: await leaked(), rssMiB }));
  const [first = [], second = []] = rssMiB;
  for (const [index, now] of second.entries()) {
    expect(now - (first[index] ?? 0)).toBeLessThan(GROWTH_MIB_MAX);
  }
  // The races were what they claim to be.
  for (const count of Object.values(racer.outcomes)) expect(count).toBeGreaterThan(0);
  expect(bed.depot.goodbyes.length).toBeGreaterThan(0);

  const client = new MeshClient(bed.web.outbound);
  const replies = await Promise.all(Array.from({ length: 50 }, () => client.send('depot')));
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 200));
  client.close();
}, 180_000);
