import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleHash, createCsr, generateKey, peerIdentity, privateKeyPem } from '@leno/ca';
import type { LeaseInstance, Svid, View } from '@leno/push';
import { PushClient } from '@leno/push/node';
import { err, ok, systemClock, systemRng, systemTimers } from '@leno/std';
import { type RunningProcess, startProcess } from '@leno/std/node';
import { afterAll, beforeAll, expect, test } from 'vitest';

const directory = mkdtempSync(join(tmpdir(), 'leno-control-plane-'));
const token = 'a-token-of-the-test';
const secret = (name: string, text: string) => {
  const path = join(directory, name);
  writeFileSync(path, `${text}\n`, { mode: 0o600 });
  return path;
};
const settings = {
  LENO_STATE_DIR: join(directory, 'state'),
  LENO_API_TOKEN_FILE: secret('token', token),
  LENO_CA_PASSPHRASE_FILE: secret('passphrase', 'a passphrase of the test'),
  LENO_API_LISTEN: '127.0.0.1:0',
  LENO_PUSH_LISTEN: '127.0.0.1:0',
};

interface Ready {
  readonly api: string;
  readonly push: string;
  readonly trustPin: string;
}
const running: RunningProcess[] = [];
const clients: PushClient[] = [];
let ready: Ready;
let program: RunningProcess;

function launch(env: Record<string, string>): RunningProcess {
  const main = new URL('./main.ts', import.meta.url).pathname;
  const args = ['--conditions=@leno/source', main];
  const child = startProcess({ command: process.execPath, args, env: { ...settings, ...env } });
  running.push(child);
  return child;
}
async function start(env: Record<string, string> = {}): Promise<void> {
  program = launch(env);
  ready = (await program.ready) as unknown as Ready;
}

beforeAll(() => start());
afterAll(async () => {
  for (const client of clients) client.stop();
  await Promise.all(running.map((it) => it.stop()));
  rmSync(directory, { recursive: true, force: true });
});

async function call<T>(path: string, init: RequestInit = {}): Promise<T> {
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${token}`);
  const reply = await fetch(`http://${ready.api}${path}`, { ...init, headers });
  return (await reply.json()) as T;
}
function post<T>(path: string, body: unknown): Promise<T> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return call(path, {
    method: 'POST',
    body: text,
    headers: { 'content-type': 'application/json' },
  });
}

/** A proxy as the control plane knows it: it joins with a token, holds a certificate, applies views. */
class TestProxy {
  readonly views: View[] = [];
  readonly refusals: string[] = [];
  readonly client: PushClient;
  #svid: Svid | undefined;
  readonly #key = generateKey();

  constructor(service: string, id: string, join: string) {
    const node = { id, service, namespace: 'default', labels: { version: 'v1' }, build: 'test' };
    this.client = new PushClient({
      url: `wss://${ready.push}/v1/push`,
      join,
      node,
      have: () => null,
      tls: () => this.#tls(),
      apply: (view) => {
        this.views.push(view);
        return { status: 'applied', errors: [] };
      },
      clock: systemClock,
      timers: systemTimers,
      rng: systemRng,
      on: { error: (refusal) => this.refusals.push(`${refusal.ref} ${refusal.code}`) },
    });
    clients.push(this.client);
  }

  async join(): Promise<Svid> {
    this.client.start();
    this.#svid = await this.client.csr(createCsr({ key: this.#key }));
    this.client.restart();
    return this.#svid;
  }

  endpointsOf(service: string): readonly string[] | undefined {
    const found = this.views
      .at(-1)
      ?.resources.find((it) => it.type === 'endpoints' && it.name === service);
    const body = found?.body as { endpoints: { id: string }[] } | undefined;
    return body?.endpoints.map((it) => it.id);
  }

  #tls() {
    if (this.#svid === undefined) {
      return {
        checkServer: (_: Uint8Array, chain: readonly Uint8Array[]) => {
          const root = chain.at(-1);
          const isPinned = root !== undefined && bundleHash([root]) === ready.trustPin;
          return isPinned ? ok(undefined) : err('not the pinned control plane');
        },
      };
    }
    const { bundle, chain } = this.#svid;
    const own = { ca: bundle, cert: chain.join(''), key: privateKeyPem(this.#key) };
    return {
      ...own,
      checkServer: (der: Uint8Array) => peerIdentity(der, { trustDomain: 'mesh.local' }),
    };
  }
}

async function newProxy(service: string, id: string): Promise<TestProxy> {
  const granted = await post<{ token: string }>('/v1/tokens', { service });
  const proxy = new TestProxy(service, id, granted.token);
  await proxy.join();
  return proxy;
}
function instanceOf(id: string, service: string): LeaseInstance {
  const address = { address: '127.0.0.1', port: 15_006, weight: 1, labels: { version: 'v1' } };
  return { id, service, ns: 'default', health: 'ready', transport: 'mtls', ...address };
}
const soon = { timeout: 5_000, interval: 10 };

test('a proxy joins with a token, gets its certificate, and acks what is pushed', async () => {
  const web = await newProxy('web', 'web-1');
  const cart = await newProxy('cart', 'cart-1');
  cart.client.lease(instanceOf('cart-1', 'cart'), 15_000);
  await expect.poll(() => web.endpointsOf('default/cart'), soon).toEqual(['cart-1']);
  await expect
    .poll(async () => {
      const { proxies } = await call<{ proxies: Record<string, unknown>[] }>('/v1/proxies');
      return proxies.map((it) => [it['id'], (it['sync'] as { kind: string }).kind, it['identity']]);
    }, soon)
    .toEqual([
      ['cart-1', 'synced', 'spiffe://mesh.local/ns/default/sa/cart'],
      ['web-1', 'synced', 'spiffe://mesh.local/ns/default/sa/web'],
    ]);
  const body = web.views
    .at(-1)
    ?.resources.find((it) => it.name === 'default/cart' && it.type === 'endpoints')?.body;
  expect(body).toMatchObject({
    endpoints: [
      {
        identity: 'spiffe://mesh.local/ns/default/sa/cart',
        labels: { app: 'cart', version: 'v1' },
      },
    ],
  });
});

test('apply waits until everybody has acked, and says so', async () => {
  const route = {
    apiVersion: 'gateway.networking.k8s.io/v1',
    kind: 'HTTPRoute',
    metadata: { name: 'cart' },
    spec: {
      parentRefs: [{ kind: 'Service', name: 'cart', group: '' }],
      rules: [{ backendRefs: [{ name: 'cart', port: 80 }] }],
    },
  };
  const applied = await post<Record<string, unknown>>('/v1/apply?wait=5s', route);
  expect(applied).toMatchObject({
    applied: true,
    results: [{ kind: 'HTTPRoute', name: 'cart', action: 'created' }],
    wait: { converged: true, connected: 2, acked: 2, late: [], rejected: [] },
  });
});

test('a token opens once, and never for another service', async () => {
  const granted = await post<{ token: string }>('/v1/tokens', { service: 'stock' });
  const first = new TestProxy('stock', 'stock-1', granted.token);
  const svid = await first.join();
  expect(svid.chain).toHaveLength(2);
  const second = new TestProxy('stock', 'stock-2', granted.token);
  second.client.start();
  await expect.poll(() => second.client.status.lastError, soon).toMatch(/401/);
  second.client.stop();

  const thief = new TestProxy(
    'web',
    'thief-1',
    (await post<{ token: string }>('/v1/tokens', { service: 'stock' })).token,
  );
  await thief.join();
  await expect.poll(() => thief.refusals, soon).toContain('hello DENIED');
  thief.client.stop();
  first.client.stop();
});

test('an instance may only be registered by its own identity', async () => {
  const proxy = await newProxy('stock', 'stock-3');
  proxy.client.lease(instanceOf('cart-9', 'cart'), 15_000);
  await expect.poll(() => proxy.refusals, soon).toContain('lease:cart-9 DENIED');
  proxy.client.stop();
});

test('a proxy that is cut off, as by SIGKILL, is gone for everybody in less than a second', async () => {
  const web = await newProxy('web', 'web-2');
  const main = new URL('./testing/cut-off-proxy.ts', import.meta.url).pathname;
  const { token: join } = await post<{ token: string }>('/v1/tokens', { service: 'cart' });
  const doomed = startProcess({
    command: process.execPath,
    args: ['--conditions=@leno/source', main, ready.push, join],
  });
  running.push(doomed);
  await doomed.ready;
  await expect.poll(() => web.endpointsOf('default/cart'), soon).toContain('cart-doomed');
  const atMs = performance.now();
  doomed.kill('SIGKILL');
  await expect.poll(() => web.endpointsOf('default/cart'), soon).not.toContain('cart-doomed');
  expect(performance.now() - atMs).toBeLessThan(3_000);
  web.client.stop();
});

test('after SIGKILL and a restart the endpoints are still there, and reconnecting costs nothing', async () => {
  const web = await newProxy('web', 'web-3');
  await expect.poll(() => web.endpointsOf('default/cart'), soon).toEqual(['cart-1']);
  const { version } = (await call<{ head: { version: number } }>('/v1/status')).head;
  await expect
    .poll(async () => (await call<{ converged: boolean }>('/v1/status')).converged, soon)
    .toBe(true);
  const before = await call<{ head: { version: number; digest: string } }>('/v1/status');
  const viewCount = web.views.length;
  const port = (address: string) => ({ address, env: address });
  const [api, push] = [port(ready.api).env, port(ready.push).env];
  program.kill('SIGKILL');
  await program.exited;
  await start({ LENO_API_LISTEN: api, LENO_PUSH_LISTEN: push });
  const after = await call<{ head: { version: number; digest: string }; instances: unknown }>(
    '/v1/status',
  );
  expect(after.head).toEqual(before.head);
  expect(version).toBeLessThanOrEqual(after.head.version);
  expect(web.endpointsOf('default/cart')).toEqual(['cart-1']);
  await expect.poll(() => web.client.status.kind, { timeout: 15_000, interval: 20 }).toBe('live');
  expect(web.views).toHaveLength(viewCount);
});

test('SIGTERM sends everybody away in good order and exits 0', async () => {
  const exit = await program.stop({ graceMs: 5_000 });
  expect(exit).toEqual({ code: 0, signal: null });
  const log = running.flatMap((it) => it.recentLines()).filter((it) => it.includes('"level"'));
  for (const line of log) expect(() => void JSON.parse(line)).not.toThrow();
  expect(log.join('\n')).not.toContain(token);
});

test('a port that is taken is named with the setting that changes it', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' ? address?.port : 0;
  const child = launch({ LENO_API_LISTEN: `127.0.0.1:${port}` });
  expect((await child.exited).code).toBe(1);
  expect(child.recentLines().join('\n')).toMatch(
    new RegExp(
      `127.0.0.1:${port} is taken by another process; choose another with LENO_API_LISTEN`,
    ),
  );
  server.close();
});

test('a damaged store is named, kept aside, and not silently empty', async () => {
  const path = join(directory, 'state', 'leno.db');
  const bytes = readFileSync(path);
  bytes.fill(0, 0, 4_096);
  writeFileSync(path, bytes);
  await start();
  const status = await call<{ alarms: { code: string; message: string }[] }>('/v1/status');
  expect(status.alarms.map((it) => it.code)).toEqual(['LENO_STORE_RECOVERED']);
  expect(status.alarms[0]?.message).toContain(`kept as ${path}.corrupt-1`);
  expect(await call('/v1/resources')).toMatchObject({ items: [{ kind: 'HTTPRoute' }] });
});

test('bad settings are all said at once, exit 64', async () => {
  const child = launch({ LENO_STORE: 'etcd:x', LENO_LEAF_TTL: 'soon' });
  expect((await child.exited).code).toBe(64);
  const said = child.recentLines().join('\n');
  expect(said).toContain('LENO_STORE');
  expect(said).toContain('LENO_LEAF_TTL');
});
