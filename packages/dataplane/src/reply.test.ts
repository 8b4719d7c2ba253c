import { connect, createServer, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { openProxy } from './testing/proxy-bed.ts';
import { endpoint } from './testing/views.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

/** A proxy of `web` that calls `shop`, whose application answers each request by `serve`. */
async function proxyTo(serve: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', () => serve(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(server);
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  const web = await openProxy('web');
  open.push(web);
  const retry = { backoffBaseMs: 1, backoffMaxMs: 1 };
  web.apply({ services: { shop: [endpoint(port)] }, policies: { shop: { retry } } });
  return web.outboundPort;
}

/** Sends it all at once and reads until the proxy closes. */
function readAll(port: number, octets: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(octets));
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => {
      text += chunk;
    });
    socket.on('error', reject);
    socket.on('end', () => resolve(text));
  });
}

const get = (host: string, more = ''): string => `GET / HTTP/1.1\r\nHost: ${host}\r\n${more}\r\n`;

test('a host that is nobody in the mesh: 404, and nothing more on that connection', async () => {
  const port = await proxyTo((socket) => socket.write('HTTP/1.1 204 No Content\r\n\r\n'));
  const text = await readAll(port, get('shop') + get('nobody') + get('shop'));
  expect(text.match(/HTTP\/1\.1 \d+/g)).toEqual(['HTTP/1.1 204', 'HTTP/1.1 404']);
  expect(text).toMatch(/x-leno-reason: no-route/);
  expect(text).toMatch(/connection: close/);
});

test('a client gets at most 16 interim replies, however many tries there are', async () => {
  let tryCount = 0;
  const port = await proxyTo((socket) => {
    tryCount += 1;
    socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(12));
    if (tryCount < 3) socket.resetAndDestroy();
    else socket.write('HTTP/1.1 204 No Content\r\n\r\n');
  });
  const text = await readAll(port, get('shop', 'Connection: close\r\n'));
  expect(text.match(/HTTP\/1\.1 103/g)?.length).toBeLessThanOrEqual(16);
  expect(text).toMatch(/HTTP\/1\.1 204/);
});

test('interim replies of a try that floods: 16 in all, then 502', async () => {
  const flood = 'HTTP/1.1 103 Early Hints\r\n\r\n'.repeat(40);
  const port = await proxyTo((socket) => socket.write(flood));
  const text = await readAll(port, get('shop', 'Connection: close\r\n'));
  expect(text.match(/HTTP\/1\.1 103/g)).toHaveLength(16);
  expect(text).toMatch(/HTTP\/1\.1 502/);
});
