/** Frames of HTTP/2 as a case writes them, to octets; and octets of a proxy, to frames. */
import { FRAME_TYPES, type FrameAction } from './http2-frames-format.ts';

const FLAGS = { END_STREAM: 0x1, ACK: 0x1, END_HEADERS: 0x4, PADDED: 0x8, PRIORITY: 0x20 } as const;
const HEAD_BYTES = 9;

export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** A frame that the proxy sent. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** The name of its type, or its number where it has none. */
export function typeName({ type }: Frame): string {
  return FRAME_TYPES[type] ?? String(type);
}

/** The octets of one frame; `loopStream` is the stream of the round. */
export function encodeFrame(action: FrameAction, loopStream: number): Buffer {
  const payload = Buffer.concat([...headerBlock(action.headers), ...hexParts(action.payload)]);
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUIntBE(action.length ?? payload.length, 0, 3);
  const { type, flags = [], stream } = action;
  head[3] = typeof type === 'number' ? type : FRAME_TYPES.indexOf(type);
  head[4] = typeof flags === 'number' ? flags : flags.reduce((all, name) => all | FLAGS[name], 0);
  head.writeUInt32BE(stream === 'loop' ? loopStream : stream, 5);
  return Buffer.concat([head, payload]);
}

/** Literal fields without indexing, with a new name, no Huffman coding (RFC 7541 §6.2.2). */
function headerBlock(headers: FrameAction['headers']): readonly Buffer[] {
  return (headers ?? []).flatMap(([name, value, times = 1]) => {
    const field = Buffer.concat([Buffer.from([0]), text(name), text(value)]);
    return Array.from({ length: times }, () => field);
  });
}

function hexParts(payload: FrameAction['payload']): readonly Buffer[] {
  const parts = typeof payload === 'string' ? [payload] : (payload ?? []);
  return parts.map((part) =>
    Buffer.from(typeof part === 'string' ? part : part.hex.repeat(part.times), 'hex'),
  );
}

function text(value: string): Buffer {
  const octets = Buffer.from(value, 'latin1');
  return Buffer.concat([prefixInteger(octets.length), octets]);
}

/** RFC 7541 §5.1 with a prefix of 7 bits. */
function prefixInteger(value: number): Buffer {
  if (value < 127) return Buffer.from([value]);
  const octets = [127];
  let left = value - 127;
  for (; left >= 128; left = Math.floor(left / 128)) octets.push((left % 128) + 128);
  return Buffer.from([...octets, left]);
}

/** Cuts what comes into frames. */
export class FrameReader {
  readonly #onFrame: (frame: Frame) => void;
  #octets = Buffer.alloc(0);

  constructor(onFrame: (frame: Frame) => void) {
    this.#onFrame = onFrame;
  }

  take(chunk: Buffer): void {
    let octets = this.#octets.length === 0 ? chunk : Buffer.concat([this.#octets, chunk]);
    while (octets.length >= HEAD_BYTES) {
      const stop = HEAD_BYTES + octets.readUIntBE(0, 3);
      if (octets.length < stop) break;
      this.#onFrame({
        type: octets[3] ?? 0,
        flags: octets[4] ?? 0,
        stream: octets.readUInt32BE(5) & 0x7fff_ffff,
        payload: octets.subarray(HEAD_BYTES, stop),
      });
      octets = octets.subarray(stop);
    }
    this.#octets = Buffer.from(octets);
  }
}
