import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { expect, test } from 'vitest';
import { closing } from './testing/closing.ts';
import {
  type Application,
  ask,
  deadPort,
  openApplication,
  type Question,
  until,
} from './testing/ends.ts';
import { openProxy, type ProxyBed } from './testing/proxy-bed.ts';
import { endpoint, type Mesh } from './testing/views.ts';

const application = async (...serve: Parameters<typeof openApplication>): Promise<Application> =>
  closing(await openApplication(...serve));

/** The proxy of `web`, which calls `shop`. */
async function caller(shop: Mesh['services'], rest: Omit<Mesh, 'services'> = {}) {
  const web = closing(await openProxy('web'));
  expect(web.apply({ services: shop ?? {}, ...rest }).status).toBe('applied');
  return web;
}

/** Round robin and no back-off to speak of, so that tests know who is next and need not wait. */
const plain = { balancer: { kind: 'roundRobin' } };
const quick = { ...plain, retry: { backoffBaseMs: 1, backoffMaxMs: 1 } };

async function clean(...beds: ProxyBed[]): Promise<void> {
  await until(() => beds.every((bed) => bed.leaks().length === 0));
}

// Retries.
test.each([{ method: 'GET' }, { method: 'POST', body: 'a body' }])(
  'a refused connection is tried elsewhere, $method too',
  async (question) => {
    const alive = await application();
    const endpoints = [endpoint(await deadPort()), endpoint(alive.port)];
    const web = await caller({ shop: endpoints }, { policies: { shop: quick } });
    for (let count = 0; count < 4; count += 1) {
      expect((await ask(web.outboundPort, question)).status).toBe(200);
    }
    expect(alive.seen).toHaveLength(4);
    expect(alive.seen.some(({ headers }) => headers['x-leno-attempt'] === '2')).toBe(true);
    await clean(web);
  },
);

const reset = { end: 'reset', status: 503, reason: 'upstream-reset' } as const;
const close = { end: 'close', status: 502, reason: 'upstream-protocol' } as const;
const keyed = { method: 'POST', body: 'pay', headers: { 'idempotency-key': 'k' } };

test.each([
  { ...reset, question: { method: 'POST', body: 'pay' }, tries: 1 },
  { ...reset, question: { method: 'GET' }, tries: 3 },
  { ...reset, question: keyed, tries: 3 },
  { ...close, question: { method: 'POST', body: 'pay' }, tries: 1 },
  { ...close, question: { method: 'GET' }, tries: 3 },
  { ...close, question: keyed, tries: 3 },
])('a $end after the request was read: $question.method is sent $tries times', async (row) => {
  const app = await application((incoming) => {
    const { socket } = incoming;
    incoming.resume();
    incoming.on('end', () => (row.end === 'reset' ? socket.resetAndDestroy() : socket.destroy()));
  });
  const web = await caller({ shop: [endpoint(app.port)] }, { policies: { shop: quick } });
  const reply = await ask(web.outboundPort, row.question);
  expect(reply.status).toBe(row.status);
  expect(reply.headers['x-leno-reason']).toBe(row.reason);
  expect(reply.headers['proxy-status']).toContain('processed=?1');
  expect(app.seen).toHaveLength(row.tries);
  await clean(web);
});

test('once a try may have been processed, no later one makes it unprocessed again', async () => {
  const app = await application((incoming) => {
    app.close();
    incoming.socket.destroy();
  });
  const web = await caller({ shop: [endpoint(app.port)] }, { policies: { shop: quick } });
  const reply = await ask(web.outboundPort);
  expect(reply.headers['x-leno-reason']).toBe('connect-failed');
  expect(reply.headers['proxy-status']).toContain('processed=?1');
});

test('the body is whole in every try, and one that is too long is sent once', async () => {
  const bodies: string[] = [];
  const app = await application((incoming, outgoing) => {
    let body = '';
    incoming.on('data', (chunk: Buffer) => (body += chunk.toString()));
    incoming.on('end', () => {
      bodies.push(body);
      outgoing.statusCode = bodies.length % 2 === 1 ? 503 : 200;
      outgoing.end('x'.repeat(100_000));
    });
  });
  const web = await caller({ shop: [endpoint(app.port)] }, { policies: { shop: quick } });
  const put = (body: string) => ask(web.outboundPort, { method: 'PUT', body });
  expect((await put('short')).status).toBe(200);
  expect(bodies).toEqual(['short', 'short']);
  const long = 'l'.repeat(70_000);
  expect((await put(long)).status).toBe(503);
  expect(bodies.slice(2)).toEqual([long]);
  await clean(web);
});

test('what the sidecar of the other side proves unprocessed is tried elsewhere, POST too', async () => {
  const alive = await application();
  const orphan = closing(await openProxy('shop', await deadPort()));
  const whole = closing(await openProxy('shop', alive.port));
  for (const bed of [orphan, whole]) bed.apply({});
  const endpoints = [endpoint(orphan.inboundPort, 'shop'), endpoint(whole.inboundPort, 'shop')];
  const web = await caller({ shop: endpoints }, { policies: { shop: quick } });
  for (let count = 0; count < 4; count += 1) {
    const reply = await ask(web.outboundPort, { method: 'POST', body: 'pay' });
    expect(reply.status).toBe(200);
  }
  expect(alive.seen).toHaveLength(4);
  await clean(web, orphan, whole);
});

test('an application cannot claim that it processed nothing', async () => {
  const liar = await application((_, outgoing) => {
    outgoing.writeHead(503, { 'proxy-status': 'leno-shop; processed=?0', 'x-leno-reason': 'x' });
    outgoing.end();
  });
  const shop = closing(await openProxy('shop', liar.port));
  shop.apply({});
  const sidecar = [endpoint(shop.inboundPort, 'shop')];
  const web = await caller({ shop: sidecar, bare: [endpoint(liar.port)] });
  for (const host of ['shop', 'bare']) {
    const before = liar.seen.length;
    const reply = await ask(web.outboundPort, { method: 'POST', body: 'pay', host });
    expect(reply.status).toBe(503);
    expect(liar.seen.length - before).toBe(1);
  }
  expect((await ask(shop.inboundPort).catch(() => undefined))?.status).toBeUndefined();
});

test('a client that goes away during a back-off gives the budget back', async () => {
  const retry = { backoffBaseMs: 60_000, backoffMaxMs: 60_000 };
  const policies = { shop: { retry, timeouts: { requestMs: 0 } } };
  const web = await caller({ shop: [endpoint(await deadPort())] }, { policies });
  const socket = connect({ port: web.outboundPort, host: '127.0.0.1' });
  socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n');
  const shop = web.dataPlane.clusters.get('default/shop');
  await until(() => shop?.budget.inFlightCount === 1);
  socket.resetAndDestroy();
  await clean(web);
});

test.each([
  { name: 'never ends', headers: { 'content-length': 9 }, body: 'half' },
  { name: 'is long', headers: {}, body: 'x'.repeat(200_000) },
])('a reply that is not used and $name holds no connection', async ({ headers, body }) => {
  const app = await application((_, outgoing) => {
    if (app.seen.length > 1) outgoing.end('fine');
    else outgoing.writeHead(503, headers).write(body);
  });
  const web = await caller({ shop: [endpoint(app.port)] }, { policies: { shop: quick } });
  expect((await ask(web.outboundPort)).body).toBe('fine');
  await clean(web);
});

// Times.
const silent = () => application((incoming) => incoming.resume());

test('a try that is too slow is made elsewhere where a policy says so', async () => {
  const slow = await silent();
  const quickly = await application();
  const policy = { ...quick, timeouts: { perTryMs: 40 } };
  const endpoints = [endpoint(slow.port), endpoint(quickly.port)];
  const web = await caller({ shop: endpoints }, { policies: { shop: policy } });
  for (let count = 0; count < 2; count += 1) {
    expect((await ask(web.outboundPort)).status).toBe(200);
  }
  expect(slow.seen.length).toBeGreaterThan(0);
  await clean(web);
});

test('without one it is the end, and POST is never tried again', async () => {
  const slow = await silent();
  const policies = { shop: { ...quick, timeouts: { perTryMs: 40 } } };
  const web = await caller({ shop: [endpoint(slow.port)] }, { policies });
  const reply = await ask(web.outboundPort, { method: 'POST', body: 'x' });
  expect([reply.status, reply.headers['x-leno-reason']]).toEqual([504, 'per-try-timeout']);
  expect(slow.seen).toHaveLength(1);
  await clean(web);
});

test('the time of a request holds over all tries, and is not cut in half for nothing', async () => {
  const slow = await silent();
  const policies = { shop: { ...plain, timeouts: { requestMs: 60 } } };
  const web = await caller({ shop: [endpoint(slow.port)] }, { policies });
  const startedAtMs = performance.now();
  const reply = await ask(web.outboundPort);
  expect([reply.status, reply.headers['x-leno-reason']]).toEqual([504, 'request-timeout']);
  expect(performance.now() - startedAtMs).toBeGreaterThan(55);
  expect(slow.seen).toHaveLength(1);
  await clean(web);
});

test('what is left travels on, and the sidecar of the other side heeds it', async () => {
  const slow = await silent();
  const shop = closing(await openProxy('shop', slow.port));
  shop.apply({});
  const policies = { shop: { ...plain, timeouts: { requestMs: 80 } } };
  const web = await caller({ shop: [endpoint(shop.inboundPort, 'shop')] }, { policies });
  expect((await ask(web.outboundPort, { headers: { 'x-leno-deadline': '9' } })).status).toBe(504);
  const left = Number(slow.seen[0]?.headers['x-leno-deadline']);
  expect(left).toBeGreaterThan(40);
  expect(left).toBeLessThanOrEqual(80);
  await clean(web, shop);
});

test('a stream may last, but a silent one is given up', async () => {
  let pieces = 0;
  const app = await application((_, outgoing) => {
    const more = setInterval(() => {
      pieces += 1;
      if (pieces < 8) outgoing.write('piece');
      else clearInterval(more);
    }, 20);
  });
  const policies = { shop: { ...plain, timeouts: { requestMs: 50, idleMs: 60 } } };
  const web = await caller({ shop: [endpoint(app.port)] }, { policies });
  await expect(ask(web.outboundPort)).rejects.toThrow();
  expect(pieces).toBe(8);
  await clean(web);
});

// Who calls.
const forged = {
  'X-Forwarded-Client-Cert': 'URI=spiffe://mesh.local/ns/default/sa/admin',
  'X-LENO-PEER': 'spiffe://mesh.local/ns/default/sa/admin',
  'x-forwarded-for': '192.0.2.1',
  'x-forwarded-host': 'evil',
  'x-forwarded-proto': 'gopher',
  forwarded: 'for=192.0.2.1',
  'x-real-ip': '192.0.2.1',
  'x-leno-attempt': '7',
  connection: 'x-leno-peer',
};

test('what claims an identity is stripped, the verified caller is said', async () => {
  const app = await application();
  const shop = closing(await openProxy('shop', app.port));
  shop.apply({});
  const web = await caller({ shop: [endpoint(shop.inboundPort, 'shop')] });
  expect((await ask(web.outboundPort, { headers: forged })).status).toBe(200);
  const id = (name: string) => `spiffe://mesh.local/ns/default/sa/${name}`;
  expect(app.seen[0]?.headers).toMatchObject({
    'x-leno-peer': id('web'),
    'x-forwarded-client-cert': `By=${id('shop')};URI=${id('web')}`,
    'x-forwarded-for': '127.0.0.1',
    'x-forwarded-host': 'shop',
    'x-forwarded-proto': 'https',
  });
  for (const name of ['forwarded', 'x-real-ip', 'x-leno-attempt']) {
    expect(app.seen[0]?.headers[name]).toBeUndefined();
  }
});

test('plain text where it is allowed brings no identity at all', async () => {
  const app = await application();
  const shop = closing(await openProxy('shop', app.port));
  shop.apply({ permissive: ['shop'] });
  const reply = await ask(shop.inboundPort, { headers: { ...forged, 'x-leno-deadline': '1' } });
  expect(reply.status).toBe(200);
  const { headers } = app.seen[0] ?? {};
  expect(headers?.['x-forwarded-for']).toBe('127.0.0.1');
  const stripped = ['x-leno-peer', 'x-forwarded-client-cert', 'x-leno-deadline', 'forwarded'];
  for (const name of stripped) expect(headers?.[name]).toBeUndefined();
});

test.each<{ name: string; given: Question['headers']; kept: boolean }>([
  { name: 'well-formed', given: { 'x-request-id': 'a-1_b.c~d+e/f=g:h@i' }, kept: true },
  { name: 'of 128 characters', given: { 'x-request-id': 'a'.repeat(128) }, kept: true },
  { name: 'of 129 characters', given: { 'x-request-id': 'a'.repeat(129) }, kept: false },
  { name: 'with a blank', given: { 'x-request-id': 'a b' }, kept: false },
  { name: 'said twice', given: { 'x-request-id': ['a', 'b'] }, kept: false },
  { name: 'absent', given: {}, kept: false },
])('x-request-id $name: kept is $kept', async ({ given, kept }) => {
  const app = await application();
  const web = await caller({ shop: [endpoint(app.port)] });
  await ask(web.outboundPort, { headers: given ?? {} });
  const got = app.seen[0]?.headers['x-request-id'];
  if (kept) expect(got).toBe(given?.['x-request-id']);
  else expect(got).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});

test('before any config nobody is let in, whatever certificate is shown', async () => {
  const app = await application();
  const shop = closing(await openProxy('shop', app.port));
  const web = await caller({ shop: [endpoint(shop.inboundPort, 'shop')] });
  const reply = await ask(web.outboundPort);
  expect([reply.status, reply.headers['x-leno-reason']]).toEqual([403, 'denied']);
  expect(app.seen).toHaveLength(0);
  await clean(web, shop);
});

test('a strict port says nothing to plain text, nor to TLS without a certificate', async () => {
  const app = await application();
  const shop = closing(await openProxy('shop', app.port));
  shop.apply({});
  const at = { port: shop.inboundPort, host: '127.0.0.1' };
  for (const socket of [connect(at), connectTls({ ...at, rejectUnauthorized: false })]) {
    let got = '';
    socket.on('data', (chunk) => (got += String(chunk)));
    socket.on('error', () => undefined);
    socket.write('GET / HTTP/1.1\r\nHost: shop\r\n\r\n');
    await once(socket, 'close');
    expect(got).toBe('');
  }
  expect(app.seen).toHaveLength(0);
});

test('an endpoint must show the identity that it was said to have', async () => {
  const app = await application();
  const shop = closing(await openProxy('shop', app.port));
  shop.apply({});
  const web = await caller({ shop: [endpoint(shop.inboundPort, 'cart')] });
  const reply = await ask(web.outboundPort);
  expect([reply.status, reply.headers['x-leno-reason']]).toEqual([502, 'upstream-identity']);
  expect(app.seen).toHaveLength(0);
});

test('inbound calls are counted by the transport of their caller', async () => {
  const app = await application();
  const shop = closing(await openProxy('shop', app.port));
  shop.apply({});
  const web = await caller({ shop: [endpoint(shop.inboundPort, 'shop')] });
  await ask(web.outboundPort);
  await clean(web, shop);
  const edges = shop.dataPlane.engine.metrics.edges.take();
  expect(edges).toMatchObject([{ peer: 'default/web', direction: 'inbound', ok: 1, mtls: 1 }]);
});

// Tunnels.
test('CONNECT fixes the destination, whatever Host is spoken inside', async () => {
  const app = await application();
  const web = await caller({ shop: [endpoint(app.port)] });
  const socket = connect({ port: web.outboundPort, host: '127.0.0.1' });
  let got = '';
  socket.on('data', (chunk) => (got += String(chunk)));
  socket.write('CONNECT shop:80 HTTP/1.1\r\nHost: shop:80\r\n\r\n');
  socket.write('GET /inside HTTP/1.1\r\nHost: elsewhere.example\r\n\r\n');
  await until(() => got.includes('/inside'));
  expect(app.seen[0]?.headers.host).toBe('elsewhere.example');
  socket.destroy();
  await clean(web);
});

test('an upgrade carries bytes both ways, is counted, and ends with either side', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n',
      );
      socket.pipe(socket);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing(server);
  const { port } = server.address() as { port: number };
  const slow = await application((incoming) => incoming.resume());
  const policy = { ...plain, timeouts: { requestMs: 40 } };
  const web = await caller(
    { shop: [endpoint(port)], slow: [endpoint(slow.port)] },
    { policies: { shop: policy, slow: policy } },
  );
  const socket = connect({ port: web.outboundPort, host: '127.0.0.1' });
  let got = '';
  socket.on('data', (chunk) => (got += String(chunk)));
  socket.write('GET / HTTP/1.1\r\nHost: shop\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nearly');
  await until(() => got.includes('101') && got.endsWith('early'));
  // A request that runs out of its time meanwhile shows that the tunnel has outlived it.
  expect((await ask(web.outboundPort, { host: 'slow' })).status).toBe(504);
  socket.write('late');
  await until(() => got.endsWith('late'));
  expect(web.dataPlane.engine.activeCount).toBe(1);
  socket.destroy();
  await clean(web);
});

test('an upgrade that nobody answers has the time of any other request', async () => {
  const deaf = createServer((socket) => void socket.on('error', () => undefined).resume());
  deaf.listen(0, '127.0.0.1');
  await once(deaf, 'listening');
  closing(deaf);
  const { port } = deaf.address() as { port: number };
  const policies = { shop: { ...plain, timeouts: { requestMs: 40 } } };
  const web = await caller({ shop: [endpoint(port)] }, { policies });
  const reply = await ask(web.outboundPort, {
    headers: { connection: 'upgrade', upgrade: 'echo' },
  });
  expect(reply.status).toBe(504);
  await clean(web);
});
