/**
 * Reads the frames of a connection, and answers what breaks a rule with the error that RFC 9113 §5
 * and §6 ask for. What a header block means depends on the role: see h2-server.ts and h2-client.ts.
 *
 * Sans-IO: octets come in by `receive`, go out to the port, time comes as a value. Everything is
 * bounded: streams, what they hold, header blocks, and frames that cost the sender nothing.
 */
import * as errors from './error-code.ts';
import * as frames from './frame.ts';
import { FrameReader, type FrameSink, tooMuchPadding } from './frame-reader.ts';
import { H2ConnectionError } from './h2-connection-error.ts';
import { type H2ConnectionOptions, H2Core } from './h2-core.ts';
import type { H2Limits } from './h2-options.ts';
import type { H2Stream } from './h2-stream.ts';
import { HeadAssembler } from './head-assembler.ts';
import { HpackDecoder } from './hpack/decoder.ts';
import { FieldBlock } from './hpack/field-block.ts';
import type { Slice } from './hpack/huffman.ts';

/** Pseudo-header fields beside the fields of a message. */
const PSEUDO_COUNT_MAX = 6;
const PRIORITY_BYTES = 5;

/** One for all connections of the same limits: a block is read in the turn in which it was decoded. */
const blocks = new WeakMap<H2Limits, FieldBlock>();

function blockOf(limits: H2Limits): FieldBlock {
  const { headByteCountMax, fieldCountMax, trailerCountMax } = limits;
  const countMax = Math.max(fieldCountMax, trailerCountMax) + PSEUDO_COUNT_MAX;
  const block =
    blocks.get(limits) ?? new FieldBlock({ listByteCountMax: headByteCountMax, countMax });
  blocks.set(limits, block);
  return block;
}

export abstract class H2Connection extends H2Core implements FrameSink {
  /** The header block that `headRead` is called for. */
  protected readonly block: FieldBlock;
  readonly #reader: FrameReader;
  readonly #decoder: HpackDecoder;
  readonly #assembler: HeadAssembler;
  #dataStream: H2Stream | undefined = undefined; // Of the DATA frame in hand; undefined: passed over.
  #dataByteCount = 0; // Of that frame, without padding.

  constructor(options: H2ConnectionOptions, isServer: boolean) {
    super(options, isServer);
    const { limits, stats } = options;
    this.block = blockOf(limits);
    this.#reader = new FrameReader(this, limits.frameByteCountMax, isServer);
    this.#decoder = new HpackDecoder(limits.headerTableByteCountMax);
    this.#assembler = new HeadAssembler(limits, () => {
      stats.continuationFloodCount += 1;
    });
  }

  /** A header block of that stream is in `block`. May throw `H2ConnectionError`. */
  protected abstract headRead(streamId: number, ends: boolean): void;

  /** Whether that stream was not opened yet, by whoever would have to open it. */
  protected abstract isIdle(streamId: number): boolean;

  /** Takes what was read. The octets are not kept. */
  receive(chunk: Uint8Array, nowMs: number): void {
    this.nowMs = nowMs;
    this.heardAtMs = nowMs;
    if (this.isClosed) return;
    try {
      this.#reader.feed(chunk);
    } catch (thrown) {
      if (!(thrown instanceof H2ConnectionError)) throw thrown;
      this.fail(thrown.errorCode, thrown.message);
    }
  }

  frameBegan(): void {
    const { type, streamId, flags, payloadByteCount } = this.#reader;
    if (!this.hasSettings && (type !== frames.SETTINGS || (flags & frames.ACK) !== 0)) {
      throw broken('the first frame is not SETTINGS');
    }
    this.#assembler.check(type === frames.CONTINUATION, streamId);
    if (type === frames.DATA) this.#beginData(streamId, payloadByteCount);
    else if (type > frames.CONTINUATION) this.guard.count('idleFrame', this.nowMs);
  }

  frame(octets: Uint8Array, start: number, end: number): void {
    const slice: Slice = { octets, start, end };
    switch (this.#reader.type) {
      case frames.HEADERS:
        this.#readHeaders(slice);
        break;
      case frames.PRIORITY:
        this.#readPriority(slice);
        break;
      case frames.RST_STREAM:
        this.#readReset(slice);
        break;
      case frames.SETTINGS:
        this.#readSettings(slice);
        break;
      case frames.PUSH_PROMISE:
        throw broken('PUSH_PROMISE was not allowed');
      case frames.PING:
        this.#readPing(slice);
        break;
      case frames.GOAWAY:
        this.#readGoAway(slice);
        break;
      case frames.WINDOW_UPDATE:
        this.#readWindowUpdate(slice);
        break;
      default:
        this.#readContinuation(slice);
    }
  }

  data(octets: Uint8Array, start: number, end: number): void {
    this.#dataByteCount += end - start;
    const stream = this.#dataStream;
    if (stream === undefined) return;
    if (stream.isBroken) {
      this.announce(end - start);
    } else if (!stream.received(octets, start, end)) {
      this.announce(end - start);
      this.malformed(stream, 'a body is longer than was said');
    } else if (
      stream.carries === 'message' &&
      stream.receivedByteCount > this.limits.bodyByteCountMax
    ) {
      this.stats.bodyTooLargeCount += 1;
      this.streamError(stream, errors.CANCEL, 'the body has too many octets');
    }
  }

  dataEnded(): void {
    const stream = this.#dataStream;
    const { payloadByteCount, flags } = this.#reader;
    const paddingByteCount = payloadByteCount - this.#dataByteCount;
    const ends = (flags & frames.END_STREAM) !== 0;
    if (this.#dataByteCount === 0 && !ends) this.guard.count('emptyData', this.nowMs);
    this.#dataByteCount = 0;
    this.#dataStream = undefined;
    if (stream === undefined) {
      this.announce(payloadByteCount);
      return;
    }
    if (paddingByteCount > 0) this.taken(stream, paddingByteCount);
    if (!ends || stream.isBroken) return;
    if (!stream.ended(undefined)) this.malformed(stream, 'a body is shorter than was said');
  }

  protected stopReading(): void {
    this.#reader.stop();
  }

  protected get headStartedAtMs(): number {
    return this.#assembler.streamId > 0 ? this.#assembler.startedAtMs : Number.POSITIVE_INFINITY;
  }

  /**
   * A frame that says something on a stream which is closed (RFC 9113 §5.1). Gives back if it is to
   * be passed over: what was on its way when we reset the stream, or when it was forgotten.
   */
  protected lateFrame(streamId: number): void {
    const closing = this.closedStreams.find(streamId);
    if (closing === 'ended') {
      throw new H2ConnectionError(errors.STREAM_CLOSED, 'a frame on a stream that has ended');
    }
    if (closing !== 'reset-by-peer') return;
    this.guard.count('idleFrame', this.nowMs);
    this.sendReset(streamId, errors.STREAM_CLOSED);
  }

  #beginData(streamId: number, byteCount: number): void {
    this.#dataStream = undefined;
    this.#dataByteCount = 0;
    if (streamId === 0 || this.isIdle(streamId)) throw broken('DATA on a stream that is not open');
    if (!this.arrived(byteCount)) {
      throw new H2ConnectionError(errors.FLOW_CONTROL_ERROR, 'more octets than the window allows');
    }
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      this.lateFrame(streamId);
      return;
    }
    stream.receiveWindow -= byteCount;
    if (stream.remoteEnded) {
      this.streamError(stream, errors.STREAM_CLOSED, 'DATA after the end');
    } else if (!stream.hasHead) {
      this.malformed(stream, 'DATA before a head');
    } else if (stream.receiveWindow < 0) {
      this.streamError(stream, errors.FLOW_CONTROL_ERROR, 'more octets than the window allows');
    } else {
      this.#dataStream = stream;
    }
  }

  #readHeaders(slice: Slice): void {
    const { flags, streamId } = this.#reader;
    if (streamId === 0) throw broken('HEADERS on stream 0');
    const { octets } = slice;
    let { start, end } = slice;
    if ((flags & frames.PADDED) !== 0) {
      if (start === end) throw tooMuchPadding();
      end -= octets[start] as number;
      start += 1;
    }
    if ((flags & frames.HAS_PRIORITY) !== 0) {
      if (end - start < PRIORITY_BYTES) checkLength(end - start, PRIORITY_BYTES);
      checkDependency(octets, start, streamId);
      start += PRIORITY_BYTES;
    }
    if (start > end) throw tooMuchPadding();
    const ends = (flags & frames.END_STREAM) !== 0;
    if ((flags & frames.END_HEADERS) === 0) {
      this.#assembler.begin(streamId, ends, { octets, start, end }, this.nowMs);
    } else {
      this.#decoder.decode({ octets, start, end }, this.block);
      this.headRead(streamId, ends);
    }
  }

  #readContinuation(slice: Slice): void {
    const assembler = this.#assembler;
    const { streamId, ends } = assembler;
    assembler.continue(slice);
    if ((this.#reader.flags & frames.END_HEADERS) === 0) return;
    this.#decoder.decode(assembler.take(), this.block);
    this.headRead(streamId, ends);
  }

  /** Of no effect (RFC 9113 §5.3.2), but for what cannot be meant. */
  #readPriority({ octets, start, end }: Slice): void {
    const { streamId } = this.#reader;
    if (streamId === 0) throw broken('PRIORITY on stream 0');
    checkLength(end - start, PRIORITY_BYTES);
    checkDependency(octets, start, streamId);
    this.guard.count('idleFrame', this.nowMs);
  }

  #readReset({ octets, start, end }: Slice): void {
    const { streamId } = this.#reader;
    if (streamId === 0 || this.isIdle(streamId)) throw broken('RST_STREAM on an idle stream');
    checkLength(end - start, 4);
    const stream = this.streams.get(streamId);
    if (stream === undefined) {
      this.guard.count('idleFrame', this.nowMs);
      return;
    }
    const errorCode = frames.readUint32(octets, start);
    const unprocessed = errorCode === errors.REFUSED_STREAM;
    const isEarly = !stream.localEnded;
    this.stats.resetReceivedCount += 1;
    this.closedStreams.add(streamId, 'reset-by-peer');
    const detail = 'the stream was reset';
    this.breakStream(stream, { by: 'peer', errorCode, unprocessed, detail });
    if (isEarly) this.peerReset(stream);
  }

  /** The other side has reset a stream on which we had more to say. */
  protected abstract peerReset(stream: H2Stream): void;

  #readSettings({ octets, start, end }: Slice): void {
    const { streamId, flags } = this.#reader;
    if (streamId !== 0) throw broken('SETTINGS on a stream');
    if ((flags & frames.ACK) !== 0) {
      checkLength(end - start, 0);
      if (this.awaitedAckCount === 0) throw broken('SETTINGS were acknowledged twice');
      this.awaitedAckCount -= 1;
      return;
    }
    this.hasSettings = true;
    this.guard.count('settings', this.nowMs);
    const { peer, sender } = this;
    const before = peer.streamWindowByteCount;
    peer.read(octets, start, end);
    const change = peer.streamWindowByteCount - before;
    for (const stream of this.streams.list()) {
      stream.sendWindow += change;
      if (stream.sendWindow > frames.WINDOW_BYTES_MAX) throw windowTooLarge();
    }
    sender.peerChanged();
    sender.writer.settingsAck();
    if (change > 0) sender.resume();
  }

  #readPing({ octets, start, end }: Slice): void {
    const { streamId, flags } = this.#reader;
    if (streamId !== 0) throw broken('PING on a stream');
    checkLength(end - start, 8);
    this.guard.count('ping', this.nowMs);
    if ((flags & frames.ACK) !== 0) this.pingAnswered(octets, start);
    else this.sender.writer.ping(true, octets, start);
  }

  #readGoAway({ octets, start, end }: Slice): void {
    if (this.#reader.streamId !== 0) throw broken('GOAWAY on a stream');
    if (end - start < 8) checkLength(end - start, 8);
    const lastStreamId = frames.readUint31(octets, start);
    if (!this.peerGoes(lastStreamId, frames.readUint32(octets, start + 4))) {
      throw broken('GOAWAY names a later stream than before');
    }
  }

  #readWindowUpdate({ octets, start, end }: Slice): void {
    const { streamId } = this.#reader;
    checkLength(end - start, 4);
    this.guard.count('windowUpdate', this.nowMs);
    const increment = frames.readUint31(octets, start);
    if (streamId === 0) {
      if (increment === 0) throw broken('WINDOW_UPDATE by nothing');
      if (!this.sender.widen(increment)) throw windowTooLarge();
      return;
    }
    if (this.isIdle(streamId)) throw broken('WINDOW_UPDATE on an idle stream');
    const stream = this.streams.get(streamId);
    if (stream === undefined) return;
    if (increment === 0) {
      this.streamError(stream, errors.PROTOCOL_ERROR, 'WINDOW_UPDATE by nothing');
    } else if (stream.sendWindow + increment > frames.WINDOW_BYTES_MAX) {
      this.streamError(stream, errors.FLOW_CONTROL_ERROR, 'a window is too large');
    } else {
      stream.sendWindow += increment;
      if (stream.isBlocked) this.sender.resume();
    }
  }
}

function broken(detail: string): H2ConnectionError {
  return new H2ConnectionError(errors.PROTOCOL_ERROR, detail);
}

function windowTooLarge(): H2ConnectionError {
  return new H2ConnectionError(errors.FLOW_CONTROL_ERROR, 'a window is too large');
}

function checkLength(byteCount: number, expected: number): void {
  if (byteCount === expected) return;
  throw new H2ConnectionError(errors.FRAME_SIZE_ERROR, 'a frame has the wrong length');
}

/** RFC 7540 §5.3.1, which RFC 9113 has dropped with all of priority: nobody means it well. */
function checkDependency(octets: Uint8Array, at: number, streamId: number): void {
  if (frames.readUint31(octets, at) === streamId) throw broken('a stream depends on itself');
}
