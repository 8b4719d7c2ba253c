/** When a pool of HTTP/2 opens more connections than it must. */
import { createServer, type Http2Server } from 'node:http2';
import type { Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { deferred } from './testing/deferred.ts';
import { get } from './testing/pool-bed.ts';
import { RecordedTry } from './testing/sinks.ts';
import { ManualTime } from './testing/time.ts';
import { type H2Spread, UpstreamH2Pool } from './upstream-h2-pool.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

const spread: H2Spread = { busyStreamCount: 3, connectionCountMax: 3 };

/** A pool towards an upstream that answers nothing; `next` resolves with each connection it gets. */
async function bed(options: { spread?: H2Spread; connectionCountMax?: number } = {}) {
  const server: Http2Server = createServer();
  const streams: { count: number }[] = [];
  let came = deferred<undefined>();
  server.on('session', (session) => {
    open.push({ close: () => session.destroy() });
    const own = { count: 0 };
    streams.push(own);
    session.on('stream', () => (own.count += 1));
    session.on('error', () => undefined);
    session.on('remoteSettings', () => came.resolve(undefined));
  });
  const port = await listening(server);
  open.push(server);
  const time = new ManualTime();
  const { connectionCountMax = 10 } = options;
  const pool = new UpstreamH2Pool({
    ...{ address: '127.0.0.1', port, connectTimeoutMs: 1_000, idleTimeoutMs: 10_000 },
    limits: { connectionCountMax, pendingCountMax: 50, requestCountMax: 50 },
    clock: time,
    timers: time,
    spread: options.spread,
  });
  open.push(pool);
  return {
    pool,
    time,
    server,
    /** The requests that each connection has brought, in the order of their opening. */
    streamCounts: () => streams.map(({ count }) => count),
    /** Sends as many, one after the other, and gives how many connections there are then. */
    send: async (count: number): Promise<number> => {
      for (let index = 0; index < count; index += 1) {
        const events = new RecordedTry();
        pool.request(get, events);
        await events.sent;
      }
      return pool.connectionCount;
    },
    /** The connection that is on its way is there. */
    opened: async (): Promise<void> => {
      await came.promise;
      came = deferred<undefined>();
      while (pool.stats.idleCount === 0 && pool.connectionCount > 1) {
        await turn();
      }
    },
  };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const sum = (counts: readonly number[]): number => counts.reduce((all, it) => all + it, 0);

function listening(server: Pick<Http2Server, 'listen' | 'address'>): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

test('without being told to, one connection takes all that it can', async () => {
  const { send } = await bed();
  expect(await send(20)).toBe(1);
});

test('another is opened when all are busy, one a second, and no more than are wanted', async () => {
  const { send, opened, time } = await bed({ spread });
  expect(await send(2)).toBe(1);
  await opened();
  expect(await send(1)).toBe(2); // The third makes it busy.
  await opened();
  expect(await send(3)).toBe(2); // They go on the new one, which is busy with them: too soon.
  time.advance(1_000);
  expect(await send(1)).toBe(3);
  await opened();
  time.advance(10_000);
  expect(await send(20)).toBe(3);
});

test('the least busy one is taken when all are busy', async () => {
  const { send, opened, streamCounts } = await bed({
    spread: { ...spread, connectionCountMax: 2 },
  });
  await send(3);
  await opened();
  await opened();
  await send(9);
  while (streamCounts().length < 2 || sum(streamCounts()) < 12) await turn();
  expect(streamCounts()).toEqual([6, 6]);
});

test('the first that is not busy is taken, so that the others can grow old', async () => {
  const { pool, send, opened, streamCounts } = await bed({ spread });
  await send(2);
  const events = new RecordedTry();
  const third = pool.request(get, events);
  await events.sent;
  await opened();
  await opened();
  third.cancel();
  while (pool.activeCount > 2) await turn();
  await send(1);
  while (sum(streamCounts()) < 4) await turn();
  expect(streamCounts()).toEqual([4, 0]); // The one that was given up among them.
});

test('the limit of connections comes first', async () => {
  const { send, time } = await bed({ spread, connectionCountMax: 1 });
  await send(3);
  time.advance(5_000);
  expect(await send(5)).toBe(1);
});

test('one that cannot be had fails nobody, and is asked for once a second', async () => {
  const { pool, send, server, time } = await bed({ spread });
  await send(2);
  server.prependListener('connection', (socket: Socket) => void socket.destroy());
  const refused = pool.stats.connectFailureCount;
  await send(5);
  while (pool.stats.connectFailureCount === refused) {
    await turn();
  }
  await send(5);
  expect(pool.stats).toMatchObject({ activeCount: 12, connectFailureCount: refused + 1 });
  time.advance(1_000);
  await send(1);
  while (pool.stats.connectFailureCount === refused + 1) {
    await turn();
  }
  expect(pool.activeCount).toBe(13);
});
