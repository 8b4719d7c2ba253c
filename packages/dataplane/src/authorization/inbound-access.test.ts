/** Access policies at a real inbound listener, by peers with certificates of their own. */
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { type ClientHttp2Session, connect as connectHttp2 } from 'node:http2';
import { type RequestOptions, request } from 'node:https';
import type { Duplex } from 'node:stream';
import { systemClock } from '@leno/std';
import { renderPrometheus } from '@leno/telemetry';
import { expect, test } from 'vitest';
import { closing } from '../testing/closing.ts';
import { type Application, ask, openApplication, until } from '../testing/ends.ts';
import { idOf, tlsOf } from '../testing/identities.ts';
import { openProxy, type ProxyBed } from '../testing/proxy-bed.ts';
import { type Mesh, viewOf } from '../testing/views.ts';
import { viewAfter } from '../view-after.ts';
import { authorizeConnection } from './authorize-connection.ts';

interface Shop {
  readonly app: Application;
  readonly proxy: ProxyBed;
}

/** A proxy before `shop` under these policies. */
async function shopUnder(
  policies: readonly object[],
  { serve, ...mesh }: Mesh & { serve?: Parameters<typeof openApplication>[0] } = {},
): Promise<Shop> {
  const app = closing(await openApplication(serve));
  const proxy = closing(await openProxy('shop', app.port));
  const shop: Shop = { app, proxy };
  expect(put(shop, policies, mesh)).toMatchObject({ status: 'applied' });
  return shop;
}

function put({ proxy }: Shop, policies: readonly object[], mesh: Mesh = {}) {
  return proxy.apply({ services: { shop: [] }, ...mesh, access: { shop: policies } });
}

const clients = new Map<string, RequestOptions>();

function asPeer(peer: string): RequestOptions {
  const known = clients.get(peer);
  if (known !== undefined) return known;
  const { key, cert, ca } = tlsOf(peer);
  const options = { key, cert, ca, host: '127.0.0.1', checkServerIdentity: () => undefined };
  clients.set(peer, options);
  return options;
}

/** One request of `peer` on a connection of its own. */
async function askAs(
  peer: string,
  { proxy }: Shop,
  options: Pick<RequestOptions, 'method' | 'path'> & { headers?: Record<string, string> } = {},
): Promise<{ status: number; body: string; reason: unknown }> {
  const common = { ...asPeer(peer), port: proxy.inboundPort, agent: false };
  const outgoing = request({
    ...common,
    ...options,
    headers: { host: 'shop', ...options.headers },
  });
  outgoing.end();
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of incoming) body += String(chunk);
  const { statusCode: status = 0, headers } = incoming;
  return { status, body, reason: headers['x-leno-reason'] };
}

const from = (...peers: readonly string[]) => ({ from: { principals: peers.map(idOf) } });
const allow = (...rules: readonly object[]) => ({ action: 'ALLOW', rules });
const deny = (...rules: readonly object[]) => ({ action: 'DENY', rules });
const metricsOf = ({ proxy }: Shop): string => renderPrometheus(proxy.metrics);

test('who is not let in gets 403 and the reason; the record and the metric say which rule', async () => {
  const shop = await shopUnder([allow({ name: 'only-web', ...from('web') })]);
  expect(await askAs('web', shop)).toMatchObject({ status: 200 });
  const refused = await askAs('cart', shop, { headers: { 'x-request-id': 'r1' } });
  expect(refused).toMatchObject({ status: 403, reason: 'denied' });
  expect(shop.app.seen).toHaveLength(1);
  const record = shop.proxy.dataPlane.engine.journal.recorder.find('r1', systemClock.nowMs());
  expect(record?.access).toMatchObject({ decision: 'deny', policy: '', rule: '' });
  expect(metricsOf(shop)).toContain(
    'leno_authz_total{policy="default/shop-0",decision="allow",peer="default/web"} 1',
  );
  expect(metricsOf(shop)).toContain(
    'leno_authz_total{policy="none",decision="deny",peer="default/cart"} 1',
  );
});

test('without policies whoever is of the mesh may call, and nothing is counted', async () => {
  const shop = await shopUnder([]);
  expect(await askAs('cart', shop)).toMatchObject({ status: 200 });
  expect(metricsOf(shop)).not.toContain('leno_authz_total{');
});

test('DENY names its rule to the record and not more than denied to the caller', async () => {
  const shop = await shopUnder([deny({ name: 'no-del', to: { methods: ['DELETE'] } })]);
  const headers = { 'x-http-method-override': 'DELETE', 'x-request-id': 'r2' };
  expect((await askAs('web', shop, { method: 'POST', headers })).status).toBe(200);
  const refused = await askAs('web', shop, { method: 'DELETE', headers });
  expect(refused).toMatchObject({ status: 403, reason: 'denied' });
  expect(refused.body).not.toContain('no-del');
  const record = shop.proxy.dataPlane.engine.journal.recorder.find('r2', systemClock.nowMs());
  expect(record?.access).toMatchObject({ policy: 'default/shop-0', rule: 'no-del' });
});

test('the path that is decided on is the one that is forwarded', async () => {
  const shop = await shopUnder([deny({ to: { paths: [{ prefix: '/admin' }] } })]);
  const statusOf = async (path: string) => (await askAs('web', shop, { path })).status;
  expect(await statusOf('/%61dmin/x')).toBe(403);
  expect(await statusOf('/public/../admin')).toBe(400);
  expect(await statusOf('//admin')).toBe(400);
  expect(await statusOf('/admin%3bx')).toBe(400);
  expect(shop.app.seen).toHaveLength(0);
  expect(await askAs('web', shop, { path: '/%7Ea/b?q=%61%2f..' })).toMatchObject({
    status: 200,
    body: '/~a/b?q=%61%2f..',
  });
});

test('without rules about paths, paths pass as they are', async () => {
  const shop = await shopUnder([allow(from('web'))]);
  const path = '/a/../%61//b;c';
  expect(await askAs('web', shop, { path })).toMatchObject({ status: 200, body: path });
});

test('policies on trial decide nothing and are heard of', async () => {
  const shop = await shopUnder([
    { ...deny({}), dryRun: true },
    { action: 'AUDIT', rules: [{}] },
  ]);
  expect((await askAs('web', shop)).status).toBe(200);
  const lines = metricsOf(shop).split('\n');
  const said = lines.filter((it) => it.startsWith('leno_authz_total'));
  expect(said.map((it) => /policy="([^"]*)",decision="([^"]*)"/.exec(it)?.slice(1))).toEqual([
    ['none', 'allow'],
    ['default/shop-0', 'would_deny'],
    ['default/shop-1', 'audit'],
  ]);
});

test.each([
  ['a DENY on trial', { ...deny({ to: { paths: [{ prefix: '/admin' }] } }), dryRun: true }],
  ['an ALLOW on trial', { ...allow({ to: { paths: [{ prefix: '/a' }] } }), dryRun: true }],
  ['AUDIT', { action: 'AUDIT', rules: [{ to: { paths: [{ prefix: '/admin' }] } }] }],
])('%s about paths refuses none and changes none, and is heard of', async (_, policy) => {
  const shop = await shopUnder([policy]);
  const path = '/a/../%61dmin//b;c';
  expect(await askAs('web', shop, { path })).toMatchObject({ status: 200, body: path });
  expect(await askAs('web', shop, { path: '/%61dmin' })).toMatchObject({ body: '/%61dmin' });
  const wanted =
    policy.action === 'AUDIT' ? /decision="audit",[^}]*} 1\n/ : /"would_deny",[^}]*} 2\n/;
  expect(metricsOf(shop)).toMatch(wanted);
});

test.each([
  ['for one who may', 'gateway', `By=x;URI=${idOf('admin')}`, 200],
  ['for one who may not', 'gateway', `By=x;URI=${idOf('web')}`, 403],
  ['the newest word counts', 'gateway', `URI=${idOf('admin')},URI=${idOf('web')}`, 403],
  [
    'quotes hide separators',
    'gateway',
    `URI=${idOf('web')};Subject="a,URI=${idOf('admin')};b"`,
    403,
  ],
  [
    'a quote that never ends hides who comes behind it',
    'gateway',
    `URI=${idOf('admin')};Subject="x,By=y;URI=${idOf('web')}`,
    403,
  ],
  ['a quote within quotes', 'gateway', `URI=${idOf('admin')};Subject="a\\"b"`, 200],
  ['two at once', 'gateway', `URI=${idOf('admin')};URI=${idOf('web')}`, 403],
  ['for nobody', 'gateway', `By=${idOf('admin')}`, 403],
  ['for itself', 'gateway', undefined, 403],
  ['who is not trusted', 'web', `By=x;URI=${idOf('admin')}`, 403],
])('a forwarder speaks: %s', async (_, peer, said, status) => {
  const shop = await shopUnder([allow(from('admin'))], { forwarders: ['gateway'] });
  const headers = said === undefined ? {} : { 'x-forwarded-client-cert': said };
  expect((await askAs(peer, shop, { headers })).status).toBe(status);
  const forwarded = shop.app.seen[0]?.headers['x-forwarded-client-cert'];
  if (status === 200) {
    const own = `By=${idOf('gateway')};URI=${idOf('admin')}`;
    expect(forwarded).toBe(`${own}, By=${idOf('shop')};URI=${idOf('gateway')}`);
  }
});

test.each(['URI=admin', 'By=x', 'URI=spiffe://mesh.local/*', ''])(
  'a forwarder that does not say clearly for whom is let in nowhere: %j',
  async (said) => {
    const shop = await shopUnder([allow({})], { forwarders: ['gateway'] });
    expect((await askAs('gateway', shop)).status).toBe(200);
    const headers = { 'x-forwarded-client-cert': said };
    expect((await askAs('gateway', shop, { headers })).status).toBe(403);
  },
);

test('who is no longer trusted to speak for others is not heard, though no policy has changed', async () => {
  const services = { shop: [] };
  const access = { shop: [allow(from('admin'))] };
  const shop = await shopUnder([]);
  const headers = { 'x-forwarded-client-cert': `URI=${idOf('admin')}` };
  const view = viewOf({ services, access, forwarders: ['gateway'] });
  const { dataPlane } = shop.proxy;
  dataPlane.apply(view);
  expect((await askAs('gateway', shop, { headers })).status).toBe(200);
  const settings = viewOf({}).resources.filter(({ type }) => type === 'telemetry');
  const others = view.resources.filter(({ type }) => type !== 'telemetry');
  dataPlane.apply({ ...view, version: view.version + 100, resources: [...others, ...settings] });
  expect((await askAs('gateway', shop, { headers })).status).toBe(403);
});

test('who denies a forwarder denies all who come through it', async () => {
  const policies = [allow(from('admin')), deny(from('gateway'))];
  const shop = await shopUnder(policies, { forwarders: ['gateway'] });
  const headers = { 'x-forwarded-client-cert': `URI=${idOf('admin')}` };
  expect((await askAs('gateway', shop, { headers })).status).toBe(403);
});

test('plaintext has no identity, where it is taken', async () => {
  const shop = await shopUnder([]);
  put(shop, [], { permissive: ['shop'] });
  expect((await ask(shop.proxy.inboundPort)).status).toBe(200);
  put(shop, [deny(from('web'))], { permissive: ['shop'] });
  expect((await ask(shop.proxy.inboundPort)).status).toBe(403);
});

test('a policy that cannot be read keeps what was before, and without that lets nobody in', async () => {
  const wrong = allow({ notFrom: {} });
  const shop = await shopUnder([allow(from('web'))]);
  expect(put(shop, [wrong])).toMatchObject({ status: 'partial', errors: [{ code: 'LN0401' }] });
  expect((await askAs('web', shop)).status).toBe(200);
  expect((await askAs('cart', shop)).status).toBe(403);
  const unclear = allow({ to: { paths: [{ exact: '/a/%2e%2e' }] } });
  expect(put(shop, [unclear])).toMatchObject({ errors: [{ code: 'LENO_POLICY' }] });

  const app = closing(await openApplication());
  const fresh: Shop = { app, proxy: closing(await openProxy('shop', app.port)) };
  expect(put(fresh, [wrong])).toMatchObject({ status: 'partial' });
  expect((await askAs('web', fresh)).status).toBe(403);
  // The server does not repeat what was refused: that is no word that nothing holds.
  fresh.proxy.apply({});
  expect((await askAs('web', fresh)).status).toBe(403);
  // Nor does it to whoever takes the place of one that was refused it.
  const next: Shop = { app, proxy: closing(await openProxy('shop', app.port)) };
  const bad = viewOf({ services: { shop: [] }, access: { shop: [wrong] } });
  const { errors } = fresh.proxy.dataPlane.prepare(bad).applied;
  const refused = viewAfter(bad, undefined, errors);
  expect(next.proxy.dataPlane.apply(viewAfter(viewOf({}), refused, [])).status).toBe('applied');
  expect((await askAs('web', next)).status).toBe(403);
  put(next, []);
  expect((await askAs('web', next)).status).toBe(200);
  put(fresh, []);
  expect((await askAs('web', fresh)).status).toBe(200);
});

const stream: Parameters<typeof openApplication>[0] = (incoming, outgoing) => {
  outgoing.writeHead(200);
  incoming.pipe(outgoing);
};

async function openStream(peer: string, shop: Shop, path = '/s') {
  const { key, cert, ca } = tlsOf(peer);
  const at = `https://127.0.0.1:${shop.proxy.inboundPort}`;
  const session: ClientHttp2Session = connectHttp2(at, {
    ...{ key, cert, ca },
    checkServerIdentity: () => undefined,
  });
  closing({ close: () => session.destroy() });
  const body = session.request({ ':method': 'POST', ':path': path, ':authority': 'shop' });
  const ended = new Promise<void>((resolve) => {
    body.on('error', () => undefined);
    body.on('close', resolve);
  });
  const echoed = once(body, 'data');
  body.write('one');
  await echoed;
  return { body, ended };
}

async function openTunnel(peer: string, shop: Shop) {
  const headers = { host: 'shop', connection: 'upgrade', upgrade: 'echo' };
  const outgoing = request({
    ...asPeer(peer),
    port: shop.proxy.inboundPort,
    agent: false,
    headers,
  });
  outgoing.end();
  const [, socket] = (await once(outgoing, 'upgrade')) as [IncomingMessage, Duplex];
  closing({ close: () => socket.destroy() });
  socket.on('error', () => undefined);
  return { body: socket, ended: new Promise<void>((resolve) => socket.on('close', resolve)) };
}

test.each(['stream', 'tunnel'] as const)(
  'a %s ends when its peer is no longer let in, and not before',
  async (kind) => {
    const shop = await shopUnder([allow(from('web'))], { serve: stream });
    if (kind === 'tunnel') shop.app.onUpgrade((socket) => socket.pipe(socket));
    const { body, ended } = await (kind === 'stream' ? openStream : openTunnel)('web', shop);
    put(shop, [allow(from('web', 'cart'))]);
    const echoed = once(body, 'data');
    body.write('two');
    await echoed;
    put(shop, [allow(from('cart'))]);
    await ended;
    await until(() => shop.proxy.leaks().length === 0);
    expect((await askAs('web', shop)).status).toBe(403);
  },
);

test('a new rule about paths ends what was forwarded in another spelling', async () => {
  const shop = await shopUnder([], { serve: stream });
  const plain = await openStream('web', shop, '/s');
  const { ended } = await openStream('web', shop, '/%73');
  put(shop, [deny({ to: { paths: [{ prefix: '/other' }] } })]);
  await ended;
  expect(plain.body.destroyed).toBe(false);
});

test('connections: rules about HTTP let nobody in, and deny as if they matched', async () => {
  const shop = await shopUnder([allow(from('web'))], { tcp: ['shop'] });
  const verdict = (peer: string, port?: number, transport: 'mtls' | 'plain' = 'mtls'): string => {
    const identity = transport === 'mtls' ? idOf(peer) : undefined;
    const { table } = shop.proxy.dataPlane.engine;
    const peerOf = { address: '127.0.0.1', port: 1, transport, identity };
    const found = authorizeConnection(table, peerOf, port);
    return found.kind === 'refused' ? found.reason : found.kind;
  };
  expect([verdict('web'), verdict('cart')]).toEqual(['allowed', 'denied']);
  expect(verdict('web', 80, 'plain')).toBe('unauthenticated');
  put(shop, [allow({ to: { methods: ['GET'] } })], { tcp: ['shop'] });
  expect(verdict('web')).toBe('denied');
  put(shop, [deny({ to: { methods: ['GET'] } })], { tcp: ['shop'] });
  expect(verdict('web')).toBe('denied');
  put(shop, [deny({ to: { ports: [5432] } })], { tcp: ['shop'] });
  expect([verdict('web', 80), verdict('web', 5432), verdict('web')]).toEqual([
    'allowed',
    'denied',
    'denied',
  ]);
});
