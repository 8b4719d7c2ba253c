/** Client and server over real sockets and TLS 1.3. */
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { viewDigest } from '@leno/config';
import { err, ok, seededRng, systemClock, systemTimers } from '@leno/std';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { type Leaf, TestMesh } from '../../test/certificates.ts';
import { resourcesOf } from '../../test/transcript.ts';
import { subprotocol } from '../messages/codec.ts';
import type { LeaseInstance } from '../messages/lease.ts';
import type { View } from '../messages/view.ts';
import type { PushClientOptions } from './client-options.ts';
import { PushClient } from './push-client.ts';
import { PushServer } from './push-server.ts';
import type { PushServerOptions } from './server-options.ts';

const mesh = new TestMesh();
const serverLeaf = mesh.leaf('/ns/test/sa/control-plane');
const ports = { clock: systemClock, timers: systemTimers, rng: seededRng(7) };
const cleanups: (() => void | Promise<void>)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A control plane whose head is what `head.view` says. */
async function controlPlane(options: Partial<PushServerOptions> = {}) {
  const head = { view: viewOf(1, 'a@1') };
  const seen: string[] = [];
  const server = createServer({
    key: serverLeaf.key,
    cert: serverLeaf.cert + mesh.rootPem,
    ca: [mesh.rootPem],
    requestCert: true,
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
  });
  const push = new PushServer({
    ...ports,
    server,
    authenticate: ({ token, peerDer }) => {
      seen.push(token ?? 'certificate');
      if (peerDer !== undefined) return ok({ kind: 'member', identity: 'spiffe://mesh.local/p' });
      const identity = 'spiffe://mesh.local/p';
      return token === 'secret' ? ok({ kind: 'joining', identity }) : err('unknown token');
    },
    viewFor: () => head.view,
    ...options,
    on: {
      closed: (session, { code, isReturning }) =>
        seen.push(`closed ${String(code)} ${isReturning ? 'returning' : session.leases.join()}`),
      ...options.on,
    },
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  cleanups.push(() => closeServer(server, push));
  const url = `wss://127.0.0.1:${String((server.address() as AddressInfo).port)}/v1/push`;
  const advance = (view: View): void => {
    head.view = view;
    push.headAdvanced('urgent');
  };
  return { push, server, url, advance, seen };
}

async function closeServer(server: Server, push: PushServer): Promise<void> {
  await push.close();
  server.closeAllConnections();
  await new Promise((done) => server.close(done));
}

/** A proxy that applies whatever comes, and tells of it. */
function proxy(url: string, options: Partial<PushClientOptions> = {}) {
  const log: string[] = [];
  const leaf: Leaf = mesh.leaf();
  const client = new PushClient({
    ...ports,
    url,
    tls: () => ({
      ca: [mesh.rootPem],
      key: leaf.key,
      cert: leaf.cert,
      checkServer: () => ok(undefined),
    }),
    node: { id: 'p1', service: 'shop', namespace: 'default', labels: {}, build: 'test' },
    have: () => null,
    apply: () => ({ status: 'applied', errors: [] }),
    ...options,
    on: {
      running: (view) => log.push(`running ${String(view.version)}`),
      error: ({ ref, code }) => log.push(`error ${ref} ${code}`),
      ...options.on,
    },
  });
  cleanups.push(() => client.stop());
  return { client, log };
}

function viewOf(version: number, ...names: readonly string[]): View {
  const resources = resourcesOf(names);
  return { epoch: 1, version, digest: viewDigest(resources), resources };
}

const instance: LeaseInstance = {
  id: 'i1',
  service: 'shop',
  ns: 'default',
  address: '127.0.0.1',
  port: 80,
  weight: 1,
  health: 'ready',
  transport: 'mtls',
  labels: {},
};

async function until(claim: () => boolean): Promise<void> {
  await expect.poll(claim, { timeout: 10_000, interval: 5 }).toBe(true);
}

test('a proxy joins with a token, gets a certificate, comes again with it and is configured', async () => {
  const { push, url, advance, seen } = await controlPlane({
    on: {
      csr: (_, pem) => {
        const leaf = mesh.leaf();
        const chain = [leaf.cert];
        const svid = { chain, bundle: [mesh.rootPem], notAfterMs: 1 };
        return Promise.resolve(pem === 'csr' ? ok({ ...svid }) : err({ code: 'BAD', msg: 'no' }));
      },
      lease: (_, lease) => {
        seen.push(`lease ${lease.kind}`);
        return ok(undefined);
      },
      leave: async (_, id) => {
        advance(viewOf(3, 'a@1', 'b@3'));
        const settlement = await push.settled({ epoch: 1, version: 3 }, 5_000);
        seen.push(`left ${id}`);
        return settlement;
      },
    },
  });
  const joined = mesh.leaf();
  let isMember = false;
  let chainLength = 0;
  const { client, log } = proxy(url, {
    join: 'secret',
    tls: () => ({
      ...(isMember ? { ca: [mesh.rootPem], key: joined.key, cert: joined.cert } : {}),
      checkServer: (der, chain) => {
        chainLength = chain.length;
        return Buffer.compare(der, serverLeaf.der) === 0
          ? ok(undefined)
          : err('not the pinned one');
      },
    }),
  });
  client.start();
  await expect(client.csr('other')).rejects.toMatchObject({ refusal: { code: 'BAD' } });
  expect(await client.csr('csr')).toMatchObject({ bundle: [mesh.rootPem] });
  expect(chainLength).toBe(3); // Leaf, issuer, root: what a pin of the root needs.
  expect(log).toEqual([]);
  isMember = true;
  client.restart();
  client.lease(instance, 15_000);
  await until(() => client.status.isCurrent);
  expect(log).toEqual(['running 1']);
  await until(() => seen.includes('lease register'));
  expect(seen).toEqual(['secret', 'closed 1000 returning', 'certificate', 'lease register']);
  advance(viewOf(2, 'a@1', 'b@2'));
  expect(await push.settled({ epoch: 1, version: 2 }, 5_000)).toEqual({ acked: 1, late: [] });
  expect(push.sessions()[0]).toMatchObject({
    acked: { version: 2 },
    verdict: 'applied',
    node: { id: 'p1', namespace: 'default' },
    leases: ['i1'],
  });
  expect(await client.leave('i1')).toEqual({ acked: 1, late: [] });
  expect(log).toEqual(['running 1', 'running 2', 'running 3']);
  client.stop();
  await until(() => seen.includes('closed 1000 '));
});

test('L2: a proxy that comes back with the head is sent no config', async () => {
  const { push, url, advance } = await controlPlane();
  const view = viewOf(1, 'a@1');
  const { client, log } = proxy(url, { have: () => view });
  client.start();
  await until(() => client.status.isCurrent);
  advance({ ...view, version: 2 });
  await until(() => client.status.running?.version === 2);
  expect(push.stats.sentSnapshots).toBe(0);
  expect(log).toEqual([]);
});

test('a refusal reaches the server with its reason, and what is late is named', async () => {
  const error = { type: 'service', name: 'a', version: 2, code: 'X', path: '/x', msg: 'why' };
  const { push, url, advance } = await controlPlane();
  const { client, log } = proxy(url, {
    apply: (view) =>
      view.version === 1
        ? { status: 'applied', errors: [] }
        : { status: 'rejected', errors: [error] },
  });
  client.start();
  await until(() => client.status.isCurrent);
  advance(viewOf(2, 'a@2'));
  expect(await push.settled({ epoch: 1, version: 2 }, 5_000)).toEqual({ acked: 0, late: ['p1'] });
  expect(push.sessions()[0]).toMatchObject({ verdict: 'rejected', errors: [error] });
  expect(client.status).toMatchObject({ verdict: 'rejected', running: { version: 1 } });
  expect(log).toEqual(['running 1']);
});

test('apply that throws, and one that takes its time', async () => {
  const { push, url, advance } = await controlPlane();
  const { client } = proxy(url, {
    apply: (view) => {
      if (view.version === 1) throw new Error('out of memory');
      return Promise.resolve({ status: 'applied', errors: [] });
    },
  });
  client.start();
  await until(() => push.sessions()[0]?.errors[0]?.msg === 'out of memory');
  advance(viewOf(2, 'a@2'));
  expect(await push.settled({ epoch: 1, version: 2 }, 5_000)).toEqual({ acked: 1, late: [] });
});

test('a control plane that returns finds its proxies again, with their instances', async () => {
  const leases: string[] = [];
  const { push, server, url, seen } = await controlPlane();
  const { client } = proxy(url);
  client.start();
  client.lease(instance, 15_000);
  await until(() => client.status.isCurrent);
  await until(() => push.sessions()[0]?.leases.length === 1);
  await push.close();
  await until(() => client.status.kind !== 'live');
  // It is the server that goes: the instance lives on.
  expect(seen).toContain('closed 1001 returning');
  const again = new PushServer({
    ...ports,
    server,
    authenticate: () => ok({ kind: 'member', identity: 'x' }),
    viewFor: () => viewOf(1, 'a@1'),
    on: {
      lease: (_, lease) => {
        leases.push(lease.kind);
        return err({ code: 'DENIED', msg: 'not yours' });
      },
    },
  });
  cleanups.push(() => again.close());
  await until(() => client.status.isCurrent && leases.length > 0);
  expect(again.stats.sentSnapshots).toBe(0);
});

test('a server that the proxy refuses never sees its token', async () => {
  const { url, seen } = await controlPlane();
  const { client } = proxy(url, {
    join: 'secret',
    tls: () => ({ checkServer: () => err('another pin') }),
  });
  client.start();
  await until(() => client.status.lastError !== '');
  expect(client.status.lastError).toBe('the server was refused: another pin');
  expect(seen).toEqual([]);
});

const member = mesh.leaf();
const foreign = new TestMesh('other.local').leaf();

/** Opens by hand; gives what came of it. */
function open(url: string, options: object, first?: string): Promise<string> {
  return new Promise((resolve) => {
    const { protocol = subprotocol, ...rest } = options as { protocol?: string };
    const socket = new WebSocket(url, protocol, {
      ca: mesh.rootPem,
      ...anyName,
      ...rest,
    });
    cleanups.push(() => socket.terminate());
    socket.on('unexpected-response', (request, response) => {
      const { statusCode, headers } = response;
      resolve(`${String(statusCode)} ${headers['retry-after'] ?? ''}`.trim());
      request.destroy();
    });
    socket.on('error', () => resolve('error'));
    socket.on('open', () => (first === undefined ? resolve('open') : socket.send(first)));
    socket.on('close', (code) => resolve(String(code)));
  });
}
/** Who the server is says its SPIFFE id, which these callers do not look at. */
const anyName = { checkServerIdentity: () => undefined } as object;
const own = { key: member.key, cert: member.cert };
const hello = JSON.stringify({
  t: 'hello',
  proto: 1,
  node: { id: 'n', service: 's', ns: 'd', labels: {}, build: '' },
  have: null,
  sub: [],
  caps: [],
  lkgAgeMs: 0,
});
const join = { headers: { authorization: 'Join secret' } };

test.each([
  { name: 'no credentials', options: {}, came: '401', counter: 'refusedAuth' },
  {
    name: 'a wrong token',
    options: { headers: { authorization: 'Join other' } },
    came: '401',
    counter: 'refusedAuth',
  },
  {
    name: 'a certificate of a stranger, whatever its owner would say',
    options: { key: foreign.key, cert: foreign.cert },
    came: '401',
    counter: 'refusedAuth',
  },
  {
    name: 'a certificate of a stranger, with a token',
    options: { key: foreign.key, cert: foreign.cert, ...join },
    came: '401',
    counter: 'refusedAuth',
  },
  {
    name: 'an expired certificate',
    options: mesh.leaf('/ns/test/sa/client', 7_200_000),
    came: '401',
    counter: 'refusedAuth',
  },
  {
    name: 'a page of a browser',
    options: { ...own, origin: 'https://evil.example' },
    came: '403',
    counter: 'refusedRequest',
  },
  {
    name: 'another protocol',
    options: { ...own, protocol: 'chat' },
    came: '400',
    counter: 'refusedRequest',
  },
  {
    name: 'another path',
    options: own,
    path: '/other',
    came: '404',
    counter: 'refusedRequest',
  },
  { name: 'a token and hello', options: join, first: hello, came: '4401', counter: undefined },
  { name: 'no hello', options: own, first: '{"t":"stat","body":{}}', came: '4400' },
  { name: 'no JSON', options: own, first: 'hi', came: '4400', counter: 'malformed' },
  {
    name: 'a frame over the limit',
    options: own,
    first: ' '.repeat(2_097_152),
    came: '1009',
    counter: 'socketErrors',
  },
] as const)('at the door: $name', async (it) => {
  const { push, url, seen } = await controlPlane();
  const path = 'path' in it ? it.path : '/v1/push';
  const first = 'first' in it ? it.first : undefined;
  expect(await open(url.replace('/v1/push', path), it.options, first)).toBe(it.came);
  if ('counter' in it && it.counter !== undefined) expect(push.stats[it.counter]).toBe(1);
  if (it.name.includes('stranger')) expect(seen).toEqual([]);
});

test('R9: sessions have a bound and upgrades a rate; both say when to come again', async () => {
  const { push, url } = await controlPlane({ limits: { sessionCountMax: 2 } });
  const came = [await open(url, own), await open(url, own), await open(url, own)];
  expect(came).toEqual(['open', 'open', '503 5']);
  expect(push.stats.refusedFull).toBe(1);
  const slow = await controlPlane({ limits: { upgradesPerSecond: 1 } });
  expect(await Promise.all([1, 2, 3].map(() => open(slow.url, own)))).toContain('429 1');
  expect(slow.push.stats.refusedRate).toBe(1);
});

test('R6: whoever does not ack in time is closed', async () => {
  const { push, url } = await controlPlane({ limits: { ackTimeoutMs: 50 } });
  expect(await open(url, own, hello)).toBe('4408');
  expect(push.stats.ackTimeout).toBe(1);
});

test('a half-open connection is found dead', async () => {
  const { push, url, seen } = await controlPlane({ limits: { heartbeatMs: 20 } });
  expect(await open(url, { ...own, autoPong: false }, hello)).toBe('1006');
  expect(push.stats.heartbeatLost).toBe(1);
  expect(seen).toContain('closed 1006 ');
});

test('whoever does not read is given up, on both sides', async () => {
  const { push, url, seen } = await controlPlane({ limits: { bufferedBytesMax: 0 } });
  // The welcome still waits when the snapshot comes.
  expect(await open(url, own, hello)).toBe('1006');
  expect(push.stats.bufferFull).toBe(1);
  expect(seen).toContain('closed 4409 ');
  const patient = await controlPlane();
  const { client } = proxy(patient.url, { limits: { bufferedBytesMax: 0 } });
  client.start();
  await until(() => client.status.isCurrent);
  client.stat({});
  client.stat({});
  expect(client.stats.bufferFull).toBe(1);
  expect(client.status.kind).toBe('waiting');
});

test('a view over the limit closes with 4413, and other sessions live on', async () => {
  const views = [viewOf(1), viewOf(1, 'a@1', 'b@1', 'c@1', 'd@1')];
  const { push, url } = await controlPlane({
    limits: { sendBytesMax: 300 },
    viewFor: ({ node }) => (node?.id === 'p1' ? views[0] : views[1]),
  });
  const { client } = proxy(url);
  client.start();
  await until(() => client.status.isCurrent);
  expect(await open(url, own, hello)).toBe('4413');
  expect(push.stats.tooBig).toBe(1);
  expect(client.status.kind).toBe('live');
});

test('a view that cannot be computed holds the session and hurts nobody else', async () => {
  const { push, url } = await controlPlane({
    viewFor: () => {
      throw new Error('bug');
    },
  });
  const { client } = proxy(url);
  client.start();
  await until(() => client.status.mode === 'hold');
  expect(push.stats.viewFailures).toBe(1);
});
