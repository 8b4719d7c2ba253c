import { expect, test } from 'vitest';
import { compileResources } from '../compile/compile-resources.ts';
import { decodeResource } from '../decode-resource.ts';
import { parseDocuments } from '../text/parse-documents.ts';
import { analyze } from './analyze.ts';
import { validate } from './validate.ts';

const service =
  '{apiVersion: v1, kind: Service, metadata: {name: cart}, spec: {ports: [{port: 80}]}}';
const policy = (spec: string, target = 'cart'): string =>
  `{apiVersion: leno.dev/v1, kind: AccessPolicy, metadata: {name: p}, spec: {targetRef: {name: ${target}}, ${spec}}}`;
const rule = (text: string): string => policy(`action: DENY, rules: [${text}]`);

function read(text: string) {
  const { documents, findings } = parseDocuments(`${service}\n---\n${text}`, 'a.yaml');
  const validated = validate(documents);
  return {
    entries: validated.entries,
    findings: [...findings, ...validated.findings, ...analyze(validated.entries)].map(
      ({ code, path, hint }) => `${code} ${path}${hint === undefined ? '' : ` (${hint})`}`,
    ),
  };
}

test.each([
  ['a rule without parts', rule('{}')],
  [
    'all parts',
    rule(
      '{name: r, from: {principals: ["spiffe://m/*", "*/sa/x"], namespaces: [n], trustDomains: [m]}, to: {hosts: [a.svc, "b:80", "[::1]:80"], ports: [80], methods: [GET, VERSION-CONTROL], paths: [{exact: /a}, {prefix: /caf%C3%A9}], grpc: [{service: a.B, method: C}]}, when: [{header: x-a, values: [b]}, {attribute: source.ip, values: [10.0.0.0/8, "::1"]}, {attribute: destination.port, values: ["80"]}]}',
    ),
  ],
  ['no rules of DENY', policy('action: DENY')],
  ['a trial', policy('action: AUDIT, dryRun: true, rules: [{}]')],
])('is taken: %s', (_, text) => {
  expect(read(text).findings).toEqual([]);
});

test.each([
  ['an action', policy('action: LOG'), 'LN0105 spec.action'],
  ['no action', policy('rules: []'), 'LN0102 spec.action'],
  ['a word of later days', rule('{notFrom: {}}'), 'LN0101 spec.rules[0].notFrom'],
  [
    'a word in from',
    rule('{from: {principals: ["*"], notPrincipals: [b]}}'),
    'LN0101 spec.rules[0].from.notPrincipals (principals)',
  ],
  ['a claim', rule('{when: [{claim: sub, values: [a]}]}'), 'LN0103 spec.rules[0].when[0]'],
  ['an attribute', rule('{when: [{attribute: x.y, values: [a]}]}'), 'LN0103 spec.rules[0].when[0]'],
  ['an empty part', rule('{from: {}}'), 'LN0106 spec.rules[0].from'],
  ['no alternative', rule('{from: {principals: []}}'), 'LN0104 spec.rules[0].from.principals'],
  [
    'a * in the middle',
    rule('{from: {principals: ["a*b"]}}'),
    'LN0106 spec.rules[0].from.principals[0]',
  ],
  [
    'an id without its scheme',
    rule('{from: {principals: ["m/ns/a/sa/b"]}}'),
    'LN0106 spec.rules[0].from.principals[0]',
  ],
  [
    'a pattern of namespaces',
    rule('{from: {namespaces: ["*"]}}'),
    'LN0106 spec.rules[0].from.namespaces[0]',
  ],
  [
    'a trust domain in capitals',
    rule('{from: {trustDomains: [M]}}'),
    'LN0106 spec.rules[0].from.trustDomains[0]',
  ],
  [
    'a host as header',
    rule('{when: [{header: Host, values: [a]}]}'),
    'LN0106 spec.rules[0].when[0].header',
  ],
  [
    'a header that is refused',
    rule('{when: [{header: x_a, values: [b]}]}'),
    'LN0106 spec.rules[0].when[0].header',
  ],
  [
    'half an address',
    rule('{when: [{attribute: source.ip, values: [10.0.0]}]}'),
    'LN0103 spec.rules[0].when[0]',
  ],
  [
    'a pattern of ids as attribute',
    rule('{when: [{attribute: source.principal, values: ["spiffe://m/*"]}]}'),
    'LN0106 spec.rules[0].when[0].values[0]',
  ],
  [
    'a pattern of namespaces as attribute',
    rule('{when: [{attribute: source.namespace, values: ["a*"]}]}'),
    'LN0106 spec.rules[0].when[0].values[0]',
  ],
  [
    'a port that is none',
    rule('{when: [{attribute: destination.port, values: ["080"]}]}'),
    'LN0106 spec.rules[0].when[0].values[0]',
  ],
  ['a * in a host', rule('{to: {hosts: ["*.svc"]}}'), 'LN0106 spec.rules[0].to.hosts[0]'],
  ['a method', rule('{to: {methods: [get]}}'), 'LN0106 spec.rules[0].to.methods[0]'],
  [
    'two kinds of path',
    rule('{to: {paths: [{exact: /a, prefix: /b}]}}'),
    'LN0103 spec.rules[0].to.paths[0]',
  ],
  [
    'a relative path',
    rule('{to: {paths: [{exact: a}]}}'),
    'LN0107 spec.rules[0].to.paths[0].exact',
  ],
  [
    'dots in a path',
    rule('{to: {paths: [{prefix: /a/%2e.}]}}'),
    'LN0107 spec.rules[0].to.paths[0].prefix',
  ],
  [
    'parameters in a path',
    rule('{to: {paths: [{prefix: /a;b}]}}'),
    'LN0107 spec.rules[0].to.paths[0].prefix',
  ],
  ['no such service', policy('action: DENY', 'card'), 'LN0205 spec.targetRef.name (default/cart)'],
  ['no such port', rule('{to: {ports: [81]}}'), 'LN0203 spec.rules[0].to.ports[0]'],
  [
    'half a trust domain',
    rule('{from: {principals: ["spiffe://m*"]}}'),
    'LN0112 spec.rules[0].from.principals[0] (spiffe://m/*)',
  ],
  ['a closed door', policy('action: ALLOW'), 'LN0310 spec.rules'],
])('is found: %s', (_, text, finding) => {
  expect(read(text).findings).toEqual([finding]);
});

test('becomes a resource of its service, which decodes to the same', () => {
  const { entries } = read(rule('{name: r, to: {methods: [GET]}}'));
  const objects = entries.map(({ object }) => object);
  const compiled = compileResources({ objects, instances: [], trustDomain: 'm' });
  const found = compiled.find(({ type }) => type === 'policy');
  expect(found).toMatchObject({ name: 'default/p', bundle: 'default/cart' });
  const body = {
    service: 'default/cart',
    action: 'DENY',
    rules: [{ name: 'r', to: { methods: ['GET'] } }],
  };
  expect(decodeResource({ ...found, version: 1 })).toMatchObject({ ok: true, value: { body } });
  const wrong = { ...body, rules: [{ notTo: {} }] };
  expect(decodeResource({ ...found, version: 1, body: wrong })).toMatchObject({
    ok: false,
    error: { code: 'LN0401', path: 'body.rules[0]' },
  });
});

test('trusted forwarders are whole SPIFFE ids, and pushed once each', () => {
  const mesh = (id: string): string =>
    `{apiVersion: leno.dev/v1, kind: MeshConfig, metadata: {name: m}, spec: {mtls: {trustedForwarders: ["${id}", "${id}"]}}}`;
  expect(read(mesh('spiffe://m/*')).findings).toContain('LN0106 spec.mtls.trustedForwarders[0]');
  const objects = read(mesh('spiffe://m/ns/a/sa/b')).entries.map(({ object }) => object);
  const compiled = compileResources({ objects, instances: [], trustDomain: 'm' });
  expect(compiled.find(({ type }) => type === 'telemetry')?.body).toMatchObject({
    mtls: { trustedForwarders: ['spiffe://m/ns/a/sa/b'] },
  });
});
