import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { viewDigest } from '@leno/config';
import {
  ConfigDesk,
  compileMesh,
  EventLog,
  MemoryStore,
  MeshState,
  Observatory,
  ProxyBook,
  Registry,
  Traffic,
} from '@leno/controlplane';
import { systemClock as clock, systemTimers as timers } from '@leno/std';
import { MetricStore } from '@leno/telemetry';
import { afterAll, expect, test } from 'vitest';
import { createApi } from './api.ts';
import type { ApiParts } from './api-context.ts';
import { Guard, type GuardOptions } from './guard.ts';

const token = 'the-token-of-the-test';
const directory = mkdtempSync(join(tmpdir(), 'leno-api-'));
mkdirSync(join(directory, 'dist/assets'), { recursive: true });
writeFileSync(join(directory, 'secret.txt'), 'secret');
writeFileSync(join(directory, 'dist/index.html'), '<h1>mesh</h1>');
writeFileSync(join(directory, 'dist/assets/app-1a2b.js'), 'run()');
symlinkSync(join(directory, 'secret.txt'), join(directory, 'dist/link.txt'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

/** What of the replies is looked into. */
interface Reply {
  readonly findings?: unknown;
  readonly object?: { readonly metadata: { readonly resourceVersion: string } };
  readonly metadata?: { readonly resourceVersion: string };
  readonly items?: unknown;
  readonly results?: unknown;
  readonly paths?: Readonly<Record<string, unknown>>;
}

async function open(
  change: { guard?: Partial<GuardOptions>; dashboardDir?: string; ready?: boolean } = {},
) {
  const trust = { trustDomain: 'mesh.local', roots: ['root'], sequence: 1 };
  const state = await MeshState.open({
    ...{ store: new MemoryStore(), registry: new Registry(), clock, timers, digest: viewDigest },
    compile: (input) => compileMesh(input, trust),
  });
  const [book, traffic, events] = [new ProxyBook(), new Traffic(), new EventLog()];
  const sessions = () => [];
  const observatory = new Observatory({ state, book, traffic, sessions, clock });
  const parts: ApiParts = {
    ...{ state, observatory, events, metrics: new MetricStore() },
    configDesk: new ConfigDesk({ state, events, sessions, clock, timers }),
    guard: new Guard({ token, hosts: ['mesh.example'], read: 'loopback', ...change.guard }),
    isReady: () => change.ready !== false,
    status: () => {
      throw new Error('not of this test');
    },
    createToken: (request) =>
      Promise.resolve({
        ...{ token: 't', expiresAtMs: request.ttlMs, trustPin: '', trustDomain: '' },
        identity: `${request.namespace}/${request.service}`,
        push: request.host,
      }),
    dashboardDir: change.dashboardDir ?? join(directory, 'dist'),
  };
  const api = createApi(parts, () => undefined);
  const call = async (
    line: string,
    body?: string,
    headers: Record<string, string> = { authorization: `Bearer ${token}` },
    remoteAddress = '127.0.0.1',
  ) => {
    const [method = 'GET', path = '/'] = line.split(' ');
    const init = {
      method,
      headers: { host: 'localhost:9901', ...headers },
      ...(body === undefined ? {} : { body }),
    };
    const reply = await api.request(path, init, { incoming: { socket: { remoteAddress } } });
    const text = await reply.text();
    const isJson = reply.headers.get('content-type')?.includes('json') === true;
    const json = (isJson ? JSON.parse(text) : {}) as Reply;
    return { status: reply.status, json, text, headers: reply.headers };
  };
  return { call, state };
}

const service = (name: string, port = 80) =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: ${port}}]}\n`;
const route = (backend: string) => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: cart}
spec:
  parentRefs: [{kind: Service, name: cart, group: ""}]
  rules: [{backendRefs: [{name: ${backend}, port: 80}]}]
`;

test.each([
  { name: 'no token', line: 'POST /v1/apply', headers: {}, status: 401, code: 'LENO_API_TOKEN' },
  {
    name: 'another token',
    line: 'DELETE /v1/resources/service/default/x',
    headers: { authorization: 'Bearer guess' },
    status: 401,
    code: 'LENO_API_TOKEN',
  },
  {
    name: 'a token request without token',
    line: 'POST /v1/tokens',
    headers: {},
    status: 401,
    code: 'LENO_API_TOKEN',
  },
  {
    name: 'a name that was rebound',
    line: 'GET /v1/proxies',
    headers: { host: 'evil.example:9901' },
    status: 421,
    code: 'LENO_API_HOST',
  },
  {
    name: 'a page elsewhere',
    line: 'GET /v1/proxies',
    headers: { origin: 'http://evil.example' },
    status: 403,
    code: 'LENO_API_ORIGIN',
  },
  {
    name: 'a reader on another machine',
    line: 'GET /v1/proxies',
    headers: {},
    remote: '10.0.0.9',
    status: 403,
    code: 'LENO_API_READ',
  },
  {
    name: 'metrics from another machine',
    line: 'GET /metrics',
    headers: {},
    remote: '10.0.0.9',
    status: 403,
    code: 'LENO_API_READ',
  },
  { name: 'an unknown way', line: 'GET /v2/x', headers: {}, status: 404, code: 'LENO_NOT_FOUND' },
  {
    name: 'an unknown kind',
    line: 'GET /v1/resources/pod',
    headers: {},
    status: 404,
    code: 'LENO_NOT_FOUND',
  },
  {
    name: 'a window that is none',
    line: 'GET /v1/topology?windowS=0',
    headers: {},
    status: 400,
    code: 'LENO_BAD_REQUEST',
  },
])('refused as problem+json: $name', async ({ line, headers, remote, status, code }) => {
  const { call } = await open();
  const reply = await call(line, undefined, headers, remote);
  expect(reply.json).toMatchObject({ type: 'about:blank', status, code });
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(reply.status).toBe(status);
});

test.each([
  { name: 'this machine', headers: {}, remote: '::ffff:127.0.0.1' },
  { name: 'a name that was allowed', headers: { host: 'mesh.example' }, remote: '127.0.0.1' },
  { name: 'a page of ours', headers: { origin: 'http://localhost:9901' }, remote: '127.0.0.1' },
  {
    name: 'the token from elsewhere',
    headers: { authorization: `Bearer ${token}` },
    remote: '10.0.0.9',
  },
])('let in: $name', async ({ headers, remote }) => {
  const { call } = await open();
  expect((await call('GET /v1/proxies', undefined, headers, remote)).status).toBe(200);
});

test('reading may be opened, writing may not', async () => {
  const { call } = await open({ guard: { read: 'open' } });
  expect((await call('GET /v1/events', undefined, {}, '10.0.0.9')).status).toBe(200);
  expect((await call('POST /v1/apply', service('a'), {}, '10.0.0.9')).status).toBe(401);
});

test('apply is whole or nothing, says where it hurts, and a repetition changes nothing', async () => {
  const { call, state } = await open();
  const file = { authorization: `Bearer ${token}`, 'x-leno-file': 'shop.yaml' };
  const refused = await call('POST /v1/apply', `${service('cart')}---\n${route('crat')}`, file);
  expect(refused).toMatchObject({ status: 422, json: { code: 'LENO_CONFIG_REFUSED' } });
  expect(refused.json.findings).toEqual([
    expect.objectContaining({
      code: 'LN0202',
      file: 'shop.yaml',
      line: 11,
      hint: expect.stringContaining('cart'),
    }),
  ]);
  expect(state.objects.size).toBe(0);
  const text = `${service('cart')}---\n${route('cart')}`;
  expect((await call('POST /v1/apply?dryRun=true', text)).json).toMatchObject({
    ...{ applied: false, dryRun: true, wait: null },
    results: [{ action: 'created' }, { action: 'created' }],
  });
  expect(state.objects.size).toBe(0);
  const version = state.view.version + 1;
  expect((await call('POST /v1/apply?wait=1s', text)).json).toMatchObject({
    ...{ applied: true, version },
    results: [
      { name: 'cart', action: 'created' },
      { kind: 'HTTPRoute', namespace: 'default' },
    ],
    wait: { converged: true, connected: 0 },
  });
  expect((await call('POST /v1/apply', text)).json).toMatchObject({
    ...{ applied: false, version },
    results: [{ action: 'unchanged' }, { action: 'unchanged' }],
  });
});

test('single objects are read, locked, replaced and deleted', async () => {
  const { call } = await open();
  const path = '/v1/resources/service/default/cart';
  const created = await call(`PUT ${path}`, service('cart'));
  expect(created).toMatchObject({
    status: 201,
    json: { action: 'created', object: { kind: 'Service' } },
  });
  const version = String(created.json.object?.metadata.resourceVersion);
  const locked = (etag: string) => ({ authorization: `Bearer ${token}`, 'if-match': etag });
  expect((await call(`PUT ${path}`, service('cart', 81), locked('"1"'))).json).toMatchObject({
    ...{ status: 409, code: 'LENO_CONFLICT', resourceVersion: version },
  });
  const updated = await call(`PUT ${path}`, service('cart', 81), locked(`"${version}"`));
  expect(updated).toMatchObject({ status: 200, json: { action: 'updated' } });
  const got = await call(`GET ${path}`);
  expect(got.headers.get('etag')).toBe(`"${String(got.json.metadata?.resourceVersion)}"`);
  expect(got.json).toMatchObject({
    spec: { ports: [{ port: 81 }] },
    metadata: { namespace: 'default' },
  });
  expect((await call(`PUT ${path}`, service('other'))).status).toBe(400);
  expect((await call(`DELETE ${path}`)).json).toMatchObject({ action: 'deleted' });
  expect((await call(`DELETE ${path}`)).status).toBe(404);
  expect((await call('GET /v1/resources')).json.items).toEqual([]);
});

test('what something refers to is only deleted by force', async () => {
  const { call } = await open();
  await call('POST /v1/apply', `${service('cart')}---\n${route('cart')}`);
  const path = '/v1/resources/service/default/cart';
  expect((await call(`DELETE ${path}`)).json).toMatchObject({ status: 422 });
  expect((await call(`DELETE ${path}?force=true`)).json).toMatchObject({ action: 'deleted' });
  // What dangles now was there before the next change, and does not stand in its way.
  expect((await call('POST /v1/apply', service('stock'))).status).toBe(200);
});

test('an object of the whole mesh has no namespace', async () => {
  const { call } = await open();
  const text =
    '{apiVersion: leno.dev/v1, kind: MeshConfig, metadata: {name: mesh}, spec: {egress: passthrough}}';
  expect((await call('POST /v1/apply', text)).json.results).toMatchObject([{ namespace: '-' }]);
  const got = await call('GET /v1/resources/meshconfig/-/mesh');
  expect(got.json.metadata).not.toHaveProperty('namespace');
});

test('tokens are asked for strictly', async () => {
  const { call } = await open();
  const post = (body: unknown) =>
    call('POST /v1/tokens', JSON.stringify(body), {
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
    });
  expect(await post({ service: 'cart' })).toMatchObject({
    ...{ status: 201, json: { identity: 'default/cart', expiresAtMs: 600_000, push: 'localhost' } },
  });
  expect((await post({ service: '../cart' })).status).toBe(400);
  expect((await post({ service: 'cart', extra: 1 })).json).toMatchObject({
    code: 'LENO_BAD_REQUEST',
  });
});

test('a body over the bound is refused', async () => {
  const { call } = await open();
  expect((await call('POST /v1/apply', ' '.repeat(4 * 1_048_576 + 1))).json).toMatchObject({
    status: 413,
  });
});

test('while it starts, only the probe of its life answers well', async () => {
  const { call } = await open({ ready: false });
  expect((await call('GET /healthz', undefined, { host: 'any' })).status).toBe(200);
  expect((await call('GET /readyz', undefined, { host: 'any' })).status).toBe(503);
  expect((await call('GET /v1/proxies')).json).toMatchObject({
    status: 503,
    code: 'LENO_NOT_READY',
  });
});

test.each([
  { path: '/', status: 200, type: 'text/html; charset=utf-8' },
  { path: '/assets/app-1a2b.js', status: 200, type: 'text/javascript; charset=utf-8' },
  { path: '/link.txt', status: 404, type: 'application/problem+json' },
  { path: '/..%2fsecret.txt', status: 404, type: 'application/problem+json' },
  { path: '/assets/../../secret.txt', status: 404, type: 'application/problem+json' },
])('dashboard: $path is $status', async ({ path, status, type }) => {
  const { call } = await open();
  const reply = await call(`GET ${path}`);
  expect([reply.status, reply.headers.get('content-type')]).toEqual([status, type]);
  if (status === 200) {
    expect(reply.headers.get('content-security-policy')).toMatch(/^default-src 'self';/);
  }
  expect(reply.text).not.toContain('secret"');
});

test('a dashboard that is not built says how to build it', async () => {
  const { call } = await open({ dashboardDir: join(directory, 'nowhere') });
  expect((await call('GET /')).text).toContain('LENO_DASHBOARD_DIR');
});

test('the OpenAPI document names every way', async () => {
  const { call } = await open();
  const { json } = await call('GET /v1/openapi.json');
  expect(Object.keys(json.paths ?? {}).toSorted()).toEqual([
    '/v1/analyze',
    '/v1/apply',
    '/v1/events',
    '/v1/proxies',
    '/v1/resources',
    '/v1/resources/{kind}',
    '/v1/resources/{kind}/{namespace}',
    '/v1/resources/{kind}/{namespace}/{name}',
    '/v1/status',
    '/v1/tokens',
    '/v1/topology',
  ]);
});
