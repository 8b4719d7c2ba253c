/** Whatever speaks TCP passes two sidecars as it is, over mutual TLS, and only for members of the mesh. */
import { execFile, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls, createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { codeOf } from '@leno/std';
import { TestCa } from '@leno/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { documents, meshConfig, service, tcpService } from './support/config.ts';
import { type MeshApp, startMesh, type TestMesh } from './support/mesh.ts';
import { type Postgres, postgresPath, startPostgres } from './support/postgres.ts';
import { until } from './support/until.ts';

const run = promisify(execFile);
const isPsqlAbsent = postgresPath === undefined;
const isOpensslAbsent = !isThere('openssl');

/** The authority of the application's own, of which the mesh knows nothing. */
const appCa = new TestCa('app.local');
const appLeaf = appCa.leaf(appCa.id('/ns/any/sa/secure'));

let mesh: TestMesh;
let web: MeshApp;
let postgres: Postgres | undefined;
/** Ports of the listeners of `web`, by the service for which they stand. */
let listeners: Record<string, number> = {};
const servers: Server[] = [];
/** Connections that the echo applications have seen, by application. */
const seen = { 'echo-1': 0, 'echo-2': 0 };

function isThere(command: string): boolean {
  try {
    execFileSync('which', [command], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** An application in this process; its sidecar is one of its own. */
async function serve(server: Server): Promise<{ LENO_APP: string }> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { LENO_APP: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

/** Sends everything back when its client has said all; the idle watch of a sidecar says nothing. */
function echoServer(name: keyof typeof seen): Server {
  return createServer({ allowHalfOpen: true }, (socket) => {
    const chunks: Buffer[] = [];
    socket.on('error', () => undefined);
    socket.once('data', () => {
      seen[name] += 1;
    });
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.on('end', () => socket.end(Buffer.concat(chunks)));
  });
}

beforeAll(async () => {
  const [echoOne, echoTwo, secure] = await Promise.all([
    serve(echoServer('echo-1')),
    serve(echoServer('echo-2')),
    serve(
      createTlsServer({ key: appLeaf.key, cert: appLeaf.cert }, (socket) => {
        socket.on('error', () => undefined);
        socket.pipe(socket);
      }),
    ),
  ]);
  if (postgresPath !== undefined) postgres = await startPostgres(postgresPath);
  const asked = ['postgres:5432', 'echo:7', 'nobody:5432'];
  mesh = await startMesh([
    {
      service: 'web',
      env: { LENO_TCP_LISTEN: asked.map((it) => `127.0.0.1:0=${it}`).join(',') },
    },
    { service: 'echo', id: 'echo-1', env: echoOne },
    { service: 'echo', id: 'echo-2', env: echoTwo },
    { service: 'secure', env: secure },
    ...(postgres === undefined
      ? []
      : [{ service: 'postgres', env: { LENO_APP: `127.0.0.1:${postgres.port}` } }]),
  ]);
  await mesh.apply(
    documents(
      meshConfig(),
      service('web', { app: 'web' }),
      tcpService('postgres', 5_432),
      tcpService('echo', 7),
      tcpService('secure', 443),
      `apiVersion: leno.dev/v1
kind: TrafficPolicy
metadata: { name: echo, namespace: default }
spec:
  targetRef: { name: echo }
  balancer: { kind: roundRobin }
  timeouts: { tcpIdle: 1s }
`,
    ),
  );
  await mesh.ready();
  const found = mesh.apps.find((it) => it.service === 'web');
  if (found === undefined) throw new Error('no web');
  web = found;
  const line = await web.sidecar.ready;
  listeners = Object.fromEntries(
    (line['tcp'] as string[]).map((text) => {
      const [, port, name] = /:(\d+)=([^:]+):/.exec(text) ?? [];
      return [name, Number(port)];
    }),
  );
});

afterAll(async () => {
  await mesh?.stop();
  await postgres?.stop();
  for (const server of servers) server.close();
});

/** Runs SQL through the sidecars. `input` is what a COPY takes. */
async function psql(statements: readonly string[], input = ''): Promise<string> {
  const commands = statements.flatMap((statement) => ['-c', statement]);
  const child = run(
    'psql',
    [
      ...['-h', '127.0.0.1', '-p', String(listeners['postgres']), '-U', 'postgres'],
      ...['-X', '-A', '-t', '-q', '-v', 'ON_ERROR_STOP=1', ...commands],
    ],
    { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, PGCONNECT_TIMEOUT: '10' } },
  );
  child.child.stdin?.end(input);
  return (await child).stdout;
}

interface Outcome {
  readonly text: string;
  readonly end: string;
}

/** Says something and ends its half, unless it is to stay; gives what came and how it ended. */
function talk(port: number | undefined, words: string, stays = false): Promise<Outcome> {
  const socket = connect({ port: port ?? 0, host: '127.0.0.1', allowHalfOpen: true });
  socket.write(words);
  if (!stays) socket.end();
  return outcomeOf(socket);
}

function outcomeOf(socket: Socket): Promise<Outcome> {
  const chunks: Buffer[] = [];
  let end = 'clean';
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.on('end', () => socket.end());
  socket.on('error', (error) => {
    end = codeOf(error);
  });
  return new Promise((resolve) => {
    socket.on('close', () => resolve({ text: Buffer.concat(chunks).toString('latin1'), end }));
  });
}

/** The samples of a counter of `web`'s sidecar, by their labels. */
async function samples(name: string): Promise<readonly string[]> {
  const text = String(await mesh.admin(web, '/metrics'));
  return text.split('\n').filter((line) => line.startsWith(`${name}{`));
}

test.skipIf(isPsqlAbsent)('psql: a query, a large result, a COPY (needs postgresql)', async () => {
  expect(await psql(['select 6 * 7'])).toBe('42\n');
  const large = await psql(['select repeat(md5(i::text), 32) from generate_series(1, 20000) as i']);
  expect(Buffer.byteLength(large)).toBe(20_000 * 1_025);
  const rows = Array.from({ length: 200_000 }, (_, index) => `${index}\trow ${index}\n`).join('');
  const counted = await psql(
    [
      'create table item (id int, name text)',
      'copy item from stdin',
      'select count(*), sum(id), max(length(name)) from item',
    ],
    rows,
  );
  expect(counted).toBe('200000|19999900000|10\n');
});

test.skipIf(isPsqlAbsent)(
  'its bytes are counted, and it shows as an edge (needs postgresql)',
  async () => {
    await psql(['select 1']);
    const [sent = ''] = (await samples('leno_tcp_sent_bytes_total')).filter((it) =>
      it.includes('default/postgres'),
    );
    expect(Number(sent.split(' ').at(-1))).toBeGreaterThan(100);
    await until(async () => {
      const topology = JSON.stringify(await mesh.api('GET', '/v1/topology'));
      return topology.includes('default/postgres');
    }, 'web calls postgres');
  },
);

test('a half that ends leaves the other open', async () => {
  const words = 'x'.repeat(2_000_000);
  expect(await talk(listeners['echo'], words)).toEqual({ text: words, end: 'clean' });
});

test('CONNECT to a port for TCP is a tunnel', async () => {
  const port = Number(web.outbound.split(':')[1]);
  const { text, end } = await talk(
    port,
    'CONNECT echo:7 HTTP/1.1\r\nhost: echo:7\r\n\r\nhello',
    true,
  );
  // Nothing is said any more: what has been said comes back when the idle time is over, as a reset.
  expect(text).toBe('HTTP/1.1 200 OK\r\n\r\n');
  expect(end).toBe('ECONNRESET');
});

test('where nothing moves it ends in time, and the record says why', async () => {
  const startedAtMs = performance.now();
  expect(await talk(listeners['echo'], 'hello', true)).toEqual({ text: '', end: 'ECONNRESET' });
  const tookMs = performance.now() - startedAtMs;
  expect(tookMs).toBeGreaterThan(900);
  expect(tookMs).toBeLessThan(6_000);
  const closed = await samples('leno_tcp_connections_closed_total');
  const reasons = closed.filter((line) => line.includes('reason="idle-timeout"'));
  expect(reasons).toHaveLength(1);
});

test('a name that is nothing is a reset, and a failure in the log', async () => {
  expect(await talk(listeners['nobody'], 'hello')).toEqual({ text: '', end: 'ECONNRESET' });
  await until(async () => (await mesh.log(`${web.id}.sidecar`)).includes('"no-route"'), 'a line');
  const line = (await mesh.log(`${web.id}.sidecar`))
    .split('\n')
    .find((it) => it.includes('"leno.reason":"no-route"'));
  const { 'leno.request_id': id } = JSON.parse(line ?? '{}') as Record<string, string>;
  expect(await mesh.admin(web, `/why/${id}`)).toMatchObject({
    method: 'TCP',
    authority: 'nobody:5432',
    reason: 'no-route',
    detail: 'nothing in the mesh is called nobody:5432',
  });
});

test('TLS passes through by its server name: the certificate is the application’s', async () => {
  const socket = connectTls({
    port: Number(web.outbound.split(':')[1]),
    host: '127.0.0.1',
    servername: 'secure.default.mesh',
    ca: appCa.root.certificatePem,
    checkServerIdentity: () => undefined,
  });
  await once(socket, 'secureConnect');
  expect(socket.authorized).toBe(true);
  expect(socket.getPeerX509Certificate()?.subjectAltName).toBe(`URI:${appLeaf.spiffeId}`);
  socket.end('hello');
  expect(await outcomeOf(socket)).toEqual({ text: 'hello', end: 'clean' });
});

test.skipIf(isOpensslAbsent)('openssl sees that certificate too (needs openssl)', async () => {
  const file = join(mesh.directory, 'app-ca.pem');
  writeFileSync(file, appCa.root.certificatePem);
  const client = run('openssl', [
    ...['s_client', '-connect', web.outbound, '-servername', 'secure'],
    ...['-CAfile', file, '-verify_return_error', '-brief'],
  ]);
  client.child.stdin?.end();
  const { stderr } = await client;
  expect(stderr).toContain('Verification: OK');
});

test('a name in TLS that is nothing is a reset before any answer', async () => {
  const socket = connectTls({
    port: Number(web.outbound.split(':')[1]),
    host: '127.0.0.1',
    servername: 'nobody',
  });
  expect(await outcomeOf(socket)).toEqual({ text: '', end: 'ECONNRESET' });
});

const foreign = new TestCa('mesh.local');
test.each([
  { who: 'nobody', credentials: {} },
  { who: 'one of another root', credentials: foreign.leaf(foreign.id('/ns/default/sa/web')) },
])('$who gets no byte of an application', async ({ credentials }) => {
  const target = mesh.apps.find((it) => it.id === 'echo-1');
  const before = seen['echo-1'];
  const [host, port] = (target?.inbound ?? '').split(':');
  const { key, cert } = { key: undefined, cert: undefined, ...credentials };
  const socket = connectTls({
    ...{ host, port: Number(port), rejectUnauthorized: false, ALPNProtocols: ['leno-tcp/1'] },
    ...(key === undefined ? {} : { key, cert }),
  });
  socket.on('secureConnect', () => socket.write('hello'));
  expect((await outcomeOf(socket)).text).toBe('');
  expect(seen['echo-1']).toBe(before);
});

test('an identity that a policy does not let in gets no byte, and its record says why', async () => {
  const before = seen['echo-1'] + seen['echo-2'];
  await mesh.apply(`apiVersion: leno.dev/v1
kind: AccessPolicy
metadata: { name: echo-readers, namespace: default }
spec:
  targetRef: { name: echo }
  action: ALLOW
  rules:
    - from: { principals: [spiffe://mesh.local/ns/default/sa/postgres] }
`);
  expect(await talk(listeners['echo'], 'hello')).toEqual({ text: '', end: 'ECONNRESET' });
  expect(seen['echo-1'] + seen['echo-2']).toBe(before);
  const closed = await samples('leno_tcp_connections_closed_total');
  expect(closed.filter((line) => line.includes('reason="denied"'))).toHaveLength(1);
  await mesh.api('DELETE', '/v1/resources/AccessPolicy/default/echo-readers');
  await until(
    async () => (await talk(listeners['echo'], 'hello')).text === 'hello',
    'it is let in again',
  );
});

test('an endpoint that is killed between connections costs nobody one', async () => {
  const one = mesh.apps.find((it) => it.id === 'echo-1');
  const ask = () => talk(listeners['echo'], 'hello');
  const outcomes = [await ask(), await ask()];
  expect(seen['echo-1']).toBeGreaterThan(0);
  one?.sidecar.kill('SIGKILL');
  for (let turn = 0; turn < 30; turn += 1) outcomes.push(await ask());
  expect(outcomes.filter(({ text, end }) => text !== 'hello' || end !== 'clean')).toEqual([]);
});
