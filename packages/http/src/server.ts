/**
 * An HTTP server on raw sockets: plain, TLS, or both on one port. It accepts, bounds and
 * sweeps; what goes on on a connection is the connection's business.
 */
import { createServer, type Server, type Socket } from 'node:net';
import { type Clock, systemClock, systemTimers, type TimerHandle, type Timers } from '@leno/std';
import { ConnectionGate } from './connection-gate.ts';
import type { ConnectionHost, ServedConnection } from './connection-host.ts';
import type { Peer, ServerExchange } from './exchange.ts';
import type { FieldList } from './fields.ts';
import { type H2Limits, h2LimitsOf } from './h2/h2-options.ts';
import { InvalidOptionError } from './invalid-option-error.ts';
import { type ServerLimits, serverLimits, sweepMsOf } from './limits.ts';
import { listenOn, stopListening } from './listening.ts';
import { serverProblems } from './option-checks.ts';
import { ProtocolSniffer, type SnifferHost } from './protocol-sniffer.ts';
import type { Refusal } from './refusal.ts';
import { keyOf, remoteOf, serverNameOf } from './remote.ts';
import { ServerConnection } from './server-connection.ts';
import { ServerH2Connection } from './server-h2-connection.ts';
import type {
  HttpServer,
  HttpServerOptions,
  ListenOptions,
  Rejection,
  ServerRelief,
} from './server-options.ts';
import { newServerStats } from './server-stats.ts';
import type { HelloReading } from './tcp/client-hello.ts';
import { TCP_PROTOCOL, TcpSocket } from './tcp/tcp-socket.ts';
import { TlsAcceptor } from './tls-acceptor.ts';
import type { TlsServerOptions } from './tls-options.ts';
import { Wire, type WireOwner, type WireSocket } from './wire.ts';

const TLS_HANDSHAKE = 0x16; // First octet of every TLS connection.
/** How long a connection may idle while the server gives up what it need not have. */
const IDLE_MS_IN_RELIEF = 1_000;

/** A server that does not listen yet. See `HttpServerOptions` for defaults. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  return new RawHttpServer(options);
}

class RawHttpServer implements HttpServer, ConnectionHost, SnifferHost {
  readonly stats = newServerStats();
  readonly limits: ServerLimits;
  readonly clock: Clock;
  isDraining = false;
  readonly halfCloseGraceMs: number;
  readonly #options: HttpServerOptions;
  readonly timers: Timers;
  readonly #listener: Server;
  readonly #acceptor: TlsAcceptor | undefined;
  readonly #connections = new Set<ServedConnection>();
  readonly #h2Limits: H2Limits | undefined;
  /** Sockets, by their ends, whose first octet or whose handshake is awaited. */
  readonly #greeting = new Map<string, Socket>();
  /** Sockets that speak HTTP no more, or never did. */
  readonly #handedOver = new Set<TcpSocket>();
  readonly #emptied: (() => void)[] = [];
  readonly #gate: ConnectionGate;
  #sweeper: TimerHandle | undefined = undefined;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const problems = serverProblems(options);
    this.limits = { ...serverLimits, ...options.limits };
    const { http2 } = options;
    const more = http2 === true ? {} : (http2 ?? false);
    this.#h2Limits = more === false ? undefined : h2LimitsOf({ ...more, ...this.limits }, problems);
    problems.throwIfAny(InvalidOptionError);
    this.halfCloseGraceMs = options.halfCloseGraceMs ?? Number.POSITIVE_INFINITY;
    this.clock = options.clock ?? systemClock;
    this.timers = options.timers ?? systemTimers;
    this.#gate = new ConnectionGate({
      connectionCountMax: this.limits.connectionCountMax,
      cap: options.cap,
      stats: this.stats,
      timers: this.timers,
      isPlain: options.tls === undefined,
      report: (socket, status, detail) =>
        this.#report({ ...remoteOf(socket), reason: 'overloaded', status, detail }),
    });
    this.#acceptor = options.tls === undefined ? undefined : this.#newAcceptor(options.tls);
    this.#listener = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#accept(socket),
    );
  }

  listen(
    port: number,
    host: string,
    options: ListenOptions = {},
  ): Promise<{ address: string; port: number }> {
    // No descriptors are left: no reason to end. Mostly libuv has one in reserve, with which it
    // closes the connection by itself, so that this stays the rarer of two ways.
    return listenOn(this.#listener, { ...options, port, host }, () => {
      this.stats.acceptFailureCount += 1;
    });
  }

  async drain(withinMs: number): Promise<void> {
    this.isDraining = true;
    const closed = stopListening(this.#listener);
    this.#gate.close();
    for (const socket of this.#greeting.values()) socket.destroy();
    for (const connection of [...this.#connections]) connection.drain();
    if (this.#connections.size > 0) await this.#emptyWithin(withinMs);
    await closed;
  }

  async close(): Promise<void> {
    this.isDraining = true;
    const closed = stopListening(this.#listener);
    this.#gate.close();
    for (const socket of this.#handedOver) socket.reset();
    for (const socket of this.#greeting.values()) socket.destroy();
    for (const connection of this.#connections) connection.wire.destroy();
    await closed;
  }

  setTls(tls: TlsServerOptions): void {
    this.#acceptor?.setTls(tls);
  }

  relieve(relief: ServerRelief): void {
    this.#gate.relief = relief;
  }

  get keepsAlive(): boolean {
    return !this.isDraining && this.#gate.relief === 'none';
  }

  get idleTimeoutMs(): number {
    const { idleTimeoutMs } = this.limits;
    return this.#gate.relief === 'none'
      ? idleTimeoutMs
      : Math.min(idleTimeoutMs, IDLE_MS_IN_RELIEF);
  }

  idledOut(): void {
    if (this.#gate.relief === 'none') this.stats.idleTimeoutCount += 1;
    else this.stats.shedIdleCount += 1;
  }

  handle(exchange: ServerExchange): void {
    this.#options.handler(exchange);
  }

  rejected(refusal: Refusal, status: number, peer: Peer): FieldList | undefined {
    if (refusal.reason === 'bad-request') this.stats.badRequestCount += 1;
    else if (refusal.reason === 'head-too-large') this.stats.headTooLargeCount += 1;
    else if (refusal.reason === 'body-too-large') this.stats.bodyTooLargeCount += 1;
    return this.reported(refusal, status, peer);
  }

  reported(refusal: Refusal, status: number, peer: Peer): FieldList | undefined {
    return this.#report({ ...refusal, status, address: peer.address, port: peer.port });
  }

  closed(connection: ServedConnection): void {
    this.#connections.delete(connection);
    this.#count();
    if (this.#connections.size > 0) return;
    this.#sweeper?.cancel();
    this.#sweeper = undefined;
    for (const resolve of this.#emptied.splice(0)) resolve();
  }

  handOver(connection: ServedConnection, ahead: Buffer | undefined): TcpSocket {
    const socket = connection.wire.release();
    // What was read belongs to its reader during the call only, and this is for later.
    const own = ahead === undefined ? undefined : Buffer.from(ahead);
    const raw = this.#giveAway(new TcpSocket(socket, socket, own));
    this.closed(connection);
    return raw;
  }

  takesInner(): boolean {
    return this.#gate.admitsInner();
  }

  openInner(socket: WireSocket, peer: Peer, authority: string): void {
    const connection = new ServerConnection(this, peer, (owner) => new Wire(socket, owner));
    connection.fixedAuthority = authority;
    this.#connections.add(connection);
    this.#count();
  }

  giveInner(socket: WireSocket): TcpSocket {
    const raw = this.#giveAway(new TcpSocket(socket));
    this.#count();
    return raw;
  }

  get passesTls(): boolean {
    return this.#options.onTls !== undefined && this.#acceptor === undefined;
  }

  greetedTls(sniffer: ProtocolSniffer, reading: HelloReading, octets: Buffer): void {
    if (reading.kind === 'more') return;
    const { peer } = sniffer;
    this.#options.onTls?.(this.handOver(sniffer, octets), peer, reading);
  }

  sniffed(sniffer: ProtocolSniffer, isHttp2: boolean): ServedConnection {
    const { peer, wire } = sniffer;
    const openWire = () => wire;
    const connection =
      isHttp2 && this.#h2Limits !== undefined
        ? new ServerH2Connection(this, peer, this.#h2Limits, openWire)
        : new ServerConnection(this, peer, openWire);
    this.#connections.delete(sniffer);
    this.#connections.add(connection);
    return connection;
  }

  #newAcceptor(tls: TlsServerOptions): TlsAcceptor {
    return new TlsAcceptor({
      tls,
      certificateRequired:
        this.#options.allowPlain === undefined || this.#options.allowPlain === false,
      allowsNone: (remote) => this.#allowsPlain(remote),
      handshakeTimeoutMs: this.limits.headTimeoutMs / 2,
      protocols: [
        ...(this.#h2Limits === undefined ? ['http/1.1'] : ['h2', 'http/1.1']),
        ...(this.#options.onTcp === undefined ? [] : [TCP_PROTOCOL]),
      ],
      onAccepted: (socket, identity) => {
        const carrier = this.#greeted(socket);
        if (carrier === undefined) {
          socket.on('error', () => undefined).destroy();
          return;
        }
        this.stats.tlsCount += 1;
        const transport = identity === undefined ? 'tls' : 'mtls';
        if (socket.alpnProtocol !== TCP_PROTOCOL) this.#open(socket, transport, identity);
        else {
          const raw = this.#giveAway(new TcpSocket(socket, carrier));
          this.#count();
          this.#options.onTcp?.(raw, { ...remoteOf(socket), transport, identity });
        }
      },
      onRefused: ({ address, port }, detail) => {
        this.stats.handshakeFailureCount += 1;
        this.#report({ reason: 'unauthenticated', status: 0, detail, address, port });
      },
    });
  }

  #accept(socket: Socket): void {
    this.stats.acceptedCount += 1;
    if (!this.#gate.admits(socket)) return;
    if (this.#acceptor === undefined) {
      this.stats.plainCount += 1;
      this.#open(socket, 'plain', undefined);
      return;
    }
    const key = keyOf(socket);
    if (key === '') {
      socket.destroy();
      return;
    }
    this.#greeting.set(key, socket);
    this.#count();
    socket.once('close', () => {
      if (this.#greeting.get(key) !== socket) return;
      this.#greeting.delete(key);
      this.#count();
    });
    if (this.#options.allowPlain === undefined || this.#options.allowPlain === false) {
      this.#acceptor.accept(socket);
    } else {
      this.#sniff(socket, this.#acceptor);
    }
  }

  /** Waits for the first octet, which tells TLS from everything else. */
  #sniff(socket: Socket, acceptor: TlsAcceptor): void {
    const late = this.timers.after(this.limits.headTimeoutMs / 2, () => {
      this.stats.headTimeoutCount += 1;
      socket.destroy();
    });
    const gone = (): void => late.cancel();
    const failed = (): void => undefined;
    socket.once('close', gone);
    socket.on('error', failed);
    socket.once('end', () => socket.destroy());
    socket.once('data', (chunk: Buffer) => {
      late.cancel();
      socket.pause();
      socket.removeAllListeners('end');
      socket.off('close', gone);
      if (chunk[0] === TLS_HANDSHAKE) {
        socket.off('error', failed);
        socket.unshift(chunk);
        acceptor.accept(socket);
        return;
      }
      this.#openPlain(socket, chunk);
      socket.off('error', failed);
    });
  }

  #openPlain(socket: Socket, firstChunk: Buffer): void {
    if (!this.#allowsPlain(remoteOf(socket))) {
      this.stats.handshakeFailureCount += 1;
      socket.destroy();
      const detail = 'plain text where TLS is wanted';
      this.#report({ ...remoteOf(socket), reason: 'unauthenticated', status: 0, detail });
      return;
    }
    this.stats.plainCount += 1;
    this.#greeted(socket);
    this.#open(socket, 'plain', undefined).received(firstChunk);
    socket.resume();
  }

  /** Whether a client that shows no certificate is served, with or without TLS around it. */
  #allowsPlain(remote: { address: string; port: number }): boolean {
    const { allowPlain } = this.#options;
    return typeof allowPlain === 'function' ? allowPlain(remote) : allowPlain === true;
  }

  #open(socket: Socket, transport: Peer['transport'], identity: string | undefined) {
    const remote = remoteOf(socket);
    const peer: Peer = { ...remote, transport, identity, serverName: serverNameOf(socket) };
    const connection = this.#connectionOf(socket, peer);
    this.#connections.add(connection);
    this.#count();
    this.#sweeper ??= this.timers.after(sweepMsOf(this.limits), this.#sweep);
    this.#options.onConnection?.(peer);
    return connection;
  }

  #connectionOf(socket: Socket, peer: Peer): ServedConnection {
    const openWire = (owner: WireOwner) => new Wire(socket, owner);
    const limits = this.#h2Limits;
    const alpn = 'alpnProtocol' in socket ? socket.alpnProtocol : false;
    if ((limits === undefined && !this.passesTls) || alpn === 'http/1.1') {
      return new ServerConnection(this, peer, openWire);
    }
    if (alpn === 'h2' && limits !== undefined)
      return new ServerH2Connection(this, peer, limits, openWire);
    return new ProtocolSniffer(this, peer, openWire);
  }

  /** Counts it on until it is closed. */
  #giveAway(raw: TcpSocket): TcpSocket {
    this.#handedOver.add(raw);
    raw.socket.once('close', () => {
      this.#handedOver.delete(raw);
      this.#count();
    });
    return raw;
  }

  /** It greets no more. Gives the socket beneath it; undefined if it was reset meanwhile. */
  #greeted(socket: Socket): Socket | undefined {
    const key = keyOf(socket);
    const carrier = this.#greeting.get(key);
    this.#greeting.delete(key);
    return carrier;
  }

  get #openCount(): number {
    return this.#connections.size + this.#greeting.size + this.#handedOver.size;
  }

  #count(): void {
    this.#gate.count(this.#openCount);
    this.stats.tcpCount = this.#handedOver.size;
  }

  readonly #sweep = (): void => {
    const nowMs = this.clock.nowMs();
    for (const connection of [...this.#connections]) connection.sweep(nowMs);
    this.#sweeper =
      this.#connections.size === 0
        ? undefined
        : this.timers.after(sweepMsOf(this.limits), this.#sweep);
  };

  #emptyWithin(withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const late = this.timers.after(withinMs, () => {
        this.stats.drainAbortCount += this.#connections.size;
        for (const connection of this.#connections) connection.wire.destroy();
      });
      this.#emptied.push(() => {
        late.cancel();
        resolve();
      });
    });
  }

  #report(rejection: Rejection): FieldList | undefined {
    return this.#options.onRejected?.(rejection);
  }
}
