/** Ends that speak different versions of HTTP: each side hears its own. */
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { connect as connectTcp } from 'node:net';
import { expect, test } from 'vitest';
import { closing } from './testing/closing.ts';
import { ask, openApplication, until } from './testing/ends.ts';
import { openGrpcApplication } from './testing/grpc-ends.ts';
import { openProxy, type ProxyBed } from './testing/proxy-bed.ts';
import { endpoint } from './testing/views.ts';

async function clean(...beds: ProxyBed[]): Promise<void> {
  await until(() => beds.every((bed) => bed.leaks().length === 0));
}

/** An application of HTTP/2 that answers with what it got, in every way that there is. */
async function versionTwo() {
  const app = closing(
    await openGrpcApplication((stream, headers) => {
      const path = String(headers[':path']);
      stream.additionalHeaders({ ':status': 103, link: '</style.css>; rel=preload' });
      if (path === '/nothing') {
        stream.respond({ ':status': 204 }, { endStream: true });
        return;
      }
      stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': 'seven' }));
      stream.respond({ ':status': 200, 'x-kept': 'a, b' }, { waitForTrailers: true });
      stream.pipe(stream);
    }),
  );
  return { ...app, heads: () => app.seen };
}

/** The same in HTTP/1.1. */
async function versionOne() {
  const app = closing(
    await openApplication((incoming, outgoing) => {
      outgoing.writeEarlyHints({ link: '</style.css>; rel=preload' });
      if (incoming.url === '/nothing') {
        outgoing.writeHead(204).end();
        return;
      }
      outgoing.writeHead(200, { trailer: 'x-sum', 'x-kept': 'a, b' });
      incoming.on('data', (chunk) => outgoing.write(chunk));
      incoming.on('end', () => {
        outgoing.addTrailers({ 'x-sum': 'seven' });
        outgoing.end();
      });
    }),
  );
  return { ...app, heads: () => app.seen.map(({ headers }) => headers) };
}

interface Heard {
  readonly status: number;
  readonly interim: number;
  readonly body: string;
  readonly kept: unknown;
  readonly sum: unknown;
}

/** Asks in HTTP/1.1. */
async function askOne(port: number, path: string, body: string): Promise<Heard> {
  const headers = { host: 'shop', te: 'trailers', cookie: 'a=1; b=2' };
  const method = body === '' ? 'GET' : 'POST';
  const outgoing = request({ port, method, path, headers, agent: false });
  let interim = 0;
  outgoing.on('information', (info) => (interim = info.statusCode));
  // In two pieces, so that nobody knows its length.
  if (body !== '') outgoing.write(body.slice(0, 1));
  outgoing.end(body.slice(1));
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of incoming) text += String(chunk);
  const status = incoming.statusCode ?? 0;
  const { 'x-kept': kept } = incoming.headers;
  return { status, interim, body: text, kept, sum: incoming.trailers['x-sum'] };
}

/** Asks in HTTP/2. */
async function askTwo(port: number, path: string, body: string): Promise<Heard> {
  const session = closing(connect(`http://127.0.0.1:${port}`));
  const method = body === '' ? 'GET' : 'POST';
  const fields = { ':authority': 'shop', te: 'trailers', cookie: 'a=1; b=2' };
  const stream = session.request({ ':method': method, ':path': path, ...fields });
  let heard: Heard = { status: 0, interim: 0, body: '', kept: undefined, sum: undefined };
  stream.on('headers', (got) => (heard = { ...heard, interim: Number(got[':status']) }));
  stream.on('response', (got) => {
    heard = { ...heard, status: Number(got[':status']), kept: got['x-kept'] };
  });
  stream.on('trailers', (got: IncomingHttpHeaders) => (heard = { ...heard, sum: got['x-sum'] }));
  stream.on('data', (chunk) => (heard = { ...heard, body: heard.body + String(chunk) }));
  stream.end(body === '' ? undefined : body);
  await once(stream, 'close');
  return heard;
}

const asking = { 1: askOne, 2: askTwo } as const;

test.each([
  { from: 1, to: 2 },
  { from: 2, to: 1 },
  { from: 2, to: 2 },
  { from: 1, to: 1 },
] as const)('from HTTP/$from to HTTP/$to: bodies, trailers, 1xx', async ({ from, to }) => {
  const app = await (to === 2 ? versionTwo() : versionOne());
  const applicationProtocol = to === 2 ? 'h2c' : 'http/1.1';
  const shop = closing(await openProxy('shop', app.port, { applicationProtocol }));
  shop.apply({});
  const web = closing(await openProxy('web'));
  web.apply({ services: { shop: [endpoint(shop.inboundPort, 'shop')] } });
  const base = { status: 200, interim: 103, kept: 'a, b', sum: 'seven' };
  const long = 'abcdefghi'.repeat(30_000);
  for (const body of ['', 'short', long]) {
    expect(await asking[from](web.outboundPort, '/echo?x=1', body)).toEqual({ ...base, body });
  }
  const nothing = { status: 204, interim: 103, body: '', kept: undefined, sum: undefined };
  expect(await asking[from](web.outboundPort, '/nothing', '')).toEqual(nothing);
  const [head = {}] = app.heads();
  expect(head['cookie']).toBe('a=1; b=2');
  expect(head['x-leno-peer']).toMatch(/^spiffe:/);
  await clean(web, shop);
});

test('a client of HTTP/1.1 that waits for 100 gets one, and an application of HTTP/2 the body', async () => {
  const app = await versionTwo();
  const shop = closing(await openProxy('shop', app.port, { applicationProtocol: 'h2c' }));
  shop.apply({});
  const web = closing(await openProxy('web'));
  web.apply({ services: { shop: [endpoint(shop.inboundPort, 'shop')] } });
  const socket = connectTcp({ port: web.outboundPort, host: '127.0.0.1' });
  closing({ close: () => socket.destroy() });
  let got = '';
  socket.on('data', (chunk) => (got += chunk.toString('latin1')));
  socket.write(
    'POST /wait HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n',
  );
  await until(() => got.includes('100 Continue\r\n\r\n'));
  socket.write('body');
  await until(() => got.endsWith('0\r\n\r\n'));
  const statuses = got.split('HTTP/1.1 ').slice(1).map(Number.parseFloat);
  expect(statuses.toSorted((one, other) => one - other)).toEqual([100, 103, 200]);
  expect(got).toContain('\r\n4\r\nbody\r\n');
  expect(app.seen[0]?.['expect']).toBeUndefined();
  await clean(web, shop);
});

test.each([
  { protocols: ['grpc'] },
  { protocols: ['http2'] },
  { protocols: ['grpc', 'http2', 'tcp'] },
] as const)(
  'an application without a sidecar behind ports of $protocols is spoken to in HTTP/2',
  async ({ protocols }) => {
    const app = await versionTwo();
    const web = closing(await openProxy('web'));
    const services = { shop: [endpoint(app.port)] };
    web.apply({ services, protocols: { shop: protocols } });
    expect((await ask(web.outboundPort, { method: 'POST', body: 'in clear' })).body).toBe(
      'in clear',
    );
    expect(app.sessions.size).toBe(1);
    await clean(web);
  },
);

test('with ports of several protocols it is HTTP/1.1, for an endpoint is one port', async () => {
  const app = await versionOne();
  const web = closing(await openProxy('web'));
  web.apply({
    services: { shop: [endpoint(app.port)] },
    protocols: { shop: ['grpc', 'http'] },
  });
  expect((await ask(web.outboundPort, { method: 'POST', body: 'x' })).body).toBe('x');
  await clean(web);
});

test('two services at one address, each spoken to as it says', async () => {
  const app = await versionTwo();
  const web = closing(await openProxy('web'));
  const endpoints = [endpoint(app.port)];
  web.apply({ services: { shop: endpoints, till: endpoints }, protocols: { till: ['grpc'] } });
  const statuses: number[] = [];
  for (const host of ['shop', 'till']) {
    statuses.push((await ask(web.outboundPort, { host, method: 'POST', body: 'x' })).status);
  }
  expect(statuses).toEqual([502, 200]);
  await clean(web);
});

test('an application that speaks no HTTP/2 after all is a failure that says so, not a wait', async () => {
  const app = await versionOne();
  const shop = closing(await openProxy('shop', app.port, { applicationProtocol: 'h2c' }));
  shop.apply({});
  const web = closing(await openProxy('web'));
  web.apply({
    services: { shop: [endpoint(shop.inboundPort, 'shop')] },
    policies: { shop: { retry: { retries: 0 } } },
  });
  const { status, headers } = await ask(web.outboundPort);
  expect([status, headers['x-leno-reason']]).toEqual([503, 'connect-failed']);
  expect(headers['proxy-status']).toContain('processed=?0');
  await clean(web, shop);
});

test('what a service speaks may change, and a sidecar of it is not concerned', async () => {
  const app = await versionTwo();
  const shop = closing(await openProxy('shop', app.port, { applicationProtocol: 'h2c' }));
  shop.apply({});
  const web = closing(await openProxy('web'));
  const services = { shop: [endpoint(app.port), endpoint(shop.inboundPort, 'shop')] };
  const statuses = async (): Promise<number[]> => {
    const replies = [1, 2, 3, 4].map(() => ask(web.outboundPort, { method: 'POST', body: 'x' }));
    return (await Promise.all(replies)).map(({ status }) => status);
  };
  const policies = { shop: { balancer: { kind: 'roundRobin' } } };
  web.apply({ services, policies });
  // The application in the clear knows nothing of HTTP/1.1.
  expect((await statuses()).filter((status) => status === 200)).toHaveLength(2);
  const sidecar = web.dataPlane.clusters
    .get('default/shop')
    ?.endpoints.find(({ body }) => body.transport === 'mtls');
  web.apply({ services, policies, protocols: { shop: ['grpc'] } });
  expect(await statuses()).toEqual([200, 200, 200, 200]);
  expect(web.dataPlane.clusters.get('default/shop')?.endpoints).toContain(sidecar);
  await clean(web, shop);
  expect(web.dataPlane.pools.pools).toHaveLength(3);
});
