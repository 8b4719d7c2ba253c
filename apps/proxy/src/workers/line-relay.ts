/** A longer line is passed on in pieces. */
const LINE_BYTES_MAX = 1_048_576;
const LINE_FEED = 0x0a;

/** Passes bytes on in whole lines, unread. */
export class LineRelay {
  readonly #write: (lines: Buffer) => void;
  #rest: Buffer[] = [];
  #restBytes = 0;

  constructor(write: (lines: Buffer) => void) {
    this.#write = write;
  }

  push(chunk: Buffer): void {
    const end = chunk.lastIndexOf(LINE_FEED) + 1;
    if (end > 0) {
      this.#write(Buffer.concat([...this.#rest, chunk.subarray(0, end)]));
      this.#rest = [];
      this.#restBytes = 0;
    }
    if (end === chunk.length) return;
    this.#rest.push(chunk.subarray(end));
    this.#restBytes += chunk.length - end;
    if (this.#restBytes > LINE_BYTES_MAX) this.end();
  }

  /** Nothing follows: what is left is a line. */
  end(): void {
    if (this.#restBytes === 0) return;
    this.#write(Buffer.concat([...this.#rest, Buffer.from('\n')]));
    this.#rest = [];
    this.#restBytes = 0;
  }
}
