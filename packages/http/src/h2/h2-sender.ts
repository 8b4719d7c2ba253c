/**
 * What goes out on one connection: heads through HPACK, bodies within the windows of the other side
 * (RFC 9113 §5.2). Streams that have more to send than there is room take turns, a frame each.
 */
import type { FieldList } from '../fields.ts';
import type { FloodGuard } from './flood-guard.ts';
import { FRAME_BYTES_DEFAULT, WINDOW_BYTES_DEFAULT, WINDOW_BYTES_MAX } from './frame.ts';
import { FrameWriter, type OctetSink } from './frame-writer.ts';
import { HpackEncoder } from './hpack/encoder.ts';
import type { PeerSettings } from './peer-settings.ts';

/** Where the octets of a connection go. */
export interface H2Port extends OctetSink {
  /** Whether more waits than should: then `drained` of the connection is to be called in time. */
  readonly isFull: boolean;
  /** Nothing more will be written. Called at most once; `errorCode` is 0 if nothing went wrong. */
  end(errorCode: number, detail: string): void;
}

/** A stream that waits for room. */
export interface WaitingStream {
  /** Sends up to `byteCountMax` octets of what waits; gives how many. May tell its source to go on. */
  sendWaiting(byteCountMax: number): number;
}

/** WINDOW_UPDATE frames that one frame of ours gives reason for. */
const UPDATES_PER_FRAME = 4;

export class H2Sender {
  readonly writer: FrameWriter;
  readonly peer: PeerSettings;
  readonly #port: H2Port;
  readonly #guard: FloodGuard;
  readonly #encoder = new HpackEncoder();
  readonly #waiting = new Set<WaitingStream>();
  #window = WINDOW_BYTES_DEFAULT;

  constructor(port: H2Port, peer: PeerSettings, guard: FloodGuard) {
    this.#port = port;
    this.#guard = guard;
    this.peer = peer;
    this.writer = new FrameWriter(port);
  }

  /** Whether sources should stop for now. */
  get isFull(): boolean {
    return this.#port.isFull;
  }

  /** After SETTINGS of the other side. */
  peerChanged(): void {
    this.#encoder.setTableByteCountMax(this.peer.headerTableByteCountMax);
  }

  /** A head, or trailers: pseudo-header fields as pairs, then the length, then the fields. */
  head(
    streamId: number,
    head: {
      pseudo: readonly string[];
      contentLength?: number | undefined;
      fields: FieldList | undefined;
    },
    ends: boolean,
  ): void {
    const encoder = this.#encoder;
    encoder.begin();
    const { pseudo, contentLength } = head;
    for (let at = 0; at < pseudo.length; at += 2) {
      encoder.ownField(pseudo[at] as string, pseudo[at + 1] as string);
    }
    if (contentLength !== undefined) encoder.ownField('content-length', `${contentLength}`);
    head.fields?.visit(encoder);
    const { octets, length } = encoder;
    this.writer.headers(streamId, { octets, length }, ends, this.peer.frameByteCountMax);
  }

  /** Sends what the windows allow of `piece`; gives how much. */
  body(streamId: number, piece: Uint8Array, streamWindow: number): number {
    const room = Math.min(this.#window, streamWindow, piece.length);
    // Ours alone: frames as large as some allow would keep other streams waiting.
    const step = Math.min(this.peer.frameByteCountMax, FRAME_BYTES_DEFAULT);
    for (let at = 0; at < room; at += step) {
      const end = Math.min(at + step, room);
      this.writer.data(
        streamId,
        at === 0 && end === piece.length ? piece : piece.subarray(at, end),
        false,
      );
      this.#guard.earn('windowUpdate', UPDATES_PER_FRAME);
    }
    if (room <= 0) return 0;
    this.#window -= room;
    return room;
  }

  /** Ends a stream after its last octet. */
  end(streamId: number): void {
    if (!this.writer.endByLast(streamId)) this.writer.data(streamId, NOTHING, true);
  }

  /** More room on the connection; false if it is more than there can be. */
  widen(increment: number): boolean {
    if (this.#window + increment > WINDOW_BYTES_MAX) return false;
    this.#window += increment;
    this.resume();
    return true;
  }

  /** The stream wants to be told of room. */
  await(stream: WaitingStream): void {
    this.#waiting.add(stream);
  }

  forget(stream: WaitingStream): void {
    this.#waiting.delete(stream);
  }

  /** Lets all that wait send what they can, in turns. */
  resume(): void {
    let isMoving = this.#waiting.size > 0;
    while (isMoving && !this.#port.isFull) {
      isMoving = false;
      for (const stream of [...this.#waiting]) {
        if (this.#waiting.has(stream) && stream.sendWaiting(FRAME_BYTES_DEFAULT) > 0) {
          isMoving = true;
        }
      }
      if (this.#window <= 0) return;
    }
  }
}

const NOTHING = new Uint8Array(0);
