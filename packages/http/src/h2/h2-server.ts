/** The server's end of a connection: requests come, on streams that the client opens. */

import type { FieldList } from '../fields.ts';
import { isRefusal, type Refusal } from '../refusal.ts';
import * as errors from './error-code.ts';
import { H2Connection } from './h2-connection.ts';
import { H2ConnectionError } from './h2-connection-error.ts';
import type { H2ConnectionOptions } from './h2-core.ts';
import { H2Stream } from './h2-stream.ts';
import { type H2RequestHead, readRequest } from './request-section.ts';
import { readTrailers } from './response-section.ts';

/** Whoever serves the requests of a connection. */
export interface H2ServerEvents {
  /** A request whose head is whole and sound. Called in the turn in which it came. */
  onRequest(stream: H2Stream, head: H2RequestHead): void;
  /** A request was refused; `status` 0 is without a reply. Gives, if it wants, fields for the reply. */
  onRefused(refusal: Refusal, status: number): FieldList | undefined;
}

const MALFORMED = 400;

export class H2Server extends H2Connection {
  readonly #events: H2ServerEvents;

  constructor(options: H2ConnectionOptions, events: H2ServerEvents) {
    super(options, true);
    this.#events = events;
  }

  protected isIdle(streamId: number): boolean {
    // Streams of even number would be ours, and we open none.
    return streamId > this.lastPeerStreamId || streamId % 2 === 0;
  }

  protected headRead(streamId: number, ends: boolean): void {
    const stream = this.streams.get(streamId);
    if (stream !== undefined) this.#readTrailers(stream, ends);
    else if (streamId > this.lastPeerStreamId) this.#open(streamId, ends);
    else {
      if (this.closedStreams.find(streamId) === undefined) {
        // RFC 9113 §5.1.1: it was passed over, which has closed it.
        throw new H2ConnectionError(errors.PROTOCOL_ERROR, 'a stream is opened out of order');
      }
      this.lateFrame(streamId);
    }
  }

  protected peerReset(stream: H2Stream): void {
    this.guard.streamReset(stream.openedAtMs, this.nowMs);
  }

  #open(streamId: number, ends: boolean): void {
    if (streamId % 2 === 0) {
      throw new H2ConnectionError(errors.PROTOCOL_ERROR, 'a client opens a stream of even number');
    }
    this.lastPeerStreamId = streamId;
    this.guard.streamOpened();
    const { limits } = this;
    if (this.streams.size >= limits.streamCountMax || this.phase === 'draining') {
      this.stats.refusedStreamCount += 1;
      this.sendReset(streamId, errors.REFUSED_STREAM);
      this.guard.count('refusedStream', this.nowMs);
      return;
    }
    const { takesProtocols } = limits;
    const head = readRequest(this.block, { limits, takesProtocols, ends });
    if (isRefusal(head)) {
      this.#refuse(streamId, head, ends);
      return;
    }
    const stream = new H2Stream(this, streamId, this.nowMs);
    stream.method = head.method;
    stream.hasHead = true;
    // What flows on a tunnel is no body, so that its length is not said.
    if (head.method === 'CONNECT' || head.protocol !== undefined) stream.carries = 'tunnel';
    else stream.declaredByteCount = head.contentLength ?? -1;
    this.openStream(stream);
    if (ends) stream.ended(undefined);
    this.#events.onRequest(stream, head);
  }

  #readTrailers(stream: H2Stream, ends: boolean): void {
    if (stream.remoteEnded) {
      this.streamError(stream, errors.STREAM_CLOSED, 'HEADERS after the end');
      return;
    }
    const trailers = readTrailers(this.block, this.limits.trailerCountMax);
    if (isRefusal(trailers)) {
      if (trailers.status !== MALFORMED) this.stats.headTooLargeCount += 1;
      this.malformed(stream, trailers.detail);
    } else if (!ends) {
      this.malformed(stream, 'HEADERS in the middle of a body');
    } else if (!stream.ended(trailers)) {
      this.malformed(stream, 'a body is shorter than was said');
    }
  }

  /** What is malformed gets RST_STREAM (RFC 9113 §8.1.1), what is not to our liking a reply. */
  #refuse(streamId: number, refusal: Refusal, ends: boolean): void {
    const { status } = refusal;
    if (status === MALFORMED) {
      this.stats.malformedCount += 1;
      this.#events.onRefused(refusal, 0);
      this.sendReset(streamId, errors.PROTOCOL_ERROR);
      this.guard.streamReset(this.nowMs, this.nowMs);
      return;
    }
    if (refusal.reason === 'head-too-large') this.stats.headTooLargeCount += 1;
    if (refusal.reason === 'body-too-large') this.stats.bodyTooLargeCount += 1;
    const fields = this.#events.onRefused(refusal, status);
    const pseudo = [':status', `${status}`];
    this.sender.head(streamId, { pseudo, contentLength: 0, fields }, true);
    // RFC 9113 §8.1: the client need not send the rest.
    if (ends) this.closedStreams.add(streamId, 'ended');
    else this.sendReset(streamId, errors.NO_ERROR);
  }
}
