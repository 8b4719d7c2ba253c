import { type ClientRequest, type RequestListener, request } from 'node:http';
import { type Rng, seededRng } from '@leno/std';
import { afterEach, expect, test } from 'vitest';
import { deadPort, openApplication, until } from './testing/ends.ts';
import { openProxy, type ProxyBed } from './testing/proxy-bed.ts';
import { endpoint } from './testing/views.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

const kilobytes = (count: number): string => 'x'.repeat(count * 1_024);

/** What the application does to a request is in its path. */
const behaviours: Readonly<Record<string, RequestListener>> = {
  '/ok': (incoming, outgoing) => {
    incoming.resume();
    incoming.on('end', () => outgoing.end('fine'));
  },
  '/early': (_, outgoing) => outgoing.end('before the body was read'),
  '/big': (incoming, outgoing) => {
    incoming.resume();
    outgoing.end(kilobytes(600));
  },
  '/stream': (incoming, outgoing) => {
    incoming.resume();
    outgoing.write('begun');
    // Silent for longer than the caller waits, and then over.
    setTimeout(() => outgoing.end(), 400);
  },
  '/hang': (incoming) => incoming.resume(),
  '/deaf': () => undefined,
  '/reset': (incoming) => incoming.socket.destroy(),
  '/torn': (incoming, outgoing) => {
    incoming.resume();
    outgoing.writeHead(200, { 'content-length': 1_000 });
    outgoing.write('half', () => incoming.socket.destroy());
  },
  '/busy': (incoming, outgoing) => {
    incoming.resume();
    outgoing.writeHead(503).end(kilobytes(40));
  },
};
const paths = Object.keys(behaviours);

/** When a client goes away: never, or at one of these. */
const departures = ['never', 'never', 'at once', 'when connected', 'while sending', 'at the head'];

/** Goes away for good: a FIN alone could be a client that has closed its half and reads on. */
function leave(outgoing: ClientRequest): void {
  const { socket } = outgoing;
  if (socket === null || socket.connecting) outgoing.destroy();
  else socket.resetAndDestroy();
}

function oneOf<T>(list: readonly T[], rng: Rng): T {
  return list[Math.floor(rng() * list.length)] as T;
}

/** Makes one request of the storm; resolves when it is over for the client. */
function gust(port: number, rng: Rng): Promise<void> {
  const departure = oneOf(departures, rng);
  const method = oneOf(['GET', 'POST', 'PUT'], rng);
  const body = method === 'GET' ? '' : kilobytes(oneOf([1, 30, 300], rng));
  const headers = { host: oneOf(['shop', 'shop', 'shop', 'nobody'], rng) };
  return new Promise((resolve) => {
    const path = oneOf(paths, rng);
    const options = { port, host: '127.0.0.1', method, path, headers, agent: false };
    const outgoing = request(options, (incoming) => {
      incoming.on('error', () => undefined);
      incoming.on('close', resolve);
      if (departure === 'at the head') leave(outgoing);
      else incoming.resume();
    });
    outgoing.on('error', () => resolve());
    outgoing.on('close', () => resolve());
    if (departure === 'when connected') {
      outgoing.on('socket', (socket) => socket.on('connect', () => leave(outgoing)));
    }
    if (departure === 'while sending' && body !== '')
      outgoing.write(body.slice(0, 500), () => leave(outgoing));
    else outgoing.end(body);
    if (departure === 'at once') leave(outgoing);
  });
}

/** `count` requests, so many at a time. */
async function storm(port: number, seed: number, count: number): Promise<void> {
  const rng = seededRng(seed);
  let left = count;
  const blow = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await gust(port, rng);
    }
  };
  await Promise.all(Array.from({ length: 32 }, blow));
}

async function mesh(): Promise<{ web: ProxyBed; shop: ProxyBed }> {
  const app = await openApplication((incoming, outgoing) => {
    behaviours[incoming.url ?? '']?.(incoming, outgoing);
  });
  const shop = await openProxy('shop', app.port);
  const web = await openProxy('web');
  open.push(app, shop, web);
  shop.apply({});
  const endpoints = [
    endpoint(shop.inboundPort, 'shop', 'whole'),
    endpoint(app.port, undefined, 'bare'),
    endpoint(await deadPort(), undefined, 'dead'),
  ];
  const retry = { backoffBaseMs: 1, backoffMaxMs: 5, onPerTryTimeout: true };
  const timeouts = { requestMs: 300, perTryMs: 100, idleMs: 200 };
  web.apply({ services: { shop: endpoints }, policies: { shop: { retry, timeouts } } });
  return { web, shop };
}

test.each([1, 2])(
  'property: a storm of 500 requests of every kind leaves nothing behind (seed %i)',
  { timeout: 60_000 },
  async (seed) => {
    const { web, shop } = await mesh();
    await storm(web.outboundPort, seed, 500);
    await until(() => web.leaks().length + shop.leaks().length === 0);
    // Whoever is counted in is counted out: what was asked is what was answered or given up.
    const { clusters } = web.dataPlane;
    expect(clusters.get('default/shop')?.activeCount).toBe(0);
    expect([...web.leaks(), ...shop.leaks()]).toEqual([]);
  },
);

test('clients that go away say nothing about an endpoint', async () => {
  const { web } = await mesh();
  const app = await openApplication((incoming) => void incoming.resume());
  open.push(app);
  web.apply({ services: { shop: [endpoint(app.port, undefined, 'hangs')] } });
  const shop = web.dataPlane.clusters.get('default/shop');
  for (let count = 0; count < 30; count += 1) {
    const outgoing = request({
      port: web.outboundPort,
      host: '127.0.0.1',
      headers: { host: 'shop' },
    });
    outgoing.on('error', () => undefined);
    outgoing.end();
    await until(() => app.seen.length > count);
    leave(outgoing);
  }
  await until(() => web.leaks().length === 0);
  const report = shop?.endpoints[0]?.explain(performance.now());
  expect(report).toMatchObject({ state: 'closed', consecutiveFailureCount: 0 });
  expect(report?.rates[0]?.failureCount).toBe(0);
});
