/**
 * Which field names the codec knows: those that frame a message, those that belong to one hop only
 * (RFC 9110 §7.6.1), and those that must not come twice. Told from the bytes, without a string.
 */
import { LOWER } from './octets.ts';

/** End-to-end: passed on as it is. */
export const PLAIN = 0;
export const HOST = 1;
export const CONTENT_LENGTH = 2;
export const TRANSFER_ENCODING = 3;
export const CONNECTION = 4;
export const TE = 5;
export const UPGRADE = 6;
export const EXPECT = 7;
export const KEEP_ALIVE = 8;
/** For one hop only, and of no use to us. */
export const HOP = 9;
export const AUTHORIZATION = 10;
export const CONTENT_TYPE = 11;

/** Known names by length, then by name. */
const KNOWN: readonly (readonly (readonly [Uint8Array, number])[] | undefined)[] = byLength([
  ['te', TE],
  ['host', HOST],
  ['expect', EXPECT],
  ['upgrade', UPGRADE],
  ['trailer', HOP],
  ['connection', CONNECTION],
  ['keep-alive', KEEP_ALIVE],
  ['content-type', CONTENT_TYPE],
  ['authorization', AUTHORIZATION],
  ['content-length', CONTENT_LENGTH],
  ['http2-settings', HOP],
  ['proxy-connection', HOP],
  ['transfer-encoding', TRANSFER_ENCODING],
  ['proxy-authenticate', HOP],
  ['proxy-authorization', HOP],
  ['proxy-authentication-info', HOP],
]);

function byLength(names: readonly (readonly [string, number])[]) {
  const table: ([Uint8Array, number][] | undefined)[] = [];
  for (const [name, kind] of names) {
    const octets = Uint8Array.from(name, (character) => character.charCodeAt(0));
    const others = table[name.length];
    if (others === undefined) table[name.length] = [[octets, kind]];
    else others.push([octets, kind]);
  }
  return table;
}

/** The kind of the name that stands at `start` to `end`. */
export function kindOf(buffer: Uint8Array, start: number, end: number): number {
  const candidates = KNOWN[end - start];
  if (candidates === undefined) return PLAIN;
  for (const [octets, kind] of candidates) {
    let index = 0;
    while (index < octets.length && LOWER[buffer[start + index] as number] === octets[index]) {
      index += 1;
    }
    if (index === octets.length) return kind;
  }
  return PLAIN;
}

/**
 * Whether `Connection` may not remove this field: what frames and addresses a message, and what says
 * who sent it (a caller could else strip an identity that a proxy has added; CVE-2025-48865).
 */
export function isProtected(lowerName: string): boolean {
  return (
    lowerName.startsWith('x-leno-') ||
    lowerName.startsWith('x-forwarded-') ||
    PROTECTED.has(lowerName)
  );
}

const PROTECTED = new Set([
  'host',
  'content-length',
  'transfer-encoding',
  'content-type',
  'content-encoding',
  'authorization',
  'cookie',
  'forwarded',
  'traceparent',
  'tracestate',
  'x-request-id',
]);

/** Fields that mean nothing good in a trailer section (RFC 9110 §6.5.1); they are dropped. */
export const FORBIDDEN_TRAILERS: readonly string[] = [
  'authorization',
  'cookie',
  'set-cookie',
  'content-type',
  'content-encoding',
  'content-range',
  'cache-control',
  'max-forwards',
  'range',
  'x-forwarded-client-cert',
];
