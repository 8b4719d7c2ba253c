import { expect, test } from 'vitest';
import type { Instance } from '../compile/endpoints.ts';
import { parseDocuments } from '../text/parse-documents.ts';
import { type AnalyzeOptions, analyze } from './analyze.ts';
import { validate } from './validate.ts';

const services = ['cart', 'shop']
  .map(
    (name) =>
      `{apiVersion: v1, kind: Service, metadata: {name: ${name}}, spec: {ports: [{port: 80, name: http}]}}`,
  )
  .join('\n---\n');
const policy = (name: string, spec: string, target = 'cart') =>
  `{apiVersion: leno.dev/v1, kind: TrafficPolicy, metadata: {name: ${name}}, spec: {targetRef: {name: ${target}}, ${spec}}}`;
const route = (
  rules: string,
  more: {
    name?: string;
    parent?: string;
    created?: string;
    spec?: string;
    namespace?: string;
  } = {},
) => {
  const {
    name = 'r',
    parent = 'name: cart',
    created = '',
    spec = '',
    namespace = 'default',
  } = more;
  const stamp = created === '' ? '' : `, creationTimestamp: '${created}'`;
  return `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: ${name}, namespace: ${namespace}${stamp}}, spec: {${spec} parentRefs: [{group: '', kind: Service, ${parent}}], rules: [${rules}]}}`;
};
const to = (backend = 'name: cart, port: 80') => `backendRefs: [{${backend}}]`;

/** `LN#### subject path` of each finding about the services above and `documents`. */
function findings(documents: readonly string[], options?: AnalyzeOptions): string[] {
  const parsed = parseDocuments([services, ...documents].join('\n---\n'), 'a.yaml');
  const validated = validate(parsed.documents);
  expect([...parsed.findings, ...validated.findings]).toEqual([]);
  return analyze(validated.entries, options).map(
    ({ code, subject, path, hint }) =>
      `${code} ${subject} ${path}${hint === undefined ? '' : ` (${hint})`}`,
  );
}

const sound = [
  { name: 'nothing but services', documents: [] },
  {
    name: 'a route over two services',
    documents: [
      route(`{${to()}}, {matches: [{path: {value: /b}}], ${to('name: shop, port: 80')}}`),
    ],
  },
  {
    name: 'a longer prefix after a shorter one',
    documents: [
      route(
        `{matches: [{path: {value: /a}}], ${to()}}, {matches: [{path: {value: /a/b}}], ${to()}}`,
      ),
    ],
  },
  {
    name: 'equal matches for other hosts',
    documents: [
      route(`{${to()}}`, { spec: 'hostnames: [a.b],' }),
      route(`{${to()}}`, { name: 'q', spec: "hostnames: ['*.b']," }),
    ],
  },
  {
    name: 'equal matches on other ports',
    documents: [
      route(`{${to()}}`, { name: 'a', parent: 'name: cart, port: 80' }),
      route(`{${to()}}`, { name: 'q' }),
    ],
  },
  {
    name: 'equal matches for other clients',
    documents: [
      route(`{${to()}}`),
      route(`{${to('name: cart, namespace: default, port: 80')}}`, {
        namespace: 'other',
        parent: 'name: cart, namespace: default',
      }),
    ],
  },
  {
    name: 'a rule that keeps one of its matches',
    documents: [route(`{${to()}}, {matches: [{path: {value: /}}, {path: {value: /b}}], ${to()}}`)],
  },
  {
    name: 'a per-try timeout below',
    documents: [
      policy('p', 'timeouts: {request: 2s, perTry: 1s}'),
      route(`{${to()}, timeouts: {request: 3s, backendRequest: 2s}}`),
    ],
  },
  {
    name: 'a request timeout that is off',
    documents: [policy('p', 'timeouts: {request: 0s, perTry: 20s}')],
  },
  {
    name: 'a budget with a floor',
    documents: [policy('p', 'budget: {ratio: 0}, retry: {attempts: 3}')],
  },
  {
    name: 'no retries in an empty budget',
    documents: [policy('p', 'budget: {ratio: 0, perSecondMin: 0}, retry: {attempts: 0}')],
  },
  {
    name: 'one backend with weight 0',
    documents: [
      route('{backendRefs: [{name: cart, port: 80, weight: 0}, {name: shop, port: 80}]}'),
    ],
  },
  {
    name: 'a port by its name',
    documents: [route(`{${to()}}`, { parent: 'name: cart, sectionName: http' })],
  },
];
test.each(sound)('is content with $name', ({ documents }) => {
  expect(findings(documents)).toEqual([]);
});

const empty = 'budget: {ratio: 0, perSecondMin: 0}';
const unsound = [
  {
    name: 'an unknown parent',
    documents: [route(`{${to()}}`, { parent: 'name: crat' })],
    is: ['LN0201 HTTPRoute default/r spec.parentRefs[0].name (default/cart)'],
  },
  {
    name: 'an unknown backend',
    documents: [route(`{${to('name: chart, port: 80')}}`)],
    is: ['LN0202 HTTPRoute default/r spec.rules[0].backendRefs[0].name (default/cart)'],
  },
  {
    name: 'a backend in another namespace',
    documents: [route(`{${to('name: cart, namespace: other, port: 80')}}`)],
    is: ['LN0202 HTTPRoute default/r spec.rules[0].backendRefs[0].name (default/cart)'],
  },
  {
    name: 'an unknown port',
    documents: [route(`{${to('name: cart, port: 81')}}`)],
    is: ['LN0203 HTTPRoute default/r spec.rules[0].backendRefs[0].port'],
  },
  {
    name: 'an unknown port of a parent',
    documents: [route(`{${to()}}`, { parent: 'name: cart, port: 8080' })],
    is: ['LN0203 HTTPRoute default/r spec.parentRefs[0].port'],
  },
  {
    name: 'an unknown port name',
    documents: [route(`{${to()}}`, { parent: 'name: cart, sectionName: htpp' })],
    is: ['LN0203 HTTPRoute default/r spec.parentRefs[0].sectionName (http)'],
  },
  {
    name: 'a policy for nothing',
    documents: [policy('p', '', 'shopp')],
    is: ['LN0205 TrafficPolicy default/p spec.targetRef.name (default/shop)'],
  },
  {
    name: 'a policy too many',
    documents: [policy('p', ''), policy('q', '')],
    is: ['LN0308 TrafficPolicy default/q spec.targetRef.name'],
  },
  {
    name: 'a service that is not there to be permissive',
    documents: [
      '{apiVersion: leno.dev/v1, kind: MeshConfig, metadata: {name: m}, spec: {mtls: {permissive: [cart, default/cat]}}}',
    ],
    is: ['LN0207 MeshConfig m spec.mtls.permissive[1] (default/cart)'],
  },
  {
    name: 'a second MeshConfig',
    documents: ['m', 'n'].map(
      (name) => `{apiVersion: leno.dev/v1, kind: MeshConfig, metadata: {name: ${name}}, spec: {}}`,
    ),
    is: ['LN0309 MeshConfig n metadata.name'],
  },
  {
    name: 'a name twice',
    documents: [policy('p', ''), policy('p', '', 'shop')],
    is: ['LN0307 TrafficPolicy default/p metadata.name'],
  },
  {
    name: 'a policy that contradicts itself',
    documents: [policy('p', 'timeouts: {request: 1s, perTry: 2s}')],
    is: ['LN0301 TrafficPolicy default/p spec.timeouts.perTry'],
  },
  {
    name: 'a per-try timeout beyond the default',
    documents: [route(`{${to()}, timeouts: {backendRequest: 16s}}`)],
    is: ['LN0301 HTTPRoute default/r spec.rules[0].timeouts.backendRequest'],
  },
  {
    name: 'a route against its policy',
    documents: [policy('p', 'timeouts: {perTry: 2s}'), route(`{${to()}, timeouts: {request: 1s}}`)],
    is: ['LN0301 HTTPRoute default/r spec.rules[0].timeouts.request'],
  },
  {
    name: 'a try that takes all the time',
    documents: [
      route(`{${to()}, retry: {attempts: 1}, timeouts: {request: 1s, backendRequest: 1s}}`),
    ],
    is: ['LN0302 HTTPRoute default/r spec.rules[0].timeouts.backendRequest'],
  },
  {
    name: 'a retry without budget',
    documents: [policy('p', `${empty}, retry: {attempts: 1}`)],
    is: ['LN0303 TrafficPolicy default/p spec.retry.attempts'],
  },
  {
    name: 'a retry of a route without budget',
    documents: [policy('p', empty), route(`{${to()}, retry: {attempts: 1}}`)],
    is: ['LN0303 HTTPRoute default/r spec.rules[0].retry.attempts'],
  },
  {
    name: 'weights of nothing',
    documents: [route(`{${to('name: cart, port: 80, weight: 0')}}`)],
    is: ['LN0304 HTTPRoute default/r spec.rules[0].backendRefs'],
  },
  {
    name: 'a rule without backends',
    documents: [route('{name: x}')],
    is: ['LN0305 HTTPRoute default/r spec.rules[0]'],
  },
  {
    name: 'a rule that is said already',
    documents: [route(`{${to()}}, {matches: [{path: {value: /}}], ${to()}}`)],
    is: ['LN0306 HTTPRoute default/r spec.rules[1]'],
  },
  {
    name: 'the same prefix with a slash',
    documents: [
      route(
        `{matches: [{path: {value: /a/}, headers: [{name: X, value: b}, {name: c, value: d}]}], ${to()}}, {matches: [{path: {value: /a}, headers: [{name: C, value: d}, {name: x, value: b}]}], ${to()}}`,
      ),
    ],
    is: ['LN0306 HTTPRoute default/r spec.rules[1]'],
  },
  {
    name: 'the younger of two routes',
    documents: [
      route(`{${to()}}`, { name: 'a', created: '2026-02-01T00:00:00Z' }),
      route(`{${to()}}`, { name: 'b', created: '2026-01-01T00:00:00Z' }),
    ],
    is: ['LN0306 HTTPRoute default/a spec.rules[0]'],
  },
  {
    name: 'a port that a whole route covers',
    documents: [
      route(`{${to()}}`, { name: 'a' }),
      route(`{${to()}}`, { name: 'b', parent: 'name: cart, port: 80' }),
    ],
    is: ['LN0306 HTTPRoute default/b spec.rules[0]'],
  },
];
test.each(unsound)('finds $name', ({ documents, is }) => {
  expect(findings(documents)).toEqual(is);
});

test('what runs counts: a service that only registered exists, one that nobody serves is told of', () => {
  const instance: Instance = {
    id: 'i',
    namespace: 'default',
    service: 'mail',
    address: '127.0.0.1',
    port: 1,
    health: 'ready',
    transport: 'mtls',
    labels: {},
  };
  const documents = [route(`{${to('name: mail, port: 80')}}`)];
  expect(findings(documents)).toEqual([
    'LN0202 HTTPRoute default/r spec.rules[0].backendRefs[0].name',
  ]);
  expect(findings(documents, { instances: [instance] })).toEqual([]);
  expect(findings([route(`{${to()}}`)], { instances: [instance] })).toEqual([
    'LN0204 HTTPRoute default/r spec.rules[0].backendRefs[0].name',
  ]);
});
