import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createCsr, parseCsr } from './csr.ts';
import * as der from './der.ts';
import { generateKey, publicKeyDerOf, signatureIdentifier } from './keys.ts';
import { decodePem, encodePem } from './pem.ts';

const ecdsaSha1 = '1.2.840.10045.4.1';

/** A request in parts, each of which a case may replace. Signed by `key` unless said otherwise. */
function requestDer(parts: {
  readonly key: KeyObject;
  readonly signedBy?: KeyObject;
  readonly digest?: string | null;
  readonly identifier?: der.DerNode;
  readonly version?: number;
  readonly subject?: der.DerNode;
  readonly attribute?: der.DerNode;
}): Uint8Array {
  const spki = der.parseDer(publicKeyDerOf(parts.key), 8_192);
  const attributes = parts.attribute === undefined ? [] : [parts.attribute];
  const body = der.sequence(
    der.integer(parts.version ?? 0),
    parts.subject ?? der.sequence(),
    spki,
    der.context(0, ...attributes),
  );
  const digest = parts.digest === undefined ? 'sha256' : parts.digest;
  const signature = sign(digest, der.encodeDer(body), parts.signedBy ?? parts.key);
  const identifier = parts.identifier ?? signatureIdentifier('P-256');
  return der.encodeDer(der.sequence(body, identifier, der.bitString(signature)));
}

/** `ok`, or what is wrong. */
function verdict(pemOrDer: string | Uint8Array): string {
  const csr = parseCsr(pemOrDer);
  return csr.ok ? 'ok' : `${csr.error.code} ${csr.error.message}`;
}

const key = generateKey();
const good = decodePem(createCsr({ key }))[0]?.der ?? new Uint8Array();
const name = der.sequence(der.set(der.sequence(der.oid('2.5.4.3'), der.utf8('admin'))));
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const rsa = (modulusLength: number) => generateKeyPairSync('rsa', { modulusLength }).privateKey;
const nested = (depth: number): der.DerNode =>
  depth === 0 ? der.nothing() : der.sequence(nested(depth - 1));

test.each([
  { kind: 'P-256', privateKey: key },
  { kind: 'P-384', privateKey: ec('secp384r1') },
  { kind: 'Ed25519', privateKey: generateKeyPairSync('ed25519').privateKey },
  { kind: 'RSA', privateKey: rsa(2048) },
])('a request of a $kind key gives its key', ({ kind, privateKey }) => {
  const csr = parseCsr(createCsr({ key: privateKey }));
  const expected = { keyKind: kind, publicKeyDer: publicKeyDerOf(privateKey) };
  expect(csr.ok && csr.value).toEqual(expected);
});

test('a requested name is ignored: nothing but the key comes out', () => {
  const csr = parseCsr(requestDer({ key, subject: name }));
  expect(csr.ok && Object.keys(csr.value).sort()).toEqual(['keyKind', 'publicKeyDer']);
});

const k256 = ec('secp256k1');
const p521 = ec('secp521r1');
const weakRsa = rsa(1024);
test.each([
  { what: 'nothing', csr: new Uint8Array(), fault: 'DER' },
  { what: 'empty text', csr: '', fault: 'PEM' },
  { what: 'a byte at the end', csr: Buffer.concat([good, Buffer.of(0)]), fault: 'DER' },
  { what: 'a byte too few', csr: good.subarray(0, -1), fault: 'DER' },
  { what: 'a length not minimal', csr: widened(good), fault: 'distinguished' },
  { what: 'an indefinite length', csr: indefinite(good), fault: 'distinguished' },
  { what: 'another key', csr: requestDer({ key, signedBy: generateKey() }), fault: 'own key' },
  { what: 'version 2', csr: requestDer({ key, version: 1 }), fault: 'version' },
  {
    what: 'SHA-1',
    csr: requestDer({ key, digest: 'sha1', identifier: der.sequence(der.oid(ecdsaSha1)) }),
    fault: 'own key',
  },
  {
    what: 'parameters on ECDSA',
    csr: requestDer({
      key,
      identifier: der.sequence(der.oid('1.2.840.10045.4.3.2'), der.nothing()),
    }),
    fault: 'own key',
  },
  { what: 'secp256k1', csr: requestDer({ key: k256 }), fault: 'curve' },
  { what: 'P-521', csr: requestDer({ key: p521 }), fault: 'curve' },
  { what: 'RSA of 1024 bits', csr: requestDer({ key: weakRsa }), fault: '1024' },
  { what: '16 levels in all', csr: requestDer({ key, attribute: nested(12) }), fault: undefined },
  { what: '17 levels in all', csr: requestDer({ key, attribute: nested(13) }), fault: 'DER' },
  { what: '3000 levels', csr: levels(3_000), fault: 'DER' },
  {
    what: '8 KiB and more',
    csr: requestDer({ key, attribute: der.octetString(Buffer.alloc(8_192)) }),
    fault: '8192',
  },
  {
    what: 'a PEM of 8 KiB and more',
    csr: encodePem('CERTIFICATE REQUEST', Buffer.alloc(9_000)),
    fault: '8192',
  },
  { what: 'another label', csr: encodePem('CERTIFICATE', good), fault: 'label' },
  { what: 'two requests', csr: createCsr({ key }).repeat(2), fault: 'one PEM block' },
  { what: 'text before it', csr: `x\n${createCsr({ key })}`, fault: 'PEM' },
])('a request with $what: $fault', ({ csr, fault }) => {
  if (fault === undefined) expect(verdict(csr)).toBe('ok');
  else expect(verdict(csr)).toMatch(new RegExp(`^LENO_CSR_REFUSED .*${fault}`));
});

test('property: a request with any bit flipped is refused', () => {
  const bit = fc.nat(good.length * 8 - 1);
  fc.assert(
    fc.property(bit, (at) => {
      const bent = Uint8Array.from(good);
      bent[at >> 3] = (bent[at >> 3] ?? 0) ^ (1 << (at & 7));
      return verdict(bent).startsWith('LENO_CSR_REFUSED');
    }),
    { numRuns: 300 },
  );
});

test('property: no bytes make it throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => verdict(bytes) !== 'ok'));
});

/** The same element with its length in one byte more than it needs. */
function widened(bytes: Uint8Array): Uint8Array {
  expect(bytes[1]).toBe(0x81); // One length byte, as for all of 128 to 255 bytes.
  return Buffer.concat([Buffer.of(0x30, 0x82, 0x00), bytes.subarray(2)]);
}

function indefinite(bytes: Uint8Array): Uint8Array {
  return Buffer.concat([Buffer.of(0x30, 0x80), bytes.subarray(3), Buffer.of(0, 0)]);
}

/** That many SEQUENCEs, each around the next, in at most 8 KiB. */
function levels(depth: number): Uint8Array {
  let bytes = '';
  for (let level = 0; level < depth; level += 1) bytes += '\x30\x80';
  return Buffer.from(bytes, 'latin1');
}
