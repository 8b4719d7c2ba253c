/** Two sidecars with HTTP/2 between them and applications of HTTP/1.1 at both ends. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { createSecureServer, type ServerHttp2Stream } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { closing } from './testing/closing.ts';
import { type Application, ask, openApplication, until } from './testing/ends.ts';
import { idOf, tlsOf } from './testing/identities.ts';
import { openProxy, type ProxyBed } from './testing/proxy-bed.ts';
import { endpoint } from './testing/views.ts';
import { meshHttp2 } from './upstream/mesh-http2.ts';

interface Pair {
  readonly web: ProxyBed;
  readonly shop: ProxyBed;
  readonly app: Application;
}

/** `web` calls `shop`; its policy is `policy`. */
async function pair(
  serve?: Parameters<typeof openApplication>[0],
  policy: object = {},
  speaksHttp2 = true,
): Promise<Pair> {
  const app = closing(await openApplication(serve));
  const shop = closing(await openProxy('shop', app.port, { speaksHttp2 }));
  shop.apply({});
  const web = closing(await openProxy('web'));
  const services = { shop: [endpoint(shop.inboundPort, 'shop')] };
  web.apply({ services, policies: { shop: policy } });
  return { web, shop, app };
}

async function clean(...beds: ProxyBed[]): Promise<void> {
  await until(() => beds.every((bed) => bed.leaks().length === 0));
}

/** A client whose octets are written and read by hand. */
function rawClient(port: number, text: string): { socket: Socket; got: () => string } {
  const socket = connect({ port, host: '127.0.0.1' });
  let got = '';
  socket.on('data', (chunk) => (got += chunk.toString('latin1')));
  socket.on('error', () => undefined);
  socket.write(text);
  closing({ close: () => socket.destroy() });
  return { socket, got: () => got };
}

test('many requests share a connection, and each arrives as the application knows it', async () => {
  const { web, shop, app } = await pair();
  const bodies = Array.from({ length: 60 }, (_, index) => `/items/${index}?page=2`);
  const replies = await Promise.all(bodies.map((path) => ask(web.outboundPort, { path })));
  expect(replies.map((it) => it.body)).toEqual(bodies);
  expect(shop.inbound.stats).toMatchObject({ acceptedCount: 1, http2Count: 1, requestCount: 60 });
  const [seen] = app.seen;
  expect(seen?.httpVersion).toBe('1.1');
  expect(seen?.headers).toMatchObject({
    host: 'shop',
    'x-leno-peer': idOf('web'),
    'x-forwarded-client-cert': `By=${idOf('shop')};URI=${idOf('web')}`,
    'x-forwarded-proto': 'https',
  });
  const edges = shop.dataPlane.engine.metrics.edges.take();
  expect(edges).toMatchObject([{ peer: 'default/web', ok: 60, mtls: 60 }]);
  await clean(web, shop);
});

test('a sidecar of before is spoken to in HTTP/1.1', async () => {
  const { web, shop } = await pair(undefined, {}, false);
  const replies = await Promise.all(Array.from({ length: 10 }, () => ask(web.outboundPort)));
  expect(replies.map((it) => it.status)).toEqual(Array.from({ length: 10 }, () => 200));
  expect(shop.inbound.stats.http2Count).toBe(0);
  await clean(web, shop);
});

test.each([
  { method: 'HEAD', status: 200, body: '' },
  { method: 'GET', status: 204, body: '' },
  { method: 'GET', status: 304, body: '' },
  { method: 'DELETE', status: 404, body: 'nothing here' },
  { method: 'OPTIONS', status: 200, body: 'x' },
])('$method with $status comes as it was', async ({ method, status, body }) => {
  const { web, shop } = await pair((incoming, outgoing) => {
    incoming.resume();
    outgoing.writeHead(status, { 'x-kept': 'a, b', 'set-cookie': ['a=1', 'b=2'] }).end(body);
  });
  const reply = await ask(web.outboundPort, { method, headers: { cookie: 'c=3; d=4' } });
  expect([reply.status, reply.body]).toEqual([status, body]);
  expect(reply.headers).toMatchObject({ 'x-kept': 'a, b', 'set-cookie': ['a=1', 'b=2'] });
  await clean(web, shop);
});

test('large bodies of no known length pass both ways, trailers and interim replies too', async () => {
  const { web, shop, app } = await pair((incoming, outgoing) => {
    outgoing.writeEarlyHints({ link: '</style.css>; rel=preload' });
    outgoing.writeHead(200, { trailer: 'x-sum' });
    incoming.pipe(outgoing, { end: false });
    incoming.on('end', () => {
      outgoing.addTrailers({ 'x-sum': 'seven' });
      outgoing.end();
    });
  });
  const headers = { host: 'shop', te: 'trailers', cookie: 'a=1; b=2' };
  const path = '/echo';
  const outgoing = request({ port: web.outboundPort, method: 'POST', path, headers, agent: false });
  let hints: unknown;
  outgoing.on('information', (info) => (hints = info.statusCode));
  const piece = Buffer.alloc(100_000, 'abcdefghi');
  for (let count = 0; count < 30; count += 1) outgoing.write(piece);
  outgoing.end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const hash: Buffer[] = [];
  for await (const chunk of incoming) hash.push(chunk as Buffer);
  expect(Buffer.concat(hash).equals(Buffer.concat(Array.from({ length: 30 }, () => piece)))).toBe(
    true,
  );
  expect([hints, incoming.trailers]).toEqual([103, { 'x-sum': 'seven' }]);
  expect(app.seen[0]?.headers.cookie).toBe('a=1; b=2');
  await clean(web, shop);
});

test('a client that waits for 100 gets one, and one only', async () => {
  const { web, shop } = await pair();
  const head = 'POST /wait HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\nExpect: 100-continue\r\n';
  const { socket, got } = rawClient(web.outboundPort, `${head}\r\n`);
  await until(() => got().includes('100 Continue\r\n\r\n'));
  socket.write('body');
  await until(() => got().endsWith('/wait'));
  expect(got().split('HTTP/1.1 ').slice(1).map(Number.parseFloat)).toEqual([100, 200]);
  await clean(web, shop);
});

test('an early reply arrives, and the rest of the request costs nobody else anything', async () => {
  const { web, shop } = await pair((incoming, outgoing) => {
    if (incoming.url === '/early') outgoing.writeHead(413).end('too much');
    else incoming.resume().on('end', () => outgoing.end('fine'));
  });
  const length = 10_000_000;
  const head = `POST /early HTTP/1.1\r\nHost: shop\r\nContent-Length: ${length}\r\n\r\n`;
  const { socket, got } = rawClient(web.outboundPort, head);
  socket.write(Buffer.alloc(200_000));
  await until(() => got().includes('413') && got().includes('too much'));
  expect((await ask(web.outboundPort, { path: '/other' })).body).toBe('fine');
  expect(shop.inbound.stats.acceptedCount).toBe(1);
  socket.destroy();
  await clean(web, shop);
});

const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';

test.each([
  { name: 'a first WebSocket has a connection of its own', isFirst: true, protocol: 'websocket' },
  { name: 'a WebSocket shares one that is there', isFirst: false, protocol: 'websocket' },
  { name: 'another upgrade has one of its own', isFirst: false, protocol: 'echo' },
])('$name, and passes the pair both ways', async ({ isFirst, protocol }) => {
  const heads: string[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', (head) => {
      const text = String(head);
      heads.push(text);
      if (!text.includes('upgrade')) {
        socket.end('HTTP/1.1 204 No Content\r\n\r\n');
        return;
      }
      const key = /sec-websocket-key: (\S+)/i.exec(text)?.[1] ?? 'none';
      const proof = createHash('sha1')
        .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: ${protocol}\r\nSec-WebSocket-Accept: ${proof}\r\n\r\n`,
      );
      socket.pipe(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing(server);
  const { port } = server.address() as { port: number };
  const web = closing(await openProxy('web'));
  const chat = closing(await openProxy('chat', port));
  chat.apply({});
  web.apply({ services: { chat: [endpoint(chat.inboundPort, 'chat')] } });
  if (!isFirst) await ask(web.outboundPort, { host: 'chat' });
  const head = `GET /chat HTTP/1.1\r\nHost: chat\r\nConnection: upgrade\r\nUpgrade: ${protocol}\r\n`;
  const { socket, got } = rawClient(
    web.outboundPort,
    `${head}Sec-WebSocket-Key: ${KEY}\r\n\r\nearly`,
  );
  await until(() => got().endsWith('early'));
  expect(got()).toMatch(
    /^HTTP\/1.1 101 [\s\S]*sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=/i,
  );
  socket.write('late');
  await until(() => got().endsWith('late'));
  const isShared = !isFirst && protocol === 'websocket';
  expect(chat.inbound.stats).toMatchObject({
    http2Count: isFirst ? 0 : 1,
    acceptedCount: isFirst || isShared ? 1 : 2,
  });
  expect(heads.at(-1)?.includes(KEY)).toBe(!isShared);
  socket.destroy();
  await clean(web, chat);
});

test('a client that goes away takes its own request along, and no other', async () => {
  const gone: string[] = [];
  const { web, shop, app } = await pair((incoming, outgoing) => {
    incoming.socket.on('close', () => gone.push(incoming.url ?? ''));
    if (incoming.url === '/slow') return;
    incoming.resume();
    outgoing.write('begun ');
    void until(() => gone.includes('/slow')).then(() => outgoing.end('done'));
  });
  const other = ask(web.outboundPort, { path: '/other' });
  await until(() => app.seen.length === 1);
  const { socket } = rawClient(web.outboundPort, 'GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n');
  await until(() => app.seen.length === 2);
  socket.resetAndDestroy();
  expect((await other).body).toBe('begun done');
  expect(shop.inbound.stats.acceptedCount).toBe(1);
  await clean(web, shop);
});

test('clients that do not read their replies stop nobody else', async () => {
  const endless = Buffer.alloc(64 * 1024);
  const { web, shop, app } = await pair((incoming, outgoing) => {
    if (incoming.url !== '/endless') {
      outgoing.end('fine');
      return;
    }
    const more = (): void => {
      while (outgoing.write(endless));
    };
    outgoing.on('drain', more);
    more();
  });
  const lazy = Array.from({ length: 12 }, () => {
    const socket = connect({ port: web.outboundPort, host: '127.0.0.1' });
    socket.on('error', () => undefined);
    socket.pause();
    socket.write('GET /endless HTTP/1.1\r\nHost: shop\r\n\r\n');
    return closing({ close: () => socket.resetAndDestroy() });
  });
  await until(() => app.seen.length === lazy.length);
  const written = (): number =>
    app.seen.reduce((sum, { socket }) => sum + (socket.destroyed ? 0 : socket.bytesWritten), 0);
  // Until nothing moves any more: every window on the way is full.
  for (let before = -1; before !== written(); ) {
    before = written();
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  expect((await ask(web.outboundPort)).body).toBe('fine');
  expect(shop.inbound.stats.acceptedCount).toBe(1);
  for (const each of lazy) each.close();
  await clean(web, shop);
}, 60_000);

test('limits towards an upstream count requests, whatever they share', async () => {
  const limits = { requestCountMax: 3 };
  const { web, shop, app } = await pair((incoming) => void incoming.resume(), { limits });
  const clients = Array.from({ length: 3 }, () =>
    rawClient(web.outboundPort, 'GET / HTTP/1.1\r\nHost: shop\r\n\r\n'),
  );
  await until(() => app.seen.length === 3);
  const reply = await ask(web.outboundPort);
  expect([reply.status, reply.headers['x-leno-reason']]).toEqual([503, 'overflow']);
  for (const { socket } of clients) socket.resetAndDestroy();
  await clean(web, shop);
});

test('a sidecar that drains finishes what it has, and is left for others', async () => {
  let isDraining = false;
  const { web, shop, app } = await pair((_, outgoing) => {
    outgoing.write('begun ');
    void until(() => isDraining).then(() => outgoing.end('done'));
  });
  const flying = [ask(web.outboundPort), ask(web.outboundPort)];
  await until(() => app.seen.length === 2);
  const drained = shop.inbound.drain(10_000);
  isDraining = true;
  expect((await Promise.all(flying)).map((it) => it.body)).toEqual(['begun done', 'begun done']);
  await drained;
  expect(shop.inbound.stats.drainAbortCount).toBe(0);
  const other = closing(await openApplication());
  web.apply({
    services: { shop: [endpoint(shop.inboundPort, 'shop'), endpoint(other.port)] },
    policies: { shop: { retry: { backoffBaseMs: 1, backoffMaxMs: 1 } } },
  });
  for (let count = 0; count < 4; count += 1) {
    expect((await ask(web.outboundPort, { method: 'POST', body: 'pay' })).status).toBe(200);
  }
  await clean(web, shop);
});

/** A sidecar of frames by node:http2, which does with each stream what `serve` does. */
async function frames(serve: (stream: ServerHttp2Stream) => void): Promise<number> {
  const { key, cert, ca } = tlsOf('shop');
  const server = createSecureServer({ key, cert, ca, requestCert: true });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream) => {
    stream.on('error', () => undefined);
    serve(stream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing({
    close: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  });
  return (server.address() as { port: number }).port;
}

const NO_ERROR = 0;
const INTERNAL_ERROR = 2;
const REFUSED_STREAM = 7;

/** What the other side does with a POST, and whether that proves that it has not been processed. */
test.each<{ name: string; act: (stream: ServerHttp2Stream) => void; isTriedAgain: boolean }>([
  { name: 'REFUSED_STREAM', act: (stream) => stream.close(REFUSED_STREAM), isTriedAgain: true },
  {
    name: 'a GOAWAY that leaves it out',
    act: (stream) => stream.session?.goaway(NO_ERROR, 1),
    isTriedAgain: true,
  },
  { name: 'a reset', act: (stream) => stream.close(INTERNAL_ERROR), isTriedAgain: false },
  { name: 'the end', act: (stream) => stream.session?.destroy(), isTriedAgain: false },
])('a POST that meets $name is tried elsewhere: $isTriedAgain', async ({ act, isTriedAgain }) => {
  let metCount = 0;
  const port = await frames((stream) => {
    if (stream.id === 1) stream.respond({ ':status': 201 }, { endStream: true });
    else {
      metCount += 1;
      act(stream);
    }
  });
  const alive = closing(await openApplication());
  const web = closing(await openProxy('web'));
  const policy = {
    balancer: { kind: 'roundRobin' },
    retry: { backoffBaseMs: 1, backoffMaxMs: 1 },
  };
  const endpoints = [endpoint(port, 'shop'), endpoint(alive.port)];
  web.apply({ services: { shop: endpoints }, policies: { shop: policy } });
  const statuses: number[] = [];
  for (let count = 0; count < 4; count += 1) {
    statuses.push((await ask(web.outboundPort, { method: 'POST', body: 'pay' })).status);
  }
  expect(metCount).toBeGreaterThan(0);
  const failedCount = statuses.filter((status) => status >= 500).length;
  expect(failedCount).toBe(isTriedAgain ? 0 : metCount);
  expect(alive.seen).toHaveLength(statuses.filter((status) => status === 200).length);
  await clean(web);
});

test('more requests at a time than one connection takes open another', async () => {
  const { web, shop, app } = await pair((incoming) => void incoming.resume());
  const count = meshHttp2.streamCountMax + 10;
  const clients = Array.from({ length: count }, () =>
    rawClient(web.outboundPort, 'GET / HTTP/1.1\r\nHost: shop\r\n\r\n'),
  );
  await until(() => app.seen.length === count);
  expect(shop.inbound.stats.http2Count).toBe(2);
  for (const { socket } of clients) socket.resetAndDestroy();
  await clean(web, shop);
});
