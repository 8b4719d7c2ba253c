/** What a server is told, and what it tells. */
import type { Clock, Timers } from '@leno/std';
import type { ConnectionCap } from './connection-cap.ts';
import type { Peer, ServerExchange } from './exchange.ts';
import type { FieldList } from './fields.ts';
import type { H2Limits, H2Stats } from './h2/h2-options.ts';
import type { ServerLimits } from './limits.ts';
import type { HelloReading } from './tcp/client-hello.ts';
import type { TcpSocket } from './tcp/tcp-socket.ts';
import type { TlsServerOptions } from './tls-options.ts';

/** Something that was refused before any handler saw it. */
export interface Rejection {
  readonly reason:
    | 'bad-request'
    | 'head-too-large'
    | 'body-too-large'
    | 'client-timeout'
    | 'overloaded'
    | 'unauthenticated';
  /** Status of the reply; 0 if the connection was closed without one. */
  readonly status: number;
  /** What was wrong; never has octets of the input in it. */
  readonly detail: string;
  readonly address: string;
  readonly port: number;
}

/** How a port is taken. */
export interface ListenOptions {
  /**
   * Whether other processes of the same user may listen on the same port, and the kernel deals out
   * connections among them (SO_REUSEPORT). Default false. Fails where the system has no such thing.
   */
  readonly reusePort?: boolean;
}

/** What a server is made of; only `handler` must be given. */
export interface HttpServerOptions {
  /** Gets every request that passed the codec, in the turn in which its head was whole. Must not throw. */
  readonly handler: (exchange: ServerExchange) => void;
  readonly limits?: Partial<ServerLimits>;
  /** Bounds the connections of all servers that have the same one. By default there is none. */
  readonly cap?: ConnectionCap;
  /**
   * Whether clients may speak HTTP/2: by ALPN over TLS, with prior knowledge in the clear
   * (RFC 9113 §3.3). Default false. Its bounds are the `limits` above and these.
   */
  readonly http2?: boolean | Partial<Omit<H2Limits, keyof ServerLimits>>;
  readonly clock?: Clock;
  readonly timers?: Timers;
  /** With it, the port speaks TLS: within the mesh with a client certificate, or to the outside. */
  readonly tls?: TlsServerOptions;
  /**
   * With `tls`: asked for every connection whose first octet does not begin a TLS handshake; true
   * lets it speak plain HTTP. Asked likewise for every TLS client that shows no certificate; true
   * lets it in (`transport: 'tls'`), anything else closes the connection.
   */
  readonly allowPlain?: boolean | ((remote: { address: string; port: number }) => boolean);
  /**
   * How long nothing may be written to a client of HTTP/1.1 that has ended its half of the connection
   * while its reply is awaited. It may want the reply and nothing else (RFC 9112 §9.6), or have gone:
   * nothing else tells of most clients that give up. After that time it counts as gone. Default
   * `Infinity`: every reply is sent; at least 1.
   */
  readonly halfCloseGraceMs?: number;
  /**
   * With `tls`: takes connections of sidecars that carry bytes of any protocol (ALPN `leno-tcp/1`). They count
   * as open here until whoever took them has closed them, which a drain waits for as well. Must not throw.
   */
  readonly onTcp?: (socket: TcpSocket, peer: Peer) => void;
  /**
   * Without `tls`: takes connections that begin with the hello of TLS, which is read but not
   * changed; `socket.ahead` has it. They count as those of `onTcp` do. Must not throw.
   */
  readonly onTls?: (
    socket: TcpSocket,
    peer: Peer,
    hello: Exclude<HelloReading, { kind: 'more' }>,
  ) => void;
  /** A connection that is ready for requests, after its handshake. */
  readonly onConnection?: (peer: Peer) => void;
  /** Gives, if it wants, fields to add to the reply of the refusal. */
  readonly onRejected?: (rejection: Rejection) => FieldList | undefined;
}

/** Counters since the start, and gauges. A live view: read, do not keep copies of the reference. */
export interface ServerStats {
  readonly connectionCount: number;
  readonly acceptedCount: number;
  readonly plainCount: number;
  readonly tlsCount: number;
  /** Connections that speak HTTP/2, of those accepted. */
  readonly http2Count: number;
  readonly requestCount: number;
  readonly activeRequestCount: number;
  /** Connections that carry bytes of any protocol, of those open. */
  readonly tcpCount: number;
  /** Connections turned away because `connectionCountMax` was reached. */
  readonly overloadedCount: number;
  /** Likewise because of the `cap` that is shared with other servers. */
  readonly totalOverloadedCount: number;
  /** Connections turned away while the server was told to be deaf. */
  readonly shedConnectionCount: number;
  /** Idle connections closed early because the server was told to save. */
  readonly shedIdleCount: number;
  /** Connections that the system could not give us: no descriptors left. */
  readonly acceptFailureCount: number;
  readonly badRequestCount: number;
  /** Over HTTP/1.1; `http2` has those of HTTP/2. */
  readonly headTooLargeCount: number;
  readonly bodyTooLargeCount: number;
  readonly headTimeoutCount: number;
  readonly idleTimeoutCount: number;
  readonly stallTimeoutCount: number;
  readonly tunnelTimeoutCount: number;
  /** Clients that counted as gone, `halfCloseGraceMs` after they had ended their half. */
  readonly halfCloseGoneCount: number;
  readonly handshakeFailureCount: number;
  /** Unwanted bodies that were longer than `discardByteCountMax`. */
  readonly discardOverflowCount: number;
  /** Connections cut off at the end of a drain. */
  readonly drainAbortCount: number;
  /** What HTTP/2 counts beside that. */
  readonly http2: Readonly<H2Stats>;
}

/**
 * What a server gives up so that its process lives: nothing; connections that have nothing to do
 * (`save`: replies say `Connection: close`, idle connections are closed after a second, with GOAWAY
 * on HTTP/2); or new connections, too (`deaf`).
 */
export type ServerRelief = 'none' | 'save' | 'deaf';

/** A server: listens once, drains once. */
export interface HttpServer {
  /** Port 0 takes a free one. Rejects with the error of the socket (`EADDRINUSE`, …). */
  listen(
    port: number,
    host: string,
    options?: ListenOptions,
  ): Promise<{ address: string; port: number }>;
  /**
   * Takes no new connection, closes idle ones at once, lets requests in flight finish (their replies
   * say `Connection: close`), and cuts off what is left after `withinMs`. Resolves when none is left.
   */
  drain(withinMs: number): Promise<void>;
  /** Cuts everything off. Resolves when the port is free. */
  close(): Promise<void>;
  /** Key, certificate and trust for handshakes from now on; open connections live on. */
  setTls(options: TlsServerOptions): void;
  /** What it gives up from now on. Nothing that is under way is broken off. */
  relieve(relief: ServerRelief): void;
  readonly stats: ServerStats;
}
