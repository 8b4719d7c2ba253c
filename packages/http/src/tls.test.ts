import { X509Certificate } from 'node:crypto';
import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import { err, ok, systemClock, systemTimers, Watch } from '@leno/std';
import { foreignLeaf, TestCa, type TestIdentity } from '@leno/testkit';
import { afterEach, describe, expect, it } from 'vitest';
import type { OutgoingRequest, Peer } from './exchange.ts';
import { FieldList } from './fields.ts';
import { createHttpServer } from './server.ts';
import type { HttpServer, HttpServerOptions, Rejection } from './server-options.ts';
import { RawPeer, rawClient } from './testing/raw.ts';
import { turn } from './testing/server-bed.ts';
import { RecordedTry } from './testing/sinks.ts';
import type { TlsClientOptions, VerifyPeer } from './tls-options.ts';
import { UpstreamPool } from './upstream-pool.ts';

const ca = new TestCa();
const serverLeaf = ca.leaf(ca.id('/ns/test/sa/server'));
const clientLeaf = ca.leaf();

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

/** Takes whom `allowed` names; a stand-in for the real reading of SPIFFE ids. */
function verify(allowed: (id: string) => boolean = () => true): VerifyPeer {
  return (der) => {
    const id = (new X509Certificate(der).subjectAltName ?? '').replace('URI:', '');
    return allowed(id) ? ok(id) : err(`unexpected ${id}`);
  };
}

const tlsOf = (leaf: TestIdentity, allowed?: (id: string) => boolean) => ({
  key: leaf.key,
  cert: leaf.cert,
  ca: ca.root.certificatePem,
  verifyPeer: verify(allowed),
});

interface Bed {
  readonly server: HttpServer;
  readonly port: number;
  readonly rejections: Rejection[];
  pool(tls?: TlsClientOptions | Watch<TlsClientOptions>): UpstreamPool;
}

async function bed(options: Partial<HttpServerOptions> = {}): Promise<Bed> {
  const rejections: Rejection[] = [];
  const server = createHttpServer({
    tls: tlsOf(serverLeaf),
    handler: () => undefined,
    onRejected: (rejection) => {
      rejections.push(rejection);
      return undefined;
    },
    ...options,
  });
  const { port } = await server.listen(0, '127.0.0.1');
  open.push(server);
  const pool = (tls?: TlsClientOptions | Watch<TlsClientOptions>) => {
    const made = new UpstreamPool({
      address: '127.0.0.1',
      port,
      tls: tls === undefined || tls instanceof Watch ? tls : new Watch(tls),
      limits: { connectionCountMax: 8, pendingCountMax: 8, requestCountMax: 8 },
      connectTimeoutMs: 5_000,
      idleTimeoutMs: 30_000,
      clock: systemClock,
      timers: systemTimers,
    });
    open.push(made);
    return made;
  };
  return { server, port, rejections, pool };
}

/** Says who the client is. */
const whoami: Partial<HttpServerOptions> = {
  handler: (exchange) => {
    const { transport, identity } = exchange.peer;
    const body = Buffer.from(`${transport} ${identity ?? '-'}`);
    exchange.respond({ status: 200, fields: new FieldList(), contentLength: undefined }, body);
  },
};

const get: OutgoingRequest = {
  method: 'GET',
  target: '/',
  authority: 'svc',
  fields: new FieldList(),
  contentLength: 0,
  upgrade: undefined,
};

async function ask(pool: UpstreamPool, outgoing = get): Promise<RecordedTry> {
  const events = new RecordedTry();
  pool.request(outgoing, events);
  await events.outcome;
  return events;
}

// Mutual TLS
it('shows both ends who the other is, and reuses the connection', async () => {
  const peers: Peer[] = [];
  const { pool, server } = await bed({ ...whoami, onConnection: (peer) => peers.push(peer) });
  const one = pool(tlsOf(clientLeaf));
  expect((await ask(one)).body.text).toBe(`mtls ${clientLeaf.spiffeId}`);
  expect((await ask(one)).log[0]).toBe('sent reused');
  expect(peers).toMatchObject([
    { transport: 'mtls', identity: clientLeaf.spiffeId, address: '127.0.0.1' },
  ]);
  expect(server.stats).toMatchObject({
    tlsCount: 1,
    connectionCount: 1,
    handshakeFailureCount: 0,
  });
});

it('bodies larger than any buffer pass in both directions', async () => {
  const { pool } = await bed({
    handler: (exchange) => {
      const sink = exchange.respond({
        status: 200,
        fields: new FieldList(),
        contentLength: undefined,
      });
      exchange.readBody(sink);
    },
  });
  const events = new RecordedTry();
  const { body } = pool(tlsOf(clientLeaf)).request(
    { ...get, method: 'POST', contentLength: 3_000_000 },
    events,
  );
  for (let piece = 0; piece < 30; piece += 1) {
    if (body.write(Buffer.alloc(100_000, 97 + (piece % 26)))) continue;
    await new Promise<void>((resolve) => {
      body.onDrain = resolve;
    });
  }
  body.end();
  expect([await events.outcome, events.body.text.length]).toEqual(['end', 3_000_000]);
});

it.each<[string, TestIdentity]>([
  ['of a stranger', foreignLeaf()],
  ['that has expired', ca.expiredLeaf()],
  ['of another trust domain', ca.otherDomainLeaf()],
  ['for servers only', ca.serverOnlyLeaf()],
])('a client certificate %s gets nothing', async (_, leaf) => {
  const { pool, server, rejections } = await bed(whoami);
  const events = await ask(pool(tlsOf(leaf)));
  expect(events.log.at(-1)).toBe('failure connect-failed unprocessed');
  expect(server.stats).toMatchObject({ requestCount: 0, handshakeFailureCount: 1 });
  expect(rejections).toMatchObject([{ reason: 'unauthenticated', status: 0 }]);
  while (server.stats.connectionCount > 0) await turn();
});

it('a client that `verifyPeer` does not take gets nothing; a POST is not called unprocessed', async () => {
  const { pool, server, rejections } = await bed({
    ...whoami,
    tls: tlsOf(serverLeaf, () => false),
  });
  expect((await ask(pool(tlsOf(clientLeaf)))).log.at(-1)).toBe(
    'failure connect-failed unprocessed',
  );
  const post = await ask(pool(tlsOf(clientLeaf)), { ...get, method: 'POST' });
  expect(post.log.at(-1)).toBe('failure upstream-reset');
  expect(server.stats).toMatchObject({ requestCount: 0, handshakeFailureCount: 2 });
  expect(rejections[0]?.detail).toBe(`unexpected ${clientLeaf.spiffeId}`);
  while (server.stats.connectionCount > 0) await turn();
});

it.each<[string, TestIdentity, ((id: string) => boolean) | undefined]>([
  ['is a stranger', foreignLeaf(serverLeaf.spiffeId), undefined],
  ['has expired', ca.expiredLeaf(serverLeaf.spiffeId), undefined],
  ['is somebody else', serverLeaf, (id) => id.endsWith('/payments')],
])('a server that %s gets nothing', async (_, leaf, allowed) => {
  const { pool, server } = await bed({ ...whoami, tls: tlsOf(leaf) });
  const events = await ask(pool(tlsOf(clientLeaf, allowed)));
  expect(events.log).toEqual(['failure upstream-identity unprocessed']);
  expect(server.stats.requestCount).toBe(0);
});

it.each([
  ['no certificate', { minVersion: 'TLSv1.3' as const }],
  ['TLS 1.2', { maxVersion: 'TLSv1.2' as const, key: clientLeaf.key, cert: clientLeaf.cert }],
])('a client with %s gets nothing', async (_, options) => {
  const { port, server } = await bed(whoami);
  const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options });
  const peer = new RawPeer(socket);
  socket.on('secureConnect', () => peer.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n'));
  expect(await peer.close()).toBe('');
  expect(server.stats).toMatchObject({ requestCount: 0, handshakeFailureCount: 1 });
});

it('resumes no session: a ticket would carry old trust past a change of it', async () => {
  const { port } = await bed(whoami);
  const visit = async (session?: Buffer) => {
    const offered: Buffer[] = [];
    const socket = connect({
      port,
      host: '127.0.0.1',
      key: clientLeaf.key,
      cert: clientLeaf.cert,
      ca: ca.root.certificatePem,
      checkServerIdentity: () => undefined,
      session,
    });
    socket.on('session', (each: Buffer) => offered.push(each));
    const peer = new RawPeer(socket);
    let isReused: boolean | undefined;
    socket.on('secureConnect', () => {
      isReused = socket.isSessionReused();
      peer.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    });
    expect(await peer.end()).toContain('200 OK');
    return { isReused, session: offered.at(-1) };
  };
  const first = await visit();
  const second = await visit(first.session);
  expect(second.isReused).toBe(false);
});

it('key and certificate change while connections live on', async () => {
  const held: (() => void)[] = [];
  const { pool, server } = await bed({
    handler: (exchange) => {
      if (exchange.head.target === '/hold') held.push(() => whoami.handler?.(exchange));
      else whoami.handler?.(exchange);
    },
  });
  const seen: string[] = [];
  const note = (id: string) => seen.push(id) > 0;
  const tls = new Watch<TlsClientOptions>(tlsOf(clientLeaf, note));
  const one = pool(tls);
  await ask(one);
  const nextServer = ca.leaf(ca.id('/ns/test/sa/next-server'));
  const nextClient = ca.leaf(ca.id('/ns/test/sa/next-client'));
  server.setTls(tlsOf(nextServer));
  tls.set(tlsOf(nextClient, note));
  const onOld = ask(one, { ...get, target: '/hold' });
  const onNew = await ask(one);
  expect([onNew.log[0], onNew.body.text]).toEqual(['sent', `mtls ${nextClient.spiffeId}`]);
  for (const release of held) release();
  const { log, body } = await onOld;
  expect([log[0], body.text]).toEqual(['sent reused', `mtls ${clientLeaf.spiffeId}`]);
  expect(seen).toEqual([serverLeaf.spiffeId, nextServer.spiffeId]);
});

it('a key that cannot be read is a failure, not a crash', async () => {
  const { pool } = await bed(whoami);
  const events = await ask(pool({ ...tlsOf(clientLeaf), key: 'no key' }));
  expect(events.log).toEqual(['failure connect-failed unprocessed']);
});

it('a handshake that does not come to an end is given up', async () => {
  const { port, server } = await bed({ ...whoami, limits: { headTimeoutMs: 200 } });
  const peer = rawClient(port);
  peer.send('\x16\x03\x01');
  await peer.end();
  expect(server.stats.handshakeFailureCount).toBe(1);
  peer.socket.destroy();
  while (server.stats.connectionCount > 0) await turn();
});

describe('a port that takes plain text too', () => {
  it('tells the two apart by the first octet', async () => {
    const { pool, server } = await bed({ ...whoami, allowPlain: true });
    expect((await ask(pool())).body.text).toBe('plain -');
    expect((await ask(pool(tlsOf(clientLeaf)))).body.text).toBe(`mtls ${clientLeaf.spiffeId}`);
    expect(server.stats).toMatchObject({ plainCount: 1, tlsCount: 1, connectionCount: 2 });
  });

  it('asks for each connection', async () => {
    const { pool, port, server } = await bed({
      ...whoami,
      allowPlain: ({ address }) => address === '192.0.2.1',
    });
    const peer = rawClient(port);
    peer.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await peer.end()).toBe('');
    expect((await ask(pool(tlsOf(clientLeaf)))).body.text).toContain('mtls');
    expect(server.stats).toMatchObject({ plainCount: 0, handshakeFailureCount: 1 });
  });

  it('TLS without a certificate gets nothing where plain text would not be taken now', async () => {
    const { port, rejections } = await bed({ ...whoami, allowPlain: () => false });
    const peer = new RawPeer(connect({ port, host: '127.0.0.1', rejectUnauthorized: false }));
    peer.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await peer.end()).toBe('');
    expect(rejections).toMatchObject([{ reason: 'unauthenticated', detail: 'no certificate' }]);
  });

  it('TLS without a certificate is nobody, with a bad one nothing', async () => {
    const { pool, port } = await bed({ ...whoami, allowPlain: true });
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false });
    const peer = new RawPeer(socket);
    peer.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(await peer.end()).toContain('tls -');
    expect((await ask(pool(tlsOf(foreignLeaf())))).log.at(-1)).toContain('failure');
  });

  it('TLS without a certificate is let in only where plain text is', async () => {
    const { port, server } = await bed({ ...whoami, allowPlain: () => false });
    const peer = new RawPeer(connect({ port, host: '127.0.0.1', rejectUnauthorized: false }));
    peer.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    expect(await peer.end()).toBe('');
    expect(server.stats).toMatchObject({ requestCount: 0, handshakeFailureCount: 1 });
  });

  it('a client that says nothing, or goes away at once, leaves nothing behind', async () => {
    const { port, server } = await bed({
      ...whoami,
      allowPlain: true,
      limits: { headTimeoutMs: 200 },
    });
    const silent = rawClient(port);
    const gone = connectTcp(port, '127.0.0.1', () => gone.resetAndDestroy());
    await silent.end();
    silent.socket.destroy();
    while (server.stats.connectionCount > 0 || server.stats.acceptedCount < 2) await turn();
  });
});

it('connections from one port to two addresses of the listener are two', async () => {
  const server = createHttpServer({ tls: tlsOf(serverLeaf), handler: () => undefined });
  const { port } = await server.listen(0, '0.0.0.0');
  open.push(server);
  const first = connectTcp({ port, host: '127.0.0.1', localAddress: '127.0.0.1' });
  await expect.poll(() => server.stats.connectionCount).toBe(1);
  const from = { localAddress: '127.0.0.1', localPort: first.localPort ?? 0 };
  const second = connectTcp({ port, host: '127.0.0.2', ...from });
  for (const socket of [first, second]) open.push({ close: () => socket.destroy() });
  await expect.poll(() => server.stats.acceptedCount).toBe(2);
  expect(server.stats.connectionCount).toBe(2);
  first.resetAndDestroy();
  await expect.poll(() => server.stats.connectionCount).toBe(1);
  second.resetAndDestroy();
  await expect.poll(() => server.stats.connectionCount).toBe(0);
});
