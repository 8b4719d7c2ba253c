/**
 * Which octets may stand where, as tables: one lookup per byte in the parser, no regular expression
 * and no string. RFC 9110 §5.1 (field names), §5.5 (field values), RFC 3986 (targets, hosts).
 */

function table(allowed: string): Uint8Array {
  const flags = new Uint8Array(256);
  for (let index = 0; index < allowed.length; index += 1) flags[allowed.charCodeAt(index)] = 1;
  return flags;
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const DIGITS = '0123456789';

/** Octets of a token: methods, field names, what Connection lists. */
export const TOKEN = table(`${LETTERS}${DIGITS}!#$%&'*+-.^_\`|~`);

/** As `TOKEN` but for `_`, which some servers take for `-`: refused in names that come from outside. */
export const STRICT_TOKEN = table(`${LETTERS}${DIGITS}!#$%&'*+-.^\`|~`);

/** Octets of a host name or an IPv4 address. Percent-encoding is refused: nobody needs it. */
export const HOST_NAME = table(`${LETTERS}${DIGITS}-._~`);

/** Octets of an IPv6 address between its brackets. */
export const IPV6 = table('0123456789abcdefABCDEF:.');

/** Octets of a field value: visible ones, blank, tab and 0x80 to 0xFF. */
export const FIELD_VALUE = new Uint8Array(256).fill(1, 0x20);
FIELD_VALUE[0x7f] = 0;
FIELD_VALUE[0x09] = 1;

/** Visible ASCII: what the codec itself writes into a start line. */
export const VISIBLE = new Uint8Array(256).fill(1, 0x21, 0x7f);

/** Octets of a request target: visible ASCII without what would end, hide or bend a path. */
export const TARGET = new Uint8Array(256).fill(1, 0x21, 0x7f);
for (const refused of '#\\"<>') TARGET[refused.charCodeAt(0)] = 0;

/** Maps A–Z to a–z and everything else to itself. */
export const LOWER = Uint8Array.from({ length: 256 }, (_, octet) =>
  octet >= 0x41 && octet <= 0x5a ? octet + 0x20 : octet,
);

/** Value of a hexadecimal digit; 255 for everything else. */
export const HEX_VALUE = new Uint8Array(256).fill(255);
for (let value = 0; value < 16; value += 1) {
  const digit = value.toString(16);
  HEX_VALUE[digit.charCodeAt(0)] = value;
  HEX_VALUE[digit.toUpperCase().charCodeAt(0)] = value;
}

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HT = 0x09;
export const COLON = 0x3a;

/** Whether every character is one octet for which `allowed` has a flag; true for ''. */
export function consistsOf(text: string, allowed: Uint8Array): boolean {
  for (let index = 0; index < text.length; index += 1) {
    if (allowed[text.charCodeAt(index)] !== 1) return false;
  }
  return true;
}

/** The number that `text` says in decimal digits, at least one and at most `digitCountMax`, up to 15; else -1. */
export function numberOf(text: string, digitCountMax: number): number {
  if (text.length === 0 || text.length > digitCountMax) return -1;
  let value = 0;
  for (let index = 0; index < text.length; index += 1) {
    const digit = text.charCodeAt(index) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

/** Whether two texts are the same but for the case of ASCII letters; allocates nothing. */
export function equalsFolded(left: string, right: string): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1) {
    const a = left.charCodeAt(index);
    const b = right.charCodeAt(index);
    if (a !== b && (LOWER[a] ?? a) !== (LOWER[b] ?? b)) return false;
  }
  return true;
}
