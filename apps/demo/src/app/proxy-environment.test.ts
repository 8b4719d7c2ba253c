/** How real apps come out of their process: what a proxy named in `HTTP_PROXY` gets to see. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { type RunningProcess, startProcess } from '@leno/std/node';
import { afterEach, expect, test } from 'vitest';
import { childEnvironment } from '../env.ts';
import { sourcePrograms } from '../fleet/programs.ts';

const running: RunningProcess[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((it) => it.stop()));
});

/** A proxy that answers everything itself with `json`, and writes down each request line by connection. */
async function startProxy(json: unknown) {
  const seen: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`);
    response.end(JSON.stringify(json));
  });
  server.on('connection', (socket) => sockets.add(socket));
  server.on('connect', (request, socket) => {
    seen.push(`CONNECT ${request.url}`);
    socket.write('HTTP/1.1 200 OK\r\n\r\n');
    server.emit('connection', socket); // What comes now is HTTP again.
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, seen, sockets, close: () => server.close() };
}

/** Starts an app as the fleet does; gives its address. */
async function startApp(role: string, proxyUrl: string): Promise<string> {
  const program = sourcePrograms(childEnvironment()).app(role, {
    PORT: '0',
    DEMO_VERSION: 'v2',
    HTTP_PROXY: proxyUrl,
    NODE_USE_ENV_PROXY: '1',
  });
  const app = startProcess(program);
  running.push(app);
  return String((await app.ready)['app']);
}

test('http.request sends the absolute form, over one kept connection', async () => {
  const proxy = await startProxy({ session: 's', lines: [] });
  const app = await startApp('storefront', proxy.url);
  for (let count = 0; count < 3; count += 1) {
    expect((await fetch(`http://${app}/cart`, { headers: { cookie: 'session=s' } })).status).toBe(
      200,
    );
  }
  expect(proxy.seen).toEqual(Array.from({ length: 3 }, () => 'GET http://cart/carts/s'));
  expect(proxy.sockets.size).toBe(1);
  proxy.close();
});

test('fetch opens a tunnel with CONNECT service:80 and speaks origin form inside', async () => {
  const proxy = await startProxy({ ratings: { dawn: 5 } });
  const app = await startApp('reviews', proxy.url);
  const reply = await fetch(`http://${app}/reviews?item=dawn`);
  expect(await reply.json()).toMatchObject({ version: 'v2', ratings: { dawn: 5 } });
  expect(proxy.seen).toEqual(['CONNECT ratings:80', 'GET /ratings/dawn']);
  proxy.close();
});

test('bad settings end an app with 64 and every mistake at once', async () => {
  const env = { PORT: 'x', DEMO_ADDRESSES: 'nonsense' };
  const app = startProcess(sourcePrograms(childEnvironment()).app('cart', env));
  expect((await app.exited).code).toBe(64);
  expect(app.recentLines().join('\n')).toMatch(/PORT[^]*DEMO_ADDRESSES/);
});
