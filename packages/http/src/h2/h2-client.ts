/** The client's end of a connection: requests go, on streams that we open. */

import type { OutgoingRequest } from '../exchange.ts';
import { isRefusal } from '../refusal.ts';
import * as errors from './error-code.ts';
import { STREAM_ID_MAX } from './frame.ts';
import { H2Connection } from './h2-connection.ts';
import { H2ConnectionError } from './h2-connection-error.ts';
import type { H2ConnectionOptions } from './h2-core.ts';
import { H2Stream, type StreamEvents } from './h2-stream.ts';
import { hasNoBody, readResponse, readTrailers } from './response-section.ts';

/** Methods that mean something by a body: for these a length of 0 is said. */
const BODY_METHODS = new Set(['POST', 'PUT', 'PATCH']);
const MALFORMED = 400;

export class H2Client extends H2Connection {
  readonly #scheme: string;
  #nextStreamId = 1;

  /** `isSecure` says what `:scheme` is. */
  constructor(options: H2ConnectionOptions, isSecure: boolean) {
    super(options, false);
    this.#scheme = isSecure ? 'https' : 'http';
  }

  /** Streams that can be opened now: what the other side allows, or we do, whichever is less. */
  get roomCount(): number {
    if (this.isGoing || this.#nextStreamId > STREAM_ID_MAX) return 0;
    const max = Math.min(this.limits.streamCountMax, this.peer.concurrentStreamCountMax);
    return Math.max(0, max - this.streams.size);
  }

  /** Whether an upgrade may be asked for, by extended CONNECT (RFC 8441). */
  get takesProtocols(): boolean {
    return this.peer.takesProtocols;
  }

  /**
   * Sends the head of a request; its body, if its length is not 0, is then written to the stream.
   * Only while `roomCount` is not 0. CONNECT and an `upgrade` open a tunnel, whose octets are the body.
   */
  request(outgoing: OutgoingRequest, events: StreamEvents): H2Stream {
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    const stream = new H2Stream(this, id, this.nowMs);
    const isTunnel = outgoing.method === 'CONNECT' || outgoing.upgrade !== undefined;
    const { contentLength } = outgoing;
    stream.events = events;
    stream.method = isTunnel ? 'CONNECT' : outgoing.method;
    this.openStream(stream);
    const ends = contentLength === 0 && !isTunnel;
    const isSaid =
      contentLength !== undefined && (contentLength > 0 || BODY_METHODS.has(outgoing.method));
    const said = isSaid && !isTunnel ? contentLength : undefined;
    const pseudo = this.#pseudoOf(outgoing);
    this.sender.head(id, { pseudo, contentLength: said, fields: outgoing.fields }, ends);
    stream.requested(ends, said);
    return stream;
  }

  protected isIdle(streamId: number): boolean {
    return streamId >= this.#nextStreamId || streamId % 2 === 0;
  }

  protected headRead(streamId: number, ends: boolean): void {
    if (this.isIdle(streamId)) {
      throw new H2ConnectionError(errors.PROTOCOL_ERROR, 'a reply to nothing');
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) this.lateFrame(streamId);
    else if (stream.remoteEnded) {
      this.streamError(stream, errors.STREAM_CLOSED, 'HEADERS after the end');
    } else if (stream.hasHead) this.#readTrailers(stream, ends);
    else this.#readHead(stream, ends);
  }

  protected peerReset(_stream: H2Stream): void {
    // A server may reset what it does not want.
  }

  #readHead(stream: H2Stream, ends: boolean): void {
    const { limits } = this;
    const { fieldCountMax } = limits;
    const head = readResponse(this.block, { method: stream.method, fieldCountMax, ends });
    if (isRefusal(head)) {
      this.#malformed(stream, head.status, head.detail);
      return;
    }
    if (head.status < 200) {
      stream.interimCount += 1;
      if (stream.interimCount > limits.interimCountMax) {
        this.malformed(stream, 'too many interim replies');
      } else {
        stream.events?.onInterim(head.status, head.fields);
      }
      return;
    }
    stream.hasHead = true;
    const isTunnel = stream.method === 'CONNECT' && head.status < 300;
    if (hasNoBody(stream.method, head.status)) stream.declaredByteCount = 0;
    else if (!isTunnel) stream.declaredByteCount = head.contentLength ?? -1;
    stream.events?.onHead(head);
    if (ends && !stream.isBroken) stream.ended(undefined);
  }

  #readTrailers(stream: H2Stream, ends: boolean): void {
    const trailers = readTrailers(this.block, this.limits.trailerCountMax);
    if (isRefusal(trailers)) this.#malformed(stream, trailers.status, trailers.detail);
    else if (!ends) this.malformed(stream, 'HEADERS in the middle of a body');
    else if (!stream.ended(trailers)) this.malformed(stream, 'a body is shorter than was said');
  }

  #malformed(stream: H2Stream, status: number, detail: string): void {
    if (status !== MALFORMED) this.stats.headTooLargeCount += 1;
    this.malformed(stream, detail);
  }

  #pseudoOf(outgoing: OutgoingRequest): string[] {
    const { method, authority, target, upgrade } = outgoing;
    if (upgrade !== undefined) {
      const tunnel = [':method', 'CONNECT', ':protocol', upgrade, ':scheme', this.#scheme];
      return [...tunnel, ':authority', authority, ':path', target];
    }
    if (method === 'CONNECT') return [':method', method, ':authority', authority];
    return [':method', method, ':scheme', this.#scheme, ':authority', authority, ':path', target];
  }
}
