import { viewDigest } from '@leno/config';
import { expect, test } from 'vitest';
import { decodeClientMessage, decodeServerMessage, encodeMessage } from './codec.ts';

const bytesMax = 100_000;
const node = { id: 'n', service: 's', ns: 'default', labels: {}, build: '' };
const hello = { t: 'hello', proto: 1, node, have: null, sub: [], caps: [], lkgAgeMs: 0 };
const resource = { type: 'service', name: 'a', version: 1, hash: 'h', bundle: 'a', body: {} };
const snapshot = { t: 'snapshot', nonce: 3, epoch: 1, version: 1, digest: 'd', resources: [] };

test.each([
  { name: 'no JSON', text: '{', fault: { code: 'NOT_JSON', ref: 'message' } },
  { name: 'no object', text: '[1]', fault: { code: 'INVALID', msg: 'not a JSON object' } },
  { name: 'null', text: 'null', fault: { code: 'INVALID' } },
  { name: 'no kind', text: '{}', fault: { code: 'UNKNOWN_MESSAGE', path: '/t' } },
  { name: 'an unknown kind', text: '{"t":"nope"}', fault: { code: 'UNKNOWN_MESSAGE', t: 'nope' } },
  { name: 'a kind of Object', text: '{"t":"toString"}', fault: { code: 'UNKNOWN_MESSAGE' } },
  {
    name: 'the other side’s kind',
    text: '{"t":"welcome"}',
    fault: { code: 'UNKNOWN_MESSAGE' },
  },
  {
    name: 'an unknown member (P8)',
    text: JSON.stringify({ ...hello, more: 1 }),
    fault: { code: 'INVALID', ref: 'hello', path: '' },
  },
  {
    name: 'a missing member',
    text: JSON.stringify({ t: 'leave' }),
    fault: { code: 'INVALID', path: '/instance' },
  },
  {
    name: 'a member out of bounds, with the path to it',
    text: JSON.stringify({ ...hello, have: { epoch: 1, version: -1, digest: 'd' } }),
    fault: { code: 'INVALID', path: '/have/version' },
  },
  {
    name: 'a request by its name',
    text: JSON.stringify({ t: 'csr', id: 'c1', pem: 7 }),
    fault: { ref: 'csr:c1', path: '/pem' },
  },
  {
    name: 'a lease by the name of its instance',
    text: JSON.stringify({ t: 'lease', instance: { id: 'i' }, ttlMs: 1 }),
    fault: { ref: 'lease:i' },
  },
  {
    name: 'a renewal by its name',
    text: JSON.stringify({ t: 'lease', renew: 'i', more: 1 }),
    fault: { ref: 'lease:i' },
  },
  {
    name: 'CWE-1321: __proto__ in front',
    text: `{"__proto__":{"polluted":1},${JSON.stringify(hello).slice(1)}`,
    fault: { code: 'FORBIDDEN_KEY', path: '/__proto__', ref: 'hello' },
  },
  {
    name: 'CWE-1321: in escapes, inside of what no schema looks at',
    text: '{"t":"stat","body":{"a":[{"\\u005f_proto__":{"polluted":1}}]}}',
    fault: { code: 'FORBIDDEN_KEY', path: '/body/a/0/__proto__' },
  },
  {
    name: 'nesting without end',
    text: `{"t":"stat","body":{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}}`,
    fault: { code: 'TOO_DEEP' },
  },
  {
    name: 'more than the bound',
    text: JSON.stringify({ t: 'stat', body: { a: 'x'.repeat(bytesMax) } }),
    fault: { code: 'TOO_BIG' },
  },
  {
    name: 'more than the bound in bytes, though not in characters',
    text: JSON.stringify({ t: 'stat', body: { a: '€'.repeat(bytesMax / 2) } }),
    fault: { code: 'TOO_BIG' },
  },
])('from a proxy: $name', ({ text, fault }) => {
  const decoded = decodeClientMessage(text, bytesMax);
  expect(decoded).toMatchObject({ ok: false, error: fault });
  expect('polluted' in {}).toBe(false);
});

test.each([
  {
    name: 'an unknown member of a config message keeps its number',
    message: { ...snapshot, unknownField: 1 },
    fault: { code: 'INVALID', nonce: 3, t: 'snapshot' },
  },
  {
    name: 'so does an unknown member of a resource (P8)',
    message: { ...snapshot, resources: [{ ...resource, extra: 1 }] },
    fault: { code: 'INVALID', nonce: 3, path: '/resources/0' },
  },
  {
    name: 'so does an unknown kind with a number',
    message: { ...snapshot, t: 'unknown-type' },
    fault: { code: 'UNKNOWN_MESSAGE', nonce: 3 },
  },
])('from a control plane: $name', ({ message, fault }) => {
  const decoded = decodeServerMessage(JSON.stringify(message), bytesMax);
  expect(decoded).toMatchObject({ ok: false, error: fault });
});

test('an unknown type of resource is no fault of the message (P8)', () => {
  const message = { ...snapshot, resources: [{ ...resource, type: 'strange' }] };
  expect(decodeServerMessage(JSON.stringify(message), bytesMax).ok).toBe(true);
});

test('a snapshot comes back as it went, whoever shares its resources', () => {
  const resources = [{ ...resource, body: { text: '€"\\' } }];
  const digest = viewDigest([]);
  for (const nonce of [1, 2]) {
    const message = { t: 'snapshot', nonce, epoch: 1, version: 2, digest, resources } as const;
    const text = encodeMessage(message, bytesMax);
    expect(text.ok && decodeServerMessage(text.value, bytesMax)).toEqual({
      ok: true,
      value: message,
    });
  }
});

test('what has more bytes than the bound is not sent', () => {
  const message = { t: 'stat', body: { a: '€'.repeat(50) } } as const;
  const bytes = Buffer.byteLength(JSON.stringify(message));
  expect(encodeMessage(message, bytes).ok).toBe(true);
  expect(encodeMessage(message, bytes - 1)).toMatchObject({
    ok: false,
    error: { code: 'TOO_BIG' },
  });
});
