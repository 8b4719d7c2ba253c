/** The mesh is entered from outside: by its gateway, over HTTP and HTTPS, as curl and browsers do. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { Agent as HttpAgent, request as requestHttp } from 'node:http';
import { Agent, request } from 'node:https';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { connect, type PeerCertificate } from 'node:tls';
import { promisify } from 'node:util';
import { allocatePorts } from '@leno/std/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { repository } from '../tools/packages.ts';
import { documents, meshConfig, service } from './support/config.ts';
import {
  gateway,
  gatewayRoute,
  type ListenerLines,
  startGateway,
  type TestGateway,
} from './support/gateway.ts';
import { leno as runLeno, type Spoken } from './support/leno.ts';
import { startMesh, type TestMesh } from './support/mesh.ts';
import { until } from './support/until.ts';

let mesh: TestMesh;
let edge: TestGateway;
let http = 0;
let https = 0;
let spare = 0;

const usual = (): ListenerLines[] => [
  { name: 'http', port: http },
  { name: 'shop', port: https, hostname: 'shop.test', certificate: 'shop' },
  { name: 'all', port: https, hostname: '*.shop.test', certificate: 'wild' },
];

beforeAll(async () => {
  [http = 0, https = 0, spare = 0] = await allocatePorts(3);
  mesh = await startMesh([{ service: 'catalog' }, { service: 'cart' }]);
  edge = await startGateway(mesh, 'edge');
  await edge.certify('shop', ['shop.test']);
  await edge.certify('wild', ['*.shop.test']);
  await mesh.apply(
    documents(
      meshConfig(),
      service('catalog', { app: 'catalog' }),
      service('cart', { app: 'cart' }),
      gateway('edge', usual()),
      gatewayRoute('shop', '{ name: edge }', { service: 'catalog', hosts: ['shop.test'] }),
      gatewayRoute('cart', '{ name: edge }', { service: 'cart', hosts: ['cart.shop.test'] }),
    ),
  );
  await mesh.ready();
  await until(async () => (await fetch(`http://${edge.admin}/readyz`)).ok, 'the gateway is ready');
});

afterAll(async () => {
  await edge?.process.stop({ graceMs: 2_000 });
  await mesh?.stop();
});

const noCurl = !existsSync('/usr/bin/curl');

interface Curled {
  /** Status and version of HTTP, as in `200 2`. */
  readonly said: string;
  readonly body: string;
}

/** Asks as a visitor does; names lead to the gateway. */
async function curl(url: string, ...args: string[]): Promise<Curled> {
  const { hostname, port } = new URL(url);
  const { stdout } = await promisify(execFile)('/usr/bin/curl', [
    ...['-sS', '--max-time', '20', '--cacert', edge.rootFile],
    ...['--resolve', `${hostname}:${port}:127.0.0.1`, '-w', '\n%{http_code} %{http_version}'],
    ...args,
    url,
  ]).catch((error: unknown) => ({ stdout: `\n${(error as { stderr: string }).stderr.trim()}` }));
  const at = stdout.lastIndexOf('\n');
  return { said: stdout.slice(at + 1), body: stdout.slice(0, at) };
}

test.skipIf(noCurl)('a visitor reaches a service over HTTP (needs curl)', async () => {
  const { said, body } = await curl(`http://shop.test:${http}/items?page=2`);
  expect(said).toBe('200 1.1');
  const seen = JSON.parse(body) as { url: string; service: string; headers: object };
  expect(seen).toMatchObject({ service: 'catalog', url: '/items?page=2' });
  expect(seen.headers).toMatchObject({
    host: `shop.test:${http}`,
    'x-forwarded-proto': 'http',
    'x-forwarded-for': '127.0.0.1, 127.0.0.1',
    'x-leno-peer': 'spiffe://mesh.local/ns/default/sa/edge',
  });
});

test.skipIf(noCurl).each([
  { name: 'HTTP/2, by ALPN', flag: '--http2', is: '200 2' },
  { name: 'HTTP/1.1', flag: '--http1.1', is: '200 1.1' },
  { name: 'TLS 1.2', flag: '--tls-max=1.2', is: '200 2' },
])('over HTTPS it is served with $name (needs curl)', async ({ flag, is }) => {
  const [name = '', value] = flag.split('=');
  const args = value === undefined ? [name] : [name, value];
  const { said, body } = await curl(`https://shop.test:${https}/`, ...args);
  expect(said).toBe(is);
  expect(body).toContain('"x-forwarded-proto":"https"');
});

test.skipIf(noCurl).each([
  { url: 'http://cart.shop.test:HTTP/', is: '200', service: 'cart' },
  { url: 'https://cart.shop.test:HTTPS/', is: '200', service: 'cart' },
  { url: 'http://nobody.test:HTTP/', is: '404', service: 'no-route' },
  { url: 'https://other.shop.test:HTTPS/', is: '404', service: 'no-route' },
])('$url: $is (needs curl)', async ({ url, is, service: name }) => {
  const at = url.replace('HTTPS', String(https)).replace('HTTP', String(http));
  const { said, body } = await curl(at);
  expect(said).toMatch(is);
  expect(body).toContain(name);
});

test.skipIf(noCurl)('a name that no listener is for gets no connection (needs curl)', async () => {
  const { said } = await curl(`https://elsewhere.test:${https}/`, '-k');
  expect(said).toMatch(/handshake failure|alert/);
});

test('it is a member without an endpoint, and `leno status` shows it', async () => {
  const { stdout } = await leno('status');
  expect(stdout).toMatch(/edge +edge +v1 +v\d+ .*SYNCED/);
  const { instances } = await mesh.api('GET', '/v1/status');
  expect(instances).toMatchObject({ ready: 2 });
});

/** One request on a connection of its own, over HTTPS; gives its status, or why there is none. */
function visit(agent?: Agent): Promise<string> {
  return new Promise((resolve) => {
    const outgoing = request(
      {
        ...{ host: '127.0.0.1', port: https, servername: 'shop.test', ca: edge.root },
        ...{ path: '/', headers: { host: 'shop.test' }, agent: agent ?? false },
      },
      (incoming) => {
        incoming.resume();
        incoming.on('end', () => resolve(String(incoming.statusCode)));
        incoming.on('error', (error) => resolve(error.message));
      },
    );
    outgoing.on('error', (error) => resolve(error.message));
    outgoing.end();
  });
}

function certificateShown(): Promise<PeerCertificate> {
  return new Promise((resolve, reject) => {
    const socket = connect(
      { host: '127.0.0.1', port: https, servername: 'shop.test', ca: edge.root },
      () => {
        resolve(socket.getPeerCertificate());
        socket.destroy();
      },
    );
    socket.on('error', reject);
  });
}

test('a new certificate is shown without a restart, and no visitor notices', async () => {
  const before = (await certificateShown()).serialNumber;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  await visit(agent);
  const outcomes: Promise<string>[] = [];
  const load = setInterval(() => outcomes.push(visit(), visit(agent)), 20);
  try {
    await edge.certify('shop', ['shop.test']);
    const isNew = async () => (await certificateShown()).serialNumber !== before;
    await until(isNew, 'the new certificate is shown', 10_000);
  } finally {
    clearInterval(load);
  }
  const all = await Promise.all(outcomes);
  agent.destroy();
  expect(all.length).toBeGreaterThan(10);
  expect(new Set(all)).toEqual(new Set(['200']));
});

test('a certificate that cannot be used is not taken: the one before is shown, and why is said', async () => {
  const before = (await certificateShown()).serialNumber;
  const file = join(edge.directory, 'shop.crt');
  await writeFile(`${file}.new`, 'no certificate');
  await rename(`${file}.new`, file);
  const degraded = async () => {
    const reply = await fetch(`http://${edge.admin}/readyz`);
    const text = await reply.text();
    return reply.ok && text.includes('shop.crt cannot be used');
  };
  await until(degraded, 'the gateway says that it is degraded', 10_000);
  expect((await certificateShown()).serialNumber).toBe(before);
  await edge.certify('shop', ['shop.test']);
  await until(async () => !(await degraded()), 'all is well again', 10_000);
});

/** Asks for `path` over plain HTTP; gives the status, or the code of the error. */
function askPlain(port: number, path: string, agent?: HttpAgent): Promise<string> {
  return new Promise((resolve) => {
    const outgoing = requestHttp(
      {
        ...{ host: '127.0.0.1', port, path, headers: { host: 'shop.test' } },
        agent: agent ?? false,
      },
      (incoming) => {
        incoming.resume();
        incoming.on('end', () => resolve(String(incoming.statusCode)));
      },
    );
    outgoing.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    outgoing.end();
  });
}

test('a listener comes and goes as the configuration says, and others notice nothing', async () => {
  const agent = new HttpAgent({ keepAlive: true, maxSockets: 1 });
  let closedCount = 0;
  expect(await askPlain(http, '/', agent)).toBe('200');
  for (const socket of Object.values(agent.freeSockets).flatMap((it) => it ?? [])) {
    socket.on('close', () => (closedCount += 1));
  }
  expect(await askPlain(spare, '/')).toBe('ECONNREFUSED');
  await mesh.apply(gateway('edge', [...usual(), { name: 'more', port: spare }]));
  expect(await askPlain(spare, '/')).toBe('200');

  const catalog = mesh.apps.find((it) => it.service === 'catalog');
  if (catalog === undefined) throw new Error('no catalog');
  await mesh.knobs(catalog, { hangMs: 1_500 });
  const underWay = askPlain(spare, '/slow');
  await until(async () => ((await mesh.counts(catalog)).byPath['/slow'] ?? 0) > 0, 'it came');
  await mesh.apply(gateway('edge', usual()));
  expect(await askPlain(spare, '/')).toBe('ECONNREFUSED');
  expect(await underWay).toBe('200');
  await mesh.knobs(catalog, {});

  expect(await askPlain(http, '/', agent)).toBe('200');
  expect(closedCount).toBe(0);
  agent.destroy();
});

test('a port that is taken refuses the change: its author hears why, and all stays as it was', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(spare, '127.0.0.1', resolve));
  const moved = [{ name: 'moved', port: spare }];
  const uncertified = usual().map((it) =>
    it.certificate === 'shop' ? { ...it, certificate: 'missing' } : it,
  );
  const file = join(mesh.directory, 'edge.yaml');
  await writeFile(file, gateway('edge', moved));
  const taken = await leno('apply', '-f', file, '--wait=5s');
  expect(taken.stdout + taken.stderr).toContain(`127.0.0.1:${spare} is taken by another program`);
  await writeFile(file, gateway('edge', uncertified));
  const missing = await leno('apply', '-f', file, '--wait=5s');
  expect(missing.stdout + missing.stderr).toContain('missing.crt');
  expect((await leno('status')).stdout).toMatch(/edge .*REJECTED/);
  expect(await askPlain(http, '/')).toBe('200');
  expect(await visit()).toBe('200');
  await new Promise((resolve) => other.close(resolve));
  await mesh.apply(gateway('edge', usual()));
  expect((await leno('status')).stdout).toMatch(/edge .*SYNCED/);
});

test('the example of the README is one that is taken', async () => {
  const readme = await readFile(join(repository, 'apps/proxy/README.md'), 'utf8');
  const [, yaml = ''] = /```yaml\n([^`]*kind: Gateway[^`]*)```/.exec(readme) ?? [];
  const reply = await mesh.api('POST', '/v1/apply?dryRun=true', yaml);
  expect(yaml).toContain('HTTPRoute');
  expect(JSON.stringify(reply)).not.toMatch(/LN\d{4}/);
});

/** Runs the real command against this mesh. */
function leno(...args: readonly string[]): Promise<Spoken> {
  return runLeno(args, {
    LENO_HOME: mesh.directory,
    LENO_API: mesh.control.api,
    LENO_API_TOKEN_FILE: join(mesh.directory, 'api-token'),
  });
}
