/** Server and pool together, as a proxy has them: what arrives is what was sent, and nothing else. */
import { systemClock, systemTimers } from '@leno/std';
import { afterEach, expect, it } from 'vitest';
import type { ServerExchange, TryEvents } from './exchange.ts';
import { FieldList } from './fields.ts';
import { createHttpServer } from './server.ts';
import { type RawPeer, RawUpstream, rawClient } from './testing/raw.ts';
import { turn } from './testing/server-bed.ts';
import { UpstreamPool } from './upstream-pool.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** The least that can be called a proxy. */
function forward(pool: UpstreamPool, exchange: ServerExchange): void {
  const events: TryEvents = {
    onSent: () => undefined,
    onInterim: (status, fields) => exchange.interim(status, fields),
    onHead: (head) => exchange.respond(head),
    onTunnel: (head, toPeer) => exchange.tunnel(head.fields, toPeer),
    onFailure: ({ reason }) => {
      const fields = FieldList.of([['x-leno-reason', reason]]);
      exchange.respond({ status: 502, fields, contentLength: 0 }).end();
    },
  };
  const attempt = pool.request(exchange.head, events);
  exchange.onClose = () => attempt.cancel();
  if (exchange.head.contentLength !== 0) exchange.readBody(attempt.body);
}

async function proxy(serve?: (peer: RawPeer) => void) {
  const upstream = new RawUpstream(serve);
  const pool = new UpstreamPool({
    address: '127.0.0.1',
    port: await upstream.listen(),
    limits: { connectionCountMax: 64, pendingCountMax: 64, requestCountMax: 128 },
    connectTimeoutMs: 5_000,
    idleTimeoutMs: 30_000,
    clock: systemClock,
    timers: systemTimers,
  });
  const server = createHttpServer({ handler: (exchange) => forward(pool, exchange) });
  const { port } = await server.listen(0, '127.0.0.1');
  open.push(server, pool, upstream);
  return { upstream, pool, server, port };
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: svc\r\n${more}\r\n`;

/** Answers each head with its own target. */
function echoing(peer: RawPeer): void {
  let pending = '';
  peer.socket.on('data', (chunk: Buffer) => {
    pending += chunk.toString('latin1');
    for (let end = pending.indexOf('\r\n\r\n'); end >= 0; end = pending.indexOf('\r\n\r\n')) {
      const target = pending.split(' ')[1] ?? '';
      pending = pending.slice(end + 4);
      peer.send(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`);
    }
  });
}

it('ten thousand requests on sixteen kept connections: each gets its own answer', async () => {
  const { port, pool, server } = await proxy(echoing);
  const perClient = 625;
  await Promise.all(
    Array.from({ length: 16 }, async (_, client) => {
      const peer = rawClient(port);
      for (let round = 0; round < perClient; round += 25) {
        const paths = Array.from({ length: 25 }, (_, index) => `/${client}/${round + index}.`);
        peer.clear();
        peer.send(paths.map((path) => get(path)).join(''));
        const text = await peer.read(paths.at(-1) ?? '');
        expect(text.match(/\/\d+\/\d+\./g)).toEqual(paths);
      }
      peer.socket.destroy();
    }),
  );
  expect(server.stats.requestCount).toBe(16 * perClient);
  expect(pool.stats.connectCount).toBeLessThanOrEqual(16);
});

it('RFC 9112 §6: what is forwarded is made anew, with one framing', async () => {
  const { port, upstream } = await proxy();
  const client = rawClient(port);
  client.send(
    'POST http://svc/p HTTP/1.1\r\nHost: svc\r\nConnection: x-hop\r\nX-Hop: 1\r\nX-End:2\r\nTE: trailers\r\n' +
      'Transfer-Encoding: chunked\r\n\r\n2;ext=1\r\nhe\r\n3\r\nllo\r\n000\r\nX-T: 1\r\nHost: evil\r\n\r\n',
  );
  const peer = await upstream.peer(0);
  expect(await peer.read('\r\n\r\n', 2)).toMatch(
    /^POST \/p HTTP\/1\.1\r\nhost: svc\r\nX-End: 2\r\nte: trailers\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nX-T: 1\r\n\r\n$/,
  );
  peer.send(
    'HTTP/1.1 200 Fine\r\nServer: x\r\nKeep-Alive: 5\r\nTransfer-Encoding: chunked\r\n\r\n1;y\r\nx\r\n0\r\nX-T: 2\r\n\r\n',
  );
  expect(await client.read('0\r\n')).toBe(
    'HTTP/1.1 200 OK\r\nServer: x\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nX-T: 2\r\n\r\n',
  );
  client.socket.destroy();
});

it('a slow reader stops the upstream; memory stays bounded', async () => {
  const chunk = Buffer.alloc(64 * 1024, 'x');
  let sentByteCount = 0;
  const { port, server } = await proxy((peer) => {
    const { socket } = peer;
    const pump = (): void => {
      while (!socket.destroyed) {
        sentByteCount += chunk.length;
        socket.write('10000\r\n');
        socket.write(chunk);
        if (!socket.write('\r\n')) break;
      }
    };
    socket.once('data', () => {
      peer.send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
      socket.on('drain', pump);
      pump();
    });
  });
  const clients = Array.from({ length: 8 }, () => rawClient(port));
  for (const client of clients) client.send(get('/'));
  while (server.stats.activeRequestCount < 8) await turn();
  for (const client of clients) client.socket.pause();
  // Until nothing moves any more: the socket buffers are full, and ours have said stop.
  for (let before = -1; before !== sentByteCount; ) {
    before = sentByteCount;
    for (let round = 0; round < 200; round += 1) await turn();
  }
  const stoppedAt = sentByteCount;
  for (let round = 0; round < 500; round += 1) await turn();
  expect(sentByteCount).toBe(stoppedAt);
  // Eight readers: per pipe, kernel buffers of about 6 MB on each side of the proxy, and ours.
  expect(stoppedAt).toBeLessThan(8 * 16 * 1024 * 1024);
  clients[0]?.socket.resume();
  while (sentByteCount < stoppedAt + 20 * 1024 * 1024) await turn();
  for (const client of clients) client.socket.destroy();
  while (server.stats.activeRequestCount > 0) await turn();
});

it.each([
  ['with a length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhello'],
  ['in chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'],
])(
  'an upstream killed in the middle of a reply %s: the client sees no clean end',
  async (_, reply) => {
    const { port, upstream, server } = await proxy((peer) => {
      peer.socket.once('data', () => peer.send(reply));
    });
    const client = rawClient(port);
    client.send(get('/'));
    await client.read('hello');
    (await upstream.peer(0)).socket.resetAndDestroy();
    const text = await client.end();
    expect(text).not.toContain('\r\n0\r\n\r\n');
    expect(text.match(/HTTP\/1\.1/g)).toHaveLength(1);
    while (server.stats.activeRequestCount > 0) await turn();
  },
);

it('a client that goes away takes its request with it, and no connection is poisoned', async () => {
  const { port, upstream, pool } = await proxy();
  const client = rawClient(port);
  client.send('POST / HTTP/1.1\r\nHost: svc\r\nContent-Length: 10\r\n\r\nhello');
  const peer = await upstream.peer(0);
  await peer.read('hello');
  client.socket.resetAndDestroy();
  await peer.end();
  expect(pool.stats).toMatchObject({ idleCount: 0, activeCount: 0 });
});

it('an upgrade passes through both', async () => {
  const { port, upstream } = await proxy();
  const client = rawClient(port);
  client.send(
    get(
      '/',
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
    ),
  );
  const peer = await upstream.peer(0);
  expect(await peer.read('\r\n\r\n')).toContain(
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nconnection: upgrade\r\nupgrade: websocket\r\n',
  );
  peer.send(
    'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: a\r\n\r\nfirst',
  );
  expect(await client.read('first')).toContain(
    'Sec-WebSocket-Accept: a\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\nfirst',
  );
  client.send('ping');
  await peer.read('ping');
  peer.send('pong');
  await client.read('pong');
  client.socket.end();
  await peer.end();
  peer.socket.end();
  await client.close();
});
