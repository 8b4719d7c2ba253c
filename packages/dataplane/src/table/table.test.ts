import { canonicalHash, type Resource } from '@leno/config';
import { expect, test } from 'vitest';
import { noAccess } from '../authorization/inbound-access.ts';
import type { Cluster } from '../upstream/cluster.ts';
import { compileTable, emptyTable } from './compile.ts';
import { decodeView, emptyView } from './decode.ts';
import { callPolicy } from './policy.ts';

const limits = { ruleCountMax: 3 };
const subject = { service: 'web', namespace: 'default' };
const revision = { epoch: 1, version: 7, digest: 'd' };
/** The table only passes clusters on: their names are all that it is judged by. */
const clusterOf = (name: string): Cluster => ({ name }) as Cluster;

function resource(type: Resource['type'], name: string, body: unknown, bundle = name): Resource {
  return { type, name, version: 1, hash: canonicalHash(body), bundle, body };
}

const service = (name: string, ports = [80]): Resource =>
  resource('service', `default/${name}`, {
    namespace: 'default',
    name,
    ports: ports.map((port) => ({ port, protocol: 'http' })),
  });

const route = (name: string, backends: readonly string[], ruleCount = 1): Resource => {
  const rule = {
    matches: [],
    filters: [],
    backends: backends.map((it) => ({ service: it, port: 80, weight: 1, filters: [] })),
  };
  return resource(
    'route',
    `default/${name}`,
    {
      namespace: 'default',
      name,
      kind: 'HTTPRoute',
      parents: [{ service: `default/${name}` }],
      hostnames: [],
      rules: Array.from({ length: ruleCount }, () => rule),
      createdAtMs: 0,
    },
    `default/${name}`,
  );
};

const mesh = resource('telemetry', 'mesh', {
  trustDomain: 'mesh.local',
  egress: 'deny',
  accessLog: { successEvery: 100, slowMs: 1_000 },
  traceRatio: 0.01,
  mtls: { permissive: ['default/web'] },
});

function compiled(resources: readonly Resource[]) {
  const view = decodeView(resources, emptyView, limits);
  return { view, table: compileTable(view, subject, revision, { clusterOf, access: noAccess }) };
}

test.each([
  { dialled: 'cart', port: 80 },
  { dialled: 'cart:80', port: 80 },
  { dialled: 'cart:8080', port: 8_080 },
  { dialled: 'cart.default', port: 80 },
  { dialled: 'cart.default.mesh:8080', port: 8_080 },
  { dialled: 'cart.default.svc.cluster.local', port: 80 },
])('a service may be dialled as $dialled', ({ dialled, port }) => {
  const { table } = compiled([service('cart', [8_080, 80])]);
  expect(table.destinations.get(dialled)?.service.name).toBe('default/cart');
  expect(table.destinations.get(dialled)?.port).toBe(port);
});

test.each(['cart:81', 'cart.other', 'other', 'cart.default.mesh.example'])(
  'nothing answers to %s',
  (dialled) => {
    const { table } = compiled([service('cart')]);
    expect(table.destinations.has(dialled)).toBe(false);
  },
);

test('a service without port 80 answers on its own port where none is dialled', () => {
  const { table } = compiled([service('cart', [9_000])]);
  expect(table.destinations.get('cart')?.port).toBe(9_000);
  expect(table.destinations.get('cart:80')?.port).toBe(9_000);
});

test('a backend that is no service gets no cluster', () => {
  const { table } = compiled([service('cart'), route('cart', ['default/cart', 'default/gone'])]);
  const [rule] = [...(table.services.get('default/cart')?.rules.values() ?? [])];
  const names = [...(rule?.clusters.values() ?? [])].map((cluster) => cluster.name);
  expect(names).toEqual(['default/cart']);
});

test('what is permissive is said by the mesh, and nothing is before a config', () => {
  expect(emptyTable.permissive).toBe(false);
  expect(emptyTable.mesh).toBeUndefined();
  expect(compiled([mesh]).table.permissive).toBe(true);
});

test('a bundle with a bad resource keeps its last good state, and disturbs no other', () => {
  const before = decodeView(
    [service('cart'), route('cart', ['default/cart']), service('web')],
    emptyView,
    limits,
  );
  const bad = { ...route('cart', ['default/cart']), version: 2, hash: 'x', body: { rules: 1 } };
  const changedWeb = { ...service('web', [80, 81]), version: 2 };
  const after = decodeView(
    [{ ...service('cart', [9_000]), version: 2 }, bad, changedWeb],
    before,
    limits,
  );
  expect(after.errors).toMatchObject([{ type: 'route', name: 'default/cart', version: 2 }]);
  expect(after.resources.get('service/default/cart')).toMatchObject({ version: 1 });
  expect(after.resources.get('route/default/cart')).toMatchObject({ version: 1 });
  expect(after.resources.get('service/default/web')).toMatchObject({ version: 2 });
});

test('an unchanged resource is the very same object, so that a no-op stays one', () => {
  const before = decodeView([service('cart')], emptyView, limits);
  const after = decodeView([service('cart')], before, limits);
  const key = 'service/default/cart';
  expect(after.resources.get(key)).toBe(before.resources.get(key));
});

test('more rules than this proxy takes are refused with the setting that bounds them', () => {
  const { view } = compiled([service('cart'), route('cart', ['default/cart'], 4)]);
  expect(view.errors[0]).toMatchObject({ code: 'LENO_RULE_COUNT', path: 'body.rules' });
  expect(view.errors[0]?.msg).toContain('LENO_ROUTE_RULE_COUNT_MAX');
});

test('callers and the called go by the same policy of a service', () => {
  const policy = resource('trafficPolicy', 'default/web', {
    service: 'default/web',
    timeouts: { tcpIdleMs: 5_000 },
  });
  const { table } = compiled([service('web'), policy]);
  expect(table.ownPolicy.tcpIdleTimeoutMs).toBe(5_000);
  expect(compiled([service('cart')]).table.ownPolicy.tcpIdleTimeoutMs).toBe(3_600_000);
});

test('a rule is stronger than the policy of its service, which is stronger than the default', () => {
  const policy = {
    service: 'default/cart',
    timeouts: { requestMs: 9_000, perTryMs: 100 },
    retry: { retries: 5 },
  };
  const rule = { timeouts: { requestMs: 500 } };
  expect(callPolicy(rule, policy)).toMatchObject({
    requestTimeoutMs: 500,
    perTryTimeoutMs: 100,
    retry: { retryCountMax: 5, onPerTryTimeout: true },
  });
  expect(callPolicy(undefined, undefined)).toMatchObject({
    requestTimeoutMs: 15_000,
    retry: { retryCountMax: 2, onPerTryTimeout: false, anyMethod: false },
  });
});
