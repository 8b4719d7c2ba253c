/**
 * The first octets of a connection that may speak either: the preface of HTTP/2 or a request of
 * HTTP/1.1 (RFC 9113 §3.3). They differ within three octets of any method that we serve; what differs
 * from the preface anywhere is left to HTTP/1.1, which refuses it. Where TLS is passed through, a
 * connection may begin with the hello of TLS instead: its first octet begins no request of either.
 */
import type { Clock } from '@leno/std';
import type { ServedConnection } from './connection-host.ts';
import type { Peer } from './exchange.ts';
import { PREFACE } from './h2/frame.ts';
import type { ServerLimits } from './limits.ts';
import { ClientHelloReader, type HelloReading } from './tcp/client-hello.ts';
import type { Wire, WireOwner } from './wire.ts';

const TLS_HANDSHAKE = 0x16;

export interface SnifferHost {
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly idleTimeoutMs: number;
  readonly stats: { headTimeoutCount: number };
  idledOut(): void;
  /** What it speaks is known: makes the connection, which takes over `wire`. */
  sniffed(sniffer: ProtocolSniffer, isHttp2: boolean): ServedConnection;
  /** Whether TLS may be spoken, by which a connection is given away. */
  readonly passesTls: boolean;
  /** It speaks TLS, and its hello is read or cannot be: `octets` are all that came. */
  greetedTls(sniffer: ProtocolSniffer, reading: HelloReading, octets: Buffer): void;
  /** Closed before it was known. */
  closed(sniffer: ServedConnection): void;
}

export class ProtocolSniffer implements ServedConnection {
  readonly peer: Peer;
  readonly wire: Wire;
  readonly #host: SnifferHost;
  readonly #startedAtMs: number;
  #octets = Buffer.alloc(0);
  #hello: ClientHelloReader | undefined;

  constructor(host: SnifferHost, peer: Peer, openWire: (owner: WireOwner) => Wire) {
    this.#host = host;
    this.peer = peer;
    this.#startedAtMs = host.clock.nowMs();
    this.wire = openWire(this);
  }

  received(chunk: Buffer): void {
    if (this.#hello !== undefined) return this.#readHello(this.#hello, chunk);
    if (this.#octets.length === 0 && chunk[0] === TLS_HANDSHAKE && this.#host.passesTls) {
      this.#hello = new ClientHelloReader();
      return this.#readHello(this.#hello, chunk);
    }
    const octets = this.#octets.length === 0 ? chunk : Buffer.concat([this.#octets, chunk]);
    const length = Math.min(octets.length, PREFACE.length);
    const isPreface = octets.toString('latin1', 0, length) === PREFACE.slice(0, length);
    if (isPreface && length < PREFACE.length) this.#octets = Buffer.from(octets);
    else this.#become(isPreface, octets);
  }

  ended(): void {
    if (this.#hello !== undefined) this.wire.destroy();
    else if (this.#octets.length > 0) this.#become(false, this.#octets).ended();
    else this.wire.end();
  }

  drained(): void {
    // Nothing was written.
  }

  closed(): void {
    this.#host.closed(this);
  }

  drain(): void {
    this.wire.destroy(); // Nothing was asked.
  }

  sweep(nowMs: number): void {
    const { idleTimeoutMs, limits, stats } = this.#host;
    const isIdle = this.#octets.length === 0 && this.#hello === undefined;
    if (nowMs - this.#startedAtMs < (isIdle ? idleTimeoutMs : limits.headTimeoutMs)) return;
    if (isIdle) this.#host.idledOut();
    else stats.headTimeoutCount += 1;
    this.wire.destroy();
  }

  #readHello(hello: ClientHelloReader, chunk: Buffer): void {
    const reading = hello.feed(chunk);
    if (reading.kind !== 'more') this.#host.greetedTls(this, reading, hello.octets);
  }

  #become(isHttp2: boolean, octets: Buffer): ServedConnection {
    const connection = this.#host.sniffed(this, isHttp2);
    this.wire.owner = connection;
    connection.received(octets);
    return connection;
  }
}
