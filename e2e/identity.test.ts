/** An inbound listener gives nothing to anybody who is not of this mesh. */
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { generateKey, issueLeaf, privateKeyPem, publicKeyDerOf } from '@leno/ca';
import { loadOrCreateAuthority } from '@leno/ca/node';
import { systemClock } from '@leno/std';
import { TestCa } from '@leno/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documents, meshConfig, service } from './support/config.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';
import { until } from './support/until.ts';

let mesh: TestMesh;
let catalog: MeshApp;

beforeAll(async () => {
  mesh = await startMesh([{ service: 'web' }, { service: 'catalog' }]);
  await mesh.apply(
    documents(meshConfig(), service('web', { app: 'web' }), service('catalog', { app: 'catalog' })),
  );
  await mesh.ready();
  const found = mesh.apps.find((it) => it.service === 'catalog');
  if (found === undefined) throw new Error('no catalog');
  catalog = found;
});

afterAll(async () => {
  await mesh?.stop();
});

const requestFor = (path: string): string =>
  `GET ${path} HTTP/1.1\r\nHost: catalog\r\nConnection: close\r\n\r\n`;
const foreign = new TestCa('mesh.local');

const strangers = [
  { who: 'a process without a certificate', credentials: {} },
  { who: 'one with a certificate from another root', credentials: foreign.leaf('web') },
  { who: 'one with an expired certificate from another root', credentials: foreign.expiredLeaf() },
] as const;

test.each(strangers)('$who gets nothing', async ({ credentials }) => {
  expect(await attempt(credentials)).toBe('');
  expect((await mesh.counts(catalog)).byPath['/stolen']).toBeUndefined();
});

/** What an inbound listener answers to whoever comes with these. */
async function attempt(
  credentials: { key?: string; cert?: string },
  path = '/stolen',
): Promise<string> {
  const { key, cert } = credentials;
  const [host = '', port = '0'] = catalog.inbound.split(':');
  const socket = connect({
    host,
    port: Number(port),
    rejectUnauthorized: false,
    minVersion: 'TLSv1.3',
    ...(key === undefined || cert === undefined ? {} : { key, cert }),
  });
  let received = '';
  socket.on('data', (chunk) => void (received += String(chunk)));
  socket.on('error', () => undefined);
  socket.on('secureConnect', () => socket.write(requestFor(path)));
  await once(socket, 'close');
  return received;
}

/** A leaf issued by the control plane's own issuer, with a short life. */
async function leafOfThisMesh(
  ttlMs: number,
): Promise<{ key: string; cert: string; notAfterMs: number }> {
  const { issuer } = await loadOrCreateAuthority(
    join(mesh.directory, 'control-plane/authority'),
    'e2e passphrase',
    { trustDomain: 'mesh.local', nowMs: systemClock.wallMs() },
  );
  const key = generateKey();
  const { chainPem, notAfterMs } = issueLeaf({
    issuer,
    publicKeyDer: publicKeyDerOf(key),
    spiffeId: 'spiffe://mesh.local/ns/default/sa/web',
    nowMs: systemClock.wallMs(),
    ttlMs,
    limits: { ttlMinMs: 1, ttlMaxMs: 3_600_000 },
  });
  return { key: privateKeyPem(key), cert: chainPem, notAfterMs };
}

test('a certificate of this very mesh that has expired gets nothing, and a valid one does', async () => {
  const leaf = await leafOfThisMesh(1_500);
  expect(await attempt(leaf, '/own')).toContain('HTTP/1.1 200 OK');
  await until(() => systemClock.wallMs() > leaf.notAfterMs, 'the end of its life');
  expect(await attempt(leaf)).toBe('');
});

test('plaintext gets nothing from a strict listener, and the application sees none of it', async () => {
  const [host = '', port = '0'] = catalog.inbound.split(':');
  const socket = connectPlain(Number(port), host);
  let received = '';
  socket.on('data', (chunk) => void (received += String(chunk)));
  socket.on('error', () => undefined);
  socket.write(requestFor('/stolen'));
  await once(socket, 'close');
  expect(received).not.toContain('200 OK');
  expect((await mesh.counts(catalog)).byPath['/stolen']).toBeUndefined();
});
