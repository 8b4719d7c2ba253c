/** RFC 9113 §8.5: a CONNECT over HTTP/2 is a connection inside a stream. */
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from 'node:http2';
import { connect as connectTcp, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import type { ServerExchange } from './exchange.ts';
import { createHttpServer } from './server.ts';
import type { HttpServerOptions } from './server-options.ts';
import { TcpPump } from './tcp/tcp-pump.ts';
import { TcpSocket } from './tcp/tcp-socket.ts';
import { bytes, noFields, reply } from './testing/server-bed.ts';
import { CollectingSink } from './testing/sinks.ts';
import { ManualTime } from './testing/time.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

async function serve(
  handler: (exchange: ServerExchange) => void,
  options: Partial<HttpServerOptions> = {},
) {
  const time = new ManualTime();
  const server = createHttpServer({
    ...{ http2: true, clock: time, timers: time, handler },
    ...options,
  });
  const { port } = await server.listen(0, '127.0.0.1');
  open.push(() => server.close());
  return { server, port, time };
}

function session(port: number): ClientHttp2Session {
  const client = connect(`http://127.0.0.1:${port}`);
  client.on('error', () => undefined);
  open.push(() => client.destroy());
  return client;
}

/** A stream that is a tunnel to be, and all that came out of it. */
class Tunnel {
  readonly stream: ClientHttp2Stream;
  readonly head: Promise<IncomingHttpHeaders & { ':status'?: number }>;
  readonly closed: Promise<unknown>;
  text = '';

  constructor(client: ClientHttp2Session, authority = 'svc:80') {
    this.stream = client.request({ ':method': 'CONNECT', ':authority': authority });
    this.head = once(this.stream, 'response').then(([head]) => head as IncomingHttpHeaders);
    this.head.catch(() => undefined);
    this.closed = new Promise((resolve) => this.stream.once('close', resolve));
    this.stream.on('error', () => undefined);
    this.stream.on('data', (chunk: Buffer) => (this.text += chunk.toString('latin1')));
  }

  async read(part: string): Promise<string> {
    await until(() => this.text.includes(part) || this.stream.destroyed);
    return this.text;
  }
}

/** Opens HTTP inside; what is asked there is answered with who was dialled and what was sent. */
function inside(exchange: ServerExchange): void {
  if (exchange.head.method === 'CONNECT') return exchange.acceptConnect(exchange.head.authority);
  const body = new CollectingSink();
  exchange.readBody(body);
  void body.outcome.then(() => {
    const { head, fixedAuthority } = exchange;
    reply(exchange, `<${head.target} ${fixedAuthority} ${head.authority} ${body.text.length}>`);
  });
}

const get = (path: string, more = '') => `GET ${path} HTTP/1.1\r\nHost: evil\r\n${more}\r\n`;

test('HTTP/1.1 is spoken inside, also before the answer; the destination stands', async () => {
  const { port, server } = await serve(inside);
  const client = session(port);
  const tunnel = new Tunnel(client);
  tunnel.stream.write(get('/1') + get('/2'));
  expect((await tunnel.head)[':status']).toBe(200);
  await tunnel.read('/2');
  tunnel.stream.write(get('/3', 'Connection: close\r\n'));
  await until(() => tunnel.stream.readableEnded);
  expect(tunnel.text.match(/<.*?>/g)).toEqual(
    ['/1', '/2', '/3'].map((path) => `<${path} svc:80 evil 0>`),
  );
  tunnel.stream.end();
  await tunnel.closed;
  expect(tunnel.stream.rstCode).toBe(0);
  await until(() => server.stats.connectionCount === 1);
  expect(server.stats).toMatchObject({ requestCount: 4, activeRequestCount: 0 });
});

test('more than all windows passes both ways, and other streams go on meanwhile', async () => {
  const big = 'x'.repeat(3_000_000);
  const { port } = await serve((exchange) => {
    if (exchange.head.method === 'CONNECT') return exchange.acceptConnect('svc:80');
    const body = new CollectingSink();
    exchange.readBody(body);
    void body.outcome.then(() => reply(exchange, `<${body.text}>`));
  });
  const client = session(port);
  const [tunnel, other] = [new Tunnel(client), new Tunnel(client)];
  const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${big.length}\r\n\r\n`;
  tunnel.stream.write(head + big);
  other.stream.write(get('/'));
  await other.read('<>');
  expect((await tunnel.read('>')).endsWith(`<${big}>`)).toBe(true);
});

test('who does not read stops who writes, and nobody else', async () => {
  let sentByteCount = 0;
  const { port } = await serve((exchange) => {
    if (exchange.head.method === 'CONNECT') return exchange.acceptConnect('svc:80');
    if (exchange.head.target === '/small') return reply(exchange, 'small');
    const sink = exchange.respond({ status: 200, fields: noFields, contentLength: undefined });
    const pump = (): void => {
      for (let more = true; more; sentByteCount += 16_384) more = sink.write(Buffer.alloc(16_384));
    };
    sink.onDrain = pump;
    pump();
  });
  const client = session(port);
  const [slow, other] = [new Tunnel(client), new Tunnel(client)];
  await slow.head;
  slow.stream.pause();
  slow.stream.write(get('/'));
  other.stream.write(get('/small'));
  await other.read('small');
  for (let before = -1; before !== sentByteCount; ) {
    before = sentByteCount;
    for (let round = 0; round < 100; round += 1) await turn();
  }
  // A window, what the stream inside queues, and what a server queues.
  expect(sentByteCount).toBeLessThan(1024 * 1024);
});

test('what nobody reads inside stays with who sends it', async () => {
  let taken: ServerExchange | undefined;
  const { port } = await serve((exchange) => {
    if (exchange.head.method === 'CONNECT') exchange.acceptConnect('svc:80');
    else taken = exchange;
  });
  const client = session(port);
  const [tunnel, other] = [new Tunnel(client), new Tunnel(client)];
  const size = 2_000_000;
  tunnel.stream.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${size}\r\n\r\n`);
  tunnel.stream.write('x'.repeat(size));
  await Promise.all([until(() => taken !== undefined), other.head]);
  for (let round = 0; round < 50; round += 1) {
    await new Promise((resolve) => client.ping(resolve));
  }
  expect(tunnel.stream.writableLength).toBeGreaterThan(0);
  const body = new CollectingSink();
  taken?.readBody(body);
  await body.outcome;
  expect(body.text).toHaveLength(size);
});

test('a tunnel that goes away is a client that goes away', async () => {
  const causes: string[] = [];
  const { port, server } = await serve((exchange) => {
    if (exchange.head.method === 'CONNECT') return exchange.acceptConnect('svc:80');
    exchange.onClose = (cause) => causes.push(cause);
  });
  const client = session(port);
  const [reset, cut] = [new Tunnel(client), new Tunnel(client)];
  for (const each of [reset, cut]) each.stream.write(get('/'));
  await until(() => server.stats.activeRequestCount === 2);
  reset.stream.close(constants.NGHTTP2_CANCEL);
  await until(() => causes.length === 1);
  client.destroy();
  await until(() => causes.length === 2);
  expect(causes).toEqual(['client-gone', 'client-gone']);
  await until(() => server.stats.connectionCount === 0);
});

test('as many tunnels as there may be connections', async () => {
  const { port, server } = await serve(inside, { limits: { connectionCountMax: 2 } });
  const client = session(port);
  const [first, second] = [new Tunnel(client), new Tunnel(client)];
  expect((await first.head)[':status']).toBe(200);
  expect((await second.head)[':status']).toBe(503);
  expect(server.stats).toMatchObject({ overloadedCount: 1, connectionCount: 2 });
  first.stream.end();
  await until(() => server.stats.connectionCount === 1);
  expect((await new Tunnel(client).head)[':status']).toBe(200);
});

test('drains: idle tunnels end, what is in flight in one ends it, and then the connection', async () => {
  const exchanges: ServerExchange[] = [];
  const { port, server } = await serve((exchange) => {
    if (exchange.head.method === 'CONNECT') exchange.acceptConnect('svc:80');
    else exchanges.push(exchange);
  });
  const client = session(port);
  const gone = once(client, 'close');
  const [idle, busy] = [new Tunnel(client), new Tunnel(client)];
  busy.stream.write(get('/'));
  await Promise.all([idle.head, until(() => exchanges.length === 1)]);
  const drained = server.drain(10_000);
  await until(() => idle.stream.readableEnded);
  idle.stream.end();
  reply(exchanges[0] ?? expect.fail(), 'last');
  expect(await busy.read('last')).toContain('connection: close');
  busy.stream.end();
  await Promise.all([drained, gone]);
  expect(server.stats).toMatchObject({ connectionCount: 0, drainAbortCount: 0 });
});

test('an idle tunnel has the time of an idle connection', async () => {
  const { port, time, server } = await serve(inside, {
    http2: { streamIdleTimeoutMs: 1_000 },
    limits: { idleTimeoutMs: 10_000 },
  });
  const tunnel = new Tunnel(session(port));
  await tunnel.head;
  for (let second = 0; second < 9; second += 1) time.advance(1_000);
  tunnel.stream.write(get('/'));
  await tunnel.read('>');
  for (let second = 0; second < 13; second += 1) time.advance(1_000);
  await until(() => tunnel.stream.readableEnded);
  expect(server.stats).toMatchObject({ idleTimeoutCount: 1 });
});

/** A server whose CONNECT leads to an application of TCP that does what `far` does. */
async function tcp(far: (socket: Socket) => void) {
  const application = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => undefined);
    open.push(() => socket.destroy());
    far(socket);
  });
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve));
  open.push(() => application.close());
  const address = application.address();
  const ends: string[] = [];
  const bed = await serve((exchange) => {
    const client = exchange.takeSocket();
    if (client === undefined) return;
    const upstream = connectTcp({
      port: typeof address === 'object' ? (address?.port ?? 0) : 0,
      host: '127.0.0.1',
      allowHalfOpen: true,
    });
    new TcpPump(client, new TcpSocket(upstream), {
      moved: () => undefined,
      ended: (end) => ends.push(end),
    });
  });
  return { ...bed, ends };
}

test('octets of any protocol pass, and halves end apart', async () => {
  const { port, server, ends, time } = await tcp((socket) => {
    let text = '';
    socket.on('data', (chunk) => (text += chunk.toString('latin1')));
    socket.on('end', () => socket.end(`${text.length} ${text.slice(-5)}`));
  });
  const client = session(port);
  const tunnel = new Tunnel(client);
  tunnel.stream.write('x'.repeat(2_000_000));
  await tunnel.head;
  // By now it has acknowledged our settings.
  await new Promise((resolve) => client.ping(resolve));
  expect(server.stats).toMatchObject({ tcpCount: 1, activeRequestCount: 0 });
  // Whoever has the socket says how long it may be quiet.
  for (let minute = 0; minute < 10; minute += 1) time.advance(60_000);
  tunnel.stream.end('hello');
  await tunnel.closed;
  expect([tunnel.text, tunnel.stream.rstCode]).toEqual(['2000005 hello', 0]);
  await until(() => ends.length === 1);
  expect(ends).toEqual(['done']);
  await until(() => server.stats.tcpCount === 0);
});

test('RFC 9113 §8.5: a reset at either side is one at the other', async () => {
  const { port, server, ends } = await tcp((socket) => {
    socket.on('data', (chunk) => {
      if (chunk.toString() === 'reset') socket.resetAndDestroy();
      else socket.write('here');
    });
  });
  const client = session(port);
  const far = new Tunnel(client);
  far.stream.write('reset');
  await far.closed;
  expect(far.stream.rstCode).toBe(constants.NGHTTP2_CONNECT_ERROR);
  const near = new Tunnel(client);
  near.stream.write(bytes('hello'));
  await near.read('here');
  near.stream.close(constants.NGHTTP2_CONNECT_ERROR);
  await until(() => ends.length === 2);
  expect(ends).toEqual(['upstream-reset', 'client-reset']);
  await until(() => server.stats.tcpCount === 0);
});

test('what flows in a tunnel is no body, whose length is bounded', async () => {
  const { port } = await serve(
    (exchange) => {
      const toClient = exchange.tunnel(undefined, {
        onDrain: undefined,
        write: (chunk) => toClient.write(chunk),
        end: () => toClient.end(),
        abort: () => undefined,
      });
    },
    { limits: { bodyByteCountMax: 10 } },
  );
  const tunnel = new Tunnel(session(port));
  tunnel.stream.end('more than ten octets');
  await tunnel.closed;
  expect([tunnel.text, tunnel.stream.rstCode]).toEqual(['more than ten octets', 0]);
});

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}

async function until(isMet: () => boolean): Promise<void> {
  while (!isMet()) await turn();
}
