/** OpenSSL as the second opinion on all that is written, and as the first hand of requests. */
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createIssuer, createRoot, issueLeaf } from './authority.ts';
import { certificatePem } from './certificate.ts';
import { createCsr, parseCsr } from './csr.ts';
import { generateKey, publicKeyDerOf } from './keys.ts';
import { signCertificate } from './sign-certificate.ts';

const hasOpenssl = spawnSync('openssl', ['version']).status === 0;
const nowMs = Date.UTC(2030, 0, 1);
const spiffeId = 'spiffe://mesh.local/ns/test/sa/client';
let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'leno-ca-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

/** Exit status and all output of one command, with the named files beside it. */
function openssl(command: string, files: Readonly<Record<string, string | Uint8Array>> = {}) {
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(directory, name), content);
  }
  const run = spawnSync('openssl', command.split(' '), { cwd: directory, encoding: 'utf8' });
  return { status: run.status, output: run.stdout + run.stderr };
}

/** What `openssl verify` says of a leaf below an issuer below a root. */
function verify(chain: { root: string; issuer: string; leaf: string }, purpose: string) {
  const at = nowMs / 1_000 + 60;
  return openssl(
    `verify -x509_strict -attime ${at} -purpose ${purpose} -CAfile root -untrusted issuer leaf`,
    chain,
  );
}

const key = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const ed25519 = () => generateKeyPairSync('ed25519').privateKey;
const rsa = () => generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

test.for<{ what: string; make: () => [root: KeyObject, issuer: KeyObject, leaf: KeyObject] }>([
  { what: 'all P-256', make: () => [generateKey(), generateKey(), generateKey()] },
  { what: 'a P-384 root', make: () => [key('secp384r1'), generateKey(), generateKey()] },
  { what: 'Ed25519', make: () => [generateKey(), ed25519(), ed25519()] },
  { what: 'an RSA leaf and root', make: () => [rsa(), generateKey(), rsa()] },
])('a chain with $what passes the strict check for both purposes', ({ make }, { skip }) => {
  skip(!hasOpenssl, 'needs openssl');
  const [rootKey, issuerKey, leafKey] = make();
  const root = createRoot({ trustDomain: 'mesh.local', key: rootKey, nowMs });
  const issuer = createIssuer({ root, key: issuerKey, nowMs });
  const publicKeyDer = publicKeyDerOf(leafKey);
  const leaf = issueLeaf({ issuer, publicKeyDer, spiffeId, nowMs }).certificatePem;
  const chain = { root: root.certificatePem, issuer: issuer.certificatePem, leaf };
  for (const purpose of ['sslserver', 'sslclient']) {
    expect(verify(chain, purpose)).toEqual({ status: 0, output: 'leaf: OK\n' });
  }
});

test('RFC 5280 §4.2.1.10: an issuer cannot name another trust domain, nor make an issuer', ({
  skip,
}) => {
  skip(!hasOpenssl, 'needs openssl');
  const root = createRoot({ trustDomain: 'mesh.local', key: generateKey(), nowMs });
  const issuer = createIssuer({ root, key: generateKey(), nowMs });
  const plan = {
    by: { kind: 'issuer', issuer },
    publicKeyDer: publicKeyDerOf(generateKey()),
    notBeforeMs: nowMs,
    notAfterMs: nowMs + 3_600_000,
    uris: ['spiffe://other.local/x'],
    keyUsage: ['digitalSignature'],
    extKeyUsage: ['clientAuth', 'serverAuth'],
  } as const;
  const chain = { root: root.certificatePem, issuer: issuer.certificatePem };
  const otherDomain = certificatePem(signCertificate(plan));
  expect(verify({ ...chain, leaf: otherDomain }, 'sslclient').output).toContain(
    'permitted subtree violation',
  );
  // Signed as a sub-issuer would be: pathLen 0 forbids whatever stands below it.
  const below = createIssuer({ root: issuer, key: generateKey(), nowMs });
  const leaf = issueLeaf({ issuer: below, publicKeyDer: plan.publicKeyDer, spiffeId, nowMs });
  const untrusted = issuer.certificatePem + below.certificatePem;
  const judged = verify({ ...chain, issuer: untrusted, leaf: leaf.certificatePem }, 'sslclient');
  expect(judged.output).toContain('path length');
});

test.for(['ec -pkeyopt ec_paramgen_curve:P-256', 'ed25519', 'rsa -pkeyopt rsa_keygen_bits:2048'])(
  'a request by openssl for a key of %s is taken, its names are not',
  (algorithm, { skip }) => {
    skip(!hasOpenssl, 'needs openssl');
    const names = '-subj /CN=admin -addext subjectAltName=URI:spiffe://mesh.local/admin';
    const made = openssl(`req -new -nodes -newkey ${algorithm} -keyout k ${names}`);
    const pem = made.output.slice(made.output.indexOf('-----BEGIN CERTIFICATE REQUEST'));
    const csr = parseCsr(pem.slice(0, pem.indexOf('REQUEST-----\n', 40) + 13));
    expect(csr).toMatchObject({ ok: true });
  },
);

test('openssl finds our request well-formed and signed', ({ skip }) => {
  skip(!hasOpenssl, 'needs openssl');
  const judged = openssl('req -in csr -verify -noout', { csr: createCsr({ key: generateKey() }) });
  expect(judged).toMatchObject({
    status: 0,
    output: expect.stringMatching(/verify OK|verify(.*)OK/),
  });
});
