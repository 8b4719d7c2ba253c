/**
 * A header section as HPACK gives it, laid out as the lines of an HTTP/1.1 head: one run of octets,
 * `name: value` CRLF each, and where in it names and values stand. A `FieldList` takes it over with one
 * string for all, and what goes on to HTTP/1.1 is written by slices.
 *
 * One block serves a connection for all its sections. Past its bounds it goes on taking fields, for
 * the dynamic table must be kept in step, but forgets them: a bomb of references costs no memory.
 */
import { SPAN_SIZE } from '../../fields.ts';

/** What RFC 7541 §4.1 adds to the octets of name and value. */
export const ENTRY_OVERHEAD_BYTES = 32;
/** Of the line itself: `: ` and CRLF. */
const LINE_OVERHEAD_BYTES = 4;
const FIRST_CAPACITY_BYTES = 2048;
/** Above this a copy by the engine is faster than a loop. */
const LOOP_BYTES_MAX = 48;

export interface FieldBlockBounds {
  /** Octets of names and values, and 32 for each field (RFC 9113 §6.5.2). */
  readonly listByteCountMax: number;
  /** Fields, pseudo-header fields included. */
  readonly countMax: number;
}

export class FieldBlock {
  octets: Buffer = Buffer.allocUnsafeSlow(FIRST_CAPACITY_BYTES);
  /** Where the next field begins. */
  length = 0;
  count = 0;
  /** Four offsets per field, as `FieldList` has them. */
  readonly spans: Int32Array;
  /** The kind of each field; see field-kinds.ts. */
  readonly kinds: Uint8Array;
  /** Whether there were more fields or octets than the bounds allow: then nothing else counts. */
  isTooLarge = false;
  /** As RFC 9113 §6.5.2 counts it, beyond the bounds too. */
  listByteCount = 0;
  readonly #bounds: FieldBlockBounds;

  constructor(bounds: FieldBlockBounds) {
    this.#bounds = bounds;
    this.spans = new Int32Array(bounds.countMax * SPAN_SIZE);
    this.kinds = new Uint8Array(bounds.countMax);
  }

  /** Forgets everything: a new section begins. */
  clear(): void {
    this.length = 0;
    this.count = 0;
    this.listByteCount = 0;
    this.isTooLarge = false;
  }

  /** Makes room for `byteCount` octets from `at` on, and the end of the line. */
  reserve(at: number, byteCount: number): void {
    const needed = at + byteCount + LINE_OVERHEAD_BYTES;
    if (needed <= this.octets.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.octets.length * 2));
    larger.set(this.octets.subarray(0, at));
    this.octets = larger;
  }

  /** Copies octets `start` to `end` of `source` to `at`, where there is room. */
  copy(source: Uint8Array, start: number, end: number, at: number): void {
    const { octets } = this;
    if (end - start > LOOP_BYTES_MAX) {
      octets.set(source.subarray(start, end), at);
      return;
    }
    for (let index = start, to = at; index < end; index += 1, to += 1) {
      octets[to] = source[index] as number;
    }
  }

  /** The field whose line stands at `length` is whole. */
  push(nameByteCount: number, valueByteCount: number, kind: number): void {
    const { count, length } = this;
    this.listByteCount += nameByteCount + valueByteCount + ENTRY_OVERHEAD_BYTES;
    if (count === this.#bounds.countMax || this.listByteCount > this.#bounds.listByteCountMax) {
      this.isTooLarge = true;
    }
    if (this.isTooLarge) return; // The next field overwrites this one.
    const at = count * SPAN_SIZE;
    const valueStart = length + nameByteCount + 2;
    const { spans } = this;
    spans[at] = length;
    spans[at + 1] = length + nameByteCount;
    spans[at + 2] = valueStart;
    spans[at + 3] = valueStart + valueByteCount;
    this.kinds[count] = kind;
    this.count = count + 1;
    this.length = valueStart + valueByteCount + 2;
  }
}
