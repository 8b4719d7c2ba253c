import fc from 'fast-check';
import { expect, test } from 'vitest';
import { referenceMurmurHash2, referenceXxHash64 } from '../testing/reference-hashing.ts';
import { compareUtf8 } from './compare-utf8.ts';
import { hashFromString, hashKey, hashToString } from './hash-key.ts';
import { murmurHash2 } from './murmur-hash2.ts';
import { isPrime } from './primes.ts';
import { REMAINDER_MODULUS_MAX, remainder64 } from './remainder64.ts';
import { sortedByHash } from './sorted-by-hash.ts';
import { xxHash64 } from './xx-hash64.ts';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const halves = (value: bigint): { readonly hi: number; readonly lo: number } => ({
  hi: Number(value >> 32n),
  lo: Number(value & 0xffff_ffffn),
});
const word64 = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n });
/** Of all lengths about the sizes of stripes and of the scratch, with all planes of Unicode. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '\ud800', '\udc00'), maxLength: 60 }),
  fc.string({ unit: 'binary-ascii', minLength: 1_000, maxLength: 1_100 }),
  fc.string({ unit: 'binary', minLength: 300, maxLength: 400 }),
);

test.each([
  { input: '', hash: 0xef46db3751d8e999n },
  { input: 'a', hash: 0xd24ec4f1a98c6e5bn },
  { input: 'abc', hash: 0x44bc2cf5ad770999n },
  { input: 'abc', seed: 2n ** 64n - 1n, hash: 2_895_935_887_265_243_510n },
  { input: 'café', hash: 11_115_070_494_344_764_010n },
])('xxHash64 of "$input" is the published one', ({ input, seed = 0n, hash }) => {
  expect(hashToString(xxHash64(input, { hi: 0, lo: 0 }, halves(seed)))).toBe(String(hash));
});

test.each([
  { input: '', hash: '6142509188972423790' },
  { input: 'abcdefgh', hash: '8664279048047335611' },
  { input: '10.1.0.11:8080_1', hash: '17041301170665824956' },
])('murmurHash2 of "$input" is that of libstdc++', ({ input, hash }) => {
  expect(hashToString(murmurHash2(input))).toBe(hash);
});

test('property: xxHash64 of any text with any seed is what BigInt gives', () => {
  fc.assert(
    fc.property(text, word64, (input, seed) => {
      const hash = hashToString(xxHash64(input, { hi: 0, lo: 0 }, halves(seed)));
      expect(hash).toBe(String(referenceXxHash64(utf8(input), seed)));
    }),
    { numRuns: 1_000 },
  );
});

test('property: murmurHash2 of any text is what BigInt gives', () => {
  fc.assert(
    fc.property(text, (input) => {
      expect(hashToString(murmurHash2(input))).toBe(String(referenceMurmurHash2(utf8(input))));
    }),
    { numRuns: 1_000 },
  );
});

test('property: bytes are hashed as text is, whatever was hashed before', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), text, (bytes, before) => {
      xxHash64(before);
      expect(hashToString(xxHash64(bytes))).toBe(String(referenceXxHash64(bytes, 0n)));
      murmurHash2(before);
      expect(hashToString(murmurHash2(bytes))).toBe(String(referenceMurmurHash2(bytes)));
    }),
  );
});

test('every length up to three stripes, by text and by bytes', () => {
  for (let length = 0; length <= 100; length += 1) {
    const input = '\u007f~x\u0001'.repeat(25).slice(0, length);
    const hash = String(referenceXxHash64(utf8(input), 0n));
    expect([hashToString(hashKey(input)), hashToString(xxHash64(utf8(input)))]).toEqual([
      hash,
      hash,
    ]);
  }
});

test('text beyond the scratch, and just beyond ASCII, is hashed too', () => {
  for (const input of ['x'.repeat(5_000), '€'.repeat(2_000), '\u0080']) {
    expect(hashToString(hashKey(input))).toBe(String(referenceXxHash64(utf8(input), 0n)));
  }
});

test('the hash is written into what is given', () => {
  const into = { hi: 0, lo: 0 };
  expect(hashKey('leno', into)).toBe(into);
  expect(hashToString(into)).toBe('7353239544857200332');
});

test('property: a hash survives its decimal text', () => {
  fc.assert(
    fc.property(word64, (value) => {
      expect(hashFromString(String(value))).toEqual(halves(value));
    }),
  );
});

test.each(['', '-1', '1.5', 'x', '18446744073709551616', '100000000000000000000'])(
  '"%s" is no hash',
  (given) => {
    expect(hashFromString(given)).toBeUndefined();
  },
);

test('property: the remainder of a 64-bit number is exact', () => {
  const modulus = fc.oneof(
    fc.integer({ min: 1, max: REMAINDER_MODULUS_MAX }),
    fc.constantFrom(1, 2, 65_537, 65_536, 5_000_011, REMAINDER_MODULUS_MAX),
  );
  fc.assert(
    fc.property(word64, modulus, (value, by) => {
      const { hi, lo } = halves(value);
      expect(remainder64(hi, lo, by)).toBe(Number(value % BigInt(by)));
      expect(remainder64(hi | 0, lo | 0, by)).toBe(Number(value % BigInt(by)));
    }),
    { numRuns: 1_000 },
  );
});

test('property: texts are ordered as their octets are', () => {
  const wellFormed = fc.string({ unit: 'binary', maxLength: 6 });
  fc.assert(
    fc.property(wellFormed, wellFormed, (one, other) => {
      const should = Math.sign(Buffer.compare(Buffer.from(one), Buffer.from(other)));
      expect(Math.sign(compareUtf8(one, other))).toBe(should);
    }),
  );
  expect(compareUtf8('\u{10000}', '\uffff')).toBeGreaterThan(0);
});

test('property: records are sorted by both halves, equal ones as they came', () => {
  const half = fc.oneof(fc.constantFrom(0, 1, 0xffff_ffff), fc.nat(0xffff_ffff));
  fc.assert(
    fc.property(fc.array(fc.tuple(half, half), { maxLength: 60 }), (records) => {
      const { his, los, hosts } = sortedByHash({
        his: Uint32Array.from(records, ([hi]) => hi),
        los: Uint32Array.from(records, ([, lo]) => lo),
        hosts: Int32Array.from(records.keys()),
      });
      const should = records
        .map(([hi, lo], host) => ({ hi, lo, host }))
        .sort((one, other) => one.hi - other.hi || one.lo - other.lo);
      expect(Array.from(hosts)).toEqual(should.map((it) => it.host));
      expect(Array.from(his)).toEqual(should.map((it) => it.hi));
      expect(Array.from(los)).toEqual(should.map((it) => it.lo));
    }),
  );
});

test('primes', () => {
  const primes = Array.from({ length: 30 }, (_, value) => value).filter(isPrime);
  expect(primes).toEqual([2, 3, 5, 7, 11, 13, 17, 19, 23, 29]);
  expect([65_537, 65_536, 5_000_011, 49].map(isPrime)).toEqual([true, false, true, false]);
});
