import type { Hash64 } from './hash64.ts';
import { xxHash64 } from './xx-hash64.ts';

/**
 * The hash that a call is placed by: xxHash64 with seed 0 of the key's UTF-8, as Envoy hashes a
 * header. Written into `into`, which is returned; without it, a new one is made. Give one object
 * again and again where calls are many.
 */
export function hashKey(text: string, into?: Hash64): Hash64 {
  return xxHash64(text, into);
}

/** The hash as people and Envoy write it: a decimal number. Not for hot paths. */
export function hashToString({ hi, lo }: Readonly<Hash64>): string {
  return ((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString();
}

/**
 * The hash of the decimal text, or undefined if that is no whole number from 0 to 2^64 - 1. For
 * hashes that somebody else made. Not for hot paths.
 */
export function hashFromString(text: string): Hash64 | undefined {
  if (!/^[0-9]{1,20}$/.test(text)) return undefined;
  const value = BigInt(text);
  if (value >= 1n << 64n) return undefined;
  return { hi: Number(value >> 32n), lo: Number(value & 0xffff_ffffn) };
}
