import { X509Certificate } from 'node:crypto';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { TestCa } from '@leno/testkit';
import { afterEach, expect, it, test } from 'vitest';
import { FieldList } from './fields.ts';
import { createHttpServer } from './server.ts';
import type { HttpServer, HttpServerOptions, Rejection } from './server-options.ts';
import type { ServerCertificate } from './tls-options.ts';

const ca = new TestCa();

/** A certificate with these names, for whoever asks for `hostname`. */
function certificate(dnsNames: readonly string[], hostname?: string): ServerCertificate {
  const { key, cert } = ca.leaf('', { uris: [], dnsNames });
  const leaf = new X509Certificate(cert);
  return { hostname, key, cert, isFor: (name) => leaf.checkHost(name) !== undefined };
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

interface Bed {
  readonly server: HttpServer;
  readonly port: number;
  readonly rejections: Rejection[];
}

async function bed(
  certificates: readonly ServerCertificate[],
  options: Partial<HttpServerOptions> = {},
): Promise<Bed> {
  const rejections: Rejection[] = [];
  const server = createHttpServer({
    tls: { kind: 'public', certificates },
    http2: true,
    handler: () => undefined,
    onRejected: (rejection) => {
      rejections.push(rejection);
      return undefined;
    },
    ...options,
  });
  const { port } = await server.listen(0, '127.0.0.1');
  open.push(server);
  return { server, port, rejections };
}

/** Shakes hands; gives the socket, or the code of the error. */
function shake(port: number, options: ConnectionOptions = {}): Promise<TLSSocket | string> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', ca: ca.root.certificatePem, ...options });
    socket.once('secureConnect', () => {
      open.push({ close: () => socket.destroy() });
      resolve(socket);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

async function namesShown(port: number, servername: string): Promise<string> {
  const shown = await shake(port, { servername, rejectUnauthorized: false });
  if (typeof shown === 'string') return shown;
  return shown.getPeerX509Certificate()?.subjectAltName ?? '';
}

const shop = certificate(['shop.test', 'www.shop.test'], 'shop.test');
const wild = certificate(['*.shop.test'], '*.shop.test');
const deep = certificate(['*.a.shop.test'], '*.a.shop.test');
const rest = certificate(['rest.test']);
const other = certificate(['other.test']);

test.each([
  { name: 'the exact name', serverName: 'shop.test', is: 'DNS:shop.test, DNS:www.shop.test' },
  { name: 'whatever its case', serverName: 'SHOP.test', is: 'DNS:shop.test, DNS:www.shop.test' },
  { name: 'a wildcard', serverName: 'b.shop.test', is: 'DNS:*.shop.test' },
  { name: 'a wildcard at any depth', serverName: 'c.b.shop.test', is: 'DNS:*.shop.test' },
  { name: 'the longest wildcard', serverName: 'b.a.shop.test', is: 'DNS:*.a.shop.test' },
  { name: 'every other name', serverName: 'elsewhere.test', is: 'DNS:rest.test' },
  { name: 'every other name, valid for it', serverName: 'other.test', is: 'DNS:other.test' },
  { name: 'no name', serverName: '', is: 'DNS:rest.test' },
])('shows the certificate for $name', async ({ serverName, is }) => {
  const { port } = await bed([wild, shop, deep, rest, other]);
  expect(await namesShown(port, serverName)).toBe(is);
});

test.each([
  { name: 'a name that nothing is for', servername: 'other.test' },
  { name: 'no name, where there is no default', servername: '' },
])('refuses $name by an alert, and counts it', async ({ servername }) => {
  const { port, server, rejections } = await bed([shop]);
  expect(await shake(port, { servername })).toMatch(/HANDSHAKE_FAILURE/);
  expect(rejections).toMatchObject([{ reason: 'unauthenticated', status: 0 }]);
  expect(server.stats).toMatchObject({ handshakeFailureCount: 1, connectionCount: 0 });
});

test.each([
  { version: 'TLSv1.2', is: 'TLSv1.2 h2' },
  { version: 'TLSv1.3', is: 'TLSv1.3 h2' },
  { version: 'TLSv1.1', is: /ALERT|PROTOCOL/ },
] as const)('speaks $version as it should', async ({ version, is }) => {
  const { port } = await bed([shop]);
  const socket = await shake(port, {
    servername: 'shop.test',
    minVersion: version,
    maxVersion: version,
    ALPNProtocols: ['h2', 'http/1.1'],
    ...(version === 'TLSv1.1' ? { ciphers: 'DEFAULT@SECLEVEL=0' } : {}),
  });
  const shown =
    typeof socket === 'string' ? socket : `${socket.getProtocol()} ${socket.alpnProtocol}`;
  if (typeof is === 'string') expect(shown).toBe(is);
  else expect(shown).toMatch(is);
});

it('takes no cipher without forward secrecy', async () => {
  const { port } = await bed([shop]);
  const options = { servername: 'shop.test', maxVersion: 'TLSv1.2' as const };
  expect(await shake(port, { ...options, ciphers: 'AES128-GCM-SHA256' })).toMatch(/FAILURE/);
  expect(await shake(port, { ...options, ciphers: 'ECDHE-ECDSA-AES128-SHA' })).toMatch(/FAILURE/);
});

it('does not negotiate again: that is work for nothing', async () => {
  const { port } = await bed([shop], { http2: false });
  const socket = await shake(port, { servername: 'shop.test', maxVersion: 'TLSv1.2' });
  if (typeof socket === 'string') throw new Error(socket);
  const outcome = await new Promise((resolve) => {
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code));
    socket.renegotiate({}, (error) => resolve(error === null ? 'again' : 'refused'));
  });
  expect(outcome).not.toBe('again');
});

it('says which name was asked for, and that the client is nobody it knows', async () => {
  const asked: unknown[] = [];
  const { port } = await bed([shop], {
    handler: (exchange) => {
      asked.push(exchange.peer);
      exchange.respond({ status: 204, fields: new FieldList(), contentLength: 0 }).end();
    },
  });
  const socket = await shake(port, { servername: 'Shop.test' });
  if (typeof socket === 'string') throw new Error(socket);
  socket.write('GET / HTTP/1.1\r\nhost: shop.test\r\n\r\n');
  await new Promise((resolve) => socket.once('data', resolve));
  const peer = { transport: 'tls', identity: undefined, serverName: 'shop.test' };
  expect(asked).toMatchObject([peer]);
});

it('changes certificates for handshakes from now on, and no connection notices', async () => {
  const { port, server } = await bed([shop], {
    http2: false,
    handler: (exchange) =>
      exchange.respond({ status: 204, fields: new FieldList(), contentLength: 0 }).end(),
  });
  const before = await shake(port, { servername: 'shop.test' });
  if (typeof before === 'string') throw new Error(before);
  server.setTls({ kind: 'public', certificates: [certificate(['shop.test', 'new.test'])] });
  expect(await namesShown(port, 'shop.test')).toBe('DNS:shop.test, DNS:new.test');
  expect(await namesShown(port, '')).toBe('DNS:shop.test, DNS:new.test');
  before.write('GET / HTTP/1.1\r\nhost: shop.test\r\n\r\n');
  const reply = await new Promise((resolve) => before.once('data', resolve));
  expect(String(reply)).toMatch(/^HTTP\/1.1 204/);
});

it('refuses material that it cannot read, and keeps what it had', async () => {
  const { port, server } = await bed([shop]);
  const broken = { kind: 'public', certificates: [{ ...shop, key: other.key }] } as const;
  expect(() => server.setTls(broken)).toThrow(/mismatch/);
  expect(await namesShown(port, 'shop.test')).toMatch(/shop.test/);
  const mutual = {
    key: '',
    cert: '',
    ca: '',
    verifyPeer: () => ({ ok: true, value: '' }) as const,
  };
  expect(() => server.setTls(mutual)).toThrow(/kind/);
});
