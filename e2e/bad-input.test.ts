/** What a program does with settings, ports, files and bytes that are wrong: says so, loses nothing. */
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { startProcess } from '@leno/std/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { MeshClient } from './support/client.ts';
import { documents, meshConfig, service } from './support/config.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';
import { until } from './support/until.ts';

const root = resolve(import.meta.dirname, '..');
let mesh: TestMesh;

beforeAll(async () => {
  mesh = await startMesh([{ service: 'web' }, { service: 'catalog' }]);
  await mesh.apply(
    documents(meshConfig(), service('web', { app: 'web' }), service('catalog', { app: 'catalog' })),
  );
  await mesh.ready();
});

afterAll(async () => {
  await mesh?.stop();
});

function program(app: string, env: Readonly<Record<string, string>>) {
  return startProcess({
    command: process.execPath,
    args: ['--conditions=@leno/source', join(root, `apps/${app}/src/main.ts`)],
    env: { PATH: process.env['PATH'], HOME: mesh.directory, ...env },
  });
}

test.each(['proxy', 'control-plane'])(
  '%s: every bad setting at once, exit code 64',
  async (app) => {
    const running = program(app, {
      LENO_ADMIN_LISTEN: 'nonsense',
      LENO_INBOUND_LISTEN: '1.2.3.4:99999',
      LENO_API_LISTEN: 'nonsense',
      LENO_PUSH_LISTEN: '1.2.3.4:99999',
      LENO_LOG_LEVEL: 'shouting',
    });
    const { code } = await running.exited;
    const text = running.recentLines().join('\n');
    expect(code).toBe(64);
    const expected =
      app === 'proxy'
        ? [
            'LENO_ADMIN_LISTEN',
            'LENO_INBOUND_LISTEN',
            'LENO_LOG_LEVEL',
            'LENO_SERVICE',
            'LENO_STATE_DIR',
          ]
        : ['LENO_API_LISTEN', 'LENO_PUSH_LISTEN', 'LENO_LOG_LEVEL', 'LENO_API_TOKEN_FILE'];
    for (const name of expected) expect(text).toContain(name);
  },
);

test('a port that is taken: which, and by what setting to change it', async () => {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const [web] = mesh.apps;
  if (web === undefined) throw new Error('no web');
  const proxy = program('proxy', {
    ...web.sidecarEnv,
    LENO_STATE_DIR: join(mesh.directory, 'taken'),
    LENO_OUTBOUND_LISTEN: `127.0.0.1:${port}`,
  });
  expect(await proxy.exited).toMatchObject({ code: 1 });
  expect(proxy.recentLines().join('\n')).toMatch(
    new RegExp(`127\\.0\\.0\\.1:${port} is taken.*LENO_OUTBOUND_LISTEN`),
  );
  const control = program('control-plane', {
    LENO_STATE_DIR: join(mesh.directory, 'taken-cp'),
    LENO_API_TOKEN_FILE: join(mesh.directory, 'api-token'),
    LENO_CA_PASSPHRASE_FILE: join(mesh.directory, 'ca-passphrase'),
    LENO_API_LISTEN: `127.0.0.1:${port}`,
    LENO_PUSH_LISTEN: '127.0.0.1:0',
  });
  expect(await control.exited).toMatchObject({ code: 1 });
  const text = control.recentLines().join('\n');
  expect(text).toContain(String(port));
  expect(text).toContain('LENO_API_LISTEN');
  server.close();
});

test('malformed HTTP: 400 and close, and nothing reaches the application', async () => {
  const web = find('web');
  const catalog = find('catalog');
  const before = await mesh.counts(catalog);
  for (const bytes of [
    'GET /a HTTP/1.1\r\nHost: catalog\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'GET /a HTTP/1.1\nHost: catalog\n\n',
    'GET /a HTTP/1.1\r\nHost: catalog\r\nHost: web\r\n\r\n',
    'POST /a HTTP/1.1\r\nHost: catalog\r\nContent-Length: +5\r\n\r\nhello',
    'GET /a\x00b HTTP/1.1\r\nHost: catalog\r\n\r\n',
    'GET /a HTTP/1.1\r\nHost: catalog\r\nX: a\r\n b\r\n\r\n',
  ]) {
    const [host = '', port = '0'] = web.outbound.split(':');
    const socket = connect(Number(port), host);
    let received = '';
    socket.on('data', (chunk) => void (received += String(chunk)));
    socket.write(Buffer.from(bytes, 'latin1'));
    await once(socket, 'close');
    expect(received, JSON.stringify(bytes)).toMatch(/^HTTP\/1\.1 400 /);
  }
  expect((await mesh.counts(catalog)).total).toBe(before.total);
});

test('a damaged state directory: the file is named and kept, the proxy joins and serves again', async () => {
  const catalog = find('catalog');
  const directory = join(mesh.directory, catalog.id);
  await catalog.sidecar.stop();
  const identity = join(directory, 'identity.json');
  const config = join(directory, 'config.json');
  await writeFile(identity, (await readFile(identity, 'utf8')).slice(0, 100), { mode: 0o600 });
  await writeFile(config, 'garbage');
  await mesh.joinToken('catalog', catalog.id);
  await mesh.restartSidecar(catalog);
  const client = new MeshClient(find('web').outbound);
  await until(async () => (await client.send('catalog')).status === 200, 'serves again');
  client.close();
  const kept = await readdir(directory);
  expect(kept.some((name) => name.startsWith('identity.json.unusable-'))).toBe(true);
  expect(kept.some((name) => name.startsWith('config.json.corrupt-'))).toBe(true);
  const log = await mesh.log(`${catalog.id}.sidecar`);
  expect(log).toContain('identity.json.unusable-');
  expect(log).toContain('config.json.corrupt-');
});

test('a damaged store: the file is named and kept, and what is whole in it still counts', async () => {
  await mesh.control.process.stop();
  const directory = join(mesh.directory, 'control-plane');
  const file = join(directory, 'leno.db');
  const bytes = await readFile(file);
  const pageBytes = 4_096;
  bytes.fill(0x55, bytes.length - pageBytes);
  bytes.fill(0x55, 3 * pageBytes, 4 * pageBytes);
  await writeFile(file, bytes);
  await mesh.startControlPlane();
  const names = await readdir(directory);
  const log = await mesh.log('control-plane');
  const kept = names.filter((name) => name.includes('corrupt'));
  const services = (await mesh.api('GET', '/v1/resources/Service'))['items'] as readonly unknown[];
  console.log(
    `kept aside: ${kept.join(', ') || 'nothing (the damage hit no page in use)'}; ${services.length} services`,
  );
  if (kept.length > 0) expect(log).toContain('corrupt');
  expect(services.length).toBeGreaterThan(0);
});

function find(name: string): MeshApp {
  const found = mesh.apps.find((it) => it.service === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}
