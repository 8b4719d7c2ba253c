/**
 * One accepted connection.
 *
 *   head --request--> exchange --body read and reply written--> head …
 *    |                   |--upgrade or CONNECT--> tunnel
 *    '--refused----------'--last reply--> lingering (reads on so that the reply is not lost) --> closed
 * One request at a time: the next head is parsed when the reply before it is written, so replies are
 * in order and a refusal comes after them. At most one chunk that was read ahead waits.
 */
import { assert } from '@leno/std';
import { BodyReader } from './body-reader.ts';
import type { BodyFraming, TunnelSink } from './body-writer.ts';
import { type ConnectionHost, LINGER_MS, type ServedConnection } from './connection-host.ts';
import type { BodySink, Peer } from './exchange.ts';
import { HalfCloseGrace } from './half-close-grace.ts';
import { statusLine } from './head-writer.ts';
import { Inflow, type InflowOwner } from './inflow.ts';
import { malformed, type Refusal } from './refusal.ts';
import { RequestParser } from './request-parser.ts';
import { Exchange, type ExchangePort } from './server-exchange.ts';
import type { TcpSocket } from './tcp/tcp-socket.ts';
import type { Wire, WireOwner } from './wire.ts';

const cutBody = malformed('the connection ended within the body');
const cutHead = malformed('the connection ended within a head');
const lateHead: Refusal = {
  status: 408,
  reason: 'client-timeout',
  detail: 'the head took too long',
};
const lateBody: Refusal = { status: 408, reason: 'client-timeout', detail: 'the body stalled' };

export class ServerConnection implements ServedConnection, ExchangePort, InflowOwner {
  readonly peer: Peer;
  readonly wire: Wire;
  fixedAuthority: string | undefined = undefined;
  readonly #host: ConnectionHost;
  readonly #parser: RequestParser;
  readonly #body: BodyReader;
  readonly #inflow: Inflow;
  #phase: 'head' | 'exchange' | 'tunnel' | 'lingering' | 'closed' = 'head';
  #exchange: Exchange | undefined = undefined;
  #tunnelOut: TunnelSink | undefined = undefined;
  #replyDone = false;
  #closing = false; // The connection ends with the reply.
  #inputEnded = false;
  #ahead: Buffer | undefined = undefined; // Read, but nobody's turn yet.
  #isProcessing = false;
  #startedAtMs = 0;
  #lingeredByteCount = 0;
  #quietSinceMs = -1; // Set by the sweep; -1 whenever something moves.
  #progress = 0;
  #grace: HalfCloseGrace | undefined = undefined; // The client has ended its half.

  /** `openWire` makes the wire that reports to this connection. */
  constructor(host: ConnectionHost, peer: Peer, openWire: (owner: WireOwner) => Wire) {
    this.#host = host;
    this.peer = peer;
    this.#parser = new RequestParser(host.limits);
    this.#body = new BodyReader(host.limits);
    this.#inflow = new Inflow(this, host.limits.discardByteCountMax);
    this.wire = openWire(this);
  }

  received(chunk: Buffer): void {
    if (this.#phase !== 'head') this.#quietSinceMs = -1;
    if (this.#ahead === undefined) this.#process(chunk);
    else this.#ahead = Buffer.concat([this.#ahead, chunk]);
  }

  ended(): void {
    this.#inputEnded = true;
    this.#checkEnd();
  }

  drained(): void {
    this.#quietSinceMs = -1;
    (this.#tunnelOut ?? this.#exchange?.writer)?.onDrain?.();
  }

  closed(cause: string): void {
    const why = cause === '' ? 'the client went away' : cause;
    this.#phase = 'closed';
    this.#ahead = undefined;
    this.#dropExchange('client-gone', why);
    this.#host.closed(this);
  }

  #process(chunk: Buffer): void {
    this.#isProcessing = true;
    let at = 0;
    while (at >= 0 && at < chunk.length) at = this.#step(chunk, at);
    this.#isProcessing = false;
    if (this.#inputEnded) this.#checkEnd();
  }

  /** Gives the next index; -1 if the rest is of no use or was put aside. */
  #step(chunk: Buffer, at: number): number {
    switch (this.#phase) {
      case 'head':
        return this.#readHead(chunk, at);
      case 'exchange':
        if (this.#body.isDone || !this.#inflow.isTaken) return this.#putAside(chunk, at);
        return this.#readBody(chunk, at);
      case 'tunnel':
        this.#inflow.write(at === 0 ? chunk : chunk.subarray(at));
        if (this.#inflow.isFull) this.wire.pause();
        return -1;
      case 'lingering':
        this.#lingeredByteCount += chunk.length - at;
        // To close now would reset the connection, which takes the reply from a client that still sends.
        if (this.#lingeredByteCount > this.#host.limits.discardByteCountMax) this.wire.pause();
        return -1;
      default:
        return -1;
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    if (this.#parser.isFresh) {
      this.#startedAtMs = this.#host.clock.nowMs();
      this.#quietSinceMs = -1;
    }
    const after = this.#parser.feed(chunk, at);
    if (after < 0) {
      if (this.#parser.refusal !== undefined) this.#refuse(this.#parser.refusal);
      return -1;
    }
    const head = this.#parser.take();
    if (head === undefined) return -1;
    this.#host.stats.requestCount += 1;
    this.#host.stats.activeRequestCount += 1;
    this.#phase = 'exchange';
    this.#quietSinceMs = -1;
    this.#replyDone = false;
    this.#closing = !head.keepAlive;
    this.#inflow.clear();
    if (head.contentLength === undefined) this.#body.startChunked();
    else this.#body.startFixed(head.contentLength);
    const exchange = new Exchange(this, head, this.#startedAtMs);
    this.#exchange = exchange;
    this.#host.handle(exchange);
    return after;
  }

  #readBody(chunk: Buffer, at: number): number {
    const after = this.#body.feed(chunk, at, this.#inflow);
    if (this.#body.refusal !== undefined) {
      this.#refuse(this.#body.refusal);
      return -1;
    }
    if (this.#body.isDone) this.#inflow.end(this.#body.trailers);
    else if (this.#inflow.isFull) this.wire.pause();
    return after;
  }

  #putAside(chunk: Buffer, at: number): number {
    this.#ahead = Buffer.from(chunk.subarray(at));
    this.wire.pause();
    return -1;
  }

  /** Goes on with what was put aside, and with the socket, if somebody takes it. */
  #goOn(): void {
    if (this.#isProcessing || this.#phase === 'closed') return;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    if (ahead !== undefined) this.#process(ahead);
    else if (this.#inputEnded) this.#checkEnd();
    if (this.#ahead === undefined && !this.#inflow.isFull) this.wire.resume();
  }

  /** What the end of the input means where we are. */
  #checkEnd(): void {
    if (this.#ahead !== undefined || this.#isProcessing) return;
    if (this.#phase === 'tunnel') this.#inflow.end();
    else if (this.#phase === 'head' && this.#parser.isFresh) this.wire.end();
    else if (this.#phase === 'head') this.#refuse(cutHead);
    else if (this.#phase === 'exchange') this.#checkEndOfExchange();
  }

  #checkEndOfExchange(): void {
    if (!this.#body.isDone) this.#refuse(cutBody);
    else if (!this.#replyDone && Number.isFinite(this.#host.halfCloseGraceMs)) {
      const { timers, halfCloseGraceMs, stats } = this.#host;
      this.#grace ??= new HalfCloseGrace(this.wire, timers, halfCloseGraceMs, () => {
        stats.halfCloseGoneCount += 1;
        this.wire.destroy();
      });
    }
  }

  inflowHasRoom(): void {
    this.#quietSinceMs = -1;
    if (this.#ahead === undefined && this.#phase !== 'closed') this.wire.resume();
  }

  inflowEnded(): void {
    if (this.#replyDone) this.#finish();
  }

  inflowOverflowed(): void {
    this.#host.stats.discardOverflowCount += 1;
    this.#closing = true;
    this.#body.stop();
    // Whatever is read now is put aside, which stops reading; it is dropped with the connection.
    if (this.#replyDone) this.#finish();
  }

  get closesAfterReply(): boolean {
    return this.#closing || !this.#host.keepsAlive;
  }

  closeAfterReply(): void {
    this.#closing = true;
  }

  attachBody(sink: BodySink): void {
    if (this.#body.isDone) {
      sink.end();
      return;
    }
    this.#inflow.attach(sink);
    this.#quietSinceMs = -1;
    this.#goOn();
  }

  discardBody(): void {
    if (this.#body.isDone) return;
    this.#inflow.discard();
    this.#goOn();
  }

  replyWritten(): void {
    this.#replyDone = true;
    this.#exchange?.onDone?.();
    if (this.#phase !== 'exchange') return;
    const { isDone } = this.#body;
    if (!isDone && !this.#inflow.isDiscarding) {
      this.#inflow.abort('the reply was finished before the request');
    }
    if (isDone || this.closesAfterReply) this.#finish();
    else if (!this.#inflow.isDiscarding) this.discardBody();
  }

  replyBroken(framing: BodyFraming): void {
    this.#phase = 'closed';
    this.#inflow.abort('the reply was broken off');
    this.#endExchange();
    // What was written goes out first, but for where a clean end would make it look whole.
    if (framing !== 'close') this.wire.flush();
    if (framing === 'close') this.wire.reset();
    else this.wire.destroy();
  }

  becomeTunnel(fromClient: BodySink, toClient: TunnelSink): void {
    this.#phase = 'tunnel';
    this.#tunnelOut = toClient;
    this.#inflow.attach(fromClient);
    this.#endExchange();
    this.#goOn();
  }

  fixAuthority(authority: string): void {
    this.fixedAuthority = authority;
    // What CONNECT said about the connection was about CONNECT: the requests inside speak for themselves.
    this.#closing = false;
  }

  /** Never within the turn that has read the head: what came behind it has been put aside by now. */
  handOver(): TcpSocket {
    assert(!this.#isProcessing, 'it is handed over in a later turn');
    const ahead = this.#ahead;
    this.#ahead = undefined;
    this.#phase = 'closed';
    this.#endExchange();
    return this.#host.handOver(this, ahead);
  }

  /** Closes the connection if nothing is going on; else it ends with the reply in flight. */
  drain(): void {
    if (this.#phase === 'head' && this.#parser.isFresh && this.#ahead === undefined) this.#linger();
  }

  /** Looks, every now and then, whether the client keeps us waiting for too long. */
  sweep(nowMs: number): void {
    const limitMs = this.#quietLimitMs();
    const { progress } = this.wire;
    if (progress !== this.#progress || this.#quietSinceMs < 0) {
      this.#progress = progress;
      const isInHead = this.#phase === 'head' && !this.#parser.isFresh;
      this.#quietSinceMs = isInHead ? this.#startedAtMs : nowMs;
    }
    if (nowMs - this.#quietSinceMs >= limitMs) this.#expire();
  }

  /** How long the client may be quiet where we are; `Infinity` while it is not its turn. */
  #quietLimitMs(): number {
    const { limits } = this.#host;
    const isQueued = this.wire.queuedByteCount > 0;
    switch (this.#phase) {
      case 'head':
        if (!this.#parser.isFresh) return limits.headTimeoutMs;
        return isQueued ? limits.stallTimeoutMs : this.#host.idleTimeoutMs;
      case 'exchange': {
        const awaitsBody = !this.#body.isDone && this.#inflow.isTaken && !this.#inflow.isFull;
        return awaitsBody || isQueued ? limits.stallTimeoutMs : Number.POSITIVE_INFINITY;
      }
      case 'tunnel':
        return limits.tunnelIdleTimeoutMs;
      case 'lingering':
        return isQueued ? limits.stallTimeoutMs : LINGER_MS;
      default:
        return Number.POSITIVE_INFINITY;
    }
  }

  #expire(): void {
    const { stats } = this.#host;
    this.#quietSinceMs = -1;
    if (this.#phase === 'head' && !this.#parser.isFresh) {
      stats.headTimeoutCount += 1;
      this.#refuse(lateHead);
    } else if (this.#phase === 'head' && this.wire.queuedByteCount === 0) {
      this.#host.idledOut();
      this.#linger();
    } else if (this.#phase === 'exchange' && this.wire.queuedByteCount === 0) {
      stats.stallTimeoutCount += 1;
      this.#refuse(lateBody);
    } else {
      if (this.#phase === 'tunnel') stats.tunnelTimeoutCount += 1;
      else if (this.wire.queuedByteCount > 0) stats.stallTimeoutCount += 1;
      this.#phase = 'closed';
      this.wire.reset();
    }
  }

  #finish(): void {
    if (this.#phase !== 'exchange') return;
    this.#endExchange();
    if (this.closesAfterReply) {
      this.#linger();
      return;
    }
    this.#phase = 'head';
    this.#quietSinceMs = -1;
    this.#goOn();
  }

  #endExchange(): void {
    if (this.#exchange === undefined) return;
    this.#host.stats.activeRequestCount -= 1;
    this.#exchange.detach();
    this.#exchange = undefined;
    this.#grace?.cancel();
    this.#grace = undefined;
  }

  /** Ends the exchange or the tunnel, if there is one, as something that its handler must hear of. */
  #dropExchange(cause: 'client-gone' | 'bad-request' | 'client-timeout', detail: string): void {
    const told = this.#replyDone ? undefined : this.#exchange?.onClose;
    this.#inflow.abort(detail);
    this.#endExchange();
    told?.(cause);
  }

  #refuse(refusal: Refusal): void {
    const inReply = this.#exchange?.responded ?? false;
    const broken = inReply && !this.#replyDone;
    const status = inReply ? 0 : refusal.status;
    const more = this.#host.rejected(refusal, status, this.peer);
    // Queued before the handler hears of it, which may want to answer too late.
    if (!inReply) {
      const lines = more?.toWire() ?? '';
      this.wire.writeText(
        `${statusLine(status)}${lines}content-length: 0\r\nconnection: close\r\n\r\n`,
      );
    }
    this.#phase = 'closed';
    this.#dropExchange(
      refusal.reason === 'client-timeout' ? 'client-timeout' : 'bad-request',
      refusal.detail,
    );
    if (broken) this.wire.reset();
    else this.#linger();
  }

  #linger(): void {
    this.#phase = 'lingering';
    this.#ahead = undefined;
    this.#lingeredByteCount = 0;
    this.#quietSinceMs = -1;
    this.wire.end();
    this.wire.resume();
  }
}
