import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalHash, canonicalJson } from './canonical.ts';
import { sha256Hex } from './sha256.ts';
import { viewDigest } from './view-digest.ts';

test.each([
  ['', 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  ['abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1',
  ],
  ['a'.repeat(1_000_000), 'cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0'],
])('FIPS 180-4: the example messages %#', (text, digest) => {
  expect(sha256Hex(text)).toBe(digest);
});
test('property: SHA-256 agrees with the runtime, around every block boundary too', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 300 }),
    fc.nat({ max: 200 }).map((length) => 'x'.repeat(length)),
  );
  fc.assert(
    fc.property(text, (it) => sha256Hex(it) === createHash('sha256').update(it).digest('hex')),
    { numRuns: 60 },
  );
});

test('RFC 8785: members in the order of code units, numbers as ECMAScript writes them', () => {
  const value = {
    '\u20ac': 'Euro',
    '\r': 'CR',
    '1': 'one',
    '\u{1f600}': 'smile',
    numbers: [333333333.3333333, 1e30, 4.5, 2e-3, 1e-27, -0],
    literals: [null, true, false],
    gone: undefined,
  };
  expect(canonicalJson(value)).toBe(
    '{"\\r":"CR","1":"one","literals":[null,true,false],' +
      '"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27,0],"\u20ac":"Euro","\u{1f600}":"smile"}',
  );
});
test('property: the order of members says nothing, their content everything', () => {
  const members = fc.array(fc.tuple(fc.string(), fc.jsonValue()), { maxLength: 8 });
  fc.assert(
    fc.property(members, fc.jsonValue(), (pairs, other) => {
      const unique = [...new Map(pairs)];
      const value = Object.fromEntries(unique);
      expect(canonicalHash(Object.fromEntries(unique.toReversed()))).toBe(canonicalHash(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
      const same = canonicalJson(other) === canonicalJson(value);
      expect(canonicalHash(other) === canonicalHash(value)).toBe(same);
    }),
  );
});
test('what has no JSON is a bug', () => {
  expect(() => canonicalJson({ a: Number.NaN })).toThrow('finite');
  expect(() => canonicalJson([() => 1])).toThrow('function');
});

test('push protocol §1: the digest of a view is over sorted type/name@version', () => {
  const view = [
    { type: 'service', name: 'default/b', version: 12 },
    { type: 'endpoints', name: 'default/b', version: 3 },
    { type: 'service', name: 'default/a', version: 7 },
  ] as const;
  const text = 'endpoints/default/b@3\nservice/default/a@7\nservice/default/b@12';
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  expect(viewDigest(view)).toBe(digest);
  expect(viewDigest(view.toReversed())).toBe(digest);
  expect(viewDigest(view.slice(1))).not.toBe(digest);
});
