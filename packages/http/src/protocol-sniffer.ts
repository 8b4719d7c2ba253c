/**
 * The first octets of a connection that may speak either: the preface of HTTP/2 or a request of
 * HTTP/1.1 (RFC 9113 §3.3). They differ within three octets of any method that we serve; what differs
 * from the preface anywhere is left to HTTP/1.1, which refuses it.
 */
import type { Clock } from '@leno/std';
import type { ServedConnection } from './connection-host.ts';
import type { Peer } from './exchange.ts';
import { PREFACE } from './h2/frame.ts';
import type { ServerLimits } from './limits.ts';
import type { Wire, WireOwner } from './wire.ts';

export interface SnifferHost {
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly idleTimeoutMs: number;
  readonly stats: { headTimeoutCount: number };
  idledOut(): void;
  /** What it speaks is known: makes the connection, which takes over `wire`. */
  sniffed(sniffer: ProtocolSniffer, isHttp2: boolean): ServedConnection;
  /** Closed before it was known. */
  closed(sniffer: ServedConnection): void;
}

export class ProtocolSniffer implements ServedConnection {
  readonly peer: Peer;
  readonly wire: Wire;
  readonly #host: SnifferHost;
  readonly #startedAtMs: number;
  #octets = Buffer.alloc(0);

  constructor(host: SnifferHost, peer: Peer, openWire: (owner: WireOwner) => Wire) {
    this.#host = host;
    this.peer = peer;
    this.#startedAtMs = host.clock.nowMs();
    this.wire = openWire(this);
  }

  received(chunk: Buffer): void {
    const octets = this.#octets.length === 0 ? chunk : Buffer.concat([this.#octets, chunk]);
    const length = Math.min(octets.length, PREFACE.length);
    const isPreface = octets.toString('latin1', 0, length) === PREFACE.slice(0, length);
    if (isPreface && length < PREFACE.length) this.#octets = Buffer.from(octets);
    else this.#become(isPreface, octets);
  }

  ended(): void {
    if (this.#octets.length > 0) this.#become(false, this.#octets).ended();
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
    const isIdle = this.#octets.length === 0;
    if (nowMs - this.#startedAtMs < (isIdle ? idleTimeoutMs : limits.headTimeoutMs)) return;
    if (isIdle) this.#host.idledOut();
    else stats.headTimeoutCount += 1;
    this.wire.destroy();
  }

  #become(isHttp2: boolean, octets: Buffer): ServedConnection {
    const connection = this.#host.sniffed(this, isHttp2);
    this.wire.owner = connection;
    connection.received(octets);
    return connection;
  }
}
