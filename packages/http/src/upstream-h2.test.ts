import { X509Certificate } from 'node:crypto';
import { createServer, type Http2Server, type ServerHttp2Stream } from 'node:http2';
import { err, ok, systemClock, systemTimers, Watch } from '@leno/std';
import { TestCa } from '@leno/testkit';
import { afterEach, expect, test } from 'vitest';
import type { OutgoingRequest, ServerExchange } from './exchange.ts';
import { FieldList } from './fields.ts';
import { createHttpServer } from './server.ts';
import type { HttpServerOptions } from './server-options.ts';
import {
  dataFrame,
  END,
  goAway,
  headers,
  reset,
  settings,
  settingsAck,
  WHOLE,
} from './testing/h2-wire.ts';
import { type RawPeer, RawUpstream } from './testing/raw.ts';
import { CollectingSink, RecordedTry } from './testing/sinks.ts';
import { ManualTime } from './testing/time.ts';
import { UpstreamH2Pool, type UpstreamH2PoolOptions } from './upstream-h2-pool.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

const bytes = (text: string) => Buffer.from(text, 'latin1');
const limits = { connectionCountMax: 4, pendingCountMax: 50, requestCountMax: 50 };
const get: OutgoingRequest = {
  method: 'GET',
  target: '/p?q',
  authority: 'svc.local',
  fields: new FieldList(),
  contentLength: 0,
  upgrade: undefined,
};
const post: OutgoingRequest = { ...get, method: 'POST', contentLength: undefined };

function poolTo(port: number, options: Partial<UpstreamH2PoolOptions> = {}): UpstreamH2Pool {
  const pool = new UpstreamH2Pool({
    ...{ address: '127.0.0.1', port, limits, connectTimeoutMs: 2_000, idleTimeoutMs: 30_000 },
    ...{ clock: systemClock, timers: systemTimers },
    ...options,
  });
  open.push(pool);
  return pool;
}

function send(pool: UpstreamH2Pool, outgoing = get) {
  const events = new RecordedTry();
  return Object.assign(events, { attempt: pool.request(outgoing, events) });
}

async function ask(pool: UpstreamH2Pool, outgoing = get): Promise<RecordedTry> {
  const events = send(pool, outgoing);
  await events.outcome;
  return events;
}

/** A server of node:http2 that does what `serve` does with each stream. */
async function nodeUpstream(
  serve: (stream: ServerHttp2Stream, head: Record<string, unknown>) => void,
): Promise<{ port: number; server: Http2Server }> {
  const server = createServer({
    settings: { enableConnectProtocol: true, maxConcurrentStreams: 100 },
  });
  const sessions = new Set<{ destroy(): void }>();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, head) => {
    stream.on('error', () => undefined);
    serve(stream, head);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    close: () => {
      for (const session of sessions) session.destroy();
      server.close();
    },
  });
  const address = server.address();
  return { port: typeof address === 'object' ? (address?.port ?? 0) : 0, server };
}

/** An upstream of frames by hand; `serve` runs after the greetings. */
async function rawUpstream(serve: (peer: RawPeer) => void, ...greeting: [number, number][]) {
  const upstream = new RawUpstream((peer) => {
    peer.socket.write(Buffer.concat([settings(...greeting), settingsAck]));
    serve(peer);
  });
  open.push(upstream);
  return { upstream, port: await upstream.listen() };
}

async function until(isMet: () => boolean): Promise<void> {
  while (!isMet()) await new Promise((resolve) => setImmediate(resolve));
}

test('says that a request has left before its first octet does, and not while it waits', async () => {
  const { port } = await nodeUpstream((stream) => stream.resume());
  const pool = poolTo(port);
  const first = send(pool, post);
  await until(() => first.log.length > 0);
  const [waiting, large] = [send(pool, post), send(pool, post)];
  expect([waiting.log, large.log]).toEqual([[], []]);
  // More than is put together: it leaves in this very turn, and with it what was written before.
  large.attempt.body.write(Buffer.alloc(60_000));
  large.attempt.body.write(Buffer.alloc(60_000));
  expect([waiting.log, large.log]).toEqual([['sent reused'], ['sent reused']]);
});

test('asks node:http2: heads, bodies both ways, trailers, many on one connection', async () => {
  const { port } = await nodeUpstream((stream, head) => {
    stream.additionalHeaders({ ':status': 103, link: '</a>' });
    stream.respond(
      { ':status': 201, 'x-had': `${String(head[':method'])} ${String(head[':path'])}` },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '1' }));
    stream.pipe(stream);
  });
  const pool = poolTo(port);
  const tries = ['one', 'two', 'x'.repeat(300_000)].map((text) => {
    const events = send(pool, post);
    events.attempt.body.write(bytes(text));
    events.attempt.body.end();
    return { events, text };
  });
  for (const { events, text } of tries) {
    expect(await events.outcome).toBe('end');
    expect(events.log.filter((line) => !line.startsWith('sent'))).toEqual([
      'interim 103',
      'head 201',
    ]);
    expect(events.body.text === text).toBe(true);
    expect(events.head?.fields.get('x-had')).toBe('POST /p?q');
    expect(events.body.trailers?.get('x-sum')).toBe('1');
  }
  expect((await ask(pool)).log[0]).toBe('sent reused');
  expect(pool.stats).toMatchObject({
    connectionCount: 1,
    requestCount: 4,
    connectCount: 1,
    activeCount: 0,
  });
});

test('RFC 8441: an upgrade is an extended CONNECT', async () => {
  const { port } = await nodeUpstream((stream, head) => {
    expect(head).toMatchObject({ ':method': 'CONNECT', ':protocol': 'websocket' });
    expect(head['sec-websocket-key']).toBeUndefined();
    stream.respond({ ':status': 200 });
    stream.pipe(stream);
  });
  const pool = poolTo(port);
  const fields = FieldList.of([['sec-websocket-key', 'x']]);
  const events = await ask(pool, { ...get, upgrade: 'websocket', fields });
  expect(events.log).toEqual(['sent', 'tunnel 200']);
  events.toPeer?.write(bytes('echo'));
  events.toPeer?.end();
  await events.body.outcome;
  expect(events.body.text).toBe('echo');
  await until(() => pool.stats.activeCount === 0);
});

test('an upstream that takes no upgrades is not asked for one', async () => {
  const { port } = await rawUpstream(() => undefined);
  const events = await ask(poolTo(port), { ...get, upgrade: 'websocket' });
  expect(events.log).toEqual(['failure upstream-protocol unprocessed']);
});

test('waits for the settings, and opens another connection when one has no room', async () => {
  const { upstream, port } = await rawUpstream(() => undefined, [3, 2]);
  const pool = poolTo(port);
  const tries = Array.from({ length: 5 }, () => send(pool));
  await until(() => pool.stats.pendingCount === 0);
  expect([upstream.peers.length, pool.stats.activeCount]).toEqual([3, 5]);
  tries[0]?.attempt.cancel();
  await until(() => pool.stats.activeCount === 4);
  send(pool);
  expect(pool.stats).toMatchObject({ activeCount: 5, pendingCount: 0 });
});

test('one connection is opened at a time, until its settings have come', async () => {
  const upstream = new RawUpstream();
  open.push(upstream);
  const pool = poolTo(await upstream.listen());
  const first = send(pool);
  const peer = await upstream.peer(0);
  await peer.read('SM');
  const second = send(pool);
  expect(pool.stats).toMatchObject({ connectCount: 1, pendingCount: 2 });
  peer.socket.write(settings());
  await Promise.all([first.sent, second.sent]);
  expect(pool.stats).toMatchObject({ connectionCount: 1, activeCount: 2 });
});

test('who waits gets the room that is made', async () => {
  const { upstream, port } = await rawUpstream(() => undefined, [3, 1]);
  const pool = poolTo(port, { limits: { ...limits, connectionCountMax: 1 } });
  const [first, second] = [send(pool), send(pool)];
  await until(() => pool.stats.activeCount === 1);
  expect(pool.stats.pendingCount).toBe(1);
  const peer = await upstream.peer(0);
  peer.socket.write(headers(1, [[':status', '204']]));
  await first.outcome;
  await second.sent;
  expect(pool.stats).toMatchObject({ activeCount: 1, pendingCount: 0 });
});

/** What an upstream does with the first request, and what is said of it. */
test.each<readonly [string, (peer: RawPeer) => void, OutgoingRequest, string]>([
  ['REFUSED_STREAM', (peer) => peer.socket.write(reset(1, 7)), post, 'upstream-reset unprocessed'],
  ['RST_STREAM', (peer) => peer.socket.write(reset(1, 2)), get, 'upstream-reset'],
  [
    'GOAWAY before it',
    (peer) => peer.socket.write(goAway(0, 0)),
    post,
    'upstream-reset unprocessed',
  ],
  ['the end', (peer) => peer.socket.end(), get, 'upstream-reset'],
  ['no reply', (peer) => peer.socket.write(headers(1, [['x-a', 'b']])), get, 'upstream-protocol'],
  ['no frame', (peer) => peer.socket.write(dataFrame(0, 'x')), get, 'upstream-protocol'],
])('an upstream that answers by %s', async (_, act, outgoing, failure) => {
  const { upstream, port } = await rawUpstream(() => undefined);
  const pool = poolTo(port);
  const events = send(pool, outgoing);
  await events.sent;
  act(await upstream.peer(0));
  await events.outcome;
  expect(events.log).toEqual(['sent', `failure ${failure}`]);
});

test('a connection that is closed while a request is on its way proves nothing was done', async () => {
  const { upstream, port } = await rawUpstream(() => undefined);
  const pool = poolTo(port);
  const first = send(pool);
  await first.sent;
  const peer = await upstream.peer(0);
  peer.socket.write(headers(1, [[':status', '204']]));
  await first.outcome;
  const [second, third] = [send(pool), send(pool, post)];
  await second.sent;
  peer.socket.end();
  await Promise.all([second.outcome, third.outcome]);
  expect(second.log).toEqual(['sent reused', 'failure upstream-reset unprocessed']);
  // What is not idempotent may have been done; nobody can tell.
  expect(third.log).toEqual(['sent reused', 'failure upstream-reset']);
});

test('a reply that breaks off after its head aborts its sink', async () => {
  const { upstream, port } = await rawUpstream(() => undefined);
  const events = send(poolTo(port));
  await events.sent;
  const peer = await upstream.peer(0);
  peer.socket.write(
    Buffer.concat([headers(1, [[':status', '200']], WHOLE), dataFrame(1, 'be'), reset(1, 2)]),
  );
  expect(await events.outcome).toBe('abort');
  expect([events.body.text, events.log]).toEqual(['be', ['sent', 'head 200']]);
});

test('an early reply gives the rest of the request up', async () => {
  const { upstream, port } = await rawUpstream(() => undefined);
  const pool = poolTo(port);
  const events = send(pool, post);
  events.attempt.body.write(bytes('be'));
  await events.sent;
  const peer = await upstream.peer(0);
  peer.socket.write(
    Buffer.concat([headers(1, [[':status', '413']], WHOLE), dataFrame(1, 'no', END)]),
  );
  expect(await events.outcome).toBe('end');
  expect(events.attempt.body.write(bytes('gun'))).toBe(true);
  events.attempt.body.end();
  expect(await peer.read('\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08')).toContain('be');
  await until(() => pool.stats.activeCount === 0);
});

test('bounds: what is too much is refused at once', async () => {
  const { port } = await rawUpstream(() => undefined, [3, 1]);
  const pool = poolTo(port, {
    limits: { connectionCountMax: 1, pendingCountMax: 2, requestCountMax: 3 },
  });
  const tries = [send(pool), send(pool), send(pool)];
  expect((await tries[2]?.outcome) ?? '').toBe('overflow');
  await until(() => pool.stats.activeCount === 1);
  const more = [send(pool), send(pool)];
  await more[1]?.outcome;
  expect(more[1]?.log).toEqual(['failure overflow unprocessed']);
  expect(pool.stats).toMatchObject({ pendingOverflowCount: 1, requestOverflowCount: 1 });
});

test('idle connections are closed, and a drained pool closes when its requests have ended', async () => {
  const { upstream, port } = await rawUpstream(() => undefined);
  const time = new ManualTime();
  const pool = poolTo(port, { clock: time, timers: time, idleTimeoutMs: 5_000 });
  const first = send(pool);
  await first.sent;
  const peer = await upstream.peer(0);
  peer.socket.write(headers(1, [[':status', '204']]));
  await first.outcome;
  await until(() => pool.stats.activeCount === 0);
  for (let second = 0; second < 7; second += 1) time.advance(1_000);
  await peer.end();
  expect(pool.stats.idleClosedCount).toBe(1);
  peer.socket.end();
  await until(() => pool.stats.connectionCount === 0);
  const second = send(pool);
  await second.sent;
  pool.drain();
  expect((await ask(pool)).log).toEqual(['failure connect-failed unprocessed']);
  const last = await upstream.peer(1);
  last.socket.write(headers(1, [[':status', '204']]));
  expect(await second.outcome).toBe('end');
  await last.end();
});

test.each([
  { name: 'long', silentMs: 2_000, connectionCount: 2 },
  { name: 'short', silentMs: 1_999, connectionCount: 1 },
])('after a $name silence whoever gives up takes $connectionCount', async (expected) => {
  const { upstream, port } = await rawUpstream(() => undefined);
  const time = new ManualTime();
  const pool = poolTo(port, { clock: time, timers: { after: () => ({ cancel() {} }) } });
  const [first, other] = [send(pool), send(pool)];
  await Promise.all([first.sent, other.sent]);
  time.advance(expected.silentMs);
  first.attempt.cancel();
  const next = send(pool);
  await next.sent;
  expect(upstream.peers).toHaveLength(expected.connectionCount);
  // What is on it may still be answered.
  upstream.peers[0]?.socket.write(headers(3, [[':status', '204']]));
  expect(await other.outcome).toBe('end');
});

test('who cannot be reached fails all that wait', async () => {
  const upstream = new RawUpstream();
  const port = await upstream.listen();
  upstream.close();
  const pool = poolTo(port);
  const tries = await Promise.all([ask(pool), ask(pool)]);
  for (const { log } of tries) expect(log).toEqual(['failure connect-failed unprocessed']);
});

const ca = new TestCa();
const tlsOf = (leaf: ReturnType<TestCa['leaf']>) => ({
  key: leaf.key,
  cert: leaf.cert,
  ca: ca.root.certificatePem,
  verifyPeer: (der: Uint8Array) => {
    const name = new X509Certificate(der).subjectAltName ?? '';
    return name.startsWith('URI:') ? ok(name.slice(4)) : err('no id');
  },
});
const serverTls = tlsOf(ca.leaf(ca.id('/ns/test/sa/server')));
const clientTls = new Watch(tlsOf(ca.leaf()));

async function own(
  handler: (exchange: ServerExchange) => void,
  options: Partial<HttpServerOptions> = {},
) {
  const server = createHttpServer({ http2: true, tls: serverTls, handler, ...options });
  const { port } = await server.listen(0, '127.0.0.1');
  open.push(server);
  return { server, port };
}

test('over mutual TLS both ends agree on h2 by ALPN, and know each other', async () => {
  const { server, port } = await own((exchange) => {
    const { transport, identity } = exchange.peer;
    const sink = new CollectingSink();
    exchange.readBody(sink);
    void sink.outcome.then(() => {
      const text = `${transport} ${identity ?? '-'} ${sink.text.length}`;
      exchange.respond(
        { status: 200, fields: new FieldList(), contentLength: undefined },
        bytes(text),
      );
    });
  });
  const pool = poolTo(port, { tls: clientTls });
  const tries = Array.from({ length: 20 }, () => {
    const events = send(pool, post);
    events.attempt.body.write(Buffer.alloc(100_000));
    events.attempt.body.end();
    return events;
  });
  for (const events of tries) {
    expect(await events.outcome).toBe('end');
    expect(events.body.text).toMatch(/^mtls spiffe:\/\/\S+ 100000$/);
  }
  expect(server.stats).toMatchObject({ acceptedCount: 1, http2Count: 1, requestCount: 20 });
});

test('a try that is given up in its reply hears no more of it, and its upstream hears CANCEL', async () => {
  const CANCEL = 8;
  const codes: number[] = [];
  const { port } = await nodeUpstream((stream) => {
    stream.on('close', () => codes.push(stream.rstCode));
    stream.respond({ ':status': 200 });
    stream.write('begun');
  });
  const events = send(poolTo(port), post);
  await until(() => events.body.text === 'begun');
  events.attempt.cancel();
  await until(() => codes.length === 1);
  expect([codes, events.log, events.body.endings]).toEqual([[CANCEL], ['sent', 'head 200'], []]);
});

test('a server that does not speak h2 is not taken for one that does', async () => {
  const { port } = await own(() => undefined, { http2: false });
  const events = await ask(poolTo(port, { tls: clientTls }));
  expect(events.failure).toMatchObject({ reason: 'connect-failed', unprocessed: true });
});

test('a proxy: HTTP/2 in, HTTP/2 out, octets and trailers as they were', async () => {
  const back = await own((exchange) => {
    const sink = exchange.respond({
      status: 200,
      fields: new FieldList(),
      contentLength: undefined,
    });
    exchange.readBody(sink);
  });
  const inner = poolTo(back.port, { tls: clientTls });
  const front = await own((exchange) => {
    const attempt = inner.request(exchange.head, {
      onSent: () => undefined,
      onInterim: (status, fields) => exchange.interim(status, fields),
      onHead: (head) => exchange.respond(head),
      onTunnel: (head, toPeer) => exchange.tunnel(head.fields, toPeer),
      onFailure: () => exchange.abort('no upstream'),
    });
    exchange.onClose = () => attempt.cancel();
    exchange.readBody(attempt.body);
  });
  const pool = poolTo(front.port, { tls: clientTls });
  const events = send(pool, post);
  const piece = Buffer.alloc(50_000, 'abcdefg');
  let left = 40;
  const go = () => {
    while (left > 0) {
      left -= 1;
      if (!events.attempt.body.write(piece)) return;
    }
    events.attempt.body.end(FieldList.of([['grpc-status', '0']]));
  };
  events.attempt.body.onDrain = go;
  go();
  expect(await events.outcome).toBe('end');
  expect(events.body.text === piece.toString('latin1').repeat(40)).toBe(true);
  expect(events.body.trailers?.get('grpc-status')).toBe('0');
  expect(front.server.stats.activeRequestCount + back.server.stats.activeRequestCount).toBe(0);
});

test.each([
  { name: 'a GET on a connection that had served', outgoing: get, unprocessed: true },
  { name: 'a POST', outgoing: post, unprocessed: false },
])('a peer that does not answer PING is dead: $name', async ({ outgoing, unprocessed }) => {
  const { upstream, port } = await rawUpstream(() => undefined);
  const time = new ManualTime();
  const http2 = { pingIntervalMs: 10_000, pingTimeoutMs: 3_000 };
  const pool = poolTo(port, { clock: time, timers: time, http2 });
  const first = send(pool);
  await first.sent;
  (await upstream.peer(0)).socket.write(headers(1, [[':status', '204']]));
  await first.outcome;
  const events = send(pool, outgoing);
  await events.sent;
  time.advance(12_000);
  expect(pool.stats.connectionCount).toBe(1);
  time.advance(2_000);
  await events.outcome;
  expect(events.failure).toMatchObject({ reason: 'upstream-reset', unprocessed });
  expect(pool.stats.http2.pingTimeoutCount).toBe(1);
  // It is given a second to read why, then the socket is closed, too.
  time.advance(1_000);
  await until(() => pool.stats.connectionCount === 0);
});
