import { expect, test } from 'vitest';
import { createIssuer, createRoot, issueLeaf } from './authority.ts';
import { readCertificate } from './certificate.ts';
import { generateKey, publicKeyDerOf } from './keys.ts';
import { bundleHash, checkPin, TrustBundle } from './trust-bundle.ts';

const nowMs = Date.UTC(2030, 0, 1);
const newRoot = () => createRoot({ trustDomain: 'mesh.local', key: generateKey(), nowMs });
const authority = newRoot();
const first = authority.certificatePem;
const second = newRoot().certificatePem;

test('a bundle gains and loses roots, counting each change', () => {
  const one = TrustBundle.of([first]);
  const two = one.add(second);
  expect([one.roots, two.roots, two.remove(first).roots]).toEqual([
    [first],
    [first, second],
    [second],
  ]);
  expect([one.sequence, two.sequence, two.remove(first).sequence]).toEqual([1, 2, 3]);
  expect(two.pem).toBe(first + second);
});

test('what changes nothing gives the very same bundle', () => {
  const bundle = TrustBundle.of([first, first], 7);
  expect(bundle.roots).toEqual([first]);
  expect(bundle.add(first)).toBe(bundle);
  expect(bundle.remove(second)).toBe(bundle);
});

const issuer = createIssuer({ root: authority, key: generateKey(), nowMs });
const publicKeyDer = publicKeyDerOf(generateKey());
const leaf = issueLeaf({ issuer, publicKeyDer, spiffeId: 'spiffe://mesh.local/x', nowMs });
test.each([
  { what: 'no roots', make: () => TrustBundle.of([]) },
  { what: 'the last root removed', make: () => TrustBundle.of([first]).remove(first) },
  { what: 'a leaf for a root', make: () => TrustBundle.of([leaf.certificatePem]) },
  {
    what: '17 roots',
    make: () => TrustBundle.of(Array.from({ length: 17 }, () => newRoot().certificatePem)),
  },
])('there is no bundle with $what', ({ make }) => {
  expect(make).toThrow(expect.objectContaining({ code: 'LENO_TRUST_BUNDLE' }));
});

test('the hash is of the set of roots: order, repetition and form do not matter', () => {
  const hash = bundleHash([first, second]);
  expect(hash).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(bundleHash([readCertificate(second).der, first, second.replaceAll('\n', '\r\n')])).toBe(
    hash,
  );
  expect(TrustBundle.of([second, first]).hash).toBe(hash);
  expect(bundleHash([first])).not.toBe(hash);
});

test('a pin fits its own bundle only', () => {
  const pin = bundleHash([first]);
  expect(checkPin([first], pin)).toEqual({ ok: true, value: pin });
  expect(checkPin([second], pin).ok).toBe(false);
  expect(checkPin([first, second], pin).ok).toBe(false);
  for (const malformed of ['', pin.toUpperCase(), pin.slice(0, -1), `${pin}0`, pin.slice(7)]) {
    expect(checkPin([first], malformed)).toMatchObject({
      ok: false,
      error: expect.stringContaining('pin'),
    });
  }
});
