/**
 * One stream: a request and its reply, seen from either end (RFC 9113 §5.1).
 *
 *   open --the other side has ended--> half-closed --we have ended--> closed
 *     '--RST_STREAM, or the end of the connection, at any time--> broken
 * The body that comes goes to a sink; what nobody has taken counts against the window of the stream
 * and of the connection, so that no more can come than these allow. The body that goes out is written
 * to the stream itself; what finds no room waits here, and its source is asked to stop.
 */
import type { BodySink, ResponseHead } from '../exchange.ts';
import type { FieldList } from '../fields.ts';
import { CANCEL, INTERNAL_ERROR } from './error-code.ts';
import type { H2Sender } from './h2-sender.ts';

/** Why a stream ended before both sides had said everything. */
export interface StreamBreak {
  /** Who broke it: the other side, we, or the end of the connection. */
  readonly by: 'peer' | 'self' | 'connection';
  /** Of the RST_STREAM or GOAWAY. */
  readonly errorCode: number;
  /** True if it is proved that the other side has done nothing for it. */
  readonly unprocessed: boolean;
  readonly detail: string;
}

/** Whoever uses a stream. */
export interface StreamEvents {
  /** At a client: 1xx. */
  onInterim(status: number, fields: FieldList): void;
  /** At a client: the head of the reply. `readBody` may be called at once, or later. */
  onHead(head: ResponseHead): void;
  /** The last octet of what we had to say is on its way. */
  onSent(): void;
  /** The other side has said everything; whoever takes its body knows it already. */
  onReceived(): void;
  /** The last call, if it comes; whoever takes the body is told of it by `abort`. */
  onBroken(why: StreamBreak): void;
}

/** What a stream asks of its connection. */
export interface StreamPort {
  readonly sender: H2Sender;
  /** Octets of the body have been taken: they may be announced again. */
  taken(stream: H2Stream, byteCount: number): void;
  /** Sends RST_STREAM and breaks the stream. */
  reset(stream: H2Stream, errorCode: number, detail: string): void;
  /** One side has ended; forgets the stream if both have. */
  sideEnded(stream: H2Stream): void;
}

export class H2Stream implements BodySink {
  readonly id: number;
  readonly openedAtMs: number;
  events: StreamEvents | undefined = undefined;
  onDrain: (() => void) | undefined = undefined;
  /**
   * What its octets are: the body of a message, those of a tunnel, whose number nobody bounds, or those
   * of a socket, whose owner also says how long it may be quiet.
   */
  carries: 'message' | 'tunnel' | 'socket' = 'message';
  /** Method of the request: it decides whether a reply has a body. */
  method = '';
  /** Whether the final head of the other side was read. */
  hasHead = false;
  interimCount = 0;
  /** Octets of body that the other side said it would send; -1 if it did not. */
  declaredByteCount = -1;
  receivedByteCount = 0;
  /** Octets that the other side may send, and that have been taken but not announced again. */
  receiveWindow = 0;
  unannounced = 0;
  /** Octets that we may send; below 0 after a setting has made it smaller. */
  sendWindow = 0;
  remoteEnded = false;
  localEnded = false;
  isBroken = false;
  /** Octets either way, and when the sweep saw it change last. */
  progress = 0;
  seenProgress = -1;
  quietSinceMs = 0;
  readonly #port: StreamPort;
  #sink: BodySink | undefined = undefined;
  #isSinkFull = false;
  #held: Uint8Array[] = []; // Came before there was a sink.
  #owedByteCount = 0; // With the sink, which is full, or held.
  #isOver = false; // The sink was told of the end.
  #trailers: FieldList | undefined = undefined;
  #queue: Uint8Array[] = []; // Finds no room.
  #ending: { readonly trailers: FieldList | undefined } | undefined = undefined;
  #promisedByteCount = -1; // Octets of body that our head has said; -1 if it has not.
  #sentByteCount = 0;
  #owesDrain = false;
  #swallows = false; // Our head was the end; its body is thrown away.

  constructor(port: StreamPort, id: number, openedAtMs: number) {
    this.#port = port;
    this.id = id;
    this.openedAtMs = openedAtMs;
    this.quietSinceMs = openedAtMs;
  }

  /** Octets of our body so far. */
  get byteCount(): number {
    return this.#sentByteCount;
  }

  /** Whether octets wait for room in the windows of the other side. */
  get isBlocked(): boolean {
    return this.#queue.length > 0;
  }

  /** Whether somebody waits for the other side to go on with its body. */
  get awaitsBody(): boolean {
    return this.#sink !== undefined && !this.#isSinkFull && !this.remoteEnded;
  }

  /** What comes of the body goes to `sink` from now on, what has come already first. */
  readBody(sink: BodySink): void {
    if (this.#isOver || this.isBroken) return;
    if (this.#sink !== undefined) this.#sink.onDrain = undefined;
    this.#sink = sink;
    this.#isSinkFull = false;
    sink.onDrain = this.#sinkHasRoom;
    const held = this.#held;
    this.#held = [];
    for (const piece of held) if (!sink.write(piece)) this.#isSinkFull = true;
    if (!this.#isSinkFull) this.#settle();
    if (this.remoteEnded) this.#endSink();
  }

  /** Sends an interim head. */
  interim(status: number, fields: FieldList): void {
    if (this.localEnded || this.isBroken) return;
    this.#port.sender.head(this.id, { pseudo: [':status', `${status}`], fields }, false);
    this.#port.sender.writer.keepOpen();
  }

  /** Sends the final head; with `hasBody` false it is the end, and a body is thrown away. */
  respond(head: ResponseHead, hasBody: boolean): void {
    if (this.localEnded || this.isBroken) return;
    const { status, fields, contentLength } = head;
    // An end says it, and gRPC wants no more in a head than there was (`Trailers-Only`).
    const isSaid = status !== 204 && (contentLength !== 0 || !hasBody);
    const said = isSaid ? contentLength : undefined;
    const ends = !hasBody || contentLength === 0;
    const pseudo = [':status', `${status}`];
    this.#port.sender.head(this.id, { pseudo, contentLength: said, fields }, ends);
    this.#begin(ends, contentLength);
  }

  /** The head of a request was sent; `ends` if it was the end of it, too. */
  requested(ends: boolean, contentLength: number | undefined): void {
    this.#begin(ends, contentLength);
    if (ends) this.#finish();
  }

  /** Takes a piece of our body. */
  write(chunk: Uint8Array): boolean {
    if (chunk.length === 0 || this.#swallows || this.localEnded) return true;
    if (this.isBroken || this.#ending !== undefined) return true;
    this.#sentByteCount += chunk.length;
    if (this.#promisedByteCount >= 0 && this.#sentByteCount > this.#promisedByteCount) {
      this.#port.reset(this, INTERNAL_ERROR, 'our body is longer than was said');
      return true;
    }
    const sent = this.#queue.length > 0 ? 0 : this.#send(chunk);
    if (sent < chunk.length) this.#queue.push(Uint8Array.prototype.slice.call(chunk, sent));
    else if (!this.#port.sender.isFull) return true;
    this.#owesDrain = true;
    this.#port.sender.await(this);
    return false;
  }

  end(trailers?: FieldList): void {
    if (this.localEnded || this.isBroken || this.#ending !== undefined) return;
    if (!this.#swallows && this.#sentByteCount < this.#promisedByteCount) {
      this.#port.reset(this, INTERNAL_ERROR, 'our body is shorter than was said');
      return;
    }
    this.#ending = { trailers };
    if (this.#queue.length === 0) this.#finish();
  }

  abort(cause: string): void {
    if (this.localEnded || this.isBroken) return;
    // The other side has our end already.
    if (this.#swallows) this.end();
    else this.reset(CANCEL, cause);
  }

  /** Breaks the stream off. Nothing happens if it is over. */
  reset(errorCode: number, detail: string): void {
    if (this.isBroken || (this.localEnded && this.remoteEnded)) return;
    this.#port.reset(this, errorCode, detail);
  }

  /** Whoever takes its body does not want to hear of its end any more. */
  forsake(): void {
    this.#isOver = true;
    if (this.#sink !== undefined) this.#sink.onDrain = undefined;
  }

  sendWaiting(byteCountMax: number): number {
    let left = byteCountMax;
    while (left > 0) {
      const piece = this.#queue[0];
      if (piece === undefined) break;
      const sent = this.#send(piece.length > left ? piece.subarray(0, left) : piece);
      if (sent === 0) return byteCountMax - left;
      left -= sent;
      if (sent === piece.length) this.#queue.shift();
      else this.#queue[0] = piece.subarray(sent);
    }
    if (this.#queue.length > 0) return byteCountMax - left;
    if (this.#ending !== undefined) {
      this.#finish();
    } else if (!this.#port.sender.isFull) {
      this.#port.sender.forget(this);
      if (this.#owesDrain) {
        this.#owesDrain = false;
        this.onDrain?.();
      }
    }
    return byteCountMax - left;
  }

  /** A piece of the other side's body; false if it is more than its head has said. */
  received(octets: Uint8Array, start: number, end: number): boolean {
    const byteCount = end - start;
    this.receivedByteCount += byteCount;
    if (this.declaredByteCount >= 0 && this.receivedByteCount > this.declaredByteCount) {
      return false;
    }
    this.progress += byteCount;
    this.#owedByteCount += byteCount;
    const sink = this.#sink;
    if (sink === undefined) {
      this.#held.push(Uint8Array.prototype.slice.call(octets, start, end));
      return true;
    }
    const piece = start === 0 && end === octets.length ? octets : octets.subarray(start, end);
    const hasRoom = sink.write(piece);
    if (this.#sink !== sink) return true;
    if (!hasRoom) this.#isSinkFull = true;
    if (!this.#isSinkFull) this.#settle();
    return true;
  }

  /** The other side has said everything; false if it is less than its head has said. */
  ended(trailers: FieldList | undefined): boolean {
    if (this.declaredByteCount >= 0 && this.receivedByteCount !== this.declaredByteCount) {
      return false;
    }
    this.remoteEnded = true;
    this.#trailers = trailers;
    if (this.#sink !== undefined) this.#endSink();
    this.events?.onReceived();
    if (!this.isBroken) this.#port.sideEnded(this);
    return true;
  }

  /**
   * Both sides have ended. What nobody has read stays here, at most a window, but no longer counts
   * against that of the connection: a reader that never comes must not stop the others.
   */
  over(): void {
    this.#settle();
  }

  /** It is over before its time. Gives back what its body holds of the windows. */
  broken(why: StreamBreak): void {
    this.isBroken = true;
    this.#port.sender.forget(this);
    this.#queue = [];
    this.#held = [];
    this.onDrain = undefined;
    this.#settle();
    const sink = this.#sink;
    const { events } = this;
    this.events = undefined;
    if (sink !== undefined && !this.#isOver) {
      this.#isOver = true;
      sink.onDrain = undefined;
      sink.abort(why.detail);
    }
    events?.onBroken(why);
  }

  #begin(ends: boolean, contentLength: number | undefined): void {
    this.#swallows = ends;
    this.#promisedByteCount = ends ? -1 : (contentLength ?? -1);
  }

  #send(piece: Uint8Array): number {
    const sent = this.#port.sender.body(this.id, piece, this.sendWindow);
    this.sendWindow -= sent;
    this.progress += sent;
    return sent;
  }

  #finish(): void {
    const { sender } = this.#port;
    sender.forget(this);
    const trailers = this.#ending?.trailers;
    if (!this.#swallows) {
      if (trailers === undefined || trailers.count === 0) sender.end(this.id);
      else sender.head(this.id, { pseudo: [], fields: trailers }, true);
    }
    this.localEnded = true;
    this.onDrain = undefined;
    this.events?.onSent();
    if (!this.isBroken) this.#port.sideEnded(this);
  }

  #endSink(): void {
    const sink = this.#sink;
    if (sink === undefined || this.#isOver) return;
    this.#isOver = true;
    sink.onDrain = undefined;
    this.#settle();
    sink.end(this.#trailers);
  }

  readonly #sinkHasRoom = (): void => {
    this.#isSinkFull = false;
    this.#settle();
  };

  /** Everything that came has been taken. */
  #settle(): void {
    const byteCount = this.#owedByteCount;
    if (byteCount === 0) return;
    this.#owedByteCount = 0;
    this.#port.taken(this, byteCount);
  }
}
