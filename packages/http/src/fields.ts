/**
 * Fields of a head or a trailer section, in order, names without regard to case (RFC 9110 §5).
 *
 * A parsed list is one private copy of the head (as a latin1 string: one character, one octet) and
 * offsets into it; names and values become strings of their own only when they are asked for, and a
 * list that is passed on unchanged is written by slices of many lines at once. Edits come after.
 */
import { FieldError } from './field-error.ts';
import { consistsOf, equalsFolded, FIELD_VALUE, LOWER, TOKEN } from './octets.ts';

/** Offsets per field: where its name starts and ends, where its value starts and ends. */
export const SPAN_SIZE = 4;
const REMOVED = -1;

/** Is told of each line of a list. */
export interface FieldVisitor {
  field(name: string, value: string): void;
}

/** The fields of one message; see the module. Edits are checked: names are tokens, values carry no line end. */
export class FieldList implements Iterable<readonly [string, string]> {
  #head = '';
  #spans: number[] = [];
  #added: string[] = []; // name, value, name, value, …
  #count = 0;

  /** A list of these pairs; each is checked like `append` does it. */
  static of(pairs: Iterable<readonly [string, string]>): FieldList {
    const list = new FieldList();
    for (const [name, value] of pairs) list.append(name, value);
    return list;
  }

  /**
   * For the parser, which has checked every octet: `head` is the list's own from now on, `spans` too.
   * Offsets ascend; a line that reads `name: value` CRLF may be passed on as it stands.
   */
  static parsed(head: string, spans: number[]): FieldList {
    const list = new FieldList();
    list.#head = head;
    list.#spans = spans;
    list.#count = spans.length / SPAN_SIZE;
    return list;
  }

  /** Number of field lines. */
  get count(): number {
    return this.#count;
  }

  /** The value, of several lines joined by `, ` (Cookie by `; `); undefined if there is none. */
  get(name: string): string | undefined {
    let joined: string | undefined;
    const head = this.#head;
    const spans = this.#spans;
    for (let at = 0; at < spans.length; at += SPAN_SIZE) {
      if (!this.#isNamed(at, name)) continue;
      const value = head.slice(spans[at + 2], spans[at + 3]);
      joined = joined === undefined ? value : joined + separatorOf(name) + value;
    }
    const added = this.#added;
    for (let at = 0; at < added.length; at += 2) {
      if (!equalsFolded(added[at] ?? '', name)) continue;
      const value = added[at + 1] ?? '';
      joined = joined === undefined ? value : joined + separatorOf(name) + value;
    }
    return joined;
  }

  /** The values line by line, as Set-Cookie needs it. */
  getAll(name: string): string[] {
    const values: string[] = [];
    for (const [ownName, value] of this) if (equalsFolded(ownName, name)) values.push(value);
    return values;
  }

  has(name: string): boolean {
    for (let at = 0; at < this.#spans.length; at += SPAN_SIZE) {
      if (this.#isNamed(at, name)) return true;
    }
    for (let at = 0; at < this.#added.length; at += 2) {
      if (equalsFolded(this.#added[at] ?? '', name)) return true;
    }
    return false;
  }

  /** Replaces all lines of that name by one at the end. Throws `FieldError` for what cannot be written. */
  set(name: string, value: string): void {
    const trimmed = checked(name, value);
    this.remove(name);
    this.#added.push(name, trimmed);
    this.#count += 1;
  }

  /** Adds a line. Blanks around the value go. Throws `FieldError` for what cannot be written. */
  append(name: string, value: string): void {
    this.#added.push(name, checked(name, value));
    this.#count += 1;
  }

  /** Removes all lines of that name; does nothing if there is none. */
  remove(name: string): void {
    for (let at = 0; at < this.#spans.length; at += SPAN_SIZE) {
      if (!this.#isNamed(at, name)) continue;
      this.#spans[at] = REMOVED;
      this.#count -= 1;
    }
    for (let at = this.#added.length - 2; at >= 0; at -= 2) {
      if (!equalsFolded(this.#added[at] ?? '', name)) continue;
      this.#added.splice(at, 2);
      this.#count -= 1;
    }
  }

  /** A list of its own with the same lines; the copy of the head is shared, for it never changes. */
  clone(): FieldList {
    const copy = new FieldList();
    copy.#head = this.#head;
    copy.#spans = this.#spans.slice();
    copy.#added = this.#added.slice();
    copy.#count = this.#count;
    return copy;
  }

  /** As iterating, for those who count nanoseconds: calls `visitor` for each line, in order. */
  visit(visitor: FieldVisitor): void {
    const spans = this.#spans;
    const head = this.#head;
    for (let at = 0; at < spans.length; at += SPAN_SIZE) {
      const start = spans[at] as number;
      if (start === REMOVED) continue;
      visitor.field(head.slice(start, spans[at + 1]), head.slice(spans[at + 2], spans[at + 3]));
    }
    const added = this.#added;
    for (let at = 0; at < added.length; at += 2) {
      visitor.field(added[at] as string, added[at + 1] as string);
    }
  }

  /** Names as they were sent, and values. Do not edit the list meanwhile. */
  *[Symbol.iterator](): Generator<readonly [string, string]> {
    const spans = this.#spans;
    for (let at = 0; at < spans.length; at += SPAN_SIZE) {
      if (spans[at] === REMOVED) continue;
      const name = this.#head.slice(spans[at], spans[at + 1]);
      yield [name, this.#head.slice(spans[at + 2], spans[at + 3])];
    }
    for (let at = 0; at < this.#added.length; at += 2) {
      yield [this.#added[at] ?? '', this.#added[at + 1] ?? ''];
    }
  }

  /**
   * The lines as they go out, `name: value` CRLF each. What the codec itself writes (Host, framing,
   * Connection and its like) is left out even if somebody has added it.
   */
  toWire(): string {
    const head = this.#head;
    const spans = this.#spans;
    let text = '';
    let at = 0;
    while (at < spans.length) {
      const start = spans[at] ?? REMOVED;
      if (start === REMOVED) {
        at += SPAN_SIZE;
      } else if (!this.#isCanonical(at)) {
        text += `${head.slice(start, spans[at + 1])}: ${head.slice(spans[at + 2], spans[at + 3])}\r\n`;
        at += SPAN_SIZE;
      } else {
        let end = spans[at + 3] ?? 0;
        at += SPAN_SIZE;
        // Neighbours that stand there as we would write them go out in one slice.
        while (at < spans.length && spans[at] === end + 2 && this.#isCanonical(at)) {
          end = spans[at + 3] ?? 0;
          at += SPAN_SIZE;
        }
        text += `${head.slice(start, end)}\r\n`;
      }
    }
    for (let index = 0; index < this.#added.length; index += 2) {
      const name = this.#added[index] ?? '';
      if (!isCodecOwned(name)) text += `${name}: ${this.#added[index + 1] ?? ''}\r\n`;
    }
    return text;
  }

  #isCanonical(at: number): boolean {
    const nameEnd = this.#spans[at + 1] ?? 0;
    return this.#spans[at + 2] === nameEnd + 2 && this.#head.charCodeAt(nameEnd + 1) === 0x20;
  }

  #isNamed(at: number, name: string): boolean {
    const start = this.#spans[at] ?? REMOVED;
    if (start === REMOVED || (this.#spans[at + 1] ?? 0) - start !== name.length) return false;
    for (let index = 0; index < name.length; index += 1) {
      const own = this.#head.charCodeAt(start + index);
      const other = name.charCodeAt(index);
      if (own !== other && LOWER[own] !== LOWER[other]) return false;
    }
    return true;
  }
}

/** Names that only the codec writes: they say where a message goes and where it ends. */
export function isCodecOwned(name: string): boolean {
  switch (name.length) {
    case 4:
      return equalsFolded(name, 'host');
    case 7:
      return equalsFolded(name, 'upgrade') || equalsFolded(name, 'trailer');
    case 10:
      return equalsFolded(name, 'connection') || equalsFolded(name, 'keep-alive');
    case 14:
      return equalsFolded(name, 'content-length');
    case 16:
      return equalsFolded(name, 'proxy-connection');
    case 17:
      return equalsFolded(name, 'transfer-encoding');
    default:
      return false;
  }
}

function separatorOf(name: string): string {
  return equalsFolded(name, 'cookie') ? '; ' : ', ';
}

function checked(name: string, value: string): string {
  if (name === '' || !consistsOf(name, TOKEN)) throw new FieldError(name, 'its name is no token');
  if (!consistsOf(value, FIELD_VALUE)) {
    throw new FieldError(name, 'its value has a control character, or one beyond U+00FF');
  }
  return trimBlanks(value);
}

/** `value` without blanks and tabs around it; `trim` would take non-breaking blanks as well. */
export function trimBlanks(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isBlank(value.charCodeAt(start))) start += 1;
  while (end > start && isBlank(value.charCodeAt(end - 1))) end -= 1;
  return end - start === value.length ? value : value.slice(start, end);
}

function isBlank(octet: number): boolean {
  return octet === 0x20 || octet === 0x09;
}
