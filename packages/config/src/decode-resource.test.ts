import { expect, test } from 'vitest';
import { decodeResource } from './decode-resource.ts';

const envelope = { name: 'default/a', version: 1, hash: 'h', bundle: 'default/a' };
const service = { namespace: 'default', name: 'a', ports: [] };
const rule = { matches: [], filters: [], backends: [] };
const route = (over: object) => ({
  namespace: 'default',
  name: 'r',
  kind: 'HTTPRoute',
  parents: [],
  hostnames: [],
  createdAtMs: 0,
  rules: [{ ...rule, ...over }],
});
const edit = (name: string, value = 'x') => [
  { kind: 'requestHeaders', edit: { set: [[name, value]], add: [], remove: [] } },
];
const regex = { kind: 'regex', name: 'a', value: 'b' };

test.each([
  { type: 'service', body: service },
  { type: 'service', body: { ...service, ext: { later: 1 } } },
  { type: 'endpoints', body: { endpoints: [] } },
  { type: 'route', body: route({ filters: edit('x-a') }) },
  { type: 'trafficPolicy', body: { service: 'default/a' } },
  { type: 'trustBundle', body: { trustDomain: 'm', roots: ['pem'], sequence: 0 } },
])('takes a $type', ({ type, body }) => {
  const result = decodeResource({ ...envelope, type, body });
  expect(result).toEqual({ ok: true, value: { ...envelope, type, body } });
});

test.each([
  { name: 'no resource', value: null, is: 'LN0401 ' },
  {
    name: 'a field beside the envelope',
    value: { ...envelope, type: 'service', body: service, x: 1 },
    is: 'LN0401 ',
  },
  {
    name: 'a type of later days',
    value: { ...envelope, type: 'wasm', body: {} },
    is: 'LN0402 type',
  },
  {
    name: 'a type that is not served',
    value: { ...envelope, type: 'faultInjection', body: {} },
    is: 'LN0402 type',
  },
  {
    name: 'a gateway under the name of another',
    value: {
      ...envelope,
      type: 'listener',
      body: {
        ...{ namespace: 'default', name: 'other' },
        listeners: [{ name: 'a', port: 1, protocol: 'http', certificates: [], routesFrom: 'same' }],
      },
    },
    is: 'LN0403 name',
  },
  { name: 'no body', value: { ...envelope, type: 'service' }, is: 'LN0401 body' },
  {
    name: 'an unknown field',
    value: { ...envelope, type: 'service', body: { ...service, x: 1 } },
    is: 'LN0401 body',
  },
  {
    name: 'a bad value',
    value: {
      ...envelope,
      type: 'service',
      body: { ...service, ports: [{ port: 0, protocol: 'http' }] },
    },
    is: 'LN0401 body.ports[0].port',
  },
  {
    name: 'the body of another',
    value: { ...envelope, type: 'service', body: { ...service, name: 'b' } },
    is: 'LN0403 name',
  },
  {
    name: 'an expression in a path',
    value: {
      ...envelope,
      type: 'route',
      body: route({ matches: [{ path: { kind: 'regex', value: 'a' }, headers: [], query: [] }] }),
    },
    is: 'LN0108 body.rules[0].matches[0]',
  },
  {
    name: 'an expression in a query',
    value: {
      ...envelope,
      type: 'route',
      body: route({ matches: [{ headers: [], query: [regex] }] }),
    },
    is: 'LN0108 body.rules[0].matches[0]',
  },
  {
    name: 'an edit of framing',
    value: { ...envelope, type: 'route', body: route({ filters: edit('content-length') }) },
    is: 'LN0110 body.rules[0]',
  },
  {
    name: 'a header that is no name',
    value: { ...envelope, type: 'route', body: route({ filters: edit('a b') }) },
    is: 'LN0110 body.rules[0]',
  },
  {
    name: 'a value with a line break',
    value: {
      ...envelope,
      type: 'route',
      body: route({
        backends: [{ service: 's', port: 1, weight: 1, filters: edit('a', 'b\r\nc') }],
      }),
    },
    is: 'LN0110 body.rules[0]',
  },
])('refuses $name', ({ value, is }) => {
  const result = decodeResource(value);
  expect(result.ok ? 'taken' : `${result.error.code} ${result.error.path}`).toBe(is);
  expect(result.ok ? '' : result.error.msg).not.toBe('');
});
