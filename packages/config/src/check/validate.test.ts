import { expect, test } from 'vitest';
import { codes, findingsMarkdown } from '../findings/codes.ts';
import { findingText } from '../findings/finding.ts';
import { nearestName } from '../findings/nearest.ts';
import { jsonSchemas, kinds } from '../kinds/kind.ts';
import { parseDocuments } from '../text/parse-documents.ts';
import { decodeObject, validate } from './validate.ts';

/** `line:column LN#### path (hint)` of each finding about `text`. */
function check(text: string): string[] {
  const { documents, findings } = parseDocuments(text, 'a.yaml');
  expect(findings).toEqual([]);
  return validate(documents).findings.map(({ line, column, code, path, hint }) =>
    `${line}:${column} ${code} ${path}${hint === undefined ? '' : ` (${hint})`}`.trimEnd(),
  );
}
const route = (rule: string, spec = '') => `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: r}
spec:
  parentRefs: [{group: '', kind: Service, name: s}]
${spec}
  rules:
  - backendRefs: [{name: s, port: 80}]
    ${rule}`;
const policy = (spec: string) => `apiVersion: leno.dev/v1
kind: TrafficPolicy
metadata: {name: p}
spec:
  targetRef: {name: s}
  ${spec}`;
const service = (spec: string, metadata = 'name: s') => `apiVersion: v1
kind: Service
metadata: {${metadata}}
spec: ${spec}`;

test.each([
  {
    name: 'a route',
    text: route('matches: [{path: {value: /a}, headers: [{name: A, value: b}]}]'),
  },
  {
    name: 'timeouts and retries',
    text: route(
      'timeouts: {request: 1m, backendRequest: 0s}\n    retry: {codes: [500], attempts: 2, backoff: 0s}',
    ),
  },
  {
    name: 'a policy of everything',
    text: policy(
      'balancer: {kind: weighted}\n  breaker: {open: 1s, openMax: 1s}\n  retry: {attempts: 0}\n  limits: {pending: 0}',
    ),
  },
  {
    name: 'what kubectl adds',
    text: `${service('{ports: [{port: 80, targetPort: web, protocol: TCP}], clusterIP: None, type: ClusterIP}', 'name: s, uid: u, creationTimestamp: null, managedFields: [{a: 1}]')}\nstatus: {loadBalancer: {}}`,
  },
])('takes $name', ({ text }) => {
  expect(check(text)).toEqual([]);
});

test.each([
  { name: 'a kind', text: 'apiVersion: v1\nkind: Serivce', is: ['2:7 LN0004 kind (Service)'] },
  {
    name: 'a version',
    text: 'apiVersion: leno.dev/v2\nkind: MeshConfig',
    is: ['1:13 LN0004 apiVersion (leno.dev/v1)'],
  },
  { name: 'no kind', text: 'apiVersion: v1', is: ['1:1 LN0102 kind'] },
  {
    name: 'a field',
    text: route('timeuots: {}'),
    is: ['9:5 LN0101 spec.rules[0].timeuots (timeouts)'],
  },
  { name: 'a field like no other', text: route('quux: 1'), is: ['9:5 LN0101 spec.rules[0].quux'] },
  {
    name: 'a field of a filter',
    text: route('filters: [{type: RequestHeaderModifier, requestHeaderModifer: {}}]'),
    is: [
      '9:15 LN0102 spec.rules[0].filters[0].requestHeaderModifier',
      '9:45 LN0101 spec.rules[0].filters[0].requestHeaderModifer (requestHeaderModifier)',
    ],
  },
  {
    name: 'a filter',
    text: route('filters: [{type: URLRewrite}]'),
    is: ['9:22 LN0105 spec.rules[0].filters[0].type'],
  },
  {
    name: 'a missing port',
    text: route('').replace(', port: 80', ''),
    is: ['8:19 LN0102 spec.rules[0].backendRefs[0].port'],
  },
  {
    name: 'a number as a string',
    text: route('').replace('80', "'80'"),
    is: ['8:35 LN0103 spec.rules[0].backendRefs[0].port'],
  },
  {
    name: 'a port too far',
    text: route('').replace('80', '65536'),
    is: ['8:35 LN0104 spec.rules[0].backendRefs[0].port'],
  },
  {
    name: 'a choice',
    text: policy('balancer: {kind: roundrobin}'),
    is: ['6:20 LN0105 spec.balancer.kind (roundRobin)'],
  },
  {
    name: 'a duration without unit',
    text: policy('timeouts: {request: 5}'),
    is: ['6:23 LN0103 spec.timeouts.request'],
  },
  {
    name: 'a malformed duration',
    text: policy('timeouts: {request: 1.5s}'),
    is: ['6:23 LN0106 spec.timeouts.request'],
  },
  {
    name: 'a duration out of bounds',
    text: policy('breaker: {window: 10ms}'),
    is: ['6:21 LN0104 spec.breaker.window'],
  },
  {
    name: 'bounds that cross',
    text: policy('breaker: {open: 2s, openMax: 1s}\n  retry: {backoff: 1s, backoffMax: 10ms}'),
    is: ['6:19 LN0111 spec.breaker.open', '7:20 LN0111 spec.retry.backoff'],
  },
  {
    name: 'an opening beyond the longest by default',
    text: policy('breaker: {open: 90s}'),
    is: ['6:19 LN0111 spec.breaker.open'],
  },
  {
    name: 'a longest opening below the first by default',
    text: policy('breaker: {openMax: 500ms}'),
    is: ['6:12 LN0111 spec.breaker.open'],
  },
  {
    name: 'a name with a dot',
    text: service('{ports: [{port: 80}]}', 'name: a.b'),
    is: ['3:18 LN0106 metadata.name'],
  },
  {
    name: 'a protocol',
    text: service('{ports: [{port: 80, appProtocol: htpp}]}'),
    is: ['4:40 LN0105 spec.ports[0].appProtocol (http)'],
  },
  {
    name: 'a port twice',
    text: service('{ports: [{port: 80, name: a}, {port: 80, name: a}]}'),
    is: ['4:44 LN0109 spec.ports[1].port', '4:54 LN0109 spec.ports[1].name'],
  },
  {
    name: 'another parent',
    text: route('').replace("group: '', kind: Service, ", 'kind: Bucket, '),
    is: ['5:23 LN0206 spec.parentRefs[0].kind (Service)'],
  },
  {
    name: 'another backend',
    text: route('').replace('name: s, port', 'kind: Bucket, name: s, port'),
    is: ['8:26 LN0206 spec.rules[0].backendRefs[0].kind (Service)'],
  },
  {
    name: 'a relative path',
    text: route('matches: [{path: {value: a}}]'),
    is: ['9:30 LN0107 spec.rules[0].matches[0].path.value'],
  },
  {
    name: 'a path with a query',
    text: route("matches: [{path: {value: '/a?b'}}]"),
    is: ['9:30 LN0107 spec.rules[0].matches[0].path.value'],
  },
  {
    name: 'a path with dots',
    text: route('matches: [{path: {type: Exact, value: /a/../b}}]'),
    is: ['9:43 LN0107 spec.rules[0].matches[0].path.value'],
  },
  {
    name: 'an expression in a path',
    text: route('matches: [{path: {type: RegularExpression, value: /a+}}]'),
    is: ['9:29 LN0108 spec.rules[0].matches[0].path.type'],
  },
  {
    name: 'an expression in a header',
    text: route('matches: [{headers: [{type: RegularExpression, name: a, value: b}]}]'),
    is: ['9:33 LN0108 spec.rules[0].matches[0].headers[0].type'],
  },
  {
    name: 'a header twice',
    text: route('matches: [{headers: [{name: A, value: b}, {name: a, value: c}]}]'),
    is: ['9:54 LN0109 spec.rules[0].matches[0].headers[1].name'],
  },
  {
    name: 'an edit of framing',
    text: route(
      'filters: [{type: ResponseHeaderModifier, responseHeaderModifier: {remove: [Content-Length]}}]',
    ),
    is: ['9:80 LN0110 spec.rules[0].filters[0].responseHeaderModifier.remove[0]'],
  },
  {
    name: 'an edit of identity',
    text: route(
      'filters: [{type: RequestHeaderModifier, requestHeaderModifier: {add: [{name: X-Leno-Peer, value: a}]}}]',
    ),
    is: ['9:82 LN0110 spec.rules[0].filters[0].requestHeaderModifier.add[0].name'],
  },
  {
    name: 'two edits of one header',
    text: route(
      'filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: b}], remove: [A]}}]',
    ),
    is: ['9:106 LN0109 spec.rules[0].filters[0].requestHeaderModifier.remove[0]'],
  },
  {
    name: 'a value with a line break',
    text: route(
      'filters: [{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: a, value: "b\\r\\nc"}]}}]',
    ),
    is: ['9:92 LN0106 spec.rules[0].filters[0].requestHeaderModifier.set[0].value'],
  },
  {
    name: 'one filter twice',
    text: route(
      'filters: [{type: RequestHeaderModifier, requestHeaderModifier: {}}, {type: RequestHeaderModifier, requestHeaderModifier: {}}]',
    ),
    is: ['9:80 LN0109 spec.rules[0].filters[1].type'],
  },
  {
    name: 'a host with a port',
    text: route('', "  hostnames: ['a.b:80']"),
    is: ['6:15 LN0106 spec.hostnames[0]'],
  },
])('refuses $name', ({ text, is }) => {
  expect(check(text)).toEqual(is);
});

test('a finding says what, where, and what instead', () => {
  const { documents } = parseDocuments(policy('brekaer: {}'), 'policy.yaml');
  const [finding] = validate(documents).findings;
  expect(finding).toEqual({
    code: 'LN0101',
    severity: 'error',
    file: 'policy.yaml',
    line: 6,
    column: 3,
    path: 'spec.brekaer',
    subject: 'TrafficPolicy default/p',
    message:
      'brekaer is no field of spec; known: targetRef, balancer, breaker, retry, budget, timeouts, limits',
    value: 'brekaer',
    hint: 'breaker',
    docs: 'docs/reference/findings.md#ln0101',
  });
  expect(finding && findingText(finding)).toMatch(/^policy.yaml:6:3: LN0101 error: .*breaker\?\)$/);
});

test('an object without a text has findings without a place', () => {
  const result = decodeObject({ apiVersion: 'v1', kind: 'Service', metadata: { name: 'a' } });
  expect(!result.ok && result.error[0]).toMatchObject({ code: 'LN0102', path: 'spec' });
  expect(!result.ok && result.error[0]).not.toHaveProperty('line');
  const value = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 'a' },
    spec: { ports: [{ port: 1 }] },
  };
  const read = decodeObject(value);
  expect(read.ok && read.value.metadata).toEqual({ name: 'a', namespace: 'default' });
  expect(decodeObject(null).ok).toBe(false);
});

test('a JSON Schema for each kind: closed where a user writes, every field explained or plain', () => {
  const schemas = jsonSchemas();
  expect(Object.keys(schemas)).toEqual(kinds.map(({ kind }) => kind));
  for (const schema of Object.values(schemas)) {
    expect(schema.properties?.['spec']?.additionalProperties).toBe(false);
    expect(schema.properties?.['metadata']?.additionalProperties).not.toBe(false);
    expect(schema['required']).toContain('spec');
    expect(JSON.stringify(schema).match(/"description"/g)?.length).toBeGreaterThan(5);
  }
  expect(schemas.HTTPRoute.properties?.['spec']?.['required']).toEqual(['parentRefs', 'rules']);
});

test('every code is on the reference page', () => {
  for (const code of Object.keys(codes)) expect(findingsMarkdown()).toContain(`## ${code}\n`);
});

test.each([
  ['wieght', 'weight'],
  ['Weight', 'weight'],
  ['backendRef', 'backendRefs'],
  ['x', undefined],
  ['completelyDifferent', undefined],
])('the nearest name of %s', (word, nearest) => {
  expect(nearestName(word, ['weight', 'backendRefs', 'port'])).toBe(nearest);
});
