/** TLS contexts out of the identity in use; they follow its renewal by themselves. */
import type { TlsLease } from '@leno/dataplane';
import type { Identity } from '@leno/dataplane/node';
import { peerMustBe } from '@leno/dataplane/node';
import type { MutualTlsOptions, TlsClientOptions, VerifyPeer } from '@leno/http';
import { err, Watch } from '@leno/std';

/** Serving: anyone of the trust domain. Without an identity yet, every handshake fails. */
export function serverTls(identity: Identity | undefined, trustDomain: string): MutualTlsOptions {
  return tlsOf(identity, peerMustBe('', trustDomain));
}

interface Shared {
  readonly options: Watch<TlsClientOptions>;
  readonly judge: VerifyPeer;
  userCount: number;
}

/** Dialling: one context per identity that is dialled, shared, and kept while it is leased. */
export class ClientTls {
  readonly #identity: Watch<Identity | undefined>;
  readonly #trustDomain: string;
  readonly #shared = new Map<string, Shared>();

  constructor(identity: Watch<Identity | undefined>, trustDomain: string) {
    this.#identity = identity;
    this.#trustDomain = trustDomain;
    identity.subscribe((value) => {
      for (const { options, judge } of this.#shared.values()) options.set(tlsOf(value, judge));
    });
  }

  /** How many identities are dialled. */
  get size(): number {
    return this.#shared.size;
  }

  /** Towards exactly `expected`; an endpoint that names no identity is nobody that could be right. */
  lease(expected: string): TlsLease {
    const shared = this.#shared.get(expected) ?? this.#make(expected);
    shared.userCount += 1;
    let isReleased = false;
    return {
      options: shared.options,
      release: () => {
        if (isReleased) return;
        isReleased = true;
        shared.userCount -= 1;
        if (shared.userCount === 0) this.#shared.delete(expected);
      },
    };
  }

  #make(expected: string): Shared {
    const judge: VerifyPeer =
      expected === ''
        ? () => err('the configuration does not say who it must be')
        : peerMustBe(expected, this.#trustDomain);
    const options = new Watch<TlsClientOptions>(tlsOf(this.#identity.value, judge));
    const shared = { options, judge, userCount: 0 };
    this.#shared.set(expected, shared);
    return shared;
  }
}

function tlsOf(identity: Identity | undefined, verifyPeer: VerifyPeer): TlsClientOptions {
  if (identity === undefined) {
    return { key: '', cert: '', ca: '', verifyPeer: () => err('this proxy has no identity yet') };
  }
  const { key, chain, roots } = identity;
  return { key, cert: chain.join(''), ca: roots.join(''), verifyPeer };
}
