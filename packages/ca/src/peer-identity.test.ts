import { expect, test } from 'vitest';
import { createIssuer, createRoot } from './authority.ts';
import { readCertificate } from './certificate.ts';
import * as der from './der.ts';
import { generateKey, publicKeyDerOf } from './keys.ts';
import { peerIdentity } from './peer-identity.ts';
import { type CertificatePlan, signCertificate } from './sign-certificate.ts';

const nowMs = Date.UTC(2030, 0, 1);
const root = createRoot({ trustDomain: 'mesh.local', key: generateKey(), nowMs });
const issuer = createIssuer({ root, key: generateKey(), nowMs });
const publicKeyDer = publicKeyDerOf(generateKey());
const client = 'spiffe://mesh.local/ns/test/sa/client';

function leaf(overrides: Partial<CertificatePlan> = {}): Uint8Array {
  return signCertificate({
    by: { kind: 'issuer', issuer },
    publicKeyDer,
    notBeforeMs: nowMs,
    notAfterMs: nowMs + 1_000,
    uris: [client],
    keyUsage: ['digitalSignature'],
    extKeyUsage: ['serverAuth', 'clientAuth'],
    ...overrides,
  });
}

/** The identity, or why there is none. */
function verdict(bytes: Uint8Array, wallMs?: number): string {
  const rules = { trustDomain: 'mesh.local', ...(wallMs === undefined ? {} : { wallMs }) };
  const identity = peerIdentity(bytes, rules);
  return identity.ok ? identity.value : identity.error;
}

test.each<{ what: string; overrides: Partial<CertificatePlan>; expected: string }>([
  { what: 'a good leaf', overrides: {}, expected: client },
  { what: 'DNS names beside the URI', overrides: { dnsNames: ['a.test'] }, expected: client },
  {
    what: 'a subject',
    overrides: { subject: { organization: 'x', commonName: 'y' } },
    expected: client,
  },
  { what: 'no URI', overrides: { uris: [], dnsNames: ['a.test'] }, expected: 'names no URI' },
  { what: 'no alternative name', overrides: { uris: [] }, expected: 'names no URI' },
  { what: 'two URIs', overrides: { uris: [client, `${client}2`] }, expected: 'more than one' },
  { what: 'one URI twice', overrides: { uris: [client, client] }, expected: 'more than one' },
  {
    what: 'a URI that looks like two once joined',
    overrides: { uris: [`${client}, URI:spiffe://mesh.local/ns/test/sa/admin`] },
    expected: 'characters',
  },
  { what: 'a NUL', overrides: { uris: [`${client}\0.evil`] }, expected: 'characters' },
  { what: 'no SPIFFE id', overrides: { uris: ['https://mesh.local/x'] }, expected: 'spiffe://' },
  { what: 'no path', overrides: { uris: ['spiffe://mesh.local'] }, expected: 'no path' },
  { what: 'dots', overrides: { uris: ['spiffe://mesh.local/a/../b'] }, expected: 'dot segment' },
  { what: 'an escape', overrides: { uris: ['spiffe://mesh.local/%2e'] }, expected: 'characters' },
  { what: 'a slash at the end', overrides: { uris: [`${client}/`] }, expected: 'slash' },
  { what: 'a query', overrides: { uris: [`${client}?x=1`] }, expected: 'characters' },
  {
    what: 'another trust domain',
    overrides: { uris: ['spiffe://other.local/ns/test/sa/client'] },
    expected: 'other.local',
  },
  { what: 'an authority', overrides: { authority: {} }, expected: 'of an authority' },
  { what: 'no signing', overrides: { keyUsage: ['cRLSign'] }, expected: 'may not sign handshakes' },
  {
    what: 'keyCertSign',
    overrides: { keyUsage: ['digitalSignature', 'keyCertSign'] },
    expected: 'may sign certificates',
  },
  {
    what: 'cRLSign',
    overrides: { keyUsage: ['digitalSignature', 'cRLSign'] },
    expected: 'may sign certificates',
  },
  {
    what: 'no clientAuth',
    overrides: { extKeyUsage: ['serverAuth'] },
    expected: 'not for clients',
  },
  {
    what: 'no serverAuth',
    overrides: { extKeyUsage: ['clientAuth'] },
    expected: 'not for servers',
  },
])('X509-SVID §5.2: a leaf with $what: $expected', ({ overrides, expected }) => {
  expect(verdict(leaf(overrides))).toContain(expected);
});

test.each([
  { atMs: nowMs - 1, expected: 'not valid yet' },
  { atMs: nowMs, expected: client },
  { atMs: nowMs + 1_000, expected: client },
  { atMs: nowMs + 1_001, expected: 'has expired' },
])('when asked, validity counts as well', ({ atMs, expected }) => {
  expect(verdict(leaf(), atMs)).toContain(expected);
});

/** A leaf with its extensions changed; the signature no longer fits, which is not asked. */
function rewritten(change: (extensions: readonly der.DerNode[]) => readonly der.DerNode[]) {
  const [body, ...rest] = der.elementsOf(der.parseDer(leaf(), 16_384));
  const parts = der.elementsOf(body);
  const wrapper = parts.at(-1);
  if (wrapper === undefined) throw new Error('a certificate has extensions');
  const extensions = der.elementsOf(der.contextElementsOf(wrapper)[0]);
  const changed = der.context(3, der.sequence(...change(extensions)));
  return der.encodeDer(der.sequence(der.sequence(...parts.slice(0, -1), changed), ...rest));
}
const idOf = (extension: der.DerNode) => der.oidOf(der.elementsOf(extension)[0]);
const without = (oid: string) => (all: readonly der.DerNode[]) =>
  all.filter((it) => idOf(it) !== oid);
const uncritical = (oid: string) => (all: readonly der.DerNode[]) =>
  all.map((it) => {
    const [id, , value] = der.elementsOf(it);
    return idOf(it) === oid && id && value ? der.sequence(id, value) : it;
  });

test.each([
  { what: 'no key usage', change: without('2.5.29.15'), expected: 'no critical key usage' },
  { what: 'an uncritical one', change: uncritical('2.5.29.15'), expected: 'no critical key usage' },
  { what: 'no purposes', change: without('2.5.29.37'), expected: client },
  {
    what: 'neither a subject nor a critical name',
    change: uncritical('2.5.29.17'),
    expected: 'neither a subject',
  },
  {
    what: 'an extension twice',
    change: (all: readonly der.DerNode[]) => [
      ...all,
      ...all.filter((it) => idOf(it) === '2.5.29.17'),
    ],
    expected: 'twice',
  },
  {
    what: '33 extensions',
    change: () => Array.from({ length: 33 }, () => der.sequence()),
    expected: 'more than 32',
  },
])('X509-SVID §4: a leaf with $what: $expected', ({ change, expected }) => {
  expect(verdict(rewritten(change))).toContain(expected);
});

test.each([
  { what: 'nothing', bytes: new Uint8Array() },
  { what: 'a byte at the end', bytes: Buffer.concat([leaf(), Buffer.of(0)]) },
  { what: 'more than 16 KiB', bytes: Buffer.alloc(16_385) },
])('$what is nobody, and nothing is thrown', ({ bytes }) => {
  expect(peerIdentity(bytes, { trustDomain: 'mesh.local' }).ok).toBe(false);
  expect(() => readCertificate(bytes)).toThrow(
    expect.objectContaining({ code: 'LENO_CERTIFICATE_MALFORMED' }),
  );
});
