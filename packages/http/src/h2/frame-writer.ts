/**
 * Frames to octets, put together in blocks: what is written before a flush leaves in one piece, or
 * a few. Octets that were handed over are never touched again, so the receiver may keep them.
 */
import {
  ACK,
  CONTINUATION,
  DATA,
  END_HEADERS,
  END_STREAM,
  FRAME_HEAD_BYTES,
  GOAWAY,
  HEADERS,
  PING,
  PREFACE,
  RST_STREAM,
  SETTINGS,
  WINDOW_UPDATE,
} from './frame.ts';

/** Takes octets on their way to the other side. */
export interface OctetSink {
  /**
   * Takes octets, which must not change until they are gone. Gives true if they are gone already;
   * else the sink may call `recycle` when they are.
   */
  write(octets: Buffer): boolean;
  /** Something was written where nothing was: `flush` is to be called soon. */
  wantsFlush(): void;
}

const BLOCK_BYTES = 64 * 1024;
/** What is left of a block, or comes back, is used again if a frame of usual size fits. */
const USEFUL_BYTES = 20 * 1024;
const NOTHING = Buffer.alloc(0);
const LOOP_BYTES_MAX = 256;
/** Room for whichever connection has something to write: one that is idle holds none. */
const spares: Buffer[] = [];
const SPARE_COUNT_MAX = 64;

/** Octets that were given to a sink are gone: their room may be used again. */
export function recycle(octets: Buffer): void {
  if (octets.length >= USEFUL_BYTES && spares.length < SPARE_COUNT_MAX) spares.push(octets);
}

export class FrameWriter {
  readonly #sink: OctetSink;
  #block: Buffer = NOTHING;
  #at = 0;
  #lastStreamId = 0; // Of the HEADERS or DATA that can still end its stream; 0 if there is none.
  #lastFlagsAt = 0;

  constructor(sink: OctetSink) {
    this.#sink = sink;
  }

  /** Hands over what was written. */
  flush(): void {
    this.#lastStreamId = 0;
    if (this.#at === 0) return;
    const block = this.#block;
    const at = this.#at;
    this.#block = NOTHING;
    this.#at = 0;
    if (this.#sink.write(block.subarray(0, at))) recycle(block);
    else recycle(block.subarray(at));
  }

  preface(): void {
    this.#reserve(PREFACE.length);
    this.#at += this.#block.write(PREFACE, this.#at, 'latin1');
  }

  /** A piece of a body, no longer than the other side's frame size. */
  data(streamId: number, piece: Uint8Array, ends: boolean): void {
    this.#head(DATA, ends ? END_STREAM : 0, streamId, piece.length);
    this.#lastStreamId = streamId;
    this.#lastFlagsAt = this.#at - FRAME_HEAD_BYTES + 4;
    this.#block.set(piece, this.#at);
    this.#at += piece.length;
  }

  /** Ends the stream by what was written last, if that is a head or DATA of it; else gives false. */
  endByLast(streamId: number): boolean {
    if (this.#lastStreamId !== streamId) return false;
    this.#block[this.#lastFlagsAt] = (this.#block[this.#lastFlagsAt] as number) | END_STREAM;
    this.#lastStreamId = 0;
    return true;
  }

  /** What was written last ends nothing: an interim head. */
  keepOpen(): void {
    this.#lastStreamId = 0;
  }

  /** A header block, the first `length` octets, in as many frames as it needs. */
  headers(
    streamId: number,
    block: { readonly octets: Uint8Array; readonly length: number },
    ends: boolean,
    frameByteCountMax: number,
  ): void {
    // In one block of ours, so that `endByLast` finds the head.
    this.#reserve(block.length + FRAME_HEAD_BYTES * (1 + block.length / frameByteCountMax));
    const flagsAt = this.#at + 4;
    let from = 0;
    do {
      const to = Math.min(from + frameByteCountMax, block.length);
      const endFlags = to === block.length ? END_HEADERS : 0;
      if (from > 0) this.#head(CONTINUATION, endFlags, streamId, to - from);
      else this.#head(HEADERS, endFlags | (ends ? END_STREAM : 0), streamId, to);
      this.#copy(block.octets, from, to);
      from = to;
    } while (from < block.length);
    if (ends) return;
    this.#lastStreamId = streamId;
    this.#lastFlagsAt = flagsAt;
  }

  reset(streamId: number, errorCode: number): void {
    this.#head(RST_STREAM, 0, streamId, 4);
    this.#uint32(errorCode);
  }

  /** Identifiers and values in turn. */
  settings(pairs: readonly (readonly [identifier: number, value: number])[]): void {
    this.#head(SETTINGS, 0, 0, pairs.length * 6);
    for (const [identifier, value] of pairs) {
      this.#block[this.#at] = identifier >>> 8;
      this.#block[this.#at + 1] = identifier;
      this.#at += 2;
      this.#uint32(value);
    }
  }

  settingsAck(): void {
    this.#head(SETTINGS, ACK, 0, 0);
  }

  /** `payload` has eight octets from `at` on. */
  ping(isAck: boolean, payload: Uint8Array, at: number): void {
    this.#head(PING, isAck ? ACK : 0, 0, 8);
    for (let index = 0; index < 8; index += 1) {
      this.#block[this.#at + index] = payload[at + index] as number;
    }
    this.#at += 8;
  }

  goAway(lastStreamId: number, errorCode: number, detail: string): void {
    this.#head(GOAWAY, 0, 0, 8 + detail.length);
    this.#uint32(lastStreamId);
    this.#uint32(errorCode);
    this.#at += this.#block.write(detail, this.#at, 'latin1');
  }

  windowUpdate(streamId: number, increment: number): void {
    this.#head(WINDOW_UPDATE, 0, streamId, 4);
    this.#uint32(increment);
  }

  /** Few octets are copied faster here than by the engine, which makes a view first. */
  #copy(octets: Uint8Array, from: number, to: number): void {
    const block = this.#block;
    const at = this.#at - from;
    if (to - from > LOOP_BYTES_MAX) block.set(octets.subarray(from, to), this.#at);
    else for (let index = from; index < to; index += 1) block[at + index] = octets[index] as number;
    this.#at += to - from;
  }

  /** Makes room for a whole frame and writes its head. */
  #head(type: number, flags: number, streamId: number, byteCount: number): void {
    this.#reserve(FRAME_HEAD_BYTES + byteCount);
    const block = this.#block;
    const at = this.#at;
    block[at] = byteCount >>> 16;
    block[at + 1] = byteCount >>> 8;
    block[at + 2] = byteCount;
    block[at + 3] = type;
    block[at + 4] = flags;
    this.#at = at + 5;
    this.#uint32(streamId);
    this.#lastStreamId = 0;
  }

  #uint32(value: number): void {
    const block = this.#block;
    const at = this.#at;
    block[at] = value >>> 24;
    block[at + 1] = value >>> 16;
    block[at + 2] = value >>> 8;
    block[at + 3] = value;
    this.#at = at + 4;
  }

  #reserve(byteCount: number): void {
    if (this.#at === 0) this.#sink.wantsFlush();
    if (this.#at + byteCount <= this.#block.length) return;
    this.flush();
    const spare = spares.pop() ?? NOTHING;
    const isLarge = spare.length < byteCount;
    this.#block = isLarge ? Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, byteCount)) : spare;
  }
}
