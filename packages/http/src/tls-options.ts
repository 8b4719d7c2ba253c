/** What both ends of mutual TLS 1.3 need. PEM texts; nothing is read from files here. */
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

/** Serving: a client must show a certificate that chains to `ca` and that `verifyPeer` takes. */
export interface TlsServerOptions extends TlsOptions {}

/** Dialling: the connection is used only after `verifyPeer` has taken the server's certificate. */
export interface TlsClientOptions extends TlsOptions {}
