/** What node:tls makes of the certificates: real handshakes, each end asking the other. */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type PeerCertificate, type TLSSocket } from 'node:tls';
import { codeOf, systemClock } from '@leno/std';
import { expect, test } from 'vitest';
import { type Authority, createIssuer, createRoot, issueLeaf } from './authority.ts';
import { certificatePem } from './certificate.ts';
import { generateKey, privateKeyPem, publicKeyDerOf } from './keys.ts';
import { peerIdentity } from './peer-identity.ts';
import { signCertificate } from './sign-certificate.ts';

interface Credentials {
  readonly key: string;
  readonly cert: string;
}

const hourMs = 3_600_000;
const nowMs = systemClock.wallMs();
const root = createRoot({ trustDomain: 'mesh.local', key: generateKey(), nowMs: nowMs - hourMs });
const issuer = createIssuer({ root, key: generateKey(), nowMs: nowMs - hourMs });
const client = 'spiffe://mesh.local/ns/test/sa/client';
const server = 'spiffe://mesh.local/ns/test/sa/server';

function issued(spiffeId: string, by: Authority, atMs = nowMs): Credentials {
  const key = generateKey();
  const limits = { ttlMinMs: 0, ttlMaxMs: hourMs };
  const publicKeyDer = publicKeyDerOf(key);
  const leaf = issueLeaf({
    issuer: by,
    publicKeyDer,
    spiffeId,
    nowMs: atMs,
    ttlMs: 60_000,
    limits,
  });
  return { key: privateKeyPem(key), cert: leaf.chainPem };
}

/** Against the issuer's name constraint: only one who holds its key and not these rules can. */
function smuggled(spiffeId: string): Credentials {
  const key = generateKey();
  const der = signCertificate({
    by: { kind: 'issuer', issuer },
    publicKeyDer: publicKeyDerOf(key),
    notBeforeMs: nowMs - hourMs,
    notAfterMs: nowMs + hourMs,
    uris: [spiffeId],
    keyUsage: ['digitalSignature'],
    extKeyUsage: ['serverAuth', 'clientAuth'],
  });
  return { key: privateKeyPem(key), cert: certificatePem(der) + issuer.certificatePem };
}

/** The identities that both ends saw, or the error of the end that refused. */
async function shakeHands(ends: { client: Credentials; server: Credentials }): Promise<string> {
  const common = { ca: root.certificatePem, minVersion: 'TLSv1.3' } as const;
  const listener = createServer({ ...common, ...ends.server, requestCert: true });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  const accepted = new Promise<string>((resolve) => {
    listener.once('secureConnection', (socket) => {
      resolve(identityOf(socket));
      socket.end();
    });
    listener.once('tlsClientError', (error, socket) =>
      resolve(`server: ${String(socket.authorizationError ?? codeOf(error))}`),
    );
  });
  const socket = connect({ ...common, ...ends.client, port, checkServerIdentity: () => undefined });
  const connected = new Promise<string>((resolve) => {
    socket.once('secureConnect', () => resolve(identityOf(socket)));
    socket.on('error', (error) => resolve(`client: ${codeOf(error)}`));
  });
  try {
    const seen = await connected;
    return seen.startsWith('client: ') ? seen : `${seen} ${await accepted}`;
  } finally {
    socket.destroy();
    listener.close();
    await once(listener, 'close');
  }
}

function identityOf(socket: TLSSocket): string {
  const { raw }: PeerCertificate = socket.getPeerCertificate();
  const identity = peerIdentity(raw, { trustDomain: 'mesh.local' });
  return identity.ok ? identity.value : identity.error;
}

test('two leaves of one root know each other', async () => {
  const ends = { client: issued(client, issuer), server: issued(server, issuer) };
  expect(await shakeHands(ends)).toBe(`${server} ${client}`);
});

const strangerRoot = createRoot({ trustDomain: 'mesh.local', key: generateKey(), nowMs });
const stranger = createIssuer({ root: strangerRoot, key: generateKey(), nowMs });
test.each([
  {
    what: 'of a foreign root',
    bad: issued(client, stranger),
    code: 'SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  },
  {
    what: 'that has expired',
    bad: issued(client, issuer, nowMs - hourMs / 2),
    code: 'CERT_HAS_EXPIRED',
  },
  {
    what: 'of another trust domain',
    bad: smuggled('spiffe://other.local/ns/test/sa/client'),
    code: 'UNSPECIFIED', // Node has no name for OpenSSL's permitted subtree violation.
  },
])('a leaf $what is refused by server and client', async ({ bad, code }) => {
  const good = issued(server, issuer);
  expect(await shakeHands({ client: bad, server: good })).toMatch(new RegExp(`server: (${code})$`));
  expect(await shakeHands({ client: good, server: bad })).toMatch(
    new RegExp(`^client: (${code})$`),
  );
});
