/** Connections of bytes through two whole proxies, on real sockets. */
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { TcpServer } from '@leno/http';
import { codeOf } from '@leno/std';
import { type DecisionRecord, renderPrometheus } from '@leno/telemetry';
import { afterEach, expect, test } from 'vitest';
import { deadPort } from '../testing/ends.ts';
import { idOf, tlsOf } from '../testing/identities.ts';
import { openProxy, type ProxyBed } from '../testing/proxy-bed.ts';
import { endpoint, type Mesh } from '../testing/views.ts';

const open: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

/** An application that speaks whatever it likes; the default sends back what it gets. */
async function application(
  serve: (socket: Socket) => void = (socket) => socket.pipe(socket),
  at = 0,
) {
  const seen: Socket[] = [];
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    seen.push(socket);
    socket.on('error', () => undefined);
    serve(socket);
  });
  await new Promise<void>((resolve) => server.listen(at, '127.0.0.1', resolve));
  open.push(() => {
    server.close();
    for (const socket of seen) socket.destroy();
  });
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return { port, seen, server };
}

const appTls = tlsOf('its-own');
/** Who the application is, its client judges by the certificate. */
const checkServerIdentity = (): undefined => undefined;

/** An application that does its own TLS, and sends back what it gets. */
async function tlsApplication() {
  const { key, cert } = appTls;
  const server = createTlsServer({ key, cert, allowHalfOpen: true }, (socket) =>
    socket.pipe(socket),
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push(() => server.close());
  const address = server.address();
  return { port: typeof address === 'object' && address !== null ? address.port : 0 };
}

async function proxy(service: string, appPort = 1): Promise<ProxyBed> {
  const bed = await openProxy(service, appPort);
  open.push(() => bed.close());
  return bed;
}

/** A proxy `web` that listens for `db:5432`, and the rest as the test says. */
async function bench(mesh: (db: ProxyBed) => Mesh, appPort = 1) {
  const web = await proxy('web');
  const db = await proxy('db', appPort);
  const view: Mesh = { tcp: ['db'], ...mesh(db) };
  web.apply(view);
  db.apply(view);
  const { tcp } = web.dataPlane.engine;
  const listener = new TcpServer({
    handler: (socket, peer) => tcp.dialled('db:5432', socket, peer),
  });
  const { port } = await listener.listen(0, '127.0.0.1');
  open.push(() => listener.close());
  return { web, db, port };
}

const withSidecar = (db: ProxyBed): Mesh => ({
  services: { db: [endpoint(db.inboundPort, 'db')] },
});

const deadDb = (port: number) => (): Mesh => ({ services: { db: [endpoint(port)] } });

interface Outcome {
  readonly text: string;
  readonly end: string;
}

/** Says something, ends its half, and gives all that came back and how that ended. */
function talk(port: number, words: string | Buffer = 'hello', ends = true): Promise<Outcome> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    open.push(() => socket.destroy());
    let text = '';
    let end = 'clean';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.on('error', (error) => {
      end = codeOf(error);
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve({ text, end }));
    socket.write(words);
    if (ends) socket.end();
  });
}

function lastRecord({ dataPlane }: ProxyBed): DecisionRecord | undefined {
  return [...dataPlane.engine.journal.recorder.records(Number.POSITIVE_INFINITY)][0];
}

function metric(bed: ProxyBed, name: string): string[] {
  return renderPrometheus(bed.metrics)
    .split('\n')
    .filter((line) => line.startsWith(`${name}{`));
}

async function expectNoLeaks(...beds: readonly ProxyBed[]): Promise<void> {
  for (const bed of beds) await expect.poll(() => bed.leaks()).toEqual([]);
}

test('bytes pass two proxies over mTLS, and are counted at both', async () => {
  const app = await application();
  const { web, db, port } = await bench(withSidecar, app.port);
  expect(await talk(port, 'hello')).toEqual({ text: 'hello', end: 'clean' });
  await expectNoLeaks(web, db);
  for (const [bed, dir, peer] of [
    [web, 'outbound', 'default/db'],
    [db, 'inbound', 'default/web'],
  ] as const) {
    const labels = `{dir="${dir}",peer="${peer}"}`;
    expect(metric(bed, 'leno_tcp_connections_opened_total')).toEqual([
      `leno_tcp_connections_opened_total${labels} 1`,
    ]);
    expect(metric(bed, 'leno_tcp_connections')).toEqual([`leno_tcp_connections${labels} 0`]);
    expect(metric(bed, 'leno_tcp_received_bytes_total')).toEqual([
      `leno_tcp_received_bytes_total${labels} 5`,
    ]);
    expect(metric(bed, 'leno_tcp_sent_bytes_total')).toEqual([
      `leno_tcp_sent_bytes_total${labels} 5`,
    ]);
    expect(metric(bed, 'leno_tcp_connections_closed_total')[0]).toContain('reason="done"');
    expect(bed.dataPlane.engine.metrics.edges.take()).toMatchObject([
      { peer, direction: dir, ok: 1, failed: 0, mtls: 1 },
    ]);
  }
});

test('an application without a sidecar is reached in the clear', async () => {
  const app = await application();
  const { web, port } = await bench(() => ({ services: { db: [endpoint(app.port)] } }));
  expect(await talk(port)).toEqual({ text: 'hello', end: 'clean' });
  await expectNoLeaks(web);
});

test.each([
  { name: 'no config', apply: false, reason: 'denied' },
  { name: 'no application', apply: true, reason: 'connect-failed' },
])('$name at the other side: no byte, a reset, and a record of why', async ({ apply, reason }) => {
  const { web, db, port } = await bench(withSidecar, await deadPort());
  const other = await proxy('other', 1);
  if (!apply) web.apply({ tcp: ['db'], services: { db: [endpoint(other.inboundPort, 'other')] } });
  expect(await talk(port)).toEqual({ text: '', end: 'ECONNRESET' });
  expect(lastRecord(web)).toMatchObject({
    method: 'TCP',
    authority: 'db:5432',
    peer: 'default/db',
    reason,
    outcome: 'failure',
  });
  expect(metric(web, 'leno_tcp_connections_closed_total')).toEqual([
    `leno_tcp_connections_closed_total{dir="outbound",peer="default/db",reason="${reason}"} 1`,
  ]);
  expect(lastRecord(apply ? db : other)).toMatchObject({ reason, peer: 'default/web' });
  await expectNoLeaks(web, db, other);
});

test('a policy lets a connection in, and one that changes breaks off what it no longer lets in', async () => {
  const app = await application();
  const { web, db, port } = await bench(withSidecar, app.port);
  const under = (...rules: object[]): void => {
    const access = { db: [{ action: 'ALLOW', rules }] };
    db.apply({ tcp: ['db'], ...withSidecar(db), access });
  };
  const fromWeb = { from: { principals: [idOf('web')] }, to: { ports: [5432] } };
  under(fromWeb);
  const socket = connect({ port, host: '127.0.0.1' });
  open.push(() => socket.destroy());
  const ended = new Promise((resolve) => socket.on('close', resolve));
  socket.on('error', () => undefined);
  const echoed = new Promise((resolve) => socket.once('data', resolve));
  socket.write('hello');
  await echoed;
  under(fromWeb, { from: { principals: [idOf('other')] } });
  expect(await talk(port)).toEqual({ text: 'hello', end: 'clean' });
  expect(socket.destroyed).toBe(false);
  under({ from: { principals: [idOf('other')] } });
  await ended;
  expect(lastRecord(db)).toMatchObject({ reason: 'denied', peer: 'default/web' });
  expect(await talk(port)).toEqual({ text: '', end: 'ECONNRESET' });
  under({ ...fromWeb, to: { methods: ['GET'] } });
  expect(await talk(port)).toEqual({ text: '', end: 'ECONNRESET' });
  await expectNoLeaks(web, db);
});

test('an endpoint that cannot be reached costs a try of the budget, and nothing else', async () => {
  const app = await application();
  const dead = await deadPort();
  const { web, port } = await bench(() => ({
    services: { db: [endpoint(dead), endpoint(app.port)] },
    policies: { db: { balancer: { kind: 'roundRobin' } } },
  }));
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => talk(port)));
  expect(outcomes).toEqual(Array(4).fill({ text: 'hello', end: 'clean' }));
  const tried = [...web.dataPlane.engine.journal.recorder.records(Number.POSITIVE_INFINITY)];
  expect(tried[0]?.attempts).toMatchObject([
    { endpointId: `at-${dead}`, result: { reason: 'connect-failed', unprocessed: true } },
    { endpointId: `at-${app.port}`, result: { kind: 'reply' } },
  ]);
  await expectNoLeaks(web);
});

test('an application that is down behind its sidecar is left for another', async () => {
  const app = await application();
  const down = await proxy('db', await deadPort());
  const { web, db, port } = await bench(
    (it) => ({
      services: { db: [endpoint(down.inboundPort, 'db'), endpoint(it.inboundPort, 'db')] },
      policies: { db: { balancer: { kind: 'roundRobin' } } },
    }),
    app.port,
  );
  down.apply({ tcp: ['db'], services: { db: [] } });
  const outcomes = await Promise.all(Array.from({ length: 4 }, () => talk(port)));
  expect(outcomes).toEqual(Array(4).fill({ text: 'hello', end: 'clean' }));
  await expectNoLeaks(web, db, down);
});

test('failures to connect open the breaker; a connection that was made does not count as one', async () => {
  const dead = await deadPort();
  const { web, port } = await bench(() => ({
    services: { db: [endpoint(dead)] },
    policies: { db: { breaker: { failFast: true, ejectionRatioMax: 1 }, retry: { retries: 0 } } },
  }));
  for (let made = 0; made < 5; made += 1) await talk(port);
  expect(await talk(port)).toEqual({ text: '', end: 'ECONNRESET' });
  expect(lastRecord(web)?.reason).toBe('breaker-open');
});

test('a connection that was made is a success to the breaker, when it is made', async () => {
  const port = await deadPort();
  const { web, port: front } = await bench(() => ({
    services: { db: [endpoint(port)] },
    policies: { db: { breaker: { failFast: true, ejectionRatioMax: 1 }, retry: { retries: 0 } } },
  }));
  const fail = async (count: number): Promise<void> => {
    for (let made = 0; made < count; made += 1) await talk(front);
  };
  await fail(4);
  const app = await application(undefined, port);
  const staying = talk(front, 'stay', false);
  await expect.poll(() => app.seen.length).toBe(1);
  app.server.close();
  await fail(4);
  expect(lastRecord(web)?.reason).toBe('connect-failed');
  app.seen[0]?.end();
  await staying;
});

test('who is there instead of the sidecar that should be gets nothing', async () => {
  const app = await application();
  const { web, port } = await bench(
    (db) => ({ services: { db: [endpoint(db.inboundPort, 'other')] } }),
    app.port,
  );
  expect(await talk(port)).toEqual({ text: '', end: 'ECONNRESET' });
  expect(lastRecord(web)?.reason).toBe('upstream-identity');
  expect(app.seen).toHaveLength(0);
});

test('open connections are the load that the balancer sees', async () => {
  const apps = [await application(), await application()];
  const { web, port } = await bench(() => ({
    services: { db: apps.map((app) => endpoint(app.port)) },
  }));
  const talks = Array.from({ length: 10 }, () => talk(port, 'stay', false));
  await expect.poll(() => apps.map((app) => app.seen.length).reduce((a, b) => a + b)).toBe(10);
  // Whatever latencies are learnt, twice the load of the other is more than they differ by.
  expect(Math.min(...apps.map((app) => app.seen.length))).toBeGreaterThanOrEqual(2);
  const cluster = web.dataPlane.clusters.get('default/db');
  expect(cluster?.activeCount).toBe(10);
  for (const app of apps) for (const socket of app.seen) socket.end();
  await Promise.all(talks);
  await expectNoLeaks(web);
});

test('more connections to one endpoint than its limit are an overflow', async () => {
  const app = await application();
  const { web, port } = await bench(() => ({
    services: { db: [endpoint(app.port)] },
    policies: { db: { limits: { connectionCountMax: 2 } } },
  }));
  const first = [talk(port, 'a', false), talk(port, 'b', false)];
  await expect.poll(() => app.seen.length).toBe(2);
  expect(await talk(port)).toEqual({ text: '', end: 'ECONNRESET' });
  expect(lastRecord(web)?.reason).toBe('overflow');
  for (const socket of app.seen) socket.end();
  await Promise.all(first);
  await expectNoLeaks(web);
  expect(await talk(port)).toEqual({ text: 'hello', end: 'clean' });
  await expectNoLeaks(web);
});

test('a connection on which nothing moves ends, one on which something does lives on', async () => {
  const app = await application();
  const { web, port } = await bench(() => ({
    services: { db: [endpoint(app.port)] },
    policies: { db: { timeouts: { tcpIdleMs: 1_000 } } },
  }));
  const startedAtMs = performance.now();
  const lively = connect(port, '127.0.0.1');
  open.push(() => lively.destroy());
  const beat = setInterval(() => lively.write('.'), 100);
  open.push(() => clearInterval(beat));
  expect(await talk(port, 'then silence', false)).toEqual({
    text: 'then silence',
    end: 'ECONNRESET',
  });
  const tookMs = performance.now() - startedAtMs;
  expect(tookMs).toBeGreaterThan(950);
  expect(tookMs).toBeLessThan(4_500);
  expect(lastRecord(web)).toMatchObject({ reason: 'idle-timeout', outcome: 'failure' });
  expect(lively.destroyed).toBe(false);
  expect(metric(web, 'leno_tcp_connections')).toEqual([
    'leno_tcp_connections{dir="outbound",peer="default/db"} 1',
  ]);
});

test('the called side ends what its caller lets be, after twice the time', async () => {
  const app = await application();
  const idle = (tcpIdleMs: number) => ({ db: { timeouts: { tcpIdleMs } } });
  const { web, db, port } = await bench(withSidecar, app.port);
  web.apply({ tcp: ['db'], ...withSidecar(db), policies: idle(0) });
  db.apply({ tcp: ['db'], ...withSidecar(db), policies: idle(300) });
  const startedAtMs = performance.now();
  expect((await talk(port, 'then silence', false)).end).toBe('ECONNRESET');
  expect(performance.now() - startedAtMs).toBeGreaterThan(590);
  expect(lastRecord(db)).toMatchObject({ reason: 'idle-timeout', dir: 'inbound' });
  expect(lastRecord(web)).toMatchObject({ reason: 'upstream-reset', dir: 'outbound' });
  await expectNoLeaks(web, db);
});

test('a drain takes nothing new, lets what is open finish, and breaks off what does not', async () => {
  const app = await application();
  const { web, port } = await bench(() => ({ services: { db: [endpoint(app.port)] } }));
  const { tcp } = web.dataPlane.engine;
  const finishing = talk(port, 'a', false);
  const staying = talk(port, 'b', false);
  await expect.poll(() => app.seen.length).toBe(2);
  const drained = Promise.all([tcp.drain('outbound', 30_000), tcp.drain('outbound', 500)]);
  expect(await talk(port)).toEqual({ text: '', end: 'ECONNRESET' });
  expect(lastRecord(web)?.reason).toBe('draining');
  app.seen[0]?.end();
  await drained;
  const ends = [(await finishing).end, (await staying).end];
  expect(ends.toSorted()).toEqual(['ECONNRESET', 'clean']);
  await expectNoLeaks(web);
});

test('CONNECT to a port for TCP is a tunnel, with what came right behind it', async () => {
  const app = await application((socket) => {
    socket.once('data', (chunk) => socket.end(`got ${String(chunk)}`));
  });
  const { web, db } = await bench(withSidecar, app.port);
  const words = 'CONNECT db:5432 HTTP/1.1\r\nhost: db:5432\r\n\r\nahead';
  const { text, end } = await talk(web.outboundPort, words, false);
  expect([text, end]).toEqual(['HTTP/1.1 200 OK\r\n\r\ngot ahead', 'clean']);
  await expectNoLeaks(web, db);
});

test('CONNECT to a port for TCP that cannot be reached is answered in HTTP', async () => {
  const { web } = await bench(deadDb(await deadPort()));
  const words = 'CONNECT db:5432 HTTP/1.1\r\nhost: db:5432\r\n\r\n';
  const { text } = await talk(web.outboundPort, words);
  expect(text).toMatch(/^HTTP\/1.1 503 /);
  expect(text).toContain('x-leno-reason: connect-failed');
  await expectNoLeaks(web);
});

/** CONNECT over HTTP/2: the status, all that came back, and how the stream ended. */
async function talkOver2(port: number, authority: string, words: string) {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  open.push(() => session.destroy());
  const stream = session.request({ ':method': 'CONNECT', ':authority': authority });
  let text = '';
  let status: unknown;
  stream.on('response', (head) => (status = head[':status']));
  stream.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  stream.on('error', () => undefined);
  stream.end(words);
  await new Promise((resolve) => stream.once('close', resolve));
  return { status, text, code: stream.rstCode };
}

test('CONNECT over HTTP/2 is a connection like others, on a stream', async () => {
  const app = await application();
  const { web, db } = await bench(withSidecar, app.port);
  const outcome = await talkOver2(web.outboundPort, 'db:5432', 'hello');
  expect(outcome).toEqual({ status: 200, text: 'hello', code: 0 });
  await expectNoLeaks(web, db);
  expect(metric(web, 'leno_tcp_received_bytes_total')[0]).toMatch(/ 5$/);
});

test('CONNECT over HTTP/2 that leads nowhere is answered so', async () => {
  const { web } = await bench(deadDb(await deadPort()));
  const outcome = await talkOver2(web.outboundPort, 'db:5432', 'hello');
  expect(outcome).toMatchObject({ status: 503, code: 0 });
  expect(outcome.text).toContain('connect-failed');
  await expectNoLeaks(web);
});

test('CONNECT over HTTP/2 to a port for HTTP has HTTP inside', async () => {
  const { web } = await bench(() => ({ services: { db: [] } }));
  const words = 'GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
  const outcome = await talkOver2(web.outboundPort, 'db:80', words);
  expect(outcome).toMatchObject({ status: 200, code: 0 });
  expect(outcome.text).toContain('x-leno-reason: no-endpoint');
});

test('CONNECT to a port for HTTP has HTTP inside, as ever', async () => {
  const { web } = await bench(() => ({ services: { db: [] } }));
  const words = 'CONNECT db:80 HTTP/1.1\r\nhost: db:80\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n';
  const { text } = await talk(web.outboundPort, words);
  expect(text).toContain('x-leno-reason: no-endpoint');
});

test.each([
  { authority: 'nobody:5432', detail: 'nothing in the mesh is called nobody:5432' },
  { authority: 'db:80', detail: 'port 80 of default/db is not of appProtocol tcp' },
])('a listener for $authority leads nowhere', async ({ authority, detail }) => {
  const { web } = await bench(() => ({ services: { db: [] } }));
  const listener = new TcpServer({
    handler: (socket, peer) => web.dataPlane.engine.tcp.dialled(authority, socket, peer),
  });
  const { port } = await listener.listen(0, '127.0.0.1');
  open.push(() => listener.close());
  expect(await talk(port)).toEqual({ text: '', end: 'ECONNRESET' });
  expect(lastRecord(web)).toMatchObject({ reason: 'no-route', detail });
  expect(metric(web, 'leno_route_not_found_total')).toEqual([
    'leno_route_not_found_total{dir="outbound"} 1',
  ]);
});

/** Dials the outbound listener with TLS, to its end. */
function talkTls(
  port: number,
  servername: string,
): Promise<Outcome & { readonly subject: string }> {
  return new Promise((resolve) => {
    const { ca } = appTls;
    const socket = connectTls({ port, host: '127.0.0.1', servername, ca, checkServerIdentity });
    let text = '';
    let end = 'clean';
    let subject = '';
    socket.on('secureConnect', () => {
      subject = socket.getPeerCertificate().subjectaltname ?? '';
      socket.end('hello');
    });
    socket.on('data', (chunk) => {
      text += String(chunk);
    });
    socket.on('error', (error) => {
      end = codeOf(error);
    });
    socket.on('close', () => resolve({ text, end, subject }));
  });
}

test.each(['db', 'db.default', 'DB.default.mesh'])(
  'TLS to %s passes through to the application, whose certificate the client sees',
  async (servername) => {
    const app = await tlsApplication();
    const { web, db } = await bench(withSidecar, app.port);
    const outcome = await talkTls(web.outboundPort, servername);
    expect(outcome).toEqual({ text: 'hello', end: 'clean', subject: `URI:${idOf('its-own')}` });
    await expectNoLeaks(web, db);
    expect(metric(web, 'leno_tcp_connections_closed_total')).toEqual([
      'leno_tcp_connections_closed_total{dir="outbound",peer="default/db",reason="done"} 1',
    ]);
  },
);

test.each([
  { servername: 'nobody', authority: 'nobody', detail: 'nothing in the mesh is called nobody' },
  { servername: '', authority: '', detail: 'the hello names no server' },
  { servername: 'web', authority: 'web', detail: 'no port of default/web is of appProtocol tcp' },
])('TLS to $servername goes nowhere', async ({ servername, authority, detail }) => {
  const { web } = await bench(() => ({ services: { db: [], web: [] } }));
  const { text, end } = await talkTls(web.outboundPort, servername);
  expect([text, end]).toEqual(['', 'ECONNRESET']);
  const reason = 'no-route';
  expect(lastRecord(web)).toMatchObject({ method: 'TLS', authority, reason, detail });
  expect(metric(web, 'leno_route_not_found_total')).toEqual([
    'leno_route_not_found_total{dir="outbound"} 1',
  ]);
  await expectNoLeaks(web);
});

test('a hello that is malformed is closed, and recorded', async () => {
  const { web } = await bench(() => ({ services: { db: [] } }));
  const outcome = await talk(web.outboundPort, Buffer.of(22, 3, 1, 0, 0));
  expect(outcome).toEqual({ text: '', end: 'ECONNRESET' });
  expect(lastRecord(web)).toMatchObject({ method: 'TLS', reason: 'bad-request' });
});

test('what a full listener has closed is counted', async () => {
  const { web } = await bench(() => ({ services: { db: [] } }));
  const peer = { address: '127.0.0.1', port: 1, transport: 'plain', identity: undefined } as const;
  web.dataPlane.engine.tcp.overloaded('db:5432', peer, 'no room');
  expect(lastRecord(web)).toMatchObject({ reason: 'overloaded', detail: 'no room' });
  expect(metric(web, 'leno_tcp_connections_closed_total')).toEqual([
    'leno_tcp_connections_closed_total{dir="outbound",peer="default/db",reason="overloaded"} 1',
  ]);
  await expectNoLeaks(web);
});
