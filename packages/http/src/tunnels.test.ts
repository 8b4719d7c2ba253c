/** Upgrades and CONNECT where the two ends of a proxy speak different versions of HTTP. */
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  createServer as createHttp2Server,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import { seededRng, systemClock, systemTimers } from '@leno/std';
import { afterEach, expect, test } from 'vitest';
import { FieldList } from './fields.ts';
import type { ClientPool } from './pool-options.ts';
import { createHttpServer } from './server.ts';
import { RawUpstream, rawClient } from './testing/raw.ts';
import { UpstreamH2Pool } from './upstream-h2-pool.ts';
import { UpstreamPool } from './upstream-pool.ts';
import { webSocketAccept } from './web-socket.ts';

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** A proxy of both versions, before an upstream of one. */
async function proxy(port: number, version: 1 | 2): Promise<{ port: number; pool: ClientPool }> {
  const Pool = version === 1 ? UpstreamPool : UpstreamH2Pool;
  const pool = new Pool({
    address: '127.0.0.1',
    port,
    limits: { connectionCountMax: 9, pendingCountMax: 9, requestCountMax: 9 },
    connectTimeoutMs: 5_000,
    idleTimeoutMs: 30_000,
    clock: systemClock,
    timers: systemTimers,
    rng: seededRng(5),
  });
  const server = createHttpServer({
    http2: true,
    handler(exchange) {
      const attempt = pool.request(exchange.head, {
        onSent: () => undefined,
        onInterim: () => undefined,
        onHead: (head) => exchange.respond(head),
        onTunnel: (head, toPeer) => exchange.tunnel(head.fields, toPeer),
        onFailure: ({ reason }) => {
          const fields = FieldList.of([['x-reason', reason]]);
          exchange.respond({ status: 502, fields, contentLength: 0 }).end();
        },
      });
      exchange.onClose = () => attempt.cancel();
    },
  });
  open.push(
    () => server.close(),
    () => pool.close(),
  );
  return { port: (await server.listen(0, '127.0.0.1')).port, pool };
}

/** Asks over HTTP/2 for a tunnel and says `hello` in it; with what came, and the stream. */
async function askOver2(
  port: number,
  headers: OutgoingHttpHeaders,
): Promise<{ head: IncomingHttpHeaders & { ':status'?: number }; stream: ClientHttp2Stream }> {
  const session: ClientHttp2Session = connect(`http://127.0.0.1:${port}`);
  open.push(() => session.destroy());
  await once(session, 'remoteSettings');
  const stream = session.request({ ':method': 'CONNECT', ':authority': 'a:80', ...headers });
  stream.on('error', () => undefined);
  stream.setEncoding('latin1');
  const [head] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  return { head, stream };
}

const socketOver2 = {
  ':protocol': 'websocket',
  ':scheme': 'http',
  ':path': '/chat',
  'sec-websocket-version': '13',
  'sec-websocket-protocol': 'news',
};

/** The reply of an application of HTTP/1.1 to an upgrade, by its head. */
async function application1(reply: (head: string, key: string) => string): Promise<RawUpstream> {
  const upstream = new RawUpstream((peer) => {
    void peer.read('\r\n\r\n').then((head) => {
      const key = /sec-websocket-key: (.*)\r/i.exec(head)?.[1] ?? '';
      peer.send(reply(head, key));
      peer.socket.pipe(peer.socket);
    });
  });
  open.push(() => upstream.close());
  return upstream;
}

const switched = (accept: string, protocol = 'websocket') =>
  `HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Protocol: news\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;

test('RFC 8441: extended CONNECT is an Upgrade with a key of its own before an application of HTTP/1.1', async () => {
  const upstream = await application1((_, key) => switched(webSocketAccept(key)));
  const { port } = await proxy(await upstream.listen(), 1);
  const { head, stream } = await askOver2(port, { ...socketOver2, 'sec-websocket-key': KEY });
  expect(head).toMatchObject({ ':status': 200, 'sec-websocket-protocol': 'news' });
  expect(head['sec-websocket-accept']).toBeUndefined();
  stream.end('hello');
  expect((await once(stream, 'data'))[0]).toBe('hello');
  const peer = await upstream.peer(0);
  expect(peer.text).toMatch(/^GET \/chat HTTP\/1\.1\r\nhost: a:80\r\n/);
  expect(peer.text).toMatch(/sec-websocket-version: 13\r\n/i);
  expect(peer.text).toMatch(/sec-websocket-key: [A-Za-z0-9+/]{22}==\r\n/i);
  expect(peer.text).toMatch(/\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n/);
  expect(peer.text).not.toContain(KEY);
});

test('two WebSockets have two keys', async () => {
  const upstream = await application1((_, key) => switched(webSocketAccept(key)));
  const { port } = await proxy(await upstream.listen(), 1);
  await askOver2(port, socketOver2);
  await askOver2(port, socketOver2);
  const keys = upstream.peers.map(({ text }) => /sec-websocket-key: (.*)\r/i.exec(text)?.[1]);
  expect(new Set(keys).size).toBe(2);
});

test.each([
  ['no proof', 'HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n', 502],
  ['the proof of another key', switched(webSocketAccept(KEY)), 502],
  ['another protocol', switched('', 'chat'), 502],
  ['a refusal', 'HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n', 403],
  // It has ignored the upgrade, which a success over HTTP/2 would not say.
  ['an answer to a plain GET', 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage', 501],
])('a WebSocket over HTTP/2 that meets %s is no tunnel', async (_, reply, status) => {
  const upstream = await application1(() => reply);
  const { port, pool } = await proxy(await upstream.listen(), 1);
  const { head, stream } = await askOver2(port, socketOver2);
  expect(head[':status']).toBe(status);
  const text: string[] = [];
  stream.on('data', (piece: string) => text.push(piece));
  stream.end();
  await once(stream, 'close');
  expect(text).toEqual([]);
  expect(pool.stats.activeCount).toBe(0);
});

/** An application that knows HTTP/2 only, and extended CONNECT. */
async function application2(serve: (stream: ServerHttp2Stream, head: IncomingHttpHeaders) => void) {
  const server = createHttp2Server({ settings: { enableConnectProtocol: true } });
  server.on('session', (session) => open.push(() => session.destroy()));
  server.on('stream', (stream, head) => {
    stream.on('error', () => undefined);
    serve(stream, head);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => void server.close());
  return (server.address() as AddressInfo).port;
}

test.each([
  { protocol: 'websocket', proof: 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=' },
  { protocol: 'news', proof: undefined },
])('an Upgrade to $protocol reaches an application of HTTP/2', async ({ protocol, proof }) => {
  const heads: IncomingHttpHeaders[] = [];
  const upstreamPort = await application2((stream, head) => {
    heads.push(head);
    stream.respond({ ':status': 200, 'sec-websocket-protocol': 'news' });
    stream.pipe(stream);
  });
  const { port, pool } = await proxy(upstreamPort, 2);
  const client = rawClient(port);
  open.push(() => client.socket.destroy());
  client.send(
    `GET /chat HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
  );
  const head = await client.read('\r\n\r\n');
  expect(head).toMatch(/^HTTP\/1\.1 101 /);
  expect(head).toContain(`connection: upgrade\r\nupgrade: ${protocol}\r\n`);
  expect(/sec-websocket-accept: (.*)\r/.exec(head)?.[1]).toBe(proof);
  client.send('hello');
  await client.read('hello');
  expect(heads[0]).toMatchObject({
    ':method': 'CONNECT',
    ':protocol': protocol,
    ':path': '/chat',
    ':authority': 'a',
  });
  expect(heads[0]?.['sec-websocket-key']).toBeUndefined();
  client.socket.end();
  await client.close();
  while (pool.stats.activeCount > 0) await new Promise((resolve) => setImmediate(resolve));
});

test('a refusal by an application of HTTP/2 is a reply like others', async () => {
  const upstreamPort = await application2((stream) => {
    stream.respond({ ':status': 403 });
    stream.end('no');
  });
  const { port } = await proxy(upstreamPort, 2);
  const client = rawClient(port);
  open.push(() => client.socket.destroy());
  client.send(
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
  );
  expect(await client.read('no')).toMatch(/^HTTP\/1\.1 403 /);
});

test.each([1, 2] as const)(
  'RFC 9113 §8.5: CONNECT over HTTP/2 is a tunnel through an upstream of HTTP/%i',
  async (version) => {
    const upstreamPort =
      version === 1
        ? await (await application1(() => 'HTTP/1.1 200 OK\r\n\r\n')).listen()
        : await application2((stream) => {
            stream.respond({ ':status': 200 });
            stream.pipe(stream);
          });
    const { port } = await proxy(upstreamPort, version);
    const { head, stream } = await askOver2(port, {});
    expect(head[':status']).toBe(200);
    stream.write('hello');
    expect((await once(stream, 'data'))[0]).toBe('hello');
    stream.end();
    await once(stream, 'close');
    expect(stream.rstCode).toBe(0);
  },
);

test.each([
  { name: 'no proof', accept: undefined, status: 502 },
  // The key is the client's, and so is the judgement.
  { name: 'a wrong proof', accept: 'x', status: 101 },
])('between two ends of HTTP/1.1 $name is not made good', async ({ accept, status }) => {
  const line = accept === undefined ? '' : `Sec-WebSocket-Accept: ${accept}\r\n`;
  const reply = `HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n${line}\r\n`;
  const upstream = await application1(() => reply);
  const { port } = await proxy(await upstream.listen(), 1);
  const client = rawClient(port);
  open.push(() => client.socket.destroy());
  client.send(
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
  );
  const head = await client.read('\r\n\r\n');
  expect(head.slice(9, 12)).toBe(String(status));
  expect(/sec-websocket-accept: (.*)\r/i.exec(head)?.[1]).toBe(accept);
});

test('what an application of HTTP/2 says of a key that it did not get is no proof', async () => {
  const upstreamPort = await application2((stream) => {
    stream.respond({ ':status': 200, 'sec-websocket-accept': 'x' });
  });
  const { port } = await proxy(upstreamPort, 2);
  const client = rawClient(port);
  open.push(() => client.socket.destroy());
  client.send(
    `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\n\r\n`,
  );
  const head = await client.read('\r\n\r\n');
  expect(/sec-websocket-accept: (.*)\r/i.exec(head)?.[1]).toBe(webSocketAccept(KEY));
});

test('a reset of either end breaks the other off', async () => {
  const upstream = await application1((_, key) => switched(webSocketAccept(key)));
  const { port, pool } = await proxy(await upstream.listen(), 1);
  const first = await askOver2(port, socketOver2);
  const peer = await upstream.peer(0);
  const gone = once(peer.socket, 'close');
  first.stream.close(8);
  await gone;
  const second = await askOver2(port, socketOver2);
  const other = await upstream.peer(1);
  other.socket.resetAndDestroy();
  await once(second.stream, 'close');
  expect(second.stream.rstCode).not.toBe(0);
  expect(pool.stats.connectionCount).toBe(0);
});
