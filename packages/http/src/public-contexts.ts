/** The TLS contexts of a server for the outside, by the name that a client asks for. */
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls';
import type { PublicTlsOptions, ServerCertificate } from './tls-options.ts';

/** OpenSSL's flag, as `node:constants` has it: who renegotiates makes the server work for nothing. */
const SSL_OP_NO_RENEGOTIATION = 0x4000_0000;

/** RFC 9325 §4.2: forward secrecy and authenticated encryption; RFC 9113 §9.2.2 forbids the rest. */
const CIPHERS = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'ECDHE-ECDSA-AES128-GCM-SHA256',
  'ECDHE-RSA-AES128-GCM-SHA256',
  'ECDHE-ECDSA-AES256-GCM-SHA384',
  'ECDHE-RSA-AES256-GCM-SHA384',
  'ECDHE-ECDSA-CHACHA20-POLY1305',
  'ECDHE-RSA-CHACHA20-POLY1305',
].join(':');

interface Entry {
  readonly context: SecureContext;
  readonly certificate: ServerCertificate;
}

export class PublicContexts {
  /** What is used for clients that ask for no name. */
  readonly fallback: SecureContextOptions;
  readonly #byName = new Map<string, Entry[]>();
  readonly #wildcards: readonly string[];
  /** Has no certificate: a handshake with it ends in an alert that says so. */
  readonly #none = createSecureContext(contextOptions(undefined));

  /** Throws what `node:tls` throws for material that it cannot read. */
  constructor({ certificates }: PublicTlsOptions) {
    for (const certificate of certificates) {
      const { hostname = '' } = certificate;
      const context = createSecureContext(contextOptions(certificate));
      const entries = this.#byName.get(hostname) ?? [];
      entries.push({ context, certificate });
      this.#byName.set(hostname, entries);
    }
    this.#wildcards = [...this.#byName.keys()]
      .filter((hostname) => hostname.startsWith('*.'))
      .toSorted((one, other) => other.length - one.length);
    this.fallback = contextOptions(certificates.find(({ hostname }) => hostname === undefined));
  }

  /** The context for a client that asks for `serverName`. */
  contextOf(serverName: string): SecureContext {
    const name = serverName.toLowerCase();
    const entries = this.#byName.get(name) ?? this.#byName.get(this.#wildcardOf(name)) ?? [];
    const valid = entries.find(({ certificate }) => certificate.isFor?.(name) ?? true);
    return (valid ?? entries[0])?.context ?? this.#none;
  }

  /** Empty, which is every name, where none is more specific. */
  #wildcardOf(name: string): string {
    return this.#wildcards.find((it) => name.endsWith(it.slice(1))) ?? '';
  }
}

function contextOptions(certificate: ServerCertificate | undefined): SecureContextOptions {
  return {
    ...(certificate === undefined ? {} : { key: certificate.key, cert: certificate.cert }),
    minVersion: 'TLSv1.2',
    ciphers: CIPHERS,
    honorCipherOrder: true,
    secureOptions: SSL_OP_NO_RENEGOTIATION,
  };
}
