/**
 * One connection to an upstream: idle, or busy with one try, or a tunnel.
 *
 * It goes back to its pool only after a whole reply to a whole request with nothing behind it. What
 * comes unasked, an early reply whose request was not sent to its end, a reply that ends with the
 * connection, or anything malformed, ends it (RFC 9112 §9; response queue poisoning).
 */
import type { Rng } from '@leno/std';
import { BodyReader } from './body-reader.ts';
import { BodyWriter, TunnelSink } from './body-writer.ts';
import type { OutgoingRequest, TryFailure } from './exchange.ts';
import { requestHead } from './head-writer.ts';
import { Inflow, type InflowOwner } from './inflow.ts';
import type { MessageLimits } from './limits.ts';
import { isRepeatable } from './repeatable.ts';
import { type ParsedResponse, ResponseParser } from './response-parser.ts';
import { atTurnEnd } from './turn.ts';
import type { TryHolder, UpstreamTry } from './upstream-try.ts';
import {
  ACCEPT_FIELD,
  KEY_FIELD,
  newWebSocketKey,
  WEB_SOCKET,
  webSocketAccept,
} from './web-socket.ts';
import type { Wire, WireOwner } from './wire.ts';

/** What a connection needs of its pool. */
export interface PoolPort {
  readonly limits: MessageLimits;
  readonly isSecure: boolean;
  /** Makes the keys of WebSockets. */
  readonly rng: Rng;
  /** It may serve again, if it is used within `keepAliveMs`. */
  released(connection: UpstreamConnection, keepAliveMs: number): void;
  /** It is gone, or as good as gone; may be said twice. */
  gone(connection: UpstreamConnection): void;
}

/** Interim replies to one request; more is an attack or a bug. */
const INTERIM_COUNT_MAX = 16;

export class UpstreamConnection implements WireOwner, InflowOwner, TryHolder {
  readonly wire: Wire;
  /** When the pool shall close it, unless it is used; the pool's. */
  idleUntilMs = 0;
  readonly #pool: PoolPort;
  readonly #parser: ResponseParser;
  readonly #body: BodyReader;
  readonly #inflow: Inflow;
  #phase: 'idle' | 'head' | 'body' | 'tunnel' | 'closed' = 'idle';
  #try: UpstreamTry | undefined = undefined;
  #writer: BodyWriter | undefined = undefined;
  #tunnelOut: TunnelSink | undefined = undefined;
  #response: ParsedResponse | undefined = undefined;
  #requestDone = false;
  #sawReply = false; // Any byte of it.
  #interimCount = 0;
  #servedCount = 0;
  #madeKey = ''; // For a WebSocket whose client has none.

  constructor(pool: PoolPort, openWire: (owner: WireOwner) => Wire) {
    this.#pool = pool;
    this.#parser = new ResponseParser(pool.limits);
    this.#body = new BodyReader(pool.limits);
    this.#inflow = new Inflow(this, Number.POSITIVE_INFINITY);
    this.wire = openWire(this);
  }

  /** Whether it can take a try. */
  get isUsable(): boolean {
    return this.#phase === 'idle' && !this.wire.isDestroyed;
  }

  /** Sends the head of `attempt` at the end of this turn. Only when `isUsable`. */
  start(attempt: UpstreamTry): void {
    const { outgoing } = attempt;
    this.#try = attempt;
    this.#madeKey = '';
    this.#phase = 'head';
    this.#sawReply = false;
    this.#interimCount = 0;
    this.#requestDone = outgoing.contentLength === 0;
    const needsKey = outgoing.upgrade === WEB_SOCKET && !outgoing.fields.has(KEY_FIELD);
    this.wire.writeText(requestHead(needsKey ? this.#withKey(outgoing) : outgoing));
    const writer = new BodyWriter(this.wire, this, {
      framing: outgoing.contentLength === undefined ? 'chunked' : 'length',
      length: outgoing.contentLength ?? 0,
      takesTrailers: true,
    });
    this.#writer = writer;
    attempt.attach(this, writer, this.#servedCount > 0);
    atTurnEnd(attempt);
    this.#servedCount += 1;
  }

  received(chunk: Buffer): void {
    let at = 0;
    while (at >= 0 && at < chunk.length) at = this.#step(chunk, at);
  }

  ended(): void {
    if (this.#phase === 'tunnel') {
      this.#inflow.end();
    } else if (this.#phase === 'body' && this.#body.endsWithConnection) {
      this.#body.stop();
      this.#finish(false);
    } else {
      this.#fail('the connection was closed', '', true);
      this.#close();
    }
  }

  drained(): void {
    (this.#tunnelOut ?? this.#writer)?.onDrain?.();
  }

  closed(cause: string, code: string): void {
    const why = cause === '' ? 'the connection was closed' : cause;
    if (this.#phase === 'tunnel') this.#inflow.abort(why);
    this.#fail(why, code);
    this.#phase = 'closed';
    this.#pool.gone(this);
  }

  /** Closes it at once; for the pool, when nothing is on it. */
  close(): void {
    this.#close();
  }

  /** The try was given up: what was begun cannot be finished, so the connection goes. */
  cancelled(): void {
    this.#try = undefined;
    this.#inflow.clear();
    this.#close();
  }

  bodyWritten(): void {
    this.#requestDone = true;
  }

  /** Whoever sends the body has given up; the upstream must not take it for whole. */
  bodyAborted(): void {
    this.#try?.cancel();
  }

  bodyBroken(cause: string): void {
    this.#break(`the request was broken off: ${cause}`, '');
  }

  inflowHasRoom(): void {
    if (this.#phase !== 'closed') this.wire.resume();
  }

  inflowEnded(): void {
    // The end of a tunnel's input; its output is the business of whoever has it.
  }

  inflowOverflowed(): void {
    // Nothing is discarded here: a reply that nobody wants costs its connection.
  }

  #step(chunk: Buffer, at: number): number {
    switch (this.#phase) {
      case 'head':
        return this.#readHead(chunk, at);
      case 'body': {
        const after = this.#body.feed(chunk, at, this.#inflow);
        if (this.#body.refusal !== undefined) {
          this.#violated(this.#body.refusal.detail);
          return -1;
        }
        if (this.#body.isDone && this.#phase === 'body') this.#finish(after === chunk.length);
        else if (this.#inflow.isFull) this.wire.pause();
        return after;
      }
      case 'tunnel':
        this.#inflow.write(at === 0 ? chunk : chunk.subarray(at));
        if (this.#inflow.isFull) this.wire.pause();
        return -1;
      default:
        // Bytes that nobody has asked for would be taken for the reply to the next request.
        this.#close();
        return -1;
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    const attempt = this.#try;
    if (attempt === undefined) return -1;
    this.#sawReply = true;
    const after = this.#parser.feed(chunk, at, attempt.outgoing.method);
    if (after < 0) {
      if (this.#parser.refusal !== undefined) this.#violated(this.#parser.refusal.detail);
      return -1;
    }
    const response = this.#parser.take();
    if (response === undefined) return -1;
    if (response.status === 101 || isConnected(attempt, response)) {
      return this.#openTunnel(attempt, response) ? after : -1;
    }
    if (response.status < 200) {
      this.#interimCount += 1;
      if (this.#interimCount > INTERIM_COUNT_MAX) {
        this.#violated('too many interim replies');
        return -1;
      }
      attempt.events.onInterim(response.status, response.fields);
      return after;
    }
    this.#beginReply(attempt, response);
    if (this.#body.isDone && this.#phase === 'body') this.#finish(after === chunk.length);
    return after;
  }

  #beginReply(attempt: UpstreamTry, response: ParsedResponse): void {
    this.#response = response;
    this.#phase = 'body';
    if (response.framing === 'chunked') this.#body.startChunked();
    else if (response.framing === 'close') this.#body.startUntilClose();
    else this.#body.startFixed(response.framing === 'none' ? 0 : (response.contentLength ?? 0));
    const sink = attempt.events.onHead(response);
    if (this.#try === attempt) this.#inflow.attach(sink);
  }

  #openTunnel(attempt: UpstreamTry, response: ParsedResponse): boolean {
    const { upgrade } = attempt.outgoing;
    if (response.status === 101 && (upgrade === undefined || response.upgrade !== upgrade)) {
      this.#violated('it changed to a protocol that was not asked for');
      return false;
    }
    // Whoever has made the key must look at the proof; for another's key it is passed on, but where
    // there is none, for that is what HTTP/2 is known by.
    const proof = response.fields.get(ACCEPT_FIELD);
    const isProved = this.#madeKey === '' || proof === webSocketAccept(this.#madeKey);
    if (upgrade === WEB_SOCKET && (proof === undefined || !isProved)) {
      this.#violated('its Sec-WebSocket-Accept does not answer the key');
      return false;
    }
    this.#phase = 'tunnel';
    this.#try = undefined;
    this.#writer = undefined;
    attempt.finish();
    this.#tunnelOut = new TunnelSink(this.wire);
    this.#inflow.attach(attempt.events.onTunnel(response, this.#tunnelOut));
    return true;
  }

  #withKey(outgoing: OutgoingRequest): OutgoingRequest {
    const fields = outgoing.fields.clone();
    this.#madeKey = newWebSocketKey(this.#pool.rng);
    fields.set(KEY_FIELD, this.#madeKey);
    return { ...outgoing, fields };
  }

  /** The reply is whole. The connection is given back first: the end may bring the next request. */
  #finish(isClean: boolean): void {
    const attempt = this.#try;
    const response = this.#response;
    this.#try = undefined;
    this.#writer = undefined;
    this.#response = undefined;
    const sink = this.#inflow.release();
    const { trailers } = this.#body;
    attempt?.finish();
    if (isClean && this.#requestDone && response?.keepAlive === true && !this.wire.isDestroyed) {
      this.#phase = 'idle';
      this.wire.resume();
      this.#pool.released(this, response.keepAliveMs);
    } else {
      this.#close();
    }
    sink?.end(trailers);
  }

  #violated(detail: string): void {
    const attempt = this.#try;
    this.#try = undefined;
    this.#inflow.abort(detail);
    // After the head the sink is all that is told.
    if (this.#phase === 'head') {
      attempt?.fail({ reason: 'upstream-protocol', unprocessed: false, detail });
    } else {
      attempt?.finish();
    }
    this.#close();
  }

  #break(cause: string, code: string): void {
    this.#fail(cause, code);
    this.#close();
  }

  #fail(cause: string, code: string, isOrderly = false): void {
    const attempt = this.#try;
    if (attempt === undefined) return;
    this.#try = undefined;
    if (this.#phase === 'head') {
      const failure = this.#failureOf(attempt, cause, code);
      // Whoever ends in order what it was asked on has answered, with an incomplete message
      // (RFC 9112 §8); but for a race with an idle time, and for a certificate that was not liked.
      const hasAnswered = this.#sawReply || !(attempt.reused || this.#pool.isSecure);
      const isProtocol = isOrderly && hasAnswered && failure.reason === 'upstream-reset';
      attempt.fail(isProtocol ? { ...failure, reason: 'upstream-protocol' } : failure);
    } else {
      attempt.finish();
      this.#inflow.abort(cause);
    }
  }

  /** What a connection that went away before a whole head says about the request. */
  #failureOf(attempt: UpstreamTry, detail: string, code: string): TryFailure {
    if (!attempt.isSent) return { reason: 'connect-failed', unprocessed: true, detail };
    const reset: TryFailure = { reason: 'upstream-reset', unprocessed: false, detail };
    if (this.#sawReply) return reset;
    const isFreshTls = this.#pool.isSecure && !attempt.reused;
    // In TLS 1.3 the server judges our certificate after we have begun to send; an alert proves that.
    if (isFreshTls && code.startsWith('ERR_SSL_')) {
      return { reason: 'connect-failed', unprocessed: true, detail };
    }
    if (!isRepeatable(attempt)) return reset;
    if (isFreshTls) return { reason: 'connect-failed', unprocessed: true, detail };
    // The upstream closed an idle connection while our request was on its way.
    return attempt.reused ? { ...reset, unprocessed: true } : reset;
  }

  #close(): void {
    this.#phase = 'closed';
    this.wire.destroy();
    this.#pool.gone(this);
  }
}

function isConnected(attempt: UpstreamTry, response: ParsedResponse): boolean {
  return attempt.outgoing.method === 'CONNECT' && response.status >= 200 && response.status < 300;
}
