/**
 * The server's side of mutual TLS 1.3: handshakes on sockets that are handed in, and who is there.
 *
 * A `tls.Server` that never listens does the handshakes, for it alone can change its certificate
 * while connections live on. No session tickets: a ticket would carry the trust of yesterday past a
 * change of roots.
 */
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket } from 'node:tls';
import { err, messageOf, ok, type Result } from '@leno/std';
import type { TlsServerOptions } from './tls-options.ts';

/** OpenSSL's flag against tickets, as `node:constants` has it. */
const SSL_OP_NO_TICKET = 0x4000;

export interface TlsAcceptorOptions {
  readonly tls: TlsServerOptions;
  /** False where plain text is allowed too: then a client may show none, but never a bad one. */
  readonly certificateRequired: boolean;
  /** Asked about a client that shows none, where none is required: the answer may change with time. */
  readonly allowsNone: (remote: { address: string; port: number }) => boolean;
  readonly handshakeTimeoutMs: number;
  /** What may be spoken, the preferred first. */
  readonly protocols: readonly string[];
  /** A handshake that is done; `identity` is undefined if no certificate was shown. */
  readonly onAccepted: (socket: TLSSocket, identity: string | undefined) => void;
  /** Not to be served; the socket is destroyed already. */
  readonly onRefused: (remote: { address: string; port: number }, why: string) => void;
}

export class TlsAcceptor {
  readonly #options: TlsAcceptorOptions;
  readonly #server: Server;
  #tls: TlsServerOptions;

  constructor(options: TlsAcceptorOptions) {
    this.#options = options;
    this.#tls = options.tls;
    this.#server = createServer({
      ...contextOptions(options.tls),
      requestCert: true,
      rejectUnauthorized: options.certificateRequired,
      handshakeTimeout: options.handshakeTimeoutMs,
      ALPNProtocols: [...options.protocols],
      allowHalfOpen: true,
    });
    this.#server.on('secureConnection', (socket) => this.#secured(socket));
    this.#server.on('tlsClientError', (error, socket) => {
      const remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
      // The reason stands on the socket; the error is often no more than a reset.
      const cause: unknown = socket.authorizationError;
      socket.destroy();
      options.onRefused(remote, messageOf(cause ?? error));
    });
  }

  /** For handshakes from now on. Throws what `node:tls` throws for material that it cannot read. */
  setTls(tls: TlsServerOptions): void {
    this.#server.setSecureContext(contextOptions(tls));
    this.#tls = tls;
  }

  /** Begins a handshake on a raw socket, bytes put back on it included. */
  accept(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  #secured(socket: TLSSocket): void {
    const outcome = this.#identify(socket);
    if (outcome.ok) {
      this.#options.onAccepted(socket, outcome.value);
      return;
    }
    const remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
    socket.on('error', () => undefined);
    socket.destroy();
    this.#options.onRefused(remote, outcome.error);
  }

  #identify(socket: TLSSocket): Result<string | undefined, string> {
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) {
      const { certificateRequired, allowsNone } = this.#options;
      const remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
      return certificateRequired || !allowsNone(remote) ? err('no certificate') : ok(undefined);
    }
    if (!socket.authorized) return err(messageOf(socket.authorizationError));
    return this.#tls.verifyPeer(certificate.raw);
  }
}

function contextOptions(tls: TlsServerOptions) {
  return {
    key: tls.key,
    cert: tls.cert,
    ca: tls.ca,
    minVersion: 'TLSv1.3' as const,
    secureOptions: SSL_OP_NO_TICKET,
  };
}
