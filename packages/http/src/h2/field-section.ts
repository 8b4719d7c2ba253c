/**
 * From a decoded block to the fields of a message (RFC 9113 §8.2, §8.3): what is malformed is refused,
 * what is for one connection only must not be there at all, pseudo-header fields are taken out.
 */
import * as kinds from '../field-kind.ts';
import { FieldList, SPAN_SIZE } from '../fields.ts';
import { numberOf } from '../octets.ts';
import { malformed, type Refusal } from '../refusal.ts';
import * as own from './field-kinds.ts';
import type { FieldBlock } from './hpack/field-block.ts';

const flawed = malformed('a field has a name or a value that is not allowed');
const latePseudo = malformed('a pseudo-header field comes after a field');
const unknownPseudo = malformed('a pseudo-header field is not known');
const repeatedPseudo = malformed('a pseudo-header field comes twice');
const hopField = malformed('a field is for one connection of HTTP/1.1 only');
const badTe = malformed('TE is not trailers');
const badLength = malformed('Content-Length is no number of at most 15 digits');
const repeated = malformed('a field came twice that must come once');

/** A length has at most so many digits: less than 2^53. */
const LENGTH_DIGITS_MAX = 15;
const PROXY_CONNECTION_LENGTH = 16;

/** Blocks are read one at a time: their spans are put together here, and copied once. */
const kept: number[] = [];

/** What one block has said. Made for one reading. */
export class FieldSection {
  method: string | undefined = undefined;
  scheme: string | undefined = undefined;
  authority: string | undefined = undefined;
  path: string | undefined = undefined;
  status: string | undefined = undefined;
  protocol: string | undefined = undefined;
  host: string | undefined = undefined;
  contentLength: number | undefined = undefined;
  expect: string | undefined = undefined;
  /** Pseudo-header fields in all. */
  pseudoCount = 0;
  /** Other fields, those left out included. */
  fieldCount = 0;
  readonly #part: 'request' | 'response';
  #text = '';
  #cookieCount = 0;
  #authorizationCount = 0;
  #contentTypeCount = 0;

  /** `part`: of a request, or of a reply. */
  constructor(part: 'request' | 'response') {
    this.#part = part;
  }

  /** The end-to-end fields, or why the message is malformed. */
  read(block: FieldBlock): FieldList | Refusal {
    const text = block.octets.toString('latin1', 0, block.length);
    this.#text = text;
    const { spans } = block;
    let keptCount = 0;
    for (let index = 0; index < block.count; index += 1) {
      const at = index * SPAN_SIZE;
      const kind = block.kinds[index] as number;
      if (kind !== kinds.PLAIN) {
        const valueStart = spans[at + 2] as number;
        const valueEnd = spans[at + 3] as number;
        const refusal = this.#take(kind, valueStart, valueEnd);
        if (refusal !== undefined) return refusal;
        if (!isKept(kind)) {
          const nameLength = (spans[at + 1] as number) - (spans[at] as number);
          if (kind === kinds.HOP && nameLength === PROXY_CONNECTION_LENGTH) return hopField;
          continue;
        }
      }
      this.fieldCount += 1;
      for (let part = 0; part < SPAN_SIZE; part += 1) {
        kept[keptCount + part] = spans[at + part] as number;
      }
      keptCount += SPAN_SIZE;
    }
    const fields = FieldList.parsed(text, kept.slice(0, keptCount));
    // RFC 9113 §8.2.3: what was split for compression is one field again.
    if (this.#cookieCount > 1) fields.set('cookie', fields.get('cookie') ?? '');
    return fields;
  }

  #take(kind: number, start: number, end: number): Refusal | undefined {
    if (own.isFlawed(kind)) return flawed;
    if (kind >= own.UNDERSCORE) return this.#part === 'request' ? flawed : undefined;
    if (kind >= own.METHOD) return this.#takePseudo(kind, this.#text.slice(start, end));
    switch (kind) {
      case kinds.HOST:
        this.fieldCount += 1;
        if (this.host !== undefined) return repeated;
        this.host = this.#text.slice(start, end);
        return undefined;
      case kinds.CONTENT_LENGTH:
        this.fieldCount += 1;
        return this.#takeLength(this.#text.slice(start, end));
      case kinds.EXPECT:
        this.fieldCount += 1;
        if (this.expect !== undefined) return repeated;
        this.expect = this.#text.slice(start, end);
        return undefined;
      case kinds.TE:
        return this.#text.slice(start, end).toLowerCase() === 'trailers' ? undefined : badTe;
      case kinds.CONNECTION:
      case kinds.TRANSFER_ENCODING:
      case kinds.UPGRADE:
      case kinds.KEEP_ALIVE:
        return hopField;
      case kinds.HOP:
        this.fieldCount += 1;
        return undefined;
      case own.COOKIE:
        this.#cookieCount += 1;
        return undefined;
      case kinds.AUTHORIZATION:
        this.#authorizationCount += 1;
        return this.#authorizationCount > 1 ? repeated : undefined;
      case kinds.CONTENT_TYPE:
        this.#contentTypeCount += 1;
        return this.#contentTypeCount > 1 ? repeated : undefined;
      default:
        return undefined;
    }
  }

  #takeLength(value: string): Refusal | undefined {
    if (this.contentLength !== undefined) return repeated;
    const length = numberOf(value, LENGTH_DIGITS_MAX);
    if (length < 0) return badLength;
    this.contentLength = length;
    return undefined;
  }

  #takePseudo(kind: number, value: string): Refusal | undefined {
    if (this.fieldCount > 0) return latePseudo;
    this.pseudoCount += 1;
    switch (kind) {
      case own.METHOD:
        if (this.method !== undefined) return repeatedPseudo;
        this.method = value;
        return undefined;
      case own.SCHEME:
        if (this.scheme !== undefined) return repeatedPseudo;
        this.scheme = value;
        return undefined;
      case own.AUTHORITY:
        if (this.authority !== undefined) return repeatedPseudo;
        this.authority = value;
        return undefined;
      case own.PATH:
        if (this.path !== undefined) return repeatedPseudo;
        this.path = value;
        return undefined;
      case own.STATUS:
        if (this.status !== undefined) return repeatedPseudo;
        this.status = value;
        return undefined;
      case own.PROTOCOL:
        if (this.protocol !== undefined) return repeatedPseudo;
        this.protocol = value;
        return undefined;
      default:
        return unknownPseudo;
    }
  }
}

function isKept(kind: number): boolean {
  switch (kind) {
    case kinds.PLAIN | own.UNDERSCORE:
    case kinds.TE:
    case kinds.AUTHORIZATION:
    case kinds.CONTENT_TYPE:
    case own.COOKIE:
      return true;
    default:
      return false;
  }
}
