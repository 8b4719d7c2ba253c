/** TLS contexts out of the identity in use; they follow its renewal by themselves. */
import type { Identity } from '@leno/dataplane/node';
import { peerMustBe } from '@leno/dataplane/node';
import type { TlsClientOptions, TlsServerOptions } from '@leno/http';
import { err, Watch } from '@leno/std';

/** Serving: anyone of the trust domain. Without an identity yet, every handshake fails. */
export function serverTls(identity: Identity | undefined, trustDomain: string): TlsServerOptions {
  return tlsOf(identity, peerMustBe('', trustDomain));
}

/** Dialling: exactly `expected`. */
export function clientTls(
  identity: Watch<Identity | undefined>,
  expected: string,
  trustDomain: string,
): Watch<TlsClientOptions> {
  const judge = peerMustBe(expected, trustDomain);
  const options = new Watch<TlsClientOptions>(tlsOf(identity.value, judge));
  identity.subscribe((value) => options.set(tlsOf(value, judge)));
  return options;
}

function tlsOf(
  identity: Identity | undefined,
  verifyPeer: TlsServerOptions['verifyPeer'],
): TlsServerOptions {
  if (identity === undefined) {
    return { key: '', cert: '', ca: '', verifyPeer: () => err('this proxy has no identity yet') };
  }
  const { key, chain, roots } = identity;
  return { key, cert: chain.join(''), ca: roots.join(''), verifyPeer };
}
