/**
 * What `Content-Length`, `Transfer-Encoding` and `Connection` of a head say, read strictly
 * (RFC 9112 §6, RFC 9110 §7.6.1): one length, one coding, never both.
 */
import * as kinds from './field-kind.ts';
import { FieldList, SPAN_SIZE } from './fields.ts';
import type { HeadScanner } from './head-scanner.ts';
import { consistsOf, equalsFolded, numberOf, TOKEN } from './octets.ts';
import { malformed, type Refusal } from './refusal.ts';

/** A length has at most so many digits: less than 2^53. */
const LENGTH_DIGITS_MAX = 15;

const twoLengths = malformed('more than one length, or a length beside a coding');
const badLength = malformed('Content-Length is no number of at most 15 digits');
const badCoding = malformed('Transfer-Encoding is not chunked and nothing else');
const unknownCoding = malformed('Transfer-Encoding names a coding that is not known', 501);
const badConnection = malformed('Connection has a member that is no token');
const repeated = malformed('a field came twice that must come once');

/** What the special fields of a head have said. */
export class Framing {
  /** The whole head, one character per octet. */
  text = '';
  contentLength: number | undefined = undefined;
  chunked = false;
  hostCount = 0;
  hostStart = 0;
  hostEnd = 0;
  saysClose = false;
  saysKeepAlive = false;
  saysUpgrade = false;
  upgrade = '';
  keepAlive = '';
  expect: string | undefined = undefined;
  te = '';
  #nominated: string[] | undefined = undefined;
  #upgradeCount = 0;
  #authorizationCount = 0;
  #contentTypeCount = 0;

  /**
   * Reads the special fields of a whole head and takes them out of the scanner's spans. Gives the
   * end-to-end fields, or why the head is refused.
   */
  take(scanner: HeadScanner): FieldList | Refusal {
    this.text = scanner.buffer.toString('latin1', scanner.base, scanner.base + scanner.headLength);
    const { spans } = scanner;
    let kept = 0;
    for (let index = 0; index < scanner.fieldCount; index += 1) {
      const at = index * SPAN_SIZE;
      const kind = scanner.kinds[index] as number;
      if (kind !== kinds.PLAIN) {
        const refusal = this.#read(kind, spans[at + 2] as number, spans[at + 3] as number);
        if (refusal !== undefined) return refusal;
        if (kind !== kinds.AUTHORIZATION && kind !== kinds.CONTENT_TYPE) continue;
      }
      for (let part = 0; part < SPAN_SIZE; part += 1) {
        spans[kept + part] = spans[at + part] as number;
      }
      kept += SPAN_SIZE;
    }
    const fields = FieldList.parsed(this.text, spans.slice(0, kept));
    this.#removeNominated(fields);
    if (this.takesTrailers) fields.append('te', 'trailers');
    return fields;
  }

  #read(kind: number, start: number, end: number): Refusal | undefined {
    switch (kind) {
      case kinds.HOST:
        this.hostCount += 1;
        this.hostStart = start;
        this.hostEnd = end;
        return undefined;
      case kinds.CONTENT_LENGTH:
        return this.#readLength(this.text.slice(start, end));
      case kinds.TRANSFER_ENCODING:
        return this.#readCoding(this.text.slice(start, end));
      case kinds.CONNECTION:
        return this.#readConnection(this.text.slice(start, end));
      case kinds.TE:
        this.te += `${this.text.slice(start, end)},`;
        return undefined;
      case kinds.UPGRADE:
        this.upgrade = this.text.slice(start, end).toLowerCase();
        this.#upgradeCount += 1;
        return this.#upgradeCount > 1 ? repeated : undefined;
      case kinds.EXPECT:
        if (this.expect !== undefined) return repeated;
        this.expect = this.text.slice(start, end);
        return undefined;
      case kinds.KEEP_ALIVE:
        this.keepAlive = this.text.slice(start, end);
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

  #readLength(value: string): Refusal | undefined {
    if (this.contentLength !== undefined || this.chunked) return twoLengths;
    const length = numberOf(value, LENGTH_DIGITS_MAX);
    if (length < 0) return badLength;
    this.contentLength = length;
    return undefined;
  }

  #readCoding(value: string): Refusal | undefined {
    if (this.contentLength !== undefined || this.chunked) return twoLengths;
    this.chunked = true;
    if (equalsFolded(value, 'chunked')) return undefined;
    return /^[a-z]+ *, *chunked$/i.test(value) ? unknownCoding : badCoding;
  }

  #readConnection(value: string): Refusal | undefined {
    if (equalsFolded(value, 'keep-alive')) {
      this.saysKeepAlive = true;
      return undefined;
    }
    for (const member of value.split(',')) {
      const name = member.trim().toLowerCase();
      if (!consistsOf(name, TOKEN)) return badConnection;
      if (name === 'close') this.saysClose = true;
      else if (name === 'keep-alive') this.saysKeepAlive = true;
      else if (name === 'upgrade') this.saysUpgrade = true;
      else if (name !== '' && !kinds.isProtected(name)) {
        this.#nominated ??= [];
        this.#nominated.push(name);
      }
    }
    return undefined;
  }

  #removeNominated(fields: FieldList): void {
    if (this.#nominated === undefined) return;
    for (const name of this.#nominated) fields.remove(name);
  }

  /** Whether TE asks for trailers: all that may be said further on. */
  get takesTrailers(): boolean {
    return this.te !== '' && /(^|,)[ \t]*trailers[ \t]*(,|$)/i.test(this.te);
  }
}
