import fc from 'fast-check';
import { expect, test } from 'vitest';
import { validate } from '../check/validate.ts';
import { decodeResource } from '../decode-resource.ts';
import { canonicalHash } from '../hash/canonical.ts';
import type { ConfigObject } from '../kinds/kind.ts';
import { parseDocuments } from '../text/parse-documents.ts';
import { compileResources } from './compile-resources.ts';
import { type Instance, selectEndpoints } from './endpoints.ts';

function objectsOf(...documents: string[]): ConfigObject[] {
  const { entries, findings } = validate(parseDocuments(documents.join('\n---\n'), 'a').documents);
  expect(findings).toEqual([]);
  return entries.map(({ object }) => object);
}
const instance = (id: string, over: Partial<Instance> = {}): Instance => ({
  id,
  namespace: 'default',
  service: 'catalog',
  version: 'v1',
  address: '127.0.0.1',
  port: 15_006,
  health: 'ready',
  transport: 'mtls',
  identity: 'spiffe://mesh.local/ns/default/sa/catalog',
  labels: {},
  ...over,
});
const catalog = `
apiVersion: v1
kind: Service
metadata: {name: catalog}
spec:
  selector: {app: catalog}
  ports:
  - {port: 80}
  - {port: 81, name: grpc-web}
  - {port: 82, name: grpc, appProtocol: kubernetes.io/h2c}
  - {port: 83, name: raw, appProtocol: https}`;
const route = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: split, creationTimestamp: '2026-01-02T03:04:05Z'}
spec:
  parentRefs:
  - {group: '', kind: Service, name: catalog, sectionName: grpc}
  - {group: '', kind: Service, name: catalog, sectionName: nothing}
  hostnames: ['*.shop']
  rules:
  - name: canary
    matches:
    - {path: {value: /a}, method: GET, headers: [{name: X-Group, value: B}], queryParams: [{name: Q, value: '1'}]}
    - {path: {type: Exact, value: /b}}
    filters:
    - type: RequestHeaderModifier
      requestHeaderModifier: {set: [{name: X-A, value: B}], add: [{name: X-C, value: D}], remove: [X-E]}
    backendRefs:
    - {name: catalog, port: 80, weight: 9}
    - {name: gone, port: 80}
    - name: catalog
      port: 99
      filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [X-F]}}]
    timeouts: {request: 1s, backendRequest: 0s}
    retry: {attempts: 3, codes: [500], backoff: 100ms}`;
const policy = `
apiVersion: leno.dev/v1
kind: TrafficPolicy
metadata: {name: p}
spec:
  targetRef: {name: catalog}
  balancer: {decay: 5s}
  breaker: {consecutiveFailures: 3, window: 20s, open: 2s, openMax: 1m, failFast: true}
  retry: {attempts: 1, codes: [503], grpcCodes: [cancelled, unavailable], backoff: 10ms, backoffMax: 1s, anyMethod: true}
  budget: {ratio: 0.1, window: 30s}
  timeouts: {request: 0s, perTry: 1s, connect: 50ms, idle: 1h, tcpIdle: 2h}
  limits: {connections: 10, pending: 0, requests: 5}`;
const mesh = `
apiVersion: leno.dev/v1
kind: MeshConfig
metadata: {name: mesh}
spec: {accessLog: {slow: 2s}, mtls: {permissive: [catalog, shop/cart, default/catalog]}}`;

function compile(objects: readonly ConfigObject[], instances: readonly Instance[]) {
  return compileResources({ objects, instances, trustDomain: 'mesh.local' });
}
function bodyOf(id: string, objects: readonly ConfigObject[], instances: readonly Instance[] = []) {
  return compile(objects, instances).find(({ type, name }) => `${type}/${name}` === id)?.body;
}

test('a service says what is spoken by appProtocol, else by the name of the port', () => {
  expect(bodyOf('service/default/catalog', objectsOf(catalog))).toEqual({
    namespace: 'default',
    name: 'catalog',
    ports: [
      { port: 80, protocol: 'http' },
      { port: 81, name: 'grpc-web', protocol: 'grpc' },
      { port: 82, name: 'grpc', protocol: 'http2' },
      { port: 83, name: 'raw', protocol: 'tcp' },
    ],
  });
});

test('a route keeps what cannot be used, with the reason', () => {
  expect(bodyOf('route/default/split', objectsOf(catalog, route))).toEqual({
    namespace: 'default',
    name: 'split',
    kind: 'HTTPRoute',
    parents: [{ service: 'default/catalog', port: 82 }],
    hostnames: ['*.shop'],
    createdAtMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    rules: [
      {
        name: 'canary',
        matches: [
          {
            path: { kind: 'prefix', value: '/a' },
            method: 'GET',
            headers: [{ kind: 'exact', name: 'x-group', value: 'B' }],
            query: [{ kind: 'exact', name: 'Q', value: '1' }],
          },
          { path: { kind: 'exact', value: '/b' }, headers: [], query: [] },
        ],
        filters: [
          {
            kind: 'requestHeaders',
            edit: { set: [['x-a', 'B']], add: [['x-c', 'D']], remove: ['x-e'] },
          },
        ],
        backends: [
          { service: 'default/catalog', port: 80, weight: 9, filters: [] },
          {
            service: 'default/gone',
            port: 80,
            weight: 1,
            invalid: 'service default/gone does not exist',
            filters: [],
          },
          {
            service: 'default/catalog',
            port: 99,
            weight: 1,
            invalid: 'service default/catalog has no port 99',
            filters: [{ kind: 'responseHeaders', edit: { set: [], add: [], remove: ['x-f'] } }],
          },
        ],
        timeouts: { requestMs: 1_000, perTryMs: 0 },
        retry: { retries: 3, statuses: [500], backoffBaseMs: 100, backoffMaxMs: 1_000 },
      },
    ],
  });
});

test('a policy holds what is written, in milliseconds, and nothing else', () => {
  expect(bodyOf('trafficPolicy/default/p', objectsOf(policy))).toEqual({
    service: 'default/catalog',
    balancer: { kind: 'peakEwma', decayMs: 5_000 },
    breaker: {
      consecutiveFailures: 3,
      windowMs: 20_000,
      openMs: 2_000,
      openMaxMs: 60_000,
      failFast: true,
    },
    retry: {
      retries: 1,
      statuses: [503],
      grpcStatuses: [1, 14],
      backoffBaseMs: 10,
      backoffMaxMs: 1_000,
      anyMethod: true,
    },
    budget: { ratio: 0.1, windowMs: 30_000 },
    timeouts: {
      requestMs: 0,
      perTryMs: 1_000,
      connectMs: 50,
      idleMs: 3_600_000,
      tcpIdleMs: 7_200_000,
    },
    limits: { connectionCountMax: 10, pendingCountMax: 0, requestCountMax: 5 },
  });
});

test('the mesh has its settings with and without an object', () => {
  const without = {
    trustDomain: 'mesh.local',
    egress: 'deny',
    accessLog: { successEvery: 100, slowMs: 1_000 },
    traceRatio: 0.01,
    mtls: { permissive: [] },
  };
  expect(bodyOf('telemetry/mesh', [])).toEqual(without);
  expect(bodyOf('telemetry/mesh', objectsOf(mesh))).toEqual({
    ...without,
    accessLog: { successEvery: 100, slowMs: 2_000 },
    mtls: { permissive: ['default/catalog', 'shop/cart'] },
  });
});

const selections = [
  {
    name: 'the service and version it registered with',
    selector: '{app: catalog, version: v2}',
    ids: 'b',
  },
  { name: 'labels of its own before those', selector: '{version: green}', ids: 'c' },
  { name: 'every label', selector: '{app: catalog, tier: x}', ids: '' },
  { name: 'the name where there is no selector', selector: '{}', ids: 'a b c' },
];
test.each(selections)('an instance is selected by $name', ({ selector, ids }) => {
  const [object] = objectsOf(catalog.replace('{app: catalog}', selector));
  const instances = [
    instance('c', { labels: { version: 'green' } }),
    instance('a'),
    instance('b', { version: 'v2' }),
    instance('x', { namespace: 'other' }),
    instance('y', { service: 'cart', version: 'v9', labels: { tier: 'x' } }),
    instance('z', { health: 'notReady' }),
  ];
  expect(object?.kind).toBe('Service');
  if (object?.kind !== 'Service') return;
  const { endpoints } = selectEndpoints(object, instances);
  expect(endpoints.map(({ id }) => id).join(' ')).toBe(ids);
});

test('who only registered is a service too; draining is told, identity goes with mTLS only', () => {
  const instances = [
    instance('b', { service: 'mail', ports: [{ port: 25, protocol: 'tcp' }] }),
    instance('a', { service: 'mail', health: 'draining', transport: 'plain', weight: 3 }),
  ];
  expect(bodyOf('service/default/mail', [], instances)).toEqual({
    namespace: 'default',
    name: 'mail',
    ports: [
      { port: 25, protocol: 'tcp' },
      { port: 80, protocol: 'http' },
    ],
  });
  const labels = { app: 'mail', version: 'v1' };
  const common = { address: '127.0.0.1', port: 15_006, labels };
  const identity = 'spiffe://mesh.local/ns/default/sa/catalog';
  expect(bodyOf('endpoints/default/mail', [], instances)).toEqual({
    endpoints: [
      { id: 'a', ...common, weight: 3, health: 'draining', transport: 'plain' },
      { id: 'b', ...common, weight: 1, health: 'ready', transport: 'mtls', identity },
    ],
  });
});

test('a bundle is a destination: what belongs to a service goes with it', () => {
  const compiled = compile(objectsOf(catalog, route, policy), [instance('a')]);
  expect(compiled.map(({ type, name, bundle }) => `${type}/${name} in ${bundle}`)).toEqual([
    'endpoints/default/catalog in default/catalog',
    'route/default/split in default/catalog',
    'service/default/catalog in default/catalog',
    'telemetry/mesh in mesh',
    'trafficPolicy/default/p in default/catalog',
  ]);
  for (const { hash, body } of compiled) expect(hash).toBe(canonicalHash(body));
});

test('property: whatever is compiled, a proxy can decode, and the order of the input says nothing', () => {
  const objects = objectsOf(catalog, route, policy, mesh);
  const anyInstance = fc.record({
    id: fc.string({ minLength: 1, maxLength: 20 }),
    service: fc.constantFrom('catalog', 'cart', 'mail'),
    version: fc.constantFrom(undefined, 'v1', 'v2'),
    health: fc.constantFrom('ready' as const, 'notReady' as const, 'draining' as const),
    weight: fc.constantFrom(undefined, 0, 5),
    labels: fc.dictionary(fc.constantFrom('app', 'tier'), fc.string()),
  });
  const instances = fc.uniqueArray(anyInstance, { selector: ({ id }) => id, maxLength: 8 });
  const run = (some: readonly Partial<Instance>[], kept: readonly ConfigObject[]) => {
    const given = some.map((it) => instance(it.id ?? '', it));
    const compiled = compile(kept, given);
    expect(compile(kept.toReversed(), given.toReversed())).toEqual(compiled);
    for (const resource of compiled) {
      const result = decodeResource({ ...resource, version: 1 });
      expect(result.ok ? result.value.body : result.error).toEqual(resource.body);
    }
  };
  fc.assert(fc.property(instances, fc.subarray(objects), run), { numRuns: 50 });
});
