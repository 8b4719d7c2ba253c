import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attachedHosts, commonHosts } from '../compile/attachment.ts';
import { compileResources } from '../compile/compile-resources.ts';
import { decodeResource } from '../decode-resource.ts';
import type { GatewayBody } from '../model/gateway.ts';
import type { RouteBody } from '../model/route.ts';
import { parseDocuments } from '../text/parse-documents.ts';
import { analyze } from './analyze.ts';
import { validate } from './validate.ts';

const gateway = (listeners: string, more: { name?: string; namespace?: string } = {}) => {
  const { name = 'edge', namespace = 'default' } = more;
  return `{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, metadata: {name: ${name}, namespace: ${namespace}}, spec: {gatewayClassName: leno, listeners: [${listeners}]}}`;
};
const http = (more = '') => `{name: http, protocol: HTTP, port: 80${more}}`;
const https = (more = '') =>
  `{name: https, protocol: HTTPS, port: 443, tls: {certificateRefs: [{name: shop}]}${more}}`;
const service =
  '{apiVersion: v1, kind: Service, metadata: {name: shop}, spec: {ports: [{port: 80}]}}';
const route = (
  parents: string,
  more: { hosts?: string; namespace?: string; name?: string } = {},
) => {
  const { hosts = '', namespace = 'default', name = 'r' } = more;
  return `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: ${name}, namespace: ${namespace}}, spec: {parentRefs: [${parents}], hostnames: [${hosts}], rules: [{backendRefs: [{name: shop, namespace: default, port: 80}]}]}}`;
};

function read(documents: readonly string[]) {
  return validate(parseDocuments([service, ...documents].join('\n---\n'), 'a.yaml').documents);
}
const shown = ({ code, path, hint }: { code: string; path: string; hint?: string }) =>
  `${code} ${path}${hint === undefined ? '' : ` (${hint})`}`;

test.each([
  { name: 'nothing that is wrong', listeners: `${http()}, ${https()}`, is: [] },
  {
    name: 'listeners of one port with hosts of their own',
    listeners: `${http()}, {name: b, protocol: HTTP, port: 80, hostname: b.test}, {name: c, protocol: HTTP, port: 80, hostname: '*.b.test'}`,
    is: [],
  },
  {
    name: 'two names that are one',
    listeners: `${http()}, {name: http, protocol: HTTP, port: 81}`,
    is: ['LN0109 spec.listeners[1].name'],
  },
  {
    name: 'a port that is to speak two protocols',
    listeners: `${http()}, ${https().replace('443', '80')}`,
    is: ['LN0311 spec.listeners[1].protocol'],
  },
  {
    name: 'a port that two listeners take whole',
    listeners: `${http()}, {name: b, protocol: HTTP, port: 80}`,
    is: ['LN0311 spec.listeners[1].port'],
  },
  {
    name: 'a host that two listeners take',
    listeners: `${http(', hostname: a.test')}, {name: b, protocol: HTTP, port: 80, hostname: a.test}`,
    is: ['LN0311 spec.listeners[1].hostname'],
  },
  {
    name: 'HTTPS without a certificate',
    listeners: '{name: a, protocol: HTTPS, port: 1}',
    is: ['LN0113 spec.listeners[0].protocol'],
  },
  {
    name: 'HTTP with one',
    listeners: http(', tls: {certificateRefs: [{name: a}]}'),
    is: ['LN0113 spec.listeners[0].tls'],
  },
  {
    name: 'a certificate that is no secret',
    listeners: https().replace('{name: shop}', '{name: shop, kind: ConfigMap}'),
    is: ['LN0206 spec.listeners[0].tls.certificateRefs[0].kind (Secret)'],
  },
  {
    name: 'a certificate of others',
    listeners: https().replace('{name: shop}', '{name: shop, namespace: other}'),
    is: ['LN0208 spec.listeners[0].tls.certificateRefs[0].namespace'],
  },
  {
    name: 'a mode that is not served',
    listeners: https().replace('tls: {', 'tls: {mode: Passthrough, '),
    is: ['LN0105 spec.listeners[0].tls.mode'],
  },
  {
    name: 'a protocol that is not served',
    listeners: http().replace('HTTP', 'UDP'),
    is: ['LN0105 spec.listeners[0].protocol'],
  },
  { name: 'no listener', listeners: '', is: ['LN0104 spec.listeners'] },
])('a gateway with $name', ({ listeners, is }) => {
  expect(read([gateway(listeners)]).findings.map(shown)).toEqual(is);
});

const open = ', allowedRoutes: {namespaces: {from: All}}';
test.each([
  { name: 'a gateway', routes: [route('{name: edge}')], is: [] },
  { name: 'one of its listeners', routes: [route('{name: edge, sectionName: http}')], is: [] },
  { name: 'one of its ports', routes: [route('{name: edge, port: 443}')], is: [] },
  {
    name: 'no gateway that exists',
    routes: [route('{name: egde}')],
    is: ['LN0201 spec.parentRefs[0].name (default/edge)'],
  },
  {
    name: 'a service, but not as one',
    routes: [route('{name: shop}')],
    is: ['LN0201 spec.parentRefs[0].name'],
  },
  {
    name: 'a listener that does not exist',
    routes: [route('{name: edge, sectionName: htpp}')],
    is: ['LN0209 spec.parentRefs[0].sectionName (http)'],
  },
  {
    name: 'a port that does not exist',
    routes: [route('{name: edge, port: 81}')],
    is: ['LN0209 spec.parentRefs[0].port'],
  },
  {
    name: 'a gateway that takes no routes from there',
    routes: [route('{name: edge, namespace: default}', { namespace: 'other' })],
    is: ['LN0312 spec.parentRefs[0].name'],
  },
  {
    name: 'a gateway that takes routes from everywhere',
    listeners: http(open),
    routes: [route('{name: edge, namespace: default}', { namespace: 'other' })],
    is: [],
  },
  {
    name: 'hosts that no listener takes',
    listeners: http(", hostname: '*.shop.test'"),
    routes: [route('{name: edge}', { hosts: 'shop.test, a.other.test' })],
    is: ['LN0313 spec.hostnames[0]', 'LN0313 spec.hostnames[1]'],
  },
  {
    name: 'hosts of which one is taken',
    listeners: http(", hostname: '*.shop.test'"),
    routes: [route('{name: edge}', { hosts: 'shop.test, a.shop.test' })],
    is: ['LN0314 spec.hostnames[0]'],
  },
  {
    name: 'the same as an older route',
    routes: [route('{name: edge}'), route('{name: edge}', { name: 'z' })],
    is: ['LN0306 spec.rules[0]'],
  },
  {
    name: 'the same as another for another listener',
    routes: [
      route('{name: edge, sectionName: http}'),
      route('{name: edge, sectionName: https}', { name: 'z' }),
    ],
    is: [],
  },
])('a route that names $name', ({ listeners = `${http()}, ${https()}`, routes, is }) => {
  const { entries, findings } = read([gateway(listeners), ...routes]);
  expect(findings).toEqual([]);
  expect(analyze(entries).map(shown)).toEqual(is);
});

test('a gateway and its routes as they are pushed: in a bundle of their own', () => {
  const { entries } = read([
    gateway(`${https(`, hostname: shop.test${open}`)}, ${http()}`),
    route('{name: edge, sectionName: https, port: 443}'),
    route("{name: edge}, {group: '', kind: Service, name: shop}", { name: 'both' }),
  ]);
  const compiled = compileResources({
    objects: entries.map(({ object }) => object),
    instances: [],
    trustDomain: 'mesh.local',
  });
  const [listener, both, plain] = ['default/edge', 'default/both', 'default/r'].map((name) =>
    compiled.find((it) => it.name === name),
  );
  expect(listener).toMatchObject({ type: 'listener', bundle: 'gateway:default/edge' });
  const listened = { port: 443, protocol: 'https', hostname: 'shop.test', certificates: ['shop'] };
  expect(listener?.body).toEqual({
    namespace: 'default',
    name: 'edge',
    listeners: [
      { name: 'https', ...listened, routesFrom: 'all' },
      { name: 'http', port: 80, protocol: 'http', certificates: [], routesFrom: 'same' },
    ],
  });
  expect(plain).toMatchObject({
    bundle: 'gateway:default/edge',
    body: { parents: [], gateways: [{ gateway: 'default/edge', listener: 'https', port: 443 }] },
  });
  expect(both).toMatchObject({
    bundle: 'default/shop',
    body: { parents: [{ service: 'default/shop' }], gateways: [{ gateway: 'default/edge' }] },
  });
  for (const it of compiled)
    expect(decodeResource({ ...it, version: 1 })).toMatchObject({ ok: true });
});

test.each([
  { listened: undefined, routed: [], is: [] },
  { listened: undefined, routed: ['a.test'], is: ['a.test'] },
  { listened: 'a.test', routed: [], is: ['a.test'] },
  { listened: 'a.test', routed: ['a.test', 'b.test'], is: ['a.test'] },
  { listened: '*.test', routed: ['a.test', 'a.b.test', 'test'], is: ['a.test', 'a.b.test'] },
  { listened: 'a.b.test', routed: ['*.test', '*.b.test'], is: ['a.b.test', 'a.b.test'] },
  { listened: '*.test', routed: ['*.b.test'], is: ['*.b.test'] },
  { listened: '*.b.test', routed: ['*.test'], is: ['*.b.test'] },
  { listened: 'a.test', routed: ['b.test'], is: undefined },
  { listened: '*.a.test', routed: ['xa.test', 'a.test'], is: undefined },
])('the hosts that $listened and $routed share', ({ listened, routed, is }) => {
  expect(commonHosts(listened, routed)).toEqual(is);
});

const label = fc.constantFrom('a', 'b', 'c');
const host = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join('.'));
const pattern = fc.oneof(
  host,
  host.map((it) => `*.${it}`),
);
const fits = (it: string, name: string) =>
  it === name || (it.startsWith('*.') && name.endsWith(it.slice(1)));

test('property: a host is in common exactly if both sides take it', () => {
  fc.assert(
    fc.property(pattern, fc.array(pattern, { minLength: 1, maxLength: 3 }), host, (a, b, name) => {
      const common = commonHosts(a, b) ?? [];
      const both = fits(a, name) && b.some((it) => fits(it, name));
      expect(common.some((it) => fits(it, name))).toBe(both);
    }),
  );
});

test('a route attaches where it is named, allowed and asked for', () => {
  const listener = { name: 'a', port: 80, protocol: 'http' as const, certificates: [] };
  const own: GatewayBody = {
    namespace: 'default',
    name: 'edge',
    listeners: [
      { ...listener, routesFrom: 'same' },
      { ...listener, name: 'b', routesFrom: 'all' },
    ],
  };
  const body = (namespace: string, gateways: RouteBody['gateways']): RouteBody => ({
    ...{ namespace, name: 'r', kind: 'HTTPRoute', parents: [], hostnames: [], rules: [] },
    ...{ gateways, createdAtMs: 0 },
  });
  const where = (route: RouteBody) =>
    own.listeners.map((it) => attachedHosts(own, it, route) !== undefined);
  const edge = { gateway: 'default/edge' };
  expect(where(body('default', [edge]))).toEqual([true, true]);
  expect(where(body('other', [edge]))).toEqual([false, true]);
  expect(where(body('default', [{ ...edge, listener: 'b' }]))).toEqual([false, true]);
  expect(where(body('default', [{ ...edge, port: 81 }]))).toEqual([false, false]);
  expect(where(body('default', [{ gateway: 'other/edge' }]))).toEqual([false, false]);
  expect(where(body('default', undefined))).toEqual([false, false]);
});
