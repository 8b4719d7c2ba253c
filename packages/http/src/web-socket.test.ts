import { createHash } from 'node:crypto';
import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sha1 } from './sha1.ts';
import { isWebSocketKey, newWebSocketKey, webSocketAccept } from './web-socket.ts';

const hexOf = (octets: Uint8Array) => Buffer.from(octets).toString('hex');

test.each([
  ['', 'da39a3ee5e6b4b0d3255bfef95601890afd80709'],
  ['abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  [
    'abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq',
    '84983e441c3bd26ebaae4aa1f95129e5e54670f1',
  ],
])('FIPS 180-4: the digest of %j', (text, digest) => {
  expect(hexOf(sha1(Buffer.from(text)))).toBe(digest);
});

test('property: the digest is that of the runtime, at every length', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (octets) => {
      expect(hexOf(sha1(octets))).toBe(createHash('sha1').update(octets).digest('hex'));
    }),
  );
});

test('RFC 6455 §1.3: the answer to a key', () => {
  expect(webSocketAccept('dGhlIHNhbXBsZSBub25jZQ==')).toBe('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=');
});

test('every new key is one, and no other', () => {
  const rng = seededRng(1);
  const keys = Array.from({ length: 100 }, () => newWebSocketKey(rng));
  expect(keys.every(isWebSocketKey)).toBe(true);
  expect(new Set(keys).size).toBe(100);
});

test.each([undefined, '', 'x', 'dGhlIHNhbXBsZSBub25jZQ=', 'dGhlIHNhbXBsZSBub25j!Q=='])(
  '%j is no key',
  (text) => {
    expect(isWebSocketKey(text)).toBe(false);
  },
);
