/**
 * From the octets of a connection to frames (RFC 9113 §4), whatever pieces they come in.
 *
 *   preface --> head --> payload (collected whole, handed over at once)
 *                |  ^--> data (handed over as it comes) --> padding
 *                '-----> skipped (types that nobody knows, §4.1)
 * A payload that lies in one chunk is not copied. What is collected is bounded by the frame size that
 * our settings allow; a longer frame is refused by its head. What a frame means is for its sink.
 */
import { FRAME_SIZE_ERROR, PROTOCOL_ERROR } from './error-code.ts';
import { CONTINUATION, DATA, FRAME_HEAD_BYTES, PADDED, PREFACE, readUint31 } from './frame.ts';
import { H2ConnectionError } from './h2-connection-error.ts';

/** Takes frames; the reader says of which type and stream. May throw `H2ConnectionError`. */
export interface FrameSink {
  /** The head of a frame was read, nothing of its payload yet. */
  frameBegan(): void;
  /** The payload, whole; of all types that are known but DATA. The octets are valid during the call. */
  frame(octets: Uint8Array, start: number, end: number): void;
  /** A piece of the payload of DATA, without padding. Valid during the call. */
  data(octets: Uint8Array, start: number, end: number): void;
  /** The payload of DATA is whole. */
  dataEnded(): void;
}

export class FrameReader {
  /** Of the frame in hand. */
  type = 0;
  flags = 0;
  streamId = 0;
  /** Octets of its payload, padding included. */
  payloadByteCount = 0;
  readonly #sink: FrameSink;
  readonly #payloadByteCountMax: number;
  #state: 'preface' | 'head' | 'payload' | 'pad-length' | 'data' | 'padding' | 'skip' | 'stopped';
  readonly #head = new Uint8Array(FRAME_HEAD_BYTES);
  #headByteCount = 0; // Octets of the preface or of a head that have come.
  #payload: Uint8Array | undefined = undefined; // Kept while a frame comes in pieces only.
  #collectedByteCount = 0;
  #left = 0; // Octets of the payload that are still to come, without padding.
  #paddingLeft = 0;

  /** `payloadByteCountMax` is our SETTINGS_MAX_FRAME_SIZE; a server awaits the preface. */
  constructor(sink: FrameSink, payloadByteCountMax: number, awaitsPreface: boolean) {
    this.#sink = sink;
    this.#payloadByteCountMax = payloadByteCountMax;
    this.#state = awaitsPreface ? 'preface' : 'head';
  }

  /** Nothing that comes is read any more. */
  stop(): void {
    this.#state = 'stopped';
    this.#payload = undefined;
  }

  /** Reads a chunk. Throws `H2ConnectionError`, its own or that of the sink. */
  feed(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) at = this.#step(chunk, at);
  }

  /** Gives the next index. */
  #step(chunk: Uint8Array, at: number): number {
    switch (this.#state) {
      case 'preface':
        return this.#readPreface(chunk, at);
      case 'head':
        return this.#readHead(chunk, at);
      case 'payload':
        return this.#readPayload(chunk, at);
      case 'pad-length':
        this.#paddingLeft = chunk[at] as number;
        this.#left -= 1;
        if (this.#paddingLeft > this.#left) throw tooMuchPadding();
        this.#left -= this.#paddingLeft;
        this.#state = 'data';
        if (this.#left === 0) this.#endData();
        return at + 1;
      case 'data': {
        const end = Math.min(chunk.length, at + this.#left);
        this.#left -= end - at;
        this.#sink.data(chunk, at, end);
        if (this.#left === 0 && this.#state === 'data') this.#endData();
        return end;
      }
      case 'padding': {
        const end = Math.min(chunk.length, at + this.#paddingLeft);
        this.#paddingLeft -= end - at;
        if (this.#paddingLeft === 0) this.#finishData();
        return end;
      }
      case 'skip': {
        const end = Math.min(chunk.length, at + this.#left);
        this.#left -= end - at;
        if (this.#left === 0) this.#state = 'head';
        return end;
      }
      default:
        return chunk.length;
    }
  }

  #readPreface(chunk: Uint8Array, start: number): number {
    let at = start;
    while (at < chunk.length && this.#headByteCount < PREFACE.length) {
      if (chunk[at] !== PREFACE.charCodeAt(this.#headByteCount)) {
        throw new H2ConnectionError(PROTOCOL_ERROR, 'the preface is not that of HTTP/2');
      }
      at += 1;
      this.#headByteCount += 1;
    }
    if (this.#headByteCount === PREFACE.length) {
      this.#headByteCount = 0;
      this.#state = 'head';
    }
    return at;
  }

  #readHead(chunk: Uint8Array, start: number): number {
    if (this.#headByteCount === 0 && chunk.length - start >= FRAME_HEAD_BYTES) {
      this.#begin(chunk, start);
      return start + FRAME_HEAD_BYTES;
    }
    let at = start;
    while (at < chunk.length && this.#headByteCount < FRAME_HEAD_BYTES) {
      this.#head[this.#headByteCount] = chunk[at] as number;
      at += 1;
      this.#headByteCount += 1;
    }
    if (this.#headByteCount === FRAME_HEAD_BYTES) {
      this.#headByteCount = 0;
      this.#begin(this.#head, 0);
    }
    return at;
  }

  #begin(octets: Uint8Array, at: number): void {
    const byteCount =
      ((octets[at] as number) << 16) |
      ((octets[at + 1] as number) << 8) |
      (octets[at + 2] as number);
    this.payloadByteCount = byteCount;
    this.type = octets[at + 3] as number;
    this.flags = octets[at + 4] as number;
    this.streamId = readUint31(octets, at + 5);
    if (byteCount > this.#payloadByteCountMax) {
      throw new H2ConnectionError(FRAME_SIZE_ERROR, 'a frame is longer than was allowed');
    }
    this.#left = byteCount;
    this.#sink.frameBegan();
    if (this.#state === 'stopped') return;
    if (this.type === DATA) this.#beginData();
    else if (this.type > CONTINUATION) {
      if (byteCount > 0) this.#state = 'skip';
    } else if (byteCount === 0) this.#sink.frame(octets, 0, 0);
    else {
      this.#collectedByteCount = 0;
      this.#state = 'payload';
    }
  }

  #beginData(): void {
    this.#paddingLeft = 0;
    if ((this.flags & PADDED) !== 0) {
      if (this.#left === 0) throw tooMuchPadding();
      this.#state = 'pad-length';
    } else if (this.#left === 0) {
      this.#finishData();
    } else {
      this.#state = 'data';
    }
  }

  #endData(): void {
    if (this.#paddingLeft > 0) this.#state = 'padding';
    else this.#finishData();
  }

  #finishData(): void {
    this.#state = 'head';
    this.#sink.dataEnded();
  }

  #readPayload(chunk: Uint8Array, at: number): number {
    const missing = this.payloadByteCount - this.#collectedByteCount;
    if (this.#collectedByteCount === 0 && chunk.length - at >= missing) {
      this.#state = 'head';
      this.#sink.frame(chunk, at, at + missing);
      return at + missing;
    }
    this.#payload ??= new Uint8Array(this.payloadByteCount);
    const end = Math.min(chunk.length, at + missing);
    this.#payload.set(chunk.subarray(at, end), this.#collectedByteCount);
    this.#collectedByteCount += end - at;
    if (this.#collectedByteCount < this.payloadByteCount) return end;
    const payload = this.#payload;
    this.#payload = undefined;
    this.#state = 'head';
    this.#sink.frame(payload, 0, this.payloadByteCount);
    return end;
  }
}

/** Also for HEADERS, whose payload is handed over with its padding (RFC 9113 §6.1). */
export function tooMuchPadding(): H2ConnectionError {
  return new H2ConnectionError(PROTOCOL_ERROR, 'the padding is as long as its frame');
}
