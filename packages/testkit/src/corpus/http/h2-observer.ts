/** Notes what a proxy sends on an HTTP/2 connection, as far as cases ask for it. */
import { type Frame, FrameReader, typeName } from './frames.ts';
import { StatusReader } from './status-reader.ts';

const END_HEADERS = 0x4;
const PADDED = 0x8;
const PRIORITY = 0x20;

export class H2Observer {
  /** Final status by stream. */
  readonly statuses = new Map<number, number>();
  /** Error code of RST_STREAM by stream. */
  readonly resets = new Map<number, number>();
  /** Error codes of GOAWAY, in order. */
  readonly goaways: number[] = [];
  readonly #counts = new Map<string, number>();
  readonly #statusReader = new StatusReader();
  readonly #frames = new FrameReader((frame) => this.#note(frame));
  #block: Buffer[] = [];

  take(chunk: Buffer): void {
    this.#frames.take(chunk);
  }

  /** Whether such a frame has come, on this stream if one is given. */
  has(type: string, stream: number | undefined): boolean {
    return this.#counts.has(stream === undefined ? type : `${type} ${stream}`);
  }

  #note(frame: Frame): void {
    const name = typeName(frame);
    for (const key of [name, `${name} ${frame.stream}`]) {
      this.#counts.set(key, (this.#counts.get(key) ?? 0) + 1);
    }
    const { stream, payload, flags } = frame;
    if (name === 'RST_STREAM') this.resets.set(stream, payload.readUInt32BE(0));
    if (name === 'GOAWAY') this.goaways.push(payload.readUInt32BE(4));
    if (name !== 'HEADERS' && name !== 'CONTINUATION') return;
    this.#block.push(name === 'HEADERS' ? unpadded(frame) : payload);
    if ((flags & END_HEADERS) === 0) return;
    const status = this.#statusReader.read(Buffer.concat(this.#block));
    this.#block = [];
    if (status !== undefined && status >= 200) this.statuses.set(stream, status);
  }
}

function unpadded({ payload, flags }: Frame): Buffer {
  const isPadded = (flags & PADDED) !== 0;
  const start = (isPadded ? 1 : 0) + ((flags & PRIORITY) === 0 ? 0 : 5);
  return payload.subarray(start, payload.length - (isPadded ? (payload[0] ?? 0) : 0));
}
