import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  authorityFrom,
  createIssuer,
  createRoot,
  issueLeaf,
  type LeafOptions,
} from './authority.ts';
import { isIssuedBy, readCertificate, splitCertificates } from './certificate.ts';
import { createSigner, generateKey, privateKeyPem, publicKeyDerOf } from './keys.ts';
import { peerIdentity } from './peer-identity.ts';

const minuteMs = 60_000;
const dayMs = 24 * 60 * minuteMs;
const nowMs = Date.UTC(2030, 0, 1);
const root = createRoot({ trustDomain: 'mesh.local', key: generateKey(), nowMs });
const issuer = createIssuer({ root, key: generateKey(), nowMs });
const publicKeyDer = publicKeyDerOf(generateKey());
const spiffeId = 'spiffe://mesh.local/ns/test/sa/client';

function issue(options: Partial<LeafOptions> = {}) {
  return issueLeaf({ issuer, publicKeyDer, spiffeId, nowMs, ...options });
}

test('a root lives 10 years, an issuer 1 year below it, each naming its trust domain', () => {
  const [rootStated, issuerStated] = [root, issuer].map((it) => readCertificate(it.certificatePem));
  expect(root.notAfterMs - nowMs).toBe(3_650 * dayMs);
  expect(issuer.notAfterMs - nowMs).toBe(365 * dayMs);
  expect([rootStated?.spiffeId, issuerStated?.spiffeId]).toEqual(
    Array(2).fill('spiffe://mesh.local'),
  );
  // Key usage, basic constraints and, below the root, name constraints.
  expect([...(rootStated?.criticalExtensions ?? [])].sort()).toEqual(['2.5.29.15', '2.5.29.19']);
  expect(issuerStated?.criticalExtensions).toContain('2.5.29.30');
  expect(rootStated && issuerStated && isIssuedBy(issuerStated, rootStated)).toBe(true);
  expect(rootStated && issuerStated && isIssuedBy(rootStated, issuerStated)).toBe(false);
});

test('a leaf states what X509-SVID §4 asks, lives 24 h and is valid from a minute ago', () => {
  const leaf = issue();
  const stated = readCertificate(leaf.certificatePem);
  expect(peerIdentity(stated.der, { trustDomain: 'mesh.local' })).toEqual({
    ok: true,
    value: spiffeId,
  });
  expect({ ...leaf, from: leaf.notBeforeMs - nowMs, until: leaf.notAfterMs - nowMs }).toMatchObject(
    {
      from: -minuteMs,
      until: dayMs,
      serial: stated.serial,
      spiffeId,
    },
  );
  expect(splitCertificates(leaf.chainPem)).toEqual([leaf.certificatePem, issuer.certificatePem]);
  expect(stated.publicKeyDer).toEqual(publicKeyDer);
  expect(stated.uris).toEqual([spiffeId]);
});

test.each([
  { what: 'an issuer outlives no root', ttlMs: 9_999 * dayMs, until: root.notAfterMs },
  { what: 'an issuer may live shorter', ttlMs: dayMs, until: nowMs + dayMs },
])('$what', ({ ttlMs, until }) => {
  expect(createIssuer({ root, key: generateKey(), nowMs, ttlMs }).notAfterMs).toBe(until);
});

test('a leaf outlives no issuer', () => {
  const late = issuer.notAfterMs - 10 * minuteMs;
  expect(issue({ nowMs: late }).notAfterMs).toBe(issuer.notAfterMs);
});

test('a leaf of a short life is back-dated less, so that two thirds of it lie ahead', () => {
  const limits = { ttlMinMs: 1, ttlMaxMs: dayMs };
  const leaf = issue({ ttlMs: 20_000, limits });
  expect([leaf.notBeforeMs - nowMs, leaf.notAfterMs - nowMs]).toEqual([-5_000, 20_000]);
});

test.each([
  { what: 'a life under the minimum', options: { ttlMs: 5 * minuteMs - 1 }, fault: 'bounds' },
  { what: 'a life over the maximum', options: { ttlMs: 90 * dayMs + 1 }, fault: 'bounds' },
  { what: 'a life that is no number', options: { ttlMs: Number.NaN }, fault: 'bounds' },
  { what: 'an expired issuer', options: { nowMs: issuer.notAfterMs }, fault: 'valid only' },
  { what: 'an issuer to come', options: { nowMs: nowMs - dayMs }, fault: 'valid only' },
  {
    what: 'another trust domain',
    options: { spiffeId: 'spiffe://other.local/x' },
    fault: 'mesh.local',
  },
  { what: 'no path', options: { spiffeId: 'spiffe://mesh.local' }, fault: 'no path' },
  { what: 'dots', options: { spiffeId: 'spiffe://mesh.local/a/../b' }, fault: 'dot segment' },
  { what: 'an escape', options: { spiffeId: 'spiffe://mesh.local/%2e' }, fault: 'characters' },
])('no leaf is issued for $what', ({ options, fault }) => {
  expect(() => issue(options)).toThrow(
    expect.objectContaining({
      code: 'LENO_ISSUANCE_REFUSED',
      message: expect.stringContaining(fault),
    }),
  );
});

test('no leaf is issued for a key off the allow-list', () => {
  const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'secp256k1' });
  expect(() => issue({ publicKeyDer: publicKeyDerOf(publicKey) })).toThrow(
    expect.objectContaining({ code: 'LENO_KEY_UNSUPPORTED' }),
  );
});

test.each(['', 'Mesh.local', '.local', 'a:1'])('no root is made for the trust domain %j', (it) => {
  expect(() => createRoot({ trustDomain: it, key: generateKey(), nowMs })).toThrow(
    expect.objectContaining({ code: 'LENO_ISSUANCE_REFUSED' }),
  );
});

test('an authority is put together again from its certificate and key, and from no others', () => {
  const key = generateKey();
  const made = createIssuer({ root, key, nowMs });
  const stored = createPrivateKey(privateKeyPem(key));
  const again = authorityFrom(made.certificatePem, createSigner(stored));
  expect(issue({ issuer: again }).chainPem).toContain(made.certificatePem);
  expect(() => authorityFrom(made.certificatePem, createSigner(generateKey()))).toThrow('not that');
  expect(() => authorityFrom(issue().certificatePem, createSigner(key))).toThrow('authority');
});

test('a chain is taken apart, up to 1 MiB of it', () => {
  expect(splitCertificates(` ${root.certificatePem}\n`)).toEqual([root.certificatePem]);
  for (const text of ['', 'x', privateKeyPem(generateKey()), ' '.repeat(1_048_577)]) {
    expect(() => splitCertificates(text)).toThrow(
      expect.objectContaining({ code: 'LENO_CERTIFICATE_MALFORMED' }),
    );
  }
});

test('property: serials are 20 bytes, positive, and never the same', () => {
  const serials = new Set<string>();
  fc.assert(
    fc.property(fc.constant(undefined), () => {
      const { serial } = issue();
      const isNew = !serials.has(serial);
      serials.add(serial);
      return isNew && /^[4-7][0-9a-f]{39}$/.test(serial);
    }),
  );
});

test('RFC 5280 §4.1.2.5: times from 2050 on are read as they were written', () => {
  const key = generateKey();
  const late = createRoot({ trustDomain: 'mesh.local', key, nowMs: Date.UTC(2049, 11, 31) });
  expect(late.notBeforeMs).toBe(Date.UTC(2049, 11, 30, 23, 59));
  expect(late.notAfterMs).toBe(Date.UTC(2049, 11, 31) + 3_650 * dayMs);
});
