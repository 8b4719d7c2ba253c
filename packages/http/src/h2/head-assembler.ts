/**
 * Puts together the header block of HEADERS and the CONTINUATION frames after it (RFC 9113 §4.3,
 * §6.10). Bounded in octets and in frames: until its end a block can neither be read nor be passed
 * over, so whoever sends one without end loses the connection (CVE-2024-27983 and its like).
 */
import { ENHANCE_YOUR_CALM, PROTOCOL_ERROR } from './error-code.ts';
import { H2ConnectionError } from './h2-connection-error.ts';
import type { Slice } from './hpack/huffman.ts';

export interface AssemblerLimits {
  readonly headByteCountMax: number;
  readonly continuationCountMax: number;
}

const FIRST_CAPACITY_BYTES = 4096;
/** A larger buffer is not kept from block to block. */
const KEPT_BYTES = 16 * 1024;

export class HeadAssembler {
  /** The stream whose block is not whole; 0 if there is none. */
  streamId = 0;
  /** Whether its HEADERS had END_STREAM. */
  ends = false;
  /** When its first frame came. */
  startedAtMs = 0;
  readonly #limits: AssemblerLimits;
  readonly #onFlood: () => void;
  #octets: Uint8Array = new Uint8Array(0);
  #byteCount = 0;
  #continuationCount = 0;

  /** `onFlood` is called before the error of a block that is beyond the limits. */
  constructor(limits: AssemblerLimits, onFlood: () => void) {
    this.#limits = limits;
    this.#onFlood = onFlood;
  }

  /** A block that is not whole begins with this fragment. */
  begin(streamId: number, ends: boolean, fragment: Slice, nowMs: number): void {
    this.streamId = streamId;
    this.ends = ends;
    this.startedAtMs = nowMs;
    this.#byteCount = 0;
    this.#continuationCount = 0;
    if (this.#octets.length > KEPT_BYTES) this.#octets = new Uint8Array(0);
    this.#append(fragment);
  }

  /** The next fragment. Throws `H2ConnectionError` beyond the limits. */
  continue(fragment: Slice): void {
    this.#continuationCount += 1;
    if (this.#continuationCount > this.#limits.continuationCountMax) throw this.#flood('frames');
    this.#append(fragment);
  }

  /** The block, which is whole; valid until the next `begin`. */
  take(): Slice {
    this.streamId = 0;
    return { octets: this.#octets, start: 0, end: this.#byteCount };
  }

  /** Whether a frame may come now. Throws `H2ConnectionError` if not (RFC 9113 §6.2, §6.10). */
  check(isContinuation: boolean, streamId: number): void {
    if (isContinuation ? streamId !== 0 && streamId === this.streamId : this.streamId === 0) return;
    const detail = isContinuation
      ? 'CONTINUATION of nothing'
      : 'a frame between those of a header block';
    throw new H2ConnectionError(PROTOCOL_ERROR, detail);
  }

  #append({ octets, start, end }: Slice): void {
    const byteCount = this.#byteCount + end - start;
    // What is coded is not longer than what it says, unless somebody wants it to be.
    if (byteCount > this.#limits.headByteCountMax) throw this.#flood('octets');
    if (byteCount > this.#octets.length) {
      const larger = new Uint8Array(
        Math.max(FIRST_CAPACITY_BYTES, byteCount, this.#octets.length * 2),
      );
      larger.set(this.#octets.subarray(0, this.#byteCount));
      this.#octets = larger;
    }
    this.#octets.set(octets.subarray(start, end), this.#byteCount);
    this.#byteCount = byteCount;
  }

  #flood(what: string): H2ConnectionError {
    this.#onFlood();
    return new H2ConnectionError(ENHANCE_YOUR_CALM, `a header block has too many ${what}`);
  }
}
