/**
 * One accepted connection that speaks HTTP/2: the machine of h2/, a wire, and exchanges for its
 * streams. What was written in a pass of the event loop leaves in one piece at its end.
 *
 *   serving --GOAWAY from either side, or an error--> lingering (reads on so that it arrives) --> closed
 */
import { type ConnectionHost, LINGER_MS, type ServedConnection } from './connection-host.ts';
import type { Peer } from './exchange.ts';
import type { FieldList } from './fields.ts';
import { recycle } from './h2/frame-writer.ts';
import type { H2Limits } from './h2/h2-options.ts';
import type { H2Port } from './h2/h2-sender.ts';
import { H2Server, type H2ServerEvents } from './h2/h2-server.ts';
import type { H2Stream } from './h2/h2-stream.ts';
import type { H2RequestHead } from './h2/request-section.ts';
import { H2Exchange, type H2ExchangePort } from './h2-exchange.ts';
import { malformed, type Refusal } from './refusal.ts';
import type { TcpSocket } from './tcp/tcp-socket.ts';
import { atLoopEnd, type TurnTask } from './turn.ts';
import type { Wire, WireOwner, WireSocket } from './wire.ts';

export class ServerH2Connection
  implements ServedConnection, H2ServerEvents, H2Port, H2ExchangePort, TurnTask
{
  readonly peer: Peer;
  readonly wire: Wire;
  readonly #host: ConnectionHost;
  readonly #server: H2Server;
  #isScheduled = false;
  #isLingering = false;
  #lingeredByteCount = 0;
  #idleSinceMs = -1; // Set by the sweep; -1 while there are streams.

  /** `openWire` makes the wire that reports to this connection. */
  constructor(
    host: ConnectionHost,
    peer: Peer,
    limits: H2Limits,
    openWire: (owner: WireOwner) => Wire,
  ) {
    this.#host = host;
    this.peer = peer;
    this.wire = openWire(this);
    host.stats.http2Count += 1;
    const stats = host.stats.http2;
    this.#server = new H2Server({ limits, stats, port: this, nowMs: host.clock.nowMs() }, this);
  }

  received(chunk: Buffer): void {
    if (this.#isLingering) {
      this.#lingeredByteCount += chunk.length;
      // To close now would reset the connection, and what was written last would not arrive.
      if (this.#lingeredByteCount > this.#host.limits.discardByteCountMax) this.wire.pause();
      return;
    }
    this.#server.receive(chunk, this.#host.clock.nowMs());
  }

  ended(): void {
    this.#server.ended('the client went away');
  }

  drained(): void {
    this.#server.drained();
  }

  closed(cause: string): void {
    this.#server.ended(cause === '' ? 'the client went away' : cause);
    this.#host.closed(this);
  }

  drain(): void {
    this.#server.drain();
  }

  sweep(nowMs: number): void {
    this.#server.sweep(nowMs);
    if (this.#server.streamCount > 0) this.#idleSinceMs = -1;
    else if (this.#idleSinceMs < 0) this.#idleSinceMs = nowMs;
    else if (this.#isLingering) {
      if (nowMs - this.#idleSinceMs >= LINGER_MS) this.wire.destroy();
    } else if (nowMs - this.#idleSinceMs >= this.#host.idleTimeoutMs) {
      this.#idleSinceMs = nowMs;
      // A second time: the client did not even answer our PING.
      if (this.#server.isGoing) this.#server.ended('the client is idle');
      else this.#server.drain();
      this.#host.idledOut();
    }
  }

  onRequest(stream: H2Stream, head: H2RequestHead): void {
    this.#host.stats.requestCount += 1;
    this.#host.stats.activeRequestCount += 1;
    this.#host.handle(new H2Exchange(this, stream, head));
  }

  onRefused(refusal: Refusal, status: number): FieldList | undefined {
    // What is too large is among the counts of HTTP/2.
    if (refusal.reason !== 'bad-request') return this.#host.reported(refusal, status, this.peer);
    return this.#host.rejected(refusal, status, this.peer);
  }

  get discardByteCountMax(): number {
    return this.#host.limits.discardByteCountMax;
  }

  takesInner(): boolean {
    return this.#host.takesInner();
  }

  openInner(socket: WireSocket, authority: string): void {
    this.#host.openInner(socket, this.peer, authority);
  }

  giveInner(socket: WireSocket): TcpSocket {
    return this.#host.giveInner(socket);
  }

  exchangeEnded(): void {
    this.#host.stats.activeRequestCount -= 1;
  }

  get isFull(): boolean {
    return this.wire.isFull;
  }

  write(octets: Buffer): boolean {
    return this.wire.writeOwned(octets, recycle);
  }

  wantsFlush(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    atLoopEnd(this);
  }

  turnEnded(): void {
    this.#isScheduled = false;
    this.#server.flush();
  }

  end(errorCode: number, detail: string): void {
    this.#isLingering = true;
    this.#idleSinceMs = -1;
    if (errorCode !== 0) this.#host.rejected(malformed(detail), 0, this.peer);
    this.wire.end();
  }
}
