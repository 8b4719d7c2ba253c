import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:tls';
import { peerIdentity } from '@leno/ca';
import { codeOf } from '@leno/std';
import { expect, test } from 'vitest';
import { foreignLeaf, TestCa, type TestIdentity } from './certificates.ts';

const ca = new TestCa();
const server = ca.leaf(ca.id('/ns/test/sa/server'));

/** What a server of the mesh says to a client: `trusted` or OpenSSL's reason. */
async function chainVerdict(client: TestIdentity): Promise<string> {
  const listener = createServer({
    key: server.key,
    cert: server.cert,
    ca: ca.root.certificatePem,
    requestCert: true,
    minVersion: 'TLSv1.3',
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const judged = new Promise<string>((resolve) => {
    listener.once('secureConnection', () => resolve('trusted'));
    listener.once('tlsClientError', (error, socket) =>
      resolve(String(socket.authorizationError ?? codeOf(error))),
    );
  });
  const { port } = listener.address() as AddressInfo;
  const { key, cert } = client;
  const socket = connect({ port, key, cert, rejectUnauthorized: false });
  socket.on('error', () => undefined); // The refusal; its reason is the server's to tell.
  try {
    return await judged;
  } finally {
    socket.destroy();
    listener.close();
    await once(listener, 'close');
  }
}

test.each<{ what: string; leaf: TestIdentity; chain: string; identity: string }>([
  { what: 'a good leaf', leaf: ca.leaf(), chain: 'trusted', identity: ca.id() },
  {
    what: 'a leaf of any name',
    leaf: ca.leaf(ca.id('/a')),
    chain: 'trusted',
    identity: ca.id('/a'),
  },
  {
    what: 'a leaf of a foreign root',
    leaf: foreignLeaf(),
    chain: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    identity: ca.id(), // It says what the mesh's own would: only the chain gives it away.
  },
  {
    what: 'an expired leaf',
    leaf: ca.expiredLeaf(),
    chain: 'CERT_HAS_EXPIRED',
    identity: ca.id(),
  },
  {
    what: 'a leaf to come',
    leaf: ca.futureLeaf(),
    chain: 'CERT_NOT_YET_VALID',
    identity: ca.id(),
  },
  {
    what: 'a leaf of another trust domain',
    leaf: ca.otherDomainLeaf(),
    chain: 'UNSPECIFIED', // A name constraint, for which Node has no word.
    identity: 'other.local',
  },
  { what: 'two URIs', leaf: ca.twoUriLeaf(), chain: 'trusted', identity: 'more than one URI' },
  { what: 'no URI', leaf: ca.dnsOnlyLeaf(), chain: 'trusted', identity: 'no URI' },
  {
    what: 'a leaf for servers only',
    leaf: ca.serverOnlyLeaf(),
    chain: 'INVALID_PURPOSE',
    identity: 'not for clients',
  },
  {
    what: 'an authority as a leaf',
    leaf: ca.authorityLeaf(),
    chain: 'trusted', // To OpenSSL an authority may be a client: the identity rules refuse it.
    identity: 'of an authority',
  },
  {
    what: 'a leaf of a leaf',
    leaf: ca.leafOfLeaf(),
    chain: 'UNSPECIFIED', // Key usage without certificate signing, the last of four reasons.
    identity: ca.id(),
  },
])('$what: chain $chain, identity $identity', async ({ leaf, chain, identity }) => {
  expect(await chainVerdict(leaf)).toBe(chain);
  const peer = peerIdentity(leaf.der, { trustDomain: 'mesh.local' });
  expect(peer.ok ? peer.value : peer.error).toContain(identity);
});
