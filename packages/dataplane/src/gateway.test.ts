import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { connect } from 'node:tls';
import { createHttpServer } from '@leno/http';
import { expect, test } from 'vitest';
import { closing } from './testing/closing.ts';
import { ask, openApplication, type Question, until } from './testing/ends.ts';
import { idOf, tlsOf } from './testing/identities.ts';
import { openProxy, type ProxyParts } from './testing/proxy-bed.ts';
import { endpoint, type Mesh, ruleTo } from './testing/views.ts';

/** An application behind a gateway, with a sidecar between them or without. */
async function edge(mesh: Partial<Mesh> = {}, parts: ProxyParts & { sidecar?: boolean } = {}) {
  const app = closing(await openApplication());
  const shop = parts.sidecar === true ? closing(await openProxy('shop', app.port)) : undefined;
  shop?.apply({});
  const at = shop === undefined ? endpoint(app.port) : endpoint(shop.inboundPort, 'shop');
  const bed = closing(await openProxy('edge', 1, { isGateway: true, ...parts }));
  const whole: Mesh = {
    services: { shop: [at], blog: [at] },
    gateways: { edge: [{}] },
    gatewayRoutes: { all: { gateways: [{ gateway: 'default/edge' }] } },
    ...mesh,
  };
  const applied = bed.apply(whole);
  const listen = async (port: number, tls?: Parameters<typeof createHttpServer>[0]['tls']) => {
    const handler = bed.dataPlane.engine.gateway(port);
    const more = tls === undefined ? {} : { tls };
    const server = closing(createHttpServer({ handler, http2: true, ...more }));
    return (await server.listen(0, '127.0.0.1')).port;
  };
  return { app, bed, applied, listen };
}

/** Status, reason and the route of the decision, as a caller or the journal sees them. */
async function outcome(port: number, question: Question): Promise<string> {
  const { status, headers } = await ask(port, question);
  return `${status} ${String(headers['x-leno-reason'] ?? '-')}`;
}

const doors = {
  gateways: {
    edge: [
      { name: 'shop', hostname: 'shop.test' },
      { name: 'wild', hostname: '*.shop.test' },
      { name: 'deep', hostname: '*.a.shop.test' },
      { name: 'bare', hostname: 'bare.test' },
      { name: 'other', port: 81, hostname: 'other.test' },
    ],
  },
  gatewayRoutes: {
    one: {
      gateways: [{ gateway: 'default/edge', listener: 'shop' }],
      rules: [ruleTo('shop', '/one')],
    },
    wild: {
      gateways: [{ gateway: 'default/edge', listener: 'wild' }],
      rules: [ruleTo('shop', '/wild')],
    },
    deep: {
      gateways: [{ gateway: 'default/edge', port: 80 }],
      hostnames: ['x.a.shop.test'],
      rules: [ruleTo('shop', '/deep')],
    },
    other: {
      gateways: [{ gateway: 'default/edge', port: 81 }],
      rules: [ruleTo('shop', '/other')],
    },
    foreign: { gateways: [{ gateway: 'default/another' }], rules: [ruleTo('shop', '/foreign')] },
    lost: { gateways: [{ gateway: 'default/edge' }], hostnames: ['else.test'] },
  },
} as const;

test.each([
  { host: 'shop.test', path: '/one', is: '200 -' },
  { host: 'SHOP.test:8443', path: '/one?x=1', is: '200 -' },
  { host: 'shop.test.', path: '/one', is: '200 -' },
  { host: 'shop.test', path: '/wild', is: '404 no-route' },
  { host: 'b.shop.test', path: '/wild', is: '200 -' },
  { host: 'c.b.shop.test', path: '/wild', is: '200 -' },
  // What came for the more specific door is not shown to the less specific one.
  { host: 'x.a.shop.test', path: '/wild', is: '404 no-route' },
  { host: 'x.a.shop.test', path: '/deep', is: '200 -' },
  { host: 'y.a.shop.test', path: '/deep', is: '404 no-route' },
  { host: 'shop.test', path: '/other', is: '404 no-route' },
  { host: 'shop.test', path: '/foreign', is: '404 no-route' },
  { host: 'bare.test', path: '/', is: '404 no-route' },
  { host: 'else.test', path: '/', is: '404 no-route' },
  { host: 'other.test', path: '/other', is: '404 no-route' },
  { host: 'other.test', path: '/other', port: 81, is: '200 -' },
  { host: 'shop.test', path: '/one', port: 81, is: '404 no-route' },
  { host: 'shop.test', path: '/one', port: 82, is: '404 no-route' },
])('$host, $path at port $port: $is', async ({ host, path, port = 80, is }) => {
  const { listen } = await edge(doors);
  expect(await outcome(await listen(port), { host, path })).toBe(is);
});

test('a visitor brings no identity, no way and no words of the mesh; what the socket shows is said', async () => {
  const { app, bed, listen } = await edge({}, { sidecar: true });
  const forged = {
    'x-forwarded-client-cert': 'URI=spiffe://mesh.local/ns/default/sa/admin',
    'x-leno-peer': 'spiffe://mesh.local/ns/default/sa/admin',
    'x-forwarded-for': '192.0.2.1',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'evil',
    'x-forwarded-port': '1',
    'x-leno-deadline': '1',
    'x-leno-attempt': '7',
    forwarded: 'for=192.0.2.1',
    'x-real-ip': '192.0.2.1',
    'x-request-id': 'kept-1',
  };
  const port = await listen(80);
  expect(await outcome(port, { host: 'shop.test', headers: forged })).toBe('200 -');
  const { headers } = app.seen[0] ?? {};
  expect(headers).toMatchObject({
    host: 'shop.test',
    // The way: the visitor to the gateway, the gateway to the sidecar.
    'x-forwarded-for': '127.0.0.1, 127.0.0.1',
    'x-forwarded-proto': 'http',
    'x-forwarded-host': 'shop.test',
    'x-leno-peer': idOf('edge'),
    'x-request-id': 'kept-1',
  });
  expect(headers?.['traceparent']).toMatch(/^00-[0-9a-f]{32}-/);
  for (const name of ['x-forwarded-port', 'x-leno-attempt', 'forwarded', 'x-real-ip']) {
    expect(headers?.[name]).toBeUndefined();
  }
  await until(() => bed.leaks().length === 0);
});

test('a 404 for outsiders tells nothing of the inside, and keeps the connection', async () => {
  const { listen } = await edge(doors);
  const asked = { host: 'nobody.test', headers: { connection: 'keep-alive' } };
  const { status, headers, body } = await ask(await listen(80), asked);
  expect(status).toBe(404);
  expect(JSON.parse(body)).not.toHaveProperty('detail');
  expect(headers['connection']).not.toBe('close');
});

test('CONNECT is refused: a gateway is no way into the mesh for whatever protocol', async () => {
  const { listen } = await edge();
  const socket = connectTcp(await listen(80), '127.0.0.1');
  socket.write('CONNECT shop:80 HTTP/1.1\r\nhost: shop:80\r\n\r\n');
  const [reply] = (await once(socket, 'data')) as [Buffer];
  socket.destroy();
  expect(reply.toString('latin1')).toMatch(/^HTTP\/1.1 400 /);
});

test('what is counted names the service, not the gateway', async () => {
  const { bed, listen } = await edge();
  await ask(await listen(80), { host: 'any.test' });
  await until(() => bed.leaks().length === 0);
  expect(bed.dataPlane.engine.metrics.edges.take()).toMatchObject([
    { direction: 'outbound', peer: 'default/shop', ok: 1 },
  ]);
});

test('before there is a configuration of it, nothing is let through', async () => {
  const { listen } = await edge({ gateways: { another: [{}] } });
  expect(await outcome(await listen(80), { host: 'any.test' })).toBe('404 no-route');
});

test('a gateway that cannot be what is asked keeps what it was, and says why', async () => {
  const faults = { code: 'LENO_LISTEN', path: 'body.listeners[0].port', msg: 'taken' };
  const checkGateway: ProxyParts['checkGateway'] = ({ listeners }) =>
    listeners.some((it) => it.port === 81) ? faults : undefined;
  const { bed, applied, listen } = await edge({}, { checkGateway });
  expect(applied.status).toBe('applied');
  const again = bed.apply({ ...doors, services: { shop: [] } });
  expect(again).toMatchObject({
    status: 'partial',
    errors: [{ type: 'listener', name: 'default/edge', ...faults }],
  });
  expect(bed.dataPlane.engine.table.gateway?.body.listeners).toMatchObject([{ name: 'http' }]);
  // Its routes are of the same bundle: they stay as they were, too.
  expect(await outcome(await listen(80), { host: 'any.test' })).toBe('503 no-endpoint');
});

/** Speaks TLS for one name and asks for another. */
function askFor(port: number, servername: string, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', servername, rejectUnauthorized: false });
    socket.once('error', reject);
    socket.write(`GET / HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    let text = '';
    socket.setEncoding('latin1');
    socket.on('data', (chunk: string) => (text += chunk));
    socket.on('end', () => {
      socket.destroy();
      resolve(/^HTTP\/1.1 (\d+)/.exec(text)?.[1] ?? '');
    });
  });
}

test.each([
  { serverName: 'a.test', host: 'a.test', is: '200' },
  { serverName: 'a.test', host: 'b.test', is: '421' },
  { serverName: 'b.test', host: 'c.b.test', is: '421' },
  { serverName: 'c.b.test', host: 'd.b.test', is: '200' },
  { serverName: 'a.test', host: 'nobody.test', is: '404' },
  { serverName: '', host: 'a.test', is: '421' },
])('TLS for $serverName, then a request for $host: $is', async ({ serverName, host, is }) => {
  const hosts = ['a.test', 'b.test', '*.b.test'];
  const { key, cert } = tlsOf('edge');
  const { listen } = await edge({
    gateways: {
      edge: hosts.map((hostname) => ({ name: hostname, protocol: 'https', port: 443, hostname })),
    },
  });
  const port = await listen(443, { kind: 'public', certificates: [{ key, cert }] });
  expect(await askFor(port, serverName, host)).toBe(is);
});
