/**
 * Paths in one spelling, so that a decision is taken on the string that is forwarded and on no other
 * reading of it. What is harmless is normalised (RFC 3986 §6.2.2): escapes of unreserved characters
 * become those characters, all others get upper-case digits. What applications read in more ways than
 * one is refused: dot segments, empty segments, escaped slashes and backslashes, control characters,
 * path parameters (`;`), and escapes that are no UTF-8 (CVE-2019-9901, CVE-2021-29492). One pass, no
 * regular expression; a path in that spelling comes back as it is.
 *
 * Guarantees: the result is a fixed point; whoever decodes it once, merges slashes, drops parameters and
 * resolves dot segments finds the segments that were compared.
 */

/** A path with one reading, or why there is none. */
export type NormalPath =
  | { readonly kind: 'path'; readonly path: string }
  | { readonly kind: 'refused'; readonly why: string };

const SLASH = 0x2f;
const DOT = 0x2e;
const DELETE = 0x7f;
const CONTINUATION_MIN = 0x80;
const CONTINUATION_MAX = 0xbf;

/** Bytes as which an application might end, split or cut a path. */
const bent = new Map<number, string>([
  [SLASH, 'an escaped slash'],
  [0x5c, 'a backslash'],
  [0x3b, 'path parameters'],
]);

/**
 * Normalises a path without query; `*` of OPTIONS and the empty path of CONNECT are no paths and pass.
 * Linear in its length.
 */
export function normalizePath(path: string): NormalPath {
  if (path === '*' || path === '') return { kind: 'path', path };
  if (path.charCodeAt(0) !== SLASH) return refused('no slash at the beginning');
  const plain = path.includes('%') ? unescaped(path) : { kind: 'path' as const, path };
  if (plain.kind === 'refused') return plain;
  const why = faultOf(plain.path);
  return why === undefined ? plain : refused(why);
}

/** Escapes of what needs none are resolved; what must not be there at all is refused. */
function unescaped(path: string): NormalPath {
  let text = '';
  let done = 0;
  let at = path.indexOf('%');
  const octets: number[] = [];
  while (at >= 0) {
    const octet = escapedAt(path, at);
    if (octet === undefined) return refused('an escape without two digits');
    if (octet < 0x20 || octet === DELETE) return refused('an escaped control character');
    const why = bent.get(octet);
    if (why !== undefined) return refused(why);
    text += path.slice(done, at) + (isUnreserved(octet) ? String.fromCharCode(octet) : hex(octet));
    // Only escapes that follow each other make one character.
    if (octets.length > 0 && done !== at && !isUtf8(octets)) return refused(notUtf8);
    if (done !== at) octets.length = 0;
    octets.push(octet);
    done = at + 3;
    at = path.indexOf('%', done);
  }
  if (!isUtf8(octets)) return refused(notUtf8);
  return { kind: 'path', path: text + path.slice(done) };
}

const notUtf8 = 'escapes that are no UTF-8';

/** What a path whose escapes are in order has of what it must not. */
function faultOf(path: string): string | undefined {
  for (let at = 0; at < path.length; at += 1) {
    const code = path.charCodeAt(at);
    if (code <= 0x20 || code >= DELETE) return 'a character that belongs into an escape';
    if (code === SLASH) {
      const next = path.charCodeAt(at + 1);
      if (next === SLASH) return 'an empty segment';
      if (next === DOT && isDotSegment(path, at + 1)) return 'a dot segment';
    } else if (code === 0x23 || code === 0x3f) {
      return 'the end of a path within it';
    } else if (bent.has(code)) {
      return bent.get(code);
    }
  }
  return undefined;
}

function isDotSegment(path: string, start: number): boolean {
  const end = path.charCodeAt(start + 1) === DOT ? start + 2 : start + 1;
  return end === path.length || path.charCodeAt(end) === SLASH;
}

function escapedAt(path: string, at: number): number | undefined {
  const high = hexValue(path.charCodeAt(at + 1));
  const low = hexValue(path.charCodeAt(at + 2));
  return high < 0 || low < 0 ? undefined : high * 16 + low;
}

/** -1 for everything else, NaN beyond the end among it. */
function hexValue(code: number): number {
  if (code >= 0x30 && code <= 0x39) return code - 0x30;
  const lower = code | 0x20;
  return code >= 0x41 && lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1;
}

function hex(octet: number): string {
  return `%${octet.toString(16).toUpperCase().padStart(2, '0')}`;
}

/** RFC 3986 §2.3. */
function isUnreserved(code: number): boolean {
  const isDigit = code >= 0x30 && code <= 0x39;
  const lower = code | 0x20;
  const isLetter = code >= 0x41 && lower >= 0x61 && lower <= 0x7a && code <= 0x7a;
  return isDigit || isLetter || code === 0x2d || code === DOT || code === 0x5f || code === 0x7e;
}

/** RFC 3629 §4: the shortest forms only, no surrogates, nothing beyond U+10FFFF. */
function isUtf8(octets: readonly number[]): boolean {
  let at = 0;
  while (at < octets.length) {
    const first = octets[at] ?? 0;
    const length = lengthOf(first);
    if (length === 0) return false;
    for (let more = 1; more < length; more += 1) {
      const octet = octets[at + more] ?? 0;
      const [min, max] = more === 1 ? secondBounds(first) : [CONTINUATION_MIN, CONTINUATION_MAX];
      if (octet < min || octet > max) return false;
    }
    at += length;
  }
  return true;
}

function lengthOf(first: number): number {
  if (first < CONTINUATION_MIN) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  return first >= 0xf0 && first <= 0xf4 ? 4 : 0;
}

function secondBounds(first: number): readonly [number, number] {
  if (first === 0xe0) return [0xa0, CONTINUATION_MAX];
  if (first === 0xed) return [CONTINUATION_MIN, 0x9f];
  if (first === 0xf0) return [0x90, CONTINUATION_MAX];
  return first === 0xf4 ? [CONTINUATION_MIN, 0x8f] : [CONTINUATION_MIN, CONTINUATION_MAX];
}

function refused(why: string): NormalPath {
  return { kind: 'refused', why };
}
