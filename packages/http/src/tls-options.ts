/** What the ends of TLS need. PEM texts; nothing is read from files here. */
import type { Result } from '@leno/std';

/**
 * Judges the certificate that the peer has shown, after its chain was verified against `ca`: the
 * DER of the leaf in, the SPIFFE id out, or why it is refused. Must not throw.
 */
export type VerifyPeer = (peerCertificateDer: Uint8Array) => Result<string, string>;

interface TlsOptions {
  /** Private key, PKCS#8 PEM. */
  readonly key: string;
  /** Own certificate, then its issuers without the root, as one PEM text. */
  readonly cert: string;
  /** Roots that are trusted, as one PEM text. */
  readonly ca: string;
  readonly verifyPeer: VerifyPeer;
}

/**
 * Serving within the mesh, TLS 1.3: a client must show a certificate that chains to `ca` and that
 * `verifyPeer` takes.
 */
export interface MutualTlsOptions extends TlsOptions {
  /** The default kind. */
  readonly kind?: 'mutual';
}

/** A certificate for the outside. */
export interface ServerCertificate {
  /**
   * For which names it is shown, in lower case: one, or with `*.` in front all below it, however deep.
   * Absent: for names that no other entry is for, and to clients that say none.
   */
  readonly hostname?: string | undefined;
  /** Private key, PEM. */
  readonly key: string;
  /** Certificate, then its issuers without the root, as one PEM text. */
  readonly cert: string;
  /** Whether it is valid for a name, in lower case; absent: for every one. */
  readonly isFor?: (serverName: string) => boolean;
}

/**
 * Serving the outside, TLS 1.2 and 1.3: the name that a client asks for (SNI, RFC 6066 §3) chooses
 * the certificate, and none is asked of the client. Of the entries for a name, the most specific
 * `hostname` counts; of several with that, the first that is valid for the name (`isFor`), else the
 * first. A name that no entry is for gets no connection.
 */
export interface PublicTlsOptions {
  readonly kind: 'public';
  readonly certificates: readonly ServerCertificate[];
}

/** Serving. A server stays of the kind that it was made with. */
export type TlsServerOptions = MutualTlsOptions | PublicTlsOptions;

/** Dialling: the connection is used only after `verifyPeer` has taken the server's certificate. */
export interface TlsClientOptions extends TlsOptions {}
