/**
 * Bodies of any length pass at constant memory, octet for octet, and who does not read stops who sends:
 * 64 MiB, or with `LENO_TEST_LONG` 1 GiB.
 */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:http2';
import type { Duplex, Readable, Writable } from 'node:stream';
import { Readable as Source } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hashOfOctets, octets } from './support/depot.ts';
import { type DepotMesh, startDepotMesh } from './support/depot-mesh.ts';
import { memoryOf } from './support/process-figures.ts';
import { stands, until } from './support/until.ts';

const isLong = process.env['LENO_TEST_LONG'] !== undefined;
const BODY_BYTES = isLong ? 1_073_741_824 : 67_108_864;
const MEBIBYTE = 1_048_576;
/** How much more memory a proxy may ever have had than before. */
const GROWTH_BYTES_MAX = 48 * MEBIBYTE;
/** What waits in two sidecars and five sockets: windows, queues, and mostly buffers of the kernel. */
const FLIGHT_BYTES_MAX = 24 * MEBIBYTE;

let bed: DepotMesh;
const figures: Record<string, unknown> = {};

beforeAll(async () => {
  bed = await startDepotMesh();
  await transfer(await open.http1('/echo'), 8 * MEBIBYTE); // What code and buffers take once.
  await transfer(await open.http2('/echo'), 8 * MEBIBYTE);
});

afterAll(async () => {
  console.log(JSON.stringify({ [`bodies of ${BODY_BYTES / MEBIBYTE} MiB`]: figures }));
  await bed?.stop();
});

/** A request under way. */
interface Asked {
  readonly outgoing: Writable;
  /** Settles with the head. */
  readonly reply: Promise<Readable>;
  close(): void;
}

const open: Record<'http1' | 'http2', (path: string, method?: string) => Promise<Asked>> = {
  async http1(path, method = 'POST') {
    const url = `http://127.0.0.1:${bed.port}${path}`;
    const outgoing = request(url, { method, headers: { host: 'depot' }, agent: false });
    const reply = once(outgoing, 'response').then(([incoming]) => incoming as Readable);
    reply.catch(() => undefined);
    outgoing.on('error', () => undefined);
    if (method === 'GET') outgoing.end();
    return { outgoing, reply, close: () => outgoing.destroy() };
  },
  async http2(path, method = 'POST') {
    const session = connect(`http://127.0.0.1:${bed.port}`);
    session.on('error', () => undefined);
    const fields = { ':method': method, ':path': path, ':authority': 'depot' };
    const stream: Duplex = session.request(fields, { endStream: method === 'GET' });
    stream.on('error', () => undefined);
    stream.on('close', () => session.destroy());
    const reply = once(stream, 'response').then(() => stream as Readable);
    reply.catch(() => undefined);
    return { outgoing: stream, reply, close: () => stream.destroy() };
  },
};

async function hashOf(readable: Readable): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of readable) hash.update(piece as Uint8Array);
  return hash.digest('hex');
}

/** Sends a body and hashes what comes back meanwhile. */
async function transfer(asked: Asked, byteCount: number): Promise<string> {
  const sent = pipeline(Source.from(octets(0, byteCount)), asked.outgoing);
  const hash = await hashOf(await asked.reply);
  await sent;
  asked.close();
  return hash;
}

const processes = () => ({ web: bed.web.sidecar.pid, shop: bed.shop.sidecar.pid });

/** By how much the memory of both sidecars has at most grown during `work`. */
async function growthDuring(name: string, work: () => Promise<void>): Promise<void> {
  const peaks = async (): Promise<number[]> =>
    Promise.all(Object.values(processes()).map(async (pid) => (await memoryOf(pid)).peakBytes));
  const before = await peaks();
  const startedAtMs = performance.now();
  await work();
  const grown = (await peaks()).map((peak, index) => peak - (before[index] ?? 0));
  const mebibytes = grown.map((bytes) => Math.round(bytes / MEBIBYTE));
  figures[name] = { grownMiB: mebibytes, tookMs: Math.round(performance.now() - startedAtMs) };
  expect(Math.max(...grown)).toBeLessThan(GROWTH_BYTES_MAX);
}

for (const version of ['http1', 'http2'] as const) {
  test(`${version}: a body passes both ways at once, unchanged`, async () => {
    await growthDuring(`${version} echo`, async () => {
      const hash = await transfer(await open[version]('/echo'), BODY_BYTES);
      expect(hash).toBe(hashOfOctets(BODY_BYTES));
    });
    await bed.atRest(3_000);
  }, 600_000);

  test(`${version}: a reader that stops stops the application, and nobody else`, async () => {
    const path = `/octets/${BODY_BYTES}/${version}`;
    await growthDuring(`${version} slow reader`, async () => {
      const asked = await open[version](path, 'GET');
      const reply = await asked.reply;
      const visit = bed.depot.visit(path);
      await stands(() => visit.sentByteCount);
      figures[`${version} reply in flight`] = visit.sentByteCount;
      expect(visit.sentByteCount).toBeLessThan(FLIGHT_BYTES_MAX);
      const beside = await transfer(await open[version]('/echo'), 2 * MEBIBYTE);
      expect(beside).toBe(hashOfOctets(2 * MEBIBYTE));
      expect(await hashOf(reply)).toBe(hashOfOctets(BODY_BYTES));
      asked.close();
    });
    await bed.atRest(3_000);
  }, 600_000);

  test(`${version}: an application that does not read stops its client`, async () => {
    await growthDuring(`${version} slow application`, async () => {
      const asked = await open[version](`/stuck/${version}`);
      let taken = 0;
      const pieces = octets(0, BODY_BYTES);
      const more = (): void => {
        for (let piece = pieces.next(); piece.done !== true; piece = pieces.next()) {
          const { length } = piece.value;
          const hasRoom = asked.outgoing.write(piece.value, (error) => {
            if (error === null || error === undefined) taken += length;
          });
          if (!hasRoom) return;
        }
      };
      asked.outgoing.on('drain', more);
      more();
      await asked.reply;
      await stands(() => taken);
      figures[`${version} request in flight`] = taken;
      expect(taken).toBeLessThan(FLIGHT_BYTES_MAX);
      const beside = await transfer(await open[version]('/echo'), 2 * MEBIBYTE);
      expect(beside).toBe(hashOfOctets(2 * MEBIBYTE));
      // What was sent stands before the end, which shows only to those who read: both here do not.
      asked.close();
      const visit = bed.depot.visit(`/stuck/${version}`);
      visit.readOn();
      await until(() => visit.gone === 1, 'the application hears of it', 3_000);
    });
    await bed.atRest(3_000);
  }, 600_000);
}
