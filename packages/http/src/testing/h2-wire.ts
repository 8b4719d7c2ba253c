/** Frames by hand: what a peer of HTTP/2 sends and gets, as data. */
import * as frames from '../h2/frame.ts';
import type { H2Port } from '../h2/h2-sender.ts';
import { HpackDecoder } from '../h2/hpack/decoder.ts';
import { FieldBlock } from '../h2/hpack/field-block.ts';

export type Pairs = readonly (readonly [name: string, value: string])[];

export const TYPES = [
  ...['DATA', 'HEADERS', 'PRIORITY', 'RST_STREAM', 'SETTINGS', 'PUSH_PROMISE', 'PING', 'GOAWAY'],
  ...['WINDOW_UPDATE', 'CONTINUATION'],
] as const;

/** A frame; `payload` is text, one character per octet. */
export function frame(type: number, flags: number, streamId: number, payload = ''): Buffer {
  const octets = Buffer.alloc(9 + payload.length);
  octets.writeUIntBE(payload.length, 0, 3);
  octets[3] = type;
  octets[4] = flags;
  octets.writeUInt32BE(streamId, 5);
  octets.write(payload, 9, 'latin1');
  return octets;
}

export function uint32(value: number): string {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value);
  return octets.toString('latin1');
}

/** A block of literals that are not indexed, with short lengths only. */
export function block(pairs: Pairs): string {
  const text = (value: string) => {
    if (value.length < 127) return String.fromCharCode(value.length) + value;
    let rest = value.length - 127;
    let length = '\x7f';
    for (; rest >= 128; rest >>>= 7) length += String.fromCharCode((rest & 0x7f) | 0x80);
    return length + String.fromCharCode(rest) + value;
  };
  return pairs.map(([name, value]) => `\0${text(name)}${text(value)}`).join('');
}

export const PREFACE = Buffer.from(frames.PREFACE, 'latin1');
export const END = frames.END_STREAM;
export const WHOLE = frames.END_HEADERS;
export const settings = (...pairs: [number, number][]) =>
  frame(
    frames.SETTINGS,
    0,
    0,
    pairs
      .map(([id, value]) => `${String.fromCharCode(id >>> 8, id & 0xff)}${uint32(value)}`)
      .join(''),
  );
export const settingsAck = frame(frames.SETTINGS, frames.ACK, 0);
export const headers = (streamId: number, pairs: Pairs, flags = END | WHOLE) =>
  frame(frames.HEADERS, flags, streamId, block(pairs));
export const continuation = (streamId: number, payload: string, flags = 0) =>
  frame(frames.CONTINUATION, flags, streamId, payload);
export const dataFrame = (streamId: number, payload: string, flags = 0) =>
  frame(frames.DATA, flags, streamId, payload);
export const reset = (streamId: number, code: number) =>
  frame(frames.RST_STREAM, 0, streamId, uint32(code));
export const windowUpdate = (streamId: number, increment: number) =>
  frame(frames.WINDOW_UPDATE, 0, streamId, uint32(increment));
export const ping = (payload = '12345678', flags = 0) => frame(frames.PING, flags, 0, payload);
export const goAway = (lastStreamId: number, code: number) =>
  frame(frames.GOAWAY, 0, 0, uint32(lastStreamId) + uint32(code));

export const GET: Pairs = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/p'],
  [':authority', 'svc.local'],
];
export const POST: Pairs = [[':method', 'POST'], ...GET.slice(1)];

/** A port that keeps what is written, and reads it as the other side would. */
export class RecordingPort implements H2Port {
  isFull = false;
  hasEnded = false;
  /** What has not been read by `frames` yet. */
  octets: Buffer = Buffer.alloc(0);
  readonly #decoder = new HpackDecoder(4096);
  readonly #block = new FieldBlock({ listByteCountMax: 1_000_000, countMax: 1_000 });

  write(octets: Buffer): boolean {
    this.octets = Buffer.concat([this.octets, octets]);
    return true;
  }

  wantsFlush(): void {
    // The tests flush.
  }

  end(): void {
    this.hasEnded = true;
  }

  /** Everything written since the last call, one line per frame. */
  frames(): string[] {
    const lines: string[] = [];
    let at = 0;
    if (this.octets.toString('latin1', 0, 24) === frames.PREFACE) {
      lines.push('preface');
      at = 24;
    }
    while (at < this.octets.length) {
      const length = this.octets.readUIntBE(at, 3);
      const payload = this.octets.subarray(at + 9, at + 9 + length);
      const [type = 0, flags = 0] = this.octets.subarray(at + 3, at + 5);
      lines.push(this.#line(type, flags, this.octets.readUInt32BE(at + 5), payload));
      at += 9 + length;
    }
    this.octets = Buffer.alloc(0);
    return lines;
  }

  #line(type: number, flags: number, streamId: number, payload: Buffer): string {
    const end = flags & END && type <= 1 ? ' END' : '';
    const name = `${TYPES[type] ?? type} ${streamId}`;
    switch (type) {
      case frames.HEADERS: {
        const slice = { octets: payload, start: 0, end: payload.length };
        this.#decoder.decode(slice, this.#block);
        const text = this.#block.octets.toString('latin1', 0, this.#block.length);
        return `${name}${end} ${text.trimEnd().replaceAll('\r\n', ' | ')}`;
      }
      case frames.RST_STREAM:
        return `${name} ${payload.readUInt32BE(0)}`;
      case frames.GOAWAY:
        return `${name} last ${payload.readUInt32BE(0)} code ${payload.readUInt32BE(4)}`;
      case frames.WINDOW_UPDATE:
        return `${name} +${payload.readUInt32BE(0)}`;
      case frames.DATA:
        return `${name}${end} ${payload.length > 40 ? payload.length : payload.toString('latin1')}`;
      case frames.SETTINGS:
        return flags & frames.ACK ? `${name} ACK` : name;
      case frames.PING:
        return `${name}${flags & frames.ACK ? ' ACK' : ''} ${payload.toString('latin1')}`;
      default:
        return name;
    }
  }
}

/** A port from which the other side takes pieces. */
export class QueuePort implements H2Port {
  readonly isFull = false;
  readonly #pieces: Buffer[] = [];

  write(octets: Buffer): boolean {
    this.#pieces.push(octets);
    return false;
  }

  wantsFlush(): void {
    // The tests flush.
  }

  end(): void {
    // The tests look at the connection.
  }

  /** At most `byteCountMax` octets; none if there are none. */
  take(byteCountMax: number): Uint8Array {
    const piece = this.#pieces.shift() ?? Buffer.alloc(0);
    if (piece.length > byteCountMax) this.#pieces.unshift(piece.subarray(byteCountMax));
    return piece.subarray(0, byteCountMax);
  }
}
