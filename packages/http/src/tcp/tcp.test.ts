/** Connections of bytes between two sidecars' ends, on real sockets. */
import { X509Certificate } from 'node:crypto';
import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { codeOf, err, ok, systemTimers } from '@leno/std';
import { TestCa } from '@leno/testkit';
import { afterEach, expect, test } from 'vitest';
import { ConnectionCap } from '../connection-cap.ts';
import type { Peer } from '../exchange.ts';
import { FieldList } from '../fields.ts';
import { createHttpServer } from '../server.ts';
import type { HttpServer, HttpServerOptions } from '../server-options.ts';
import type { TlsClientOptions } from '../tls-options.ts';
import { type TcpRefusal, tcpAnswer } from './tcp-answer.ts';
import { TcpDial, type TcpDialFailure } from './tcp-dial.ts';
import { TcpPump } from './tcp-pump.ts';
import { TcpServer } from './tcp-server.ts';
import { TCP_PROTOCOL, type TcpSocket } from './tcp-socket.ts';

const ca = new TestCa();
const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

function tlsOf(name: string): TlsClientOptions {
  const leaf = ca.leaf(ca.id(name));
  return {
    key: leaf.key,
    cert: leaf.cert,
    ca: ca.root.certificatePem,
    verifyPeer: (der) => ok((new X509Certificate(der).subjectAltName ?? '').slice(4)),
  };
}

const serverTls = tlsOf('/ns/test/sa/server');
const clientTls = tlsOf('/ns/test/sa/client');

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Takes TCP over mTLS and answers at once. */
async function inbound(answer?: TcpRefusal) {
  const got: { socket: TcpSocket; peer: Peer }[] = [];
  const waiting: ((socket: TcpSocket) => void)[] = [];
  const server: HttpServer = createHttpServer({
    handler: () => undefined,
    http2: true,
    tls: serverTls,
    onTcp: (socket, peer) => {
      got.push({ socket, peer });
      socket.socket.write(tcpAnswer(answer));
      if (answer !== undefined) socket.socket.end();
      waiting.shift()?.(socket);
    },
  });
  const { port } = await server.listen(0, '127.0.0.1');
  open.push(() => server.close());
  const next = (): Promise<TcpSocket> => new Promise((resolve) => waiting.push(resolve));
  return { server, port, got, next };
}

function dial(port: number, tls: TlsClientOptions | undefined, connectTimeoutMs = 5_000) {
  return new Promise<TcpSocket | TcpDialFailure>((resolve) => {
    new TcpDial(
      { address: '127.0.0.1', port, tls, connectTimeoutMs, timers: systemTimers },
      { onOpen: resolve, onFailed: resolve },
    );
  });
}

async function opened(port: number, tls: TlsClientOptions | undefined) {
  const outcome = await dial(port, tls);
  if ('reason' in outcome) throw new Error(outcome.detail);
  return outcome;
}

function closed(socket: Duplex): Promise<string> {
  return new Promise((resolve) => {
    let how = 'clean';
    socket.on('error', (error: unknown) => {
      how = codeOf(error);
    });
    socket.on('close', () => resolve(how));
  });
}

/** A client, joined to an application by way of mTLS: two pumps as in two sidecars. */
async function chain(application: (socket: Socket) => void) {
  const serve = (socket: Socket): void => {
    socket.on('error', () => undefined);
    application(socket);
  };
  const appPort = await listen(createServer({ allowHalfOpen: true }, serve));
  const ends: string[] = [];
  const bytes = { client: 0, upstream: 0 };
  const events = (side: string) => ({
    moved: (from: 'client' | 'upstream', count: number) => {
      if (side === 'out') bytes[from] += count;
    },
    ended: (end: string) => void ends.push(`${side} ${end}`),
  });
  const sidecar = await inbound();
  const front = new TcpServer({
    handler: (client) => {
      const arrival = sidecar.next();
      void opened(sidecar.port, clientTls).then((up) => new TcpPump(client, up, events('out')));
      void arrival.then(
        async (from) => new TcpPump(from, await opened(appPort, undefined), events('in')),
      );
    },
  });
  const { port } = await front.listen(0, '127.0.0.1');
  open.push(() => front.close());
  const client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
  open.push(() => client.destroy());
  return { client, ends, bytes, sidecar, port, front };
}

test('bytes pass both ways as they are, and who calls is known by its certificate', async () => {
  const { client, sidecar, bytes } = await chain((socket) => socket.pipe(socket));
  const sent = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7) % 251));
  const got: Buffer[] = [];
  client.on('data', (chunk: Buffer) => got.push(chunk));
  client.end(sent);
  expect(await closed(client)).toBe('clean');
  expect(Buffer.concat(got).equals(sent)).toBe(true);
  expect(bytes).toEqual({ client: sent.length, upstream: sent.length });
  expect(sidecar.got[0]?.peer).toMatchObject({
    transport: 'mtls',
    identity: 'spiffe://mesh.local/ns/test/sa/client',
  });
});

test('a half that ends leaves the other open, through TLS too', async () => {
  const { client, ends } = await chain((socket) => {
    let asked = '';
    socket.on('data', (chunk) => {
      asked += String(chunk);
    });
    // Only when the client has said all: then it hears a long reply on the half that is left.
    socket.on('end', () => socket.end(asked.repeat(400_000)));
  });
  let length = 0;
  client.on('data', (chunk: Buffer) => {
    length += chunk.length;
  });
  client.end('abc');
  expect(await closed(client)).toBe('clean');
  expect(length).toBe(1_200_000);
  await expect.poll(() => ends.toSorted()).toEqual(['in done', 'out done']);
});

test('the application may end its half first', async () => {
  const { client } = await chain((socket) => {
    socket.end('bye');
    socket.once('data', (chunk) => void (String(chunk) === 'last words' && socket.resume()));
  });
  client.resume();
  await new Promise((resolve) => client.once('end', resolve));
  client.end('last words');
  expect(await closed(client)).toBe('clean');
});

test('a reset of the application is a reset at the client', async () => {
  const { client, ends } = await chain((socket) => {
    socket.once('data', () => socket.resetAndDestroy());
  });
  const end = closed(client);
  client.write('x');
  expect(await end).toBe('ECONNRESET');
  await expect.poll(() => ends.toSorted()).toEqual(['in upstream-reset', 'out upstream-reset']);
});

test('an application that resets while much is on the way brings nothing down but itself', async () => {
  const { port, ends } = await chain((socket) => {
    socket.once('data', () => setImmediate(() => socket.resetAndDestroy()));
  });
  const chunk = Buffer.alloc(65_536);
  const client = (): Promise<string> => {
    const socket = connect(port, '127.0.0.1');
    const end = closed(socket);
    socket.on('drain', () => socket.write(chunk));
    for (let count = 0; count < 40; count += 1) socket.write(chunk);
    socket.resume();
    return end;
  };
  const outcomes = await Promise.all(Array.from({ length: 40 }, client));
  expect(outcomes.filter((it) => it === 'clean')).toEqual([]);
  await expect.poll(() => ends.length).toBe(80);
  expect(ends.filter((it) => !it.endsWith('upstream-reset'))).toEqual([]);
});

test('a connection may be reset amid its own read, at either end', async () => {
  for (const resetsAt of ['server', 'client'] as const) {
    const { port, got } = await inbound();
    const client = await opened(port, clientTls);
    const server = got[0]?.socket;
    if (server === undefined) throw new Error('nothing came');
    const [reader, writer] = resetsAt === 'server' ? [server, client] : [client, server];
    const end = closed(writer.socket);
    writer.socket.resume();
    reader.socket.on('data', () => process.nextTick(() => reader.reset()));
    reader.socket.resume();
    writer.socket.write(Buffer.alloc(300_000));
    expect(await end).toBe('ECONNRESET');
  }
});

test('a reset of the client is a reset at the application', async () => {
  let end: Promise<string> = Promise.resolve('none');
  const { client, ends } = await chain((socket) => {
    end = closed(socket);
    socket.write('hello');
    socket.resume();
  });
  await new Promise((resolve) => client.once('data', resolve));
  client.resetAndDestroy();
  await expect.poll(() => ends.toSorted()).toEqual(['in client-reset', 'out client-reset']);
  expect(await end).toBe('ECONNRESET');
});

test('a listener that closes resets both ends of what it has joined', async () => {
  let end: Promise<string> = Promise.resolve('none');
  const { client, ends, front } = await chain((socket) => {
    end = closed(socket);
    socket.write('hello');
    socket.resume();
  });
  await new Promise((resolve) => client.once('data', resolve));
  const clientEnd = closed(client);
  await front.close();
  expect(await Promise.all([clientEnd, end])).toEqual(['ECONNRESET', 'ECONNRESET']);
  await expect.poll(() => ends.toSorted()).toEqual(['in client-reset', 'out client-reset']);
});

test('who does not read stops the sender, with a bounded amount on the way', async () => {
  let written = 0;
  let source: Socket | undefined;
  const { client, bytes } = await chain((socket) => {
    source = socket;
    const chunk = Buffer.alloc(65_536);
    const more = (): void => {
      while (socket.write(chunk)) written += chunk.length;
    };
    socket.on('drain', more);
    more();
    socket.resume();
  });
  client.pause();
  // Loopback buffers are large; what matters is that it comes to rest, far from unbounded.
  let before = -1;
  await expect
    .poll(
      () => {
        const isStill = before === bytes.upstream && before > 0;
        before = bytes.upstream;
        return isStill;
      },
      { interval: 200, timeout: 10_000 },
    )
    .toBe(true);
  expect(written).toBeLessThan(64 * 1024 * 1024);
  client.resume();
  await expect.poll(() => bytes.upstream > before + 10_000_000).toBe(true);
  source?.destroy();
});

test.each<TcpRefusal>(['denied', 'connect-failed', 'draining'])(
  'a sidecar that answers %s lets no byte through',
  async (reason) => {
    const { port } = await inbound(reason);
    expect(await dial(port, clientTls)).toMatchObject({ reason, isAnswer: true });
  },
);

test('who is not whom it should be gets no byte, whatever it answers', async () => {
  const { port, got } = await inbound();
  const suspicious = { ...clientTls, verifyPeer: () => err('unexpected') };
  expect(await dial(port, suspicious)).toMatchObject({ reason: 'upstream-identity' });
  const stranger = { ...clientTls, ca: new TestCa().root.certificatePem };
  expect(await dial(port, stranger)).toMatchObject({ reason: 'upstream-identity' });
  expect(got.every(({ socket }) => (socket.socket as Socket).bytesRead === 0)).toBe(true);
});

test('a sidecar of before speaks HTTP only, and is a connection that failed', async () => {
  const server = createHttpServer({ handler: () => undefined, tls: serverTls });
  const { port } = await server.listen(0, '127.0.0.1');
  open.push(() => server.close());
  expect(await dial(port, clientTls)).toMatchObject({ reason: 'connect-failed', isAnswer: false });
});

test('a peer that says nothing after its handshake is given up in time', async () => {
  const server = createHttpServer({
    handler: () => undefined,
    tls: serverTls,
    onTcp: () => undefined,
  });
  const { port } = await server.listen(0, '127.0.0.1');
  open.push(() => server.close());
  expect(await dial(port, clientTls, 200)).toMatchObject({ reason: 'connect-timeout' });
});

test('what was handed over counts as open until it is closed', async () => {
  const { server, port, got } = await inbound();
  const socket = await opened(port, clientTls);
  expect([server.stats.connectionCount, server.stats.tcpCount]).toEqual([1, 1]);
  got[0]?.socket.destroy();
  socket.destroy();
  await expect.poll(() => [server.stats.connectionCount, server.stats.tcpCount]).toEqual([0, 0]);
});

test('without a certificate nobody gets so far as to choose the protocol', async () => {
  const { server, port } = await inbound();
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    ALPNProtocols: [TCP_PROTOCOL],
    rejectUnauthorized: false,
  });
  await closed(socket);
  await expect.poll(() => server.stats.handshakeFailureCount).toBe(1);
  expect(server.stats.tcpCount).toBe(0);
});

/** A server in the clear that passes TLS on, and what came to it. */
async function sniffing(limits: HttpServerOptions['limits'] = {}) {
  const hellos: { name: string | undefined; ahead: string }[] = [];
  const server = createHttpServer({
    handler: (exchange) => {
      exchange.respond({ status: 204, fields: new FieldList(), contentLength: 0 }).end();
    },
    limits,
    onTls: (socket, _, hello) => {
      const name = hello.kind === 'hello' ? hello.serverName : hello.detail;
      hellos.push({ name, ahead: socket.ahead?.toString('latin1', 0, 1) ?? '' });
      socket.reset();
    },
  });
  const { port } = await server.listen(0, '127.0.0.1');
  open.push(() => server.close());
  return { server, port, hellos };
}

test('TLS is told from HTTP by its first octet, and given away with its hello', async () => {
  const { port, hellos, server } = await sniffing();
  expect(await closed(connectTls({ port, host: '127.0.0.1', servername: 'shop' }))).toBe(
    'ECONNRESET',
  );
  expect(hellos).toEqual([{ name: 'shop', ahead: '\x16' }]);
  const reply = await fetch(`http://127.0.0.1:${port}/`);
  expect(reply.status).toBe(204);
  expect(hellos).toHaveLength(1);
  await expect.poll(() => server.stats.tcpCount).toBe(0);
});

test('a hello that does not become whole is closed when the time for a head is over', async () => {
  const { port, hellos, server } = await sniffing({ headTimeoutMs: 100 });
  const socket = connect(port, '127.0.0.1');
  socket.resume();
  socket.write(Buffer.of(22, 3, 1));
  await closed(socket);
  // Nor is it waited for when its client has said that no more will come.
  const ended = connect(port, '127.0.0.1');
  ended.resume();
  ended.end(Buffer.of(22, 3, 1));
  await closed(ended);
  expect(hellos).toEqual([]);
  await expect.poll(() => server.stats.connectionCount).toBe(0);
});

test('a listener that is full resets whoever comes, and says so', async () => {
  const refused: [Peer, string][] = [];
  const server = new TcpServer({
    handler: () => undefined,
    connectionCountMax: 1,
    onOverload: (...told) => void refused.push(told),
  });
  const { port } = await server.listen(0, '127.0.0.1');
  open.push(() => server.close());
  const first = connect(port, '127.0.0.1');
  await new Promise((resolve) => first.once('connect', resolve));
  expect(await closed(connect(port, '127.0.0.1'))).toBe('ECONNRESET');
  expect(server.stats).toMatchObject({ connectionCount: 1, acceptedCount: 2, overloadedCount: 1 });
  expect(refused).toMatchObject([[{ address: '127.0.0.1' }, 'too many connections']]);
  const next = closed(first);
  first.end();
  first.resume();
  server.stopListening();
  await server.close();
  await next;
  await expect.poll(() => server.stats.connectionCount).toBe(0);
});

test('the cap is shared with other listeners, and what was taken of it is given back', async () => {
  const cap = new ConnectionCap(1);
  const servers = [
    new TcpServer({ handler: ({ socket }) => void socket.pipe(socket), cap }),
    createHttpServer({ handler: () => undefined, cap }),
  ] as const;
  for (const server of servers) open.push(() => server.close());
  const ports = await Promise.all(servers.map((server) => server.listen(0, '127.0.0.1')));
  const [tcp = 0, http = 0] = ports.map(({ port }) => port);
  const first = connect(tcp, '127.0.0.1');
  await expect.poll(() => cap.count).toBe(1);
  expect(await closed(connect(tcp, '127.0.0.1'))).toBe('ECONNRESET');
  connect(http, '127.0.0.1')
    .resume()
    .on('error', () => undefined);
  await expect.poll(() => servers.map(({ stats }) => stats.totalOverloadedCount)).toEqual([1, 1]);
  first.destroy();
  await expect.poll(() => cap.count).toBe(0);
  connect(tcp, '127.0.0.1').on('error', () => undefined);
  await expect.poll(() => servers[0].stats.connectionCount).toBe(1);
  expect(servers[0].stats).toMatchObject({ totalOverloadedCount: 1, overloadedCount: 0 });
});

test('a deaf listener takes nobody, and those whom it has stay', async () => {
  const server = new TcpServer({ handler: ({ socket }) => void socket.pipe(socket) });
  const { port } = await server.listen(0, '127.0.0.1');
  open.push(() => server.close());
  const early = connect(port, '127.0.0.1');
  await expect.poll(() => server.stats.connectionCount).toBe(1);
  server.relieve('deaf');
  expect(await closed(connect(port, '127.0.0.1'))).toBe('ECONNRESET');
  expect(server.stats).toMatchObject({ shedConnectionCount: 1, overloadedCount: 0 });
  early.write('there');
  expect(String(await new Promise((resolve) => early.once('data', resolve)))).toBe('there');
  server.relieve('save');
  const later = connect(port, '127.0.0.1');
  await expect.poll(() => server.stats.connectionCount).toBe(2);
  for (const socket of [early, later]) socket.destroy();
});
