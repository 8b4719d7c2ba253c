/**
 * Finds the end of a head, byte by byte, and where its fields stand.
 *
 *   [method -->] start line --CRLF--> line start --token--> name --':'--> blanks --> value --CRLF--> line start
 *                                            '--CRLF--> done
 * Guarantees: the same outcome however the bytes are split, in linear time; a head that comes in one
 * piece is not copied. Refuses bare LF and CR, folded lines, control characters, blanks
 * before the colon, `_` in names of requests, and what is too long or has too many fields
 * (RFC 9112 §2.2, §5).
 */
import { kindOf, PLAIN } from './field-kind.ts';
import { SPAN_SIZE } from './fields.ts';
import { methodAt } from './methods.ts';
import { COLON, CR, FIELD_VALUE, HT, LF, SP, STRICT_TOKEN, TOKEN } from './octets.ts';
import { headTooLarge, malformed, type Refusal, tooManyFields } from './refusal.ts';

export interface ScannerOptions {
  /** `trailers` has no start line. */
  readonly part: 'request' | 'response' | 'trailers';
  readonly headByteCountMax: number;
  readonly fieldCountMax: number;
}

const EMPTY_LINE = 0;
const EMPTY_LINE_LF = 1;
const METHOD = 2;
const START_LINE = 11;
const START_LF = 3;
const LINE_START = 4;
const NAME = 5;
const BLANKS = 6;
const VALUE = 7;
const VALUE_LF = 8;
const END_LF = 9;
const DONE = 10;

const MORE = -1;
const REFUSED = -2;
const CARRY_MIN = 1024;

export class HeadScanner {
  /** Where the head stands; valid until the next call. */
  buffer: Buffer = Buffer.alloc(0);
  base = 0;
  /** Of a request. */
  method = '';
  /** Octets of the start line without its CRLF, and of the whole head, from `base`. */
  startLineLength = 0;
  headLength = 0;
  /** Offsets of fields from `base`, four each; the first `fieldCount` are of this head. */
  readonly spans: number[] = [];
  /** Kind of each field. */
  readonly kinds: number[] = [];
  fieldCount = 0;
  refusal: Refusal | undefined = undefined;

  readonly #options: ScannerOptions;
  readonly #nameTable: Uint8Array;
  #phase: number;
  #at = 0; // Next octet to look at, from base.
  #nameStart = 0;
  #nameEnd = 0;
  #kind = PLAIN;
  #valueStart = 0;
  #carry: Buffer | undefined = undefined;
  #carried = 0;

  constructor(options: ScannerOptions) {
    this.#options = options;
    this.#nameTable = options.part === 'response' ? TOKEN : STRICT_TOKEN;
    this.#phase = firstPhase(options.part);
  }

  /** Whether nothing of a head has come yet; an empty line before it does not count. */
  get isFresh(): boolean {
    return this.#at === 0 && this.refusal === undefined;
  }

  /** Forgets everything, for the next head. */
  reset(): void {
    this.#phase = firstPhase(this.#options.part);
    this.#at = 0;
    this.#carry = undefined;
    this.#carried = 0;
    this.fieldCount = 0;
    this.headLength = 0;
    this.refusal = undefined;
  }

  /**
   * Goes on with `chunk` from `start`. Gives the index after the head, or -1: then either
   * `refusal` is set, or more is needed and what came was copied.
   */
  feed(chunk: Buffer, from: number): number {
    const start = this.#phase < METHOD ? this.#skipEmptyLine(chunk, from) : from;
    if (start === chunk.length || this.refusal !== undefined) return -1;
    if (this.#carry === undefined) {
      const after = this.#scan(chunk, start);
      if (after === MORE) this.#keep(chunk, start);
      return after < 0 ? -1 : after;
    }
    const carriedBefore = this.#carried;
    const room = this.#options.headByteCountMax + 1 - carriedBefore;
    this.#keep(room < chunk.length - start ? chunk.subarray(0, start + room) : chunk, start);
    const after = this.#scan(this.#carry.subarray(0, this.#carried), 0);
    return after < 0 ? -1 : start + after - carriedBefore;
  }

  /** A client may send one empty line before its request (RFC 9112 §2.2). */
  #skipEmptyLine(chunk: Buffer, start: number): number {
    let at = start;
    if (this.#phase === EMPTY_LINE && at < chunk.length) {
      this.#phase = chunk[at] === CR ? EMPTY_LINE_LF : METHOD;
      if (this.#phase === EMPTY_LINE_LF) at += 1;
    }
    if (this.#phase === EMPTY_LINE_LF && at < chunk.length) {
      if (chunk[at] !== LF) this.#refuse(badOctet);
      this.#phase = METHOD;
      at += 1;
    }
    return at;
  }

  #keep(chunk: Buffer, start: number): void {
    const needed = this.#carried + chunk.length - start;
    if (this.#carry === undefined || this.#carry.length < needed) {
      const grown = Buffer.allocUnsafe(Math.max(CARRY_MIN, needed * 2));
      this.#carry?.copy(grown, 0, 0, this.#carried);
      this.#carry = grown;
    }
    chunk.copy(this.#carry, this.#carried, start);
    this.#carried = needed;
  }

  #scan(buffer: Buffer, base: number): number {
    this.buffer = buffer;
    this.base = base;
    const end = Math.min(buffer.length, base + this.#options.headByteCountMax + 1);
    let at = base + this.#at;
    while (at < end && this.#phase !== DONE) {
      at = this.#step(buffer, at, end);
      if (at === REFUSED) return REFUSED;
    }
    this.#at = at - base;
    this.headLength = this.#at;
    if (this.#at > this.#options.headByteCountMax) return this.#refuse(headTooLarge);
    return this.#phase === DONE ? at : MORE;
  }

  /** One stretch of one phase. Gives the next index. */
  #step(buffer: Buffer, from: number, end: number): number {
    let at = from;
    switch (this.#phase) {
      case METHOD:
        return this.#readMethod(buffer, end);
      case START_LINE:
      case VALUE:
        while (at < end && FIELD_VALUE[buffer[at] as number] === 1) at += 1;
        if (at === end) return at;
        if (buffer[at] !== CR) return this.#refuse(badOctet);
        return this.#phase === VALUE ? this.#endValue(buffer, at) : this.#endStartLine(at);
      case LINE_START:
        return this.#beginLine(buffer, at);
      case NAME: {
        const table = this.#nameTable;
        while (at < end && table[buffer[at] as number] === 1) at += 1;
        if (at === end) return at;
        if (buffer[at] !== COLON || at - this.base === this.#nameStart)
          return this.#refuse(badName);
        return this.#endName(buffer, at);
      }
      case BLANKS:
        while (at < end && (buffer[at] === SP || buffer[at] === HT)) at += 1;
        if (at === end) return at;
        this.#valueStart = at - this.base;
        this.#phase = VALUE;
        return at;
      default:
        return this.#lineFeed(buffer, at);
    }
  }

  /** Few octets, so they are looked at from the first again if more are needed. */
  #readMethod(buffer: Buffer, end: number): number {
    const method = methodAt(buffer, this.base, end);
    if (method === undefined) return this.#refuse(badMethod);
    if (method === '') return end;
    this.method = method;
    this.#phase = START_LINE;
    return this.base + method.length;
  }

  #endStartLine(at: number): number {
    this.startLineLength = at - this.base;
    this.#phase = START_LF;
    return at + 1;
  }

  #beginLine(buffer: Buffer, at: number): number {
    if (buffer[at] === CR) {
      this.#phase = END_LF;
      return at + 1;
    }
    if (this.fieldCount === this.#options.fieldCountMax) return this.#refuse(tooManyFields);
    this.#nameStart = at - this.base;
    this.#phase = NAME;
    return at;
  }

  #endName(buffer: Buffer, at: number): number {
    this.#nameEnd = at - this.base;
    this.#kind = kindOf(buffer, this.base + this.#nameStart, at);
    this.#phase = BLANKS;
    return at + 1;
  }

  #endValue(buffer: Buffer, at: number): number {
    let valueEnd = at;
    const valueStart = this.base + this.#valueStart;
    while (valueEnd > valueStart && isBlank(buffer[valueEnd - 1])) valueEnd -= 1;
    const offset = this.fieldCount * SPAN_SIZE;
    this.spans[offset] = this.#nameStart;
    this.spans[offset + 1] = this.#nameEnd;
    this.spans[offset + 2] = this.#valueStart;
    this.spans[offset + 3] = valueEnd - this.base;
    this.kinds[this.fieldCount] = this.#kind;
    this.fieldCount += 1;
    this.#phase = VALUE_LF;
    return at + 1;
  }

  #lineFeed(buffer: Buffer, at: number): number {
    if (buffer[at] !== LF) return this.#refuse(badOctet);
    this.#phase = this.#phase === END_LF ? DONE : LINE_START;
    return at + 1;
  }

  #refuse(refusal: Refusal): number {
    this.refusal = refusal;
    return REFUSED;
  }
}

const badOctet = malformed('a control character, or a CR or LF that is not part of a CRLF');
const badMethod = malformed('the method is not known, or not in upper case');
const badName = malformed('a field name has a character that is not allowed there, or none');

function firstPhase(part: ScannerOptions['part']): number {
  if (part === 'trailers') return LINE_START;
  return part === 'request' ? EMPTY_LINE : START_LINE;
}

function isBlank(octet: number | undefined): boolean {
  return octet === SP || octet === HT;
}
