/**
 * Addresses and CIDR ranges as numbers. Strict on purpose: an address in another spelling (`0x7f.1`,
 * `2130706433`, `127.1`) is none, for what one program takes for a name another dials.
 */

/** A range of addresses; IPv4 stands in IPv6 as `::ffff:a.b.c.d`, so that both spellings are one. */
export interface AddressRange {
  readonly address: bigint;
  /** Of 128. */
  readonly prefixBits: number;
}

const BITS = 128;
const MAPPED = 0xffffn << 32n;
const V4_OFFSET_BITS = 96;

/** The number of an IPv4 or IPv6 address, without brackets or zone; undefined for anything else. */
export function parseAddress(text: string): bigint | undefined {
  return text.includes(':') ? parseV6(text) : mapped(parseV4(text));
}

/** An address, or an address and `/bits`; undefined for anything else, and for bits beyond the range. */
export function parseRange(text: string): AddressRange | undefined {
  const slash = text.indexOf('/');
  const base = slash < 0 ? text : text.slice(0, slash);
  const address = parseAddress(base);
  if (address === undefined) return undefined;
  if (slash < 0) return { address, prefixBits: BITS };
  const digits = text.slice(slash + 1);
  if (!isDecimal(digits, 3)) return undefined;
  const prefixBits = Number(digits) + (base.includes(':') ? 0 : V4_OFFSET_BITS);
  if (prefixBits > BITS) return undefined;
  return { address: truncated(address, prefixBits), prefixBits };
}

/** Whether the address lies in the range. */
export function isWithin(address: bigint, { address: base, prefixBits }: AddressRange): boolean {
  return truncated(address, prefixBits) === base;
}

function truncated(address: bigint, prefixBits: number): bigint {
  const rest = BigInt(BITS - prefixBits);
  return (address >> rest) << rest;
}

function mapped(v4: bigint | undefined): bigint | undefined {
  return v4 === undefined ? undefined : MAPPED | v4;
}

/** Four decimal numbers without leading zeros, as RFC 3986 §3.2.2 has them. */
function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4) return undefined;
  let value = 0n;
  for (const part of parts) {
    if (!isDecimal(part, 3) || Number(part) > 255) return undefined;
    if (part.length > 1 && part.startsWith('0')) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

/** RFC 4291 §2.2, with `::` once and an IPv4 tail. */
function parseV6(text: string): bigint | undefined {
  const halves = text.split('::');
  // An IPv4 address stands at the very end or nowhere.
  if (halves.length > 2 || (halves.length === 2 && halves[0]?.includes('.'))) return undefined;
  const [head, tail] = halves.map(groupsOf);
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? joined(head) : undefined;
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  const gap = Array.from({ length: 8 - head.length - tail.length }, () => 0);
  return joined([...head, ...gap, ...tail]);
}

/** The groups of 16 bits; an IPv4 address at the end makes two. */
function groupsOf(text: string): readonly number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [index, part] of parts.entries()) {
    if (index === parts.length - 1 && part.includes('.')) {
      const v4 = parseV4(part);
      if (v4 === undefined) return undefined;
      groups.push(Number(v4 >> 16n), Number(v4 & 0xffffn));
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) {
      groups.push(Number.parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return groups;
}

function joined(groups: readonly number[]): bigint {
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

function isDecimal(text: string, lengthMax: number): boolean {
  return text.length <= lengthMax && /^\d+$/.test(text);
}
