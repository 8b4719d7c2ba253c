/** Connections of bytes to a proxy that is short of something. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { TcpServer } from '@leno/http';
import { afterEach, expect, test, vi } from 'vitest';
import { openProxy, type ProxyBed } from '../testing/proxy-bed.ts';
import { endpoint } from '../testing/views.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** An application that greets, two sidecars of it, and a proxy `web` that listens for it. */
async function bed() {
  const sockets: Socket[] = [];
  const app = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined);
    socket.write('ready');
  });
  await once(app.listen(0, '127.0.0.1'), 'listening');
  open.push(app, { close: () => sockets.forEach((socket) => void socket.destroy()) });
  const address = app.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const [full, free] = [await openProxy('db', port), await openProxy('db', port)];
  const web = await openProxy('web');
  open.push(full, free, web);
  const endpoints = [full, free].map(({ inboundPort }) => endpoint(inboundPort, 'db'));
  const policy = { balancer: { kind: 'roundRobin' }, retry: { backoffBaseMs: 1, backoffMaxMs: 1 } };
  const view = { tcp: ['db'], services: { db: endpoints }, policies: { db: policy } };
  for (const proxy of [full, free, web]) proxy.apply(view);
  const { tcp } = web.dataPlane.engine;
  const listener = new TcpServer({
    handler: (socket, peer) => tcp.dialled('db:5432', socket, peer),
  });
  const at = await listener.listen(0, '127.0.0.1');
  open.push(listener);
  return { full, web, port: at.port };
}

/** What comes first of a connection that begins with these bytes; empty if it is reset. */
function greeted(port: number, words = ''): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  open.push({ close: () => socket.destroy() });
  if (words !== '') socket.write(words);
  return new Promise((resolve) => {
    socket.once('data', (chunk: Buffer) => resolve(chunk.toString('latin1')));
    socket.on('error', () => resolve(''));
  });
}

const shed = ({ dataPlane }: ProxyBed) => dataPlane.engine.shedCount;

test('a connection that the called sidecar refuses for want of memory goes elsewhere', async () => {
  const { full, web, port } = await bed();
  full.dataPlane.engine.refusedRatio = 1;
  for (let count = 0; count < 4; count += 1) expect(await greeted(port)).toBe('ready');
  expect(shed(full).inbound).toBeGreaterThan(0);
  expect(shed(web)).toEqual({ inbound: 0, outbound: 0 });
});

test('a proxy that is short of something takes no new connection, and keeps those it has', async () => {
  const { web, port } = await bed();
  expect(await greeted(port)).toBe('ready');
  const { engine } = web.dataPlane;
  engine.refusedRatio = 1;
  expect(await greeted(port)).toBe('');
  expect(engine.tcp.openCount('outbound')).toBe(1);
  const [record] = engine.journal.recorder.records(Number.POSITIVE_INFINITY);
  const detail = 'this proxy is short of memory or time';
  expect(record).toMatchObject({ method: 'TCP', reason: 'overloaded', detail });
  expect(shed(web)).toEqual({ inbound: 0, outbound: 1 });
});

test('CONNECT is asked once, as the request that it is', async () => {
  const { web } = await bed();
  const { engine } = web.dataPlane;
  const words = 'CONNECT db:5432 HTTP/1.1\r\nhost: db:5432\r\n\r\n';
  const sheds = vi.spyOn(engine, 'sheds');
  expect(await greeted(web.outboundPort, words)).toMatch(/^HTTP\/1.1 200/);
  expect(sheds).toHaveBeenCalledTimes(1);
});
