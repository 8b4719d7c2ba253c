/**
 * WebSockets and other upgrades with two sidecars between them, from clients of both versions of HTTP:
 * the first has a connection of its own, later ones are streams of a connection that is shared.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { type AddressInfo, connect as connectTcp } from 'node:net';
import type { Duplex } from 'node:stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { MeshClient } from './support/client.ts';
import { documents, meshConfig, service } from './support/config.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';
import { until } from './support/until.ts';

const DRAIN_TIMEOUT_MS = 2_000;

let mesh: TestMesh;
let web: MeshApp;
let chat: MeshApp;
let application: Server;
const sockets = new WebSocketServer({ noServer: true, handleProtocols: () => 'news' });
/** Who has called, as the application sees it. */
const callers: unknown[] = [];

function found(name: string): MeshApp {
  const entry = mesh.apps.find((it) => it.service === name);
  if (entry === undefined) throw new Error(`no ${name}`);
  return entry;
}

beforeAll(async () => {
  application = createServer((_, response) => response.end('page'));
  application.on('upgrade', (request, socket: Duplex, ahead) => {
    callers.push(request.headers['x-leno-peer']);
    socket.on('error', () => undefined);
    if (request.headers.upgrade === 'websocket') {
      sockets.handleUpgrade(request, socket, ahead, (opened) => {
        opened.on('message', (message, isBinary) => opened.send(message, { binary: isBinary }));
      });
      return;
    }
    const protocol = request.headers.upgrade ?? '';
    socket.write(`HTTP/1.1 101 X\r\nConnection: upgrade\r\nUpgrade: ${protocol}\r\n\r\nhi`);
    socket.pipe(socket);
  });
  application.listen(0, '127.0.0.1');
  await once(application, 'listening');
  const { port } = application.address() as AddressInfo;
  const env = {
    LENO_APP: `127.0.0.1:${port}`,
    LENO_DRAIN_TIMEOUT_MS: String(DRAIN_TIMEOUT_MS),
  };
  mesh = await startMesh([{ service: 'web' }, { service: 'chat', env }]);
  const services = [service('web', { app: 'web' }), service('chat', { app: 'chat' })];
  await mesh.apply(documents(meshConfig(), ...services));
  await mesh.ready();
  web = found('web');
  chat = found('chat');
});

afterAll(async () => {
  for (const socket of sockets.clients) socket.terminate();
  application?.close();
  application?.closeAllConnections();
  await mesh?.stop();
});

async function openSocket(): Promise<WebSocket> {
  const socket = new WebSocket(`ws://${web.outbound}/room`, 'news', { headers: { host: 'chat' } });
  socket.on('error', () => undefined);
  await once(socket, 'open');
  return socket;
}

async function echoed(socket: WebSocket, message: string | Buffer): Promise<string | Buffer> {
  const reply = once(socket, 'message') as Promise<[Buffer, boolean]>;
  socket.send(message);
  const [got, isBinary] = await reply;
  return isBinary ? got : got.toString();
}

/** A counter of the called sidecar's inbound listener. */
async function inbound(name: string): Promise<number> {
  const stats = (await mesh.admin(chat, '/stats')) as {
    readonly inbound: Readonly<Record<string, number>>;
  };
  return stats.inbound[name] ?? Number.NaN;
}

test.each(['a connection of its own', 'a connection that is shared'])(
  'text, octets, protocol, ping and close pass on %s',
  async (name) => {
    const isShared = name.endsWith('shared');
    const client = new MeshClient(web.outbound);
    if (isShared) expect((await client.send('chat')).body).toBe('page');
    const before = await inbound('acceptedCount');
    const socket = await openSocket();
    expect((await inbound('acceptedCount')) - before).toBe(isShared ? 0 : 1);
    expect(socket.protocol).toBe('news');
    expect(await echoed(socket, 'hello')).toBe('hello');
    const octets = Buffer.alloc(1_000_000, 'abcdefg');
    expect(octets.equals((await echoed(socket, octets)) as Buffer)).toBe(true);
    const pong = once(socket, 'pong');
    socket.ping();
    await pong;
    const closed = once(socket, 'close');
    socket.close(4_001, 'enough');
    expect((await closed)[0]).toBe(4_001);
    expect(callers.at(-1)).toBe('spiffe://mesh.local/ns/default/sa/web');
    client.close();
  },
);

test('fifty at once keep their messages apart, and leave nothing behind', async () => {
  const before = await inbound('acceptedCount');
  const opened = await Promise.all(Array.from({ length: 50 }, openSocket));
  expect((await inbound('acceptedCount')) - before).toBe(0);
  await Promise.all(
    opened.map(async (socket, index) => {
      for (let round = 0; round < 20; round += 1) {
        const message = `${index}/${round}`.padEnd(500 * round, '.');
        expect(await echoed(socket, message)).toBe(message);
      }
      socket.close();
      await once(socket, 'close');
    }),
  );
  await until(async () => (await inbound('activeRequestCount')) === 0, 'all streams are over');
});

/** An extended CONNECT of a client of HTTP/2, and all that came in its stream. */
async function openOver2(protocol: string) {
  const session: ClientHttp2Session = connect(`http://${web.outbound}`);
  session.on('error', () => undefined);
  await once(session, 'remoteSettings');
  const stream: ClientHttp2Stream = session.request({
    ':method': 'CONNECT',
    ':protocol': protocol,
    ':path': '/room',
    ':authority': 'chat',
    'sec-websocket-version': '13',
  });
  let got = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => (got = Buffer.concat([got, chunk])));
  const [head] = (await once(stream, 'response')) as [Record<string, unknown>];
  return { session, stream, head, got: () => got };
}

test('RFC 8441: a client of HTTP/2 opens one on a stream', async () => {
  const { session, stream, head, got } = await openOver2('websocket');
  expect(head).toMatchObject({ ':status': 200 });
  expect(head['sec-websocket-accept']).toBeUndefined();
  // A text of five octets, with a mask of zeros; the answer has none.
  stream.write(Buffer.from([0x81, 0x85, 0, 0, 0, 0, ...Buffer.from('hello')]));
  await until(() => got().length >= 7, 'the echo');
  expect(got()).toEqual(Buffer.from([0x81, 5, ...Buffer.from('hello')]));
  // A close with 1000 is answered likewise, and ends both halves.
  stream.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xe8]));
  await until(() => stream.readableEnded, 'the end');
  expect(got().subarray(7)).toEqual(Buffer.from([0x88, 2, 0x03, 0xe8]));
  session.destroy();
});

test('any other protocol, from clients of either version', async () => {
  const [host = '', port = ''] = web.outbound.split(':');
  const socket = connectTcp({ host, port: Number(port), allowHalfOpen: true });
  let got = '';
  socket.on('data', (chunk) => (got += chunk.toString('latin1')));
  socket.write(
    'GET / HTTP/1.1\r\nHost: chat\r\nConnection: upgrade\r\nUpgrade: talk/2\r\n\r\nahead',
  );
  await until(() => got.endsWith('hiahead'), 'the echo');
  expect(got).toMatch(/^HTTP\/1\.1 101 [^]*upgrade: talk\/2\r\n\r\nhiahead$/);
  socket.end(' last');
  await once(socket, 'end');
  expect(got.endsWith('hiahead last')).toBe(true);
  const over2 = await openOver2('talk/2');
  expect(over2.head[':status']).toBe(200);
  over2.stream.end('ahead');
  await once(over2.stream, 'end');
  expect(over2.got().toString()).toBe('hiahead');
  over2.session.destroy();
});

test('a sidecar that goes lets WebSockets go on until its time is over', async () => {
  const opened = await Promise.all([openSocket(), openSocket()]);
  const ends = opened.map((socket) => once(socket, 'close'));
  const startedAtMs = performance.now();
  const exit = chat.sidecar.stop({ graceMs: 3 * DRAIN_TIMEOUT_MS });
  await until(async () => (await new MeshClient(web.outbound).send('chat')).status === 503, 'left');
  for (const socket of opened) expect(await echoed(socket, 'still here')).toBe('still here');
  const codes = (await Promise.all(ends)).map(([code]) => code as number);
  expect(codes).toEqual([1006, 1006]);
  expect((await exit).code).toBe(0);
  expect(performance.now() - startedAtMs).toBeLessThan(3 * DRAIN_TIMEOUT_MS);
});
