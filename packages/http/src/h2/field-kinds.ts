/**
 * What the codec has to know of a field, as one number that is found once and kept beside the field
 * in the tables of HPACK: its kind, and whether its name or its value may not stand in a message.
 */
import { kindOf, PLAIN } from '../field-kind.ts';
import { FIELD_VALUE, TOKEN } from '../octets.ts';

/** After the kinds of `field-kind.ts`. */
export const COOKIE = 12;
/** From here on pseudo-header fields (RFC 9113 §8.3). */
export const METHOD = 16;
export const SCHEME = 17;
export const AUTHORITY = 18;
export const PATH = 19;
export const STATUS = 20;
export const PROTOCOL = 21;
/** One that nobody knows: malformed wherever it comes. */
export const UNKNOWN_PSEUDO = 22;

/** Added to a kind: the name has a `_`, which some servers take for `-`; requests may not have it. */
export const UNDERSCORE = 0x20;
/** Added to a kind: the name is no token in lower case (RFC 9113 §8.2.1). */
export const BAD_NAME = 0x40;
/** Added to a kind: the value has a forbidden octet, or blanks around it. */
export const BAD_VALUE = 0x80;

const COLON = 0x3a;
const PSEUDO: readonly (readonly [Uint8Array, number])[] = [
  [octetsOf(':method'), METHOD],
  [octetsOf(':path'), PATH],
  [octetsOf(':scheme'), SCHEME],
  [octetsOf(':authority'), AUTHORITY],
  [octetsOf(':status'), STATUS],
  [octetsOf(':protocol'), PROTOCOL],
];
const COOKIE_NAME = octetsOf('cookie');

/** 1 for what may be in a name, a token without upper case; 3 for `_`, 0 for all others. */
const NAME_OCTETS = Uint8Array.from(TOKEN, (flag, octet) =>
  octet >= 0x41 && octet <= 0x5a ? 0 : flag,
);
NAME_OCTETS[0x5f] = 3;

function octetsOf(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** The kind of the name at `start` to `end`, with `BAD_NAME` if it is none. */
export function kindOfName(octets: Uint8Array, start: number, end: number): number {
  if (octets[start] === COLON && end > start) {
    for (const [name, kind] of PSEUDO) if (isAt(octets, start, end, name)) return kind;
    return UNKNOWN_PSEUDO;
  }
  let allowed = end > start ? 1 : 0;
  let seen = 0;
  for (let index = start; index < end; index += 1) {
    const flag = NAME_OCTETS[octets[index] as number] as number;
    allowed &= flag;
    seen |= flag;
  }
  if (allowed === 0) return PLAIN | BAD_NAME;
  if (seen > 1) return PLAIN | UNDERSCORE;
  return isAt(octets, start, end, COOKIE_NAME) ? COOKIE : kindOf(octets, start, end);
}

/** 0, or `BAD_VALUE` for the value at `start` to `end`. */
export function flawOfValue(octets: Uint8Array, start: number, end: number): number {
  if (start === end) return 0;
  let allowed = 1;
  for (let index = start; index < end; index += 1) {
    allowed &= FIELD_VALUE[octets[index] as number] as number;
  }
  const isPadded = isBlank(octets[start] as number) || isBlank(octets[end - 1] as number);
  return allowed === 0 || isPadded ? BAD_VALUE : 0;
}

/** Whether `kind` is that of a field that may not stand in any message. */
export function isFlawed(kind: number): boolean {
  return kind >= BAD_NAME;
}

function isBlank(octet: number): boolean {
  return octet === 0x20 || octet === 0x09;
}

function isAt(octets: Uint8Array, start: number, end: number, name: Uint8Array): boolean {
  if (end - start !== name.length) return false;
  for (let index = 0; index < name.length; index += 1) {
    if (octets[start + index] !== name[index]) return false;
  }
  return true;
}
