/**
 * Takes a body off a connection and hands it on as views, whatever its framing is.
 *
 * chunked:  size --';'--> extension --CRLF--> data --CRLF--> size … 0 --CRLF--> trailers --> done
 * Guarantees: `isDone` only if the framing said that the body is whole. Chunk extensions
 * are dropped and bounded in sum, trailers are bounded, chunk sizes are plain hex (RFC 9112 §7.1).
 */
import { FORBIDDEN_TRAILERS } from './field-kind.ts';
import type { FieldList } from './fields.ts';
import { Framing } from './framing.ts';
import { HeadScanner } from './head-scanner.ts';
import type { MessageLimits } from './limits.ts';
import { CR, FIELD_VALUE, HEX_VALUE, LF } from './octets.ts';
import { bodyTooLarge, isRefusal, malformed, type Refusal } from './refusal.ts';

/** Octets of chunk extensions in one body: nobody uses them, some attack with them (CVE-2023-39326). */
export const EXTENSION_BYTE_COUNT_MAX = 16 * 1024;
const SIZE_DIGITS_MAX = 13; // Less than 2^53; leading zeros count.

const DONE = 0;
const FIXED = 1;
const UNTIL_CLOSE = 2;
const SIZE = 3;
const EXTENSION = 4;
const SIZE_LF = 5;
const DATA = 6;
const DATA_CR = 7;
const DATA_LF = 8;
const TRAILERS = 9;

const badChunk = malformed('the chunked body is malformed');
const longExtension = malformed('the extensions of chunks are too long');

/** Takes the pieces of a body; how it ends is the caller's to see. */
export interface PieceSink {
  write(chunk: Uint8Array): unknown;
}

export class BodyReader {
  refusal: Refusal | undefined = undefined;
  /** Of a body that is done, if it had any that may be passed on. */
  trailers: FieldList | undefined = undefined;
  readonly #limits: MessageLimits;
  #phase = DONE;
  #remaining = 0; // Of the body, or of the chunk.
  #byteCount = 0;
  #digitCount = 0;
  #extensionByteCount = 0;
  #trailerScanner: HeadScanner | undefined = undefined;

  constructor(limits: MessageLimits) {
    this.#limits = limits;
  }

  /** Whether the body is whole. */
  get isDone(): boolean {
    return this.#phase === DONE;
  }

  /** Whether the end of the connection would be the end of the body. */
  get endsWithConnection(): boolean {
    return this.#phase === UNTIL_CLOSE;
  }

  /** Begins a body of `length` octets; at 0 it is whole at once. */
  startFixed(length: number): void {
    this.#phase = length === 0 ? DONE : FIXED;
    this.trailers = undefined;
    this.#remaining = length;
  }

  startChunked(): void {
    this.#phase = SIZE;
    this.trailers = undefined;
    this.#remaining = 0;
    this.#byteCount = 0;
    this.#digitCount = 0;
    this.#extensionByteCount = 0;
  }

  startUntilClose(): void {
    this.#phase = UNTIL_CLOSE;
    this.trailers = undefined;
  }

  /**
   * Goes on with `chunk` from `start`; pieces go to `sink`, which may call `stop`. Gives the index
   * after what was used; -1 with `refusal` set.
   */
  feed(chunk: Buffer, start: number, sink: PieceSink): number {
    if (this.#phase === FIXED) return this.#fixed(chunk, start, sink);
    if (this.#phase === UNTIL_CLOSE) {
      if (start < chunk.length) sink.write(start === 0 ? chunk : chunk.subarray(start));
      return chunk.length;
    }
    let at = start;
    while (at >= 0 && at < chunk.length && this.#phase !== DONE) at = this.#step(chunk, at, sink);
    return at;
  }

  /** What comes is no longer wanted, and no call of a sink follows. */
  stop(): void {
    this.#phase = DONE;
  }

  #fixed(chunk: Buffer, start: number, sink: PieceSink): number {
    const end = Math.min(chunk.length, start + this.#remaining);
    if (end === start) return start;
    this.#remaining -= end - start;
    if (this.#remaining === 0) this.#phase = DONE;
    sink.write(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end));
    return end;
  }

  #step(chunk: Buffer, at: number, sink: PieceSink): number {
    const octet = chunk[at] as number;
    switch (this.#phase) {
      case SIZE:
        return this.#size(octet, at);
      case EXTENSION:
        return this.#extension(chunk, at);
      case SIZE_LF:
        if (octet !== LF) return this.#refuse(badChunk);
        this.#phase = this.#remaining === 0 ? TRAILERS : DATA;
        return at + 1;
      case DATA:
        return this.#data(chunk, at, sink);
      case DATA_CR:
      case DATA_LF:
        if (octet !== (this.#phase === DATA_CR ? CR : LF)) return this.#refuse(badChunk);
        this.#phase = this.#phase === DATA_CR ? DATA_LF : SIZE;
        return at + 1;
      default:
        return this.#readTrailers(chunk, at);
    }
  }

  #size(octet: number, at: number): number {
    const value = HEX_VALUE[octet] as number;
    if (value < 16) {
      this.#digitCount += 1;
      this.#remaining = this.#remaining * 16 + value;
      return this.#digitCount > SIZE_DIGITS_MAX ? this.#refuse(badChunk) : at + 1;
    }
    if (this.#digitCount === 0) return this.#refuse(badChunk);
    if (octet === CR) this.#phase = SIZE_LF;
    else if (octet === 0x3b) this.#phase = EXTENSION;
    else return this.#refuse(badChunk);
    this.#digitCount = 0;
    this.#byteCount += this.#remaining;
    return this.#byteCount > this.#limits.bodyByteCountMax ? this.#refuse(bodyTooLarge) : at + 1;
  }

  #extension(chunk: Buffer, start: number): number {
    let at = start;
    while (at < chunk.length && FIELD_VALUE[chunk[at] as number] === 1) at += 1;
    this.#extensionByteCount += at - start;
    if (this.#extensionByteCount > EXTENSION_BYTE_COUNT_MAX) return this.#refuse(longExtension);
    if (at === chunk.length) return at;
    if (chunk[at] !== CR) return this.#refuse(badChunk);
    this.#phase = SIZE_LF;
    return at + 1;
  }

  #data(chunk: Buffer, start: number, sink: PieceSink): number {
    const end = Math.min(chunk.length, start + this.#remaining);
    this.#remaining -= end - start;
    if (this.#remaining === 0) this.#phase = DATA_CR;
    sink.write(start === 0 && end === chunk.length ? chunk : chunk.subarray(start, end));
    return end;
  }

  #readTrailers(chunk: Buffer, start: number): number {
    this.#trailerScanner ??= new HeadScanner({
      part: 'trailers',
      headByteCountMax: this.#limits.headByteCountMax,
      fieldCountMax: this.#limits.trailerCountMax,
    });
    const scanner = this.#trailerScanner;
    const after = scanner.feed(chunk, start);
    if (after < 0) {
      return scanner.refusal === undefined ? chunk.length : this.#refuse(scanner.refusal);
    }
    this.trailers = scanner.fieldCount === 0 ? undefined : trailersOf(scanner);
    this.#trailerScanner = undefined;
    this.#phase = DONE;
    return after;
  }

  #refuse(refusal: Refusal): number {
    this.refusal = refusal;
    return -1;
  }
}

/** What may be passed on of a trailer section; undefined if nothing may. */
function trailersOf(scanner: HeadScanner): FieldList | undefined {
  const fields = new Framing().take(scanner);
  // A trailer section that tries to frame something is not passed on in part.
  if (isRefusal(fields)) return undefined;
  for (const name of FORBIDDEN_TRAILERS) fields.remove(name);
  return fields.count === 0 ? undefined : fields;
}
