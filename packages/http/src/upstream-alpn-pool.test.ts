import { X509Certificate } from 'node:crypto';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { err, ok, systemClock, systemTimers, Watch } from '@leno/std';
import { TestCa } from '@leno/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import type { BodySink, OutgoingRequest, ServerExchange } from './exchange.ts';
import { FieldList } from './fields.ts';
import { createHttpServer } from './server.ts';
import type { HttpServer, HttpServerOptions } from './server-options.ts';
import { RecordedTry } from './testing/sinks.ts';
import { ManualTime } from './testing/time.ts';
import { UpstreamAlpnPool } from './upstream-alpn-pool.ts';
import type { UpstreamH2PoolOptions } from './upstream-h2-pool.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).toReversed()) await each.close();
});

const bytes = (text: string) => Buffer.from(text, 'latin1');
const limits = { connectionCountMax: 8, pendingCountMax: 50, requestCountMax: 50 };
const get: OutgoingRequest = {
  method: 'GET',
  target: '/p?q',
  authority: 'svc.local',
  fields: new FieldList(),
  contentLength: 0,
  upgrade: undefined,
};
const upgrade: OutgoingRequest = { ...get, upgrade: 'echo' };

const ca = new TestCa();
const tlsOf = (leaf: ReturnType<TestCa['leaf']>, accepts = (_id: string) => true) => ({
  key: leaf.key,
  cert: leaf.cert,
  ca: ca.root.certificatePem,
  verifyPeer: (der: Uint8Array) => {
    const id = (new X509Certificate(der).subjectAltName ?? '').replace('URI:', '');
    return accepts(id) ? ok(id) : err(`unexpected ${id}`);
  },
});
const serverLeaf = ca.leaf(ca.id('/ns/test/sa/server'));
const clientTls = tlsOf(ca.leaf());

function poolTo(port: number, options: Partial<UpstreamH2PoolOptions> = {}): UpstreamAlpnPool {
  const pool = new UpstreamAlpnPool({
    ...{ address: '127.0.0.1', port, limits, connectTimeoutMs: 2_000, idleTimeoutMs: 30_000 },
    ...{ clock: systemClock, timers: systemTimers, tls: new Watch(clientTls) },
    ...options,
  });
  open.push(pool);
  return pool;
}

function send(pool: UpstreamAlpnPool, outgoing = get) {
  const events = new RecordedTry();
  return Object.assign(events, { attempt: pool.request(outgoing, events) });
}

async function ask(pool: UpstreamAlpnPool, outgoing = get): Promise<RecordedTry> {
  const events = send(pool, outgoing);
  await events.outcome;
  return events;
}

const answer = (exchange: ServerExchange): void => {
  const fields = FieldList.of([['x-peer', exchange.peer.identity ?? '']]);
  exchange.respond({ status: 200, fields, contentLength: undefined }, bytes('ok'));
};

/** Gives back what it gets. */
const echo = (exchange: ServerExchange): void => {
  const toClient: BodySink = exchange.tunnel(undefined, {
    onDrain: undefined,
    write: (chunk) => toClient.write(chunk),
    end: () => toClient.end(),
    abort: (cause) => toClient.abort(cause),
  });
};

const serve = (exchange: ServerExchange): void =>
  exchange.head.upgrade === undefined ? answer(exchange) : echo(exchange);

async function upstream(
  options: Partial<HttpServerOptions> = {},
  port = 0,
): Promise<{ server: HttpServer; port: number }> {
  const tls = tlsOf(serverLeaf);
  const server = createHttpServer({ http2: true, tls, handler: serve, ...options });
  const bound = await server.listen(port, '127.0.0.1');
  open.push(server);
  return { server, port: bound.port };
}

/** Keeps every exchange until it is told to answer. */
function holding(): { held: ServerExchange[]; handler: (exchange: ServerExchange) => void } {
  const held: ServerExchange[] = [];
  return {
    held,
    handler: (exchange) => {
      if (exchange.head.upgrade === undefined) held.push(exchange);
      else echo(exchange);
    },
  };
}

async function until(isMet: () => boolean): Promise<void> {
  while (!isMet()) await new Promise((resolve) => setImmediate(resolve));
}

describe('speaks what the upstream takes', () => {
  it('HTTP/2, many requests on one connection', async () => {
    const { server, port } = await upstream();
    const pool = poolTo(port);
    const tries = await Promise.all(Array.from({ length: 20 }, () => ask(pool)));
    for (const { log } of tries) expect(log.at(-1)).toBe('head 200');
    expect(pool.spoken).toBe('h2');
    expect(server.stats).toMatchObject({ acceptedCount: 1, http2Count: 1, requestCount: 20 });
    expect(pool.stats).toMatchObject({ connectCount: 1, requestCount: 20, activeCount: 0 });
  });

  it('HTTP/1.1, and who waited for the first connection gets one of its own', async () => {
    const { held, handler } = holding();
    const { server, port } = await upstream({ http2: false, handler });
    const pool = poolTo(port);
    const tries = Array.from({ length: 5 }, () => send(pool));
    await until(() => held.length === 5);
    expect(pool.stats).toMatchObject({ connectionCount: 5, activeCount: 5, pendingCount: 0 });
    for (const exchange of held) answer(exchange);
    for (const { outcome } of tries) expect(await outcome).toBe('end');
    expect(pool.spoken).toBe('http/1.1');
    expect(server.stats).toMatchObject({ acceptedCount: 5, http2Count: 0 });
  });

  it('HTTP/1.1, and who waits there may give up', async () => {
    const { held, handler } = holding();
    const { port } = await upstream({ http2: false, handler });
    const pool = poolTo(port, { limits: { ...limits, connectionCountMax: 1 } });
    const [first, second, third] = [send(pool), send(pool), send(pool)];
    await until(() => held.length === 1);
    second.attempt.cancel();
    expect(pool.stats.pendingCount).toBe(1);
    for (const [index, { outcome }] of [first, third].entries()) {
      await until(() => held.length === index + 1);
      answer(held[index] as ServerExchange);
      expect(await outcome).toBe('end');
    }
    expect([second.log, held.length]).toEqual([[], 2]);
  });

  it('HTTP/1.1 without TLS', async () => {
    const server = createHttpServer({ handler: serve });
    open.push(server);
    const { port } = await server.listen(0, '127.0.0.1');
    const pool = poolTo(port, { tls: undefined });
    expect((await ask(pool)).log).toEqual(['sent', 'head 200']);
    expect(server.stats.http2Count).toBe(0);
  });
});

describe('an upgrade', () => {
  it.each([true, false])('has a connection of HTTP/1.1 (upstream speaks h2: %s)', async (http2) => {
    const { server, port } = await upstream({ http2 });
    const pool = poolTo(port);
    // Before anything is known of the upstream, and after.
    for (const connectionCount of [1, http2 ? 2 : 1]) {
      const tunnel = await ask(pool, upgrade);
      expect(tunnel.log).toEqual([tunnel.log[0], 'tunnel 101']);
      tunnel.toPeer?.write(bytes('over and out'));
      await until(() => tunnel.body.text === 'over and out');
      expect(pool.stats).toMatchObject({ activeCount: 1, connectionCount });
      tunnel.toPeer?.end();
      await until(() => pool.stats.activeCount === 0);
      expect((await ask(pool)).log.at(-1)).toBe('head 200');
    }
    expect(pool.spoken).toBe(http2 ? 'h2' : 'http/1.1');
    expect(server.stats.http2Count).toBe(http2 ? 1 : 0);
  });
});

describe('an upstream that is replaced', () => {
  it.each([
    { from: false, to: true, spoken: 'h2' },
    { from: true, to: false, spoken: 'http/1.1' },
  ])('by one that speaks $spoken is noticed, and nothing fails', async ({ from, to, spoken }) => {
    const before = await upstream({ http2: from });
    const pool = poolTo(before.port);
    await Promise.all(Array.from({ length: 3 }, () => ask(pool)));
    await before.server.close();
    await until(() => pool.stats.connectionCount === 0);
    const { held, handler } = holding();
    await upstream({ http2: to, handler }, before.port);
    const tries = Array.from({ length: 6 }, () => send(pool));
    const tunnel = await ask(pool, upgrade);
    expect(tunnel.log.at(-1)).toBe('tunnel 101');
    await until(() => held.length === 6);
    for (const exchange of held) answer(exchange);
    for (const { outcome } of tries) expect(await outcome).toBe('end');
    expect(pool.spoken).toBe(spoken);
    await until(() => pool.stats.activeCount === 1);
  });
});

describe('bounds hold for both versions together', () => {
  it('requests', async () => {
    const { held, handler } = holding();
    const { port } = await upstream({ handler });
    const pool = poolTo(port, { limits: { ...limits, requestCountMax: 3 } });
    const tries = [send(pool), send(pool)];
    await until(() => held.length === 2);
    const tunnel = await ask(pool, upgrade);
    expect(tunnel.log.at(-1)).toBe('tunnel 101');
    for (const outgoing of [get, upgrade]) {
      expect((await ask(pool, outgoing)).log).toEqual(['failure overflow unprocessed']);
    }
    expect(pool.stats.requestOverflowCount).toBe(2);
    for (const exchange of held) answer(exchange);
    for (const { outcome } of tries) expect(await outcome).toBe('end');
    await until(() => pool.stats.activeCount === 1);
    expect(await send(pool).sent).toBe(true);
  });

  it('waiting requests', async () => {
    const { port } = await upstream();
    const pool = poolTo(port, { limits: { ...limits, pendingCountMax: 2 } });
    const tries = [send(pool), send(pool, upgrade)];
    for (const outgoing of [get, upgrade]) {
      expect((await ask(pool, outgoing)).log).toEqual(['failure overflow unprocessed']);
    }
    expect(await Promise.all(tries.map((it) => it.outcome))).toEqual(['end', 'tunnel']);
    expect(pool.stats.pendingOverflowCount).toBe(2);
  });

  it('connections: an idle one makes way, a busy one when its requests have ended', async () => {
    const { held, handler } = holding();
    const { port } = await upstream({ handler });
    const pool = poolTo(port, { limits: { ...limits, connectionCountMax: 1 } });
    const first = send(pool);
    await until(() => held.length === 1);
    const tunnel = send(pool, upgrade);
    expect(pool.stats).toMatchObject({ connectionCount: 1, pendingCount: 1 });
    answer(held[0] as ServerExchange);
    expect(await first.outcome).toBe('end');
    expect(await tunnel.outcome).toBe('tunnel');
    const second = send(pool);
    expect(pool.stats).toMatchObject({ connectionCount: 1, pendingCount: 1 });
    tunnel.toPeer?.end();
    await until(() => held.length === 2);
    answer(held[1] as ServerExchange);
    expect(await second.outcome).toBe('end');
    // Nothing is on it now: the next one need not wait.
    await until(() => pool.stats.idleCount === 1);
    for (let turns = 0; turns < 3; turns += 1) await new Promise((turn) => setImmediate(turn));
    expect(await send(pool, upgrade).outcome).toBe('tunnel');
    expect(pool.stats.connectionCount).toBe(1);
  });
});

describe('who is at the other end', () => {
  it('is judged before a request is sent, in either version', async () => {
    for (const http2 of [true, false]) {
      const { server, port } = await upstream({ http2 });
      const tls = new Watch(tlsOf(ca.leaf(), (id) => id.endsWith('/sa/other')));
      for (const outgoing of [get, upgrade]) {
        const { failure } = await ask(poolTo(port, { tls }), outgoing);
        expect(failure).toMatchObject({ reason: 'upstream-identity', unprocessed: true });
      }
      expect(server.stats.requestCount).toBe(0);
    }
  });

  it('an upstream to whom we are nobody fails who waits, and is not asked again and again', async () => {
    const tls = tlsOf(serverLeaf, () => false);
    const { server, port } = await upstream({ tls });
    const pool = poolTo(port);
    const tries = await Promise.all([ask(pool), ask(pool, { ...get, method: 'POST' })]);
    for (const { log } of tries) expect(log).toEqual(['failure connect-failed unprocessed']);
    expect([pool.stats.connectCount, pool.stats.connectFailureCount]).toEqual([1, 1]);
    expect(server.stats.acceptedCount).toBe(1);
  });

  it('an upstream that shakes hands and says nothing more is given up in time', async () => {
    const { key, cert } = serverLeaf;
    const sockets: TLSSocket[] = [];
    const server = createTlsServer({ key, cert, ALPNProtocols: ['h2'] }, (socket) => {
      socket.on('error', () => undefined);
      sockets.push(socket);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    open.push(server);
    const address = server.address();
    const time = new ManualTime();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const pool = poolTo(port, { clock: time, timers: time });
    const events = send(pool);
    await until(() => sockets.length === 1 && pool.stats.idleCount === 1);
    time.advance(3_000);
    await events.outcome;
    expect(events.log).toEqual(['failure connect-failed unprocessed']);
    expect(pool.stats.connectionCount).toBe(0);
  });
});

it('drained, it takes nothing new and ends what is under way, in both versions', async () => {
  const { held, handler } = holding();
  const { server, port } = await upstream({ handler });
  const pool = poolTo(port);
  const tunnel = await ask(pool, upgrade);
  const flying = send(pool);
  await until(() => held.length === 1);
  pool.drain();
  for (const outgoing of [get, upgrade]) {
    expect((await ask(pool, outgoing)).log).toEqual(['failure connect-failed unprocessed']);
  }
  answer(held[0] as ServerExchange);
  expect(await flying.outcome).toBe('end');
  tunnel.toPeer?.end();
  await until(() => server.stats.connectionCount === 0);
});

it('closed, it fails what is under way and what waits', async () => {
  const { held, handler } = holding();
  const { port } = await upstream({ handler });
  const pool = poolTo(port);
  const flying = send(pool);
  await until(() => held.length === 1);
  const waiting = send(pool, upgrade);
  pool.close();
  expect([await flying.outcome, await waiting.outcome]).toEqual([
    'upstream-reset',
    'connect-failed',
  ]);
});
