/**
 * The server's side of TLS: handshakes on sockets that are handed in, and who is there.
 *
 * A `tls.Server` that never listens does the handshakes, for it alone can change its certificate
 * while connections live on. With mutual TLS no session tickets: a ticket would carry the trust of
 * yesterday past a change of roots. To the outside, where nobody is known, they save handshakes.
 */
import type { Socket } from 'node:net';
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls';
import { assert, err, messageOf, ok, type Result } from '@leno/std';
import { PublicContexts } from './public-contexts.ts';
import type { MutualTlsOptions, TlsServerOptions } from './tls-options.ts';

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
  #side: Side;

  constructor(options: TlsAcceptorOptions) {
    this.#options = options;
    this.#side = sideOf(options.tls);
    this.#server = createServer({
      ...this.#handshakeOptions(),
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
    const side = sideOf(tls);
    assert(side.kind === this.#side.kind, 'a server stays of its kind of TLS');
    this.#server.setSecureContext(side.kind === 'public' ? side.contexts.fallback : side.options);
    this.#side = side;
  }

  /** Begins a handshake on a raw socket, bytes put back on it included. */
  accept(socket: Socket): void {
    this.#server.emit('connection', socket);
  }

  #handshakeOptions(): TlsOptions {
    const side = this.#side;
    if (side.kind === 'mutual') {
      const rejectUnauthorized = this.#options.certificateRequired;
      return { ...side.options, requestCert: true, rejectUnauthorized };
    }
    const SNICallback: TlsOptions['SNICallback'] = (name, done) => {
      // Asked of what is in force now, not of what was when the server was made.
      if (this.#side.kind === 'public') done(null, this.#side.contexts.contextOf(name));
    };
    return { ...side.contexts.fallback, SNICallback };
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
    const side = this.#side;
    if (side.kind === 'public') return ok(undefined);
    const certificate = socket.getPeerX509Certificate();
    if (certificate === undefined) {
      const { certificateRequired, allowsNone } = this.#options;
      const remote = { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
      return certificateRequired || !allowsNone(remote) ? err('no certificate') : ok(undefined);
    }
    if (!socket.authorized) return err(messageOf(socket.authorizationError));
    return side.verifyPeer(certificate.raw);
  }
}

type Side =
  | { readonly kind: 'public'; readonly contexts: PublicContexts }
  | {
      readonly kind: 'mutual';
      readonly options: ReturnType<typeof mutualOptions>;
      readonly verifyPeer: MutualTlsOptions['verifyPeer'];
    };

function sideOf(tls: TlsServerOptions): Side {
  if (tls.kind === 'public') return { kind: 'public', contexts: new PublicContexts(tls) };
  return { kind: 'mutual', options: mutualOptions(tls), verifyPeer: tls.verifyPeer };
}

function mutualOptions(tls: MutualTlsOptions) {
  return {
    key: tls.key,
    cert: tls.cert,
    ca: tls.ca,
    minVersion: 'TLSv1.3' as const,
    secureOptions: SSL_OP_NO_TICKET,
  };
}
