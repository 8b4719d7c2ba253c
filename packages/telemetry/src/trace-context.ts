/**
 * W3C Trace Context (Level 1, with the random flag of Level 2 §3.2.2.5): strict in what it takes.
 * A traceparent that is not valid starts a new trace, and its tracestate goes with it.
 */
import type { IdSource } from './trace-ids.ts';

/** A valid traceparent, taken apart. */
export interface TraceContext {
  readonly traceId: string;
  readonly spanId: string;
  /** The eight bits as sent; bit 0 is sampled, bit 1 says that the trace id is random. */
  readonly flags: number;
}

/** Bit 0 of the flags. */
export const sampledFlag = 0x01;
const randomFlag = 0x02;
const headerChars = 55;
const dash = 0x2d;

/**
 * Parses a traceparent, given as a string or as the bytes of the field. Lower-case hexadecimal only;
 * ids that are all zero and version ff are invalid; version 00 has exactly 55 characters, a higher
 * one may go on after a dash, and is read as if it were 00.
 */
export function parseTraceparent(value: string | Uint8Array): TraceContext | undefined {
  if (!isTraceparent(value)) return undefined;
  const text =
    typeof value === 'string' ? value : String.fromCharCode(...value.subarray(0, headerChars)); // Checked: ASCII.
  return {
    traceId: text.slice(3, 35),
    spanId: text.slice(36, 52),
    flags: Number.parseInt(text.slice(53, 55), 16),
  };
}

/** Whether `parseTraceparent` would give something; makes nothing. */
export function isTraceparent(value: string | Uint8Array): boolean {
  if (value.length < headerChars) return false;
  if (charAt(value, 2) !== dash || charAt(value, 35) !== dash || charAt(value, 52) !== dash) {
    return false;
  }
  for (let index = 0; index < headerChars; index += 1) {
    if (index === 2 || index === 35 || index === 52) continue;
    if (!isHexDigit(charAt(value, index))) return false;
  }
  if (isZero(value, 3, 35) || isZero(value, 36, 52)) return false;
  return isKnownShape(value);
}

/** 00 ends here; others may go on after a dash; ff is forbidden. */
function isKnownShape(value: string | Uint8Array): boolean {
  const isVersion00 = isZero(value, 0, 2);
  if (isVersion00) return value.length === headerChars;
  const isVersionFf = charAt(value, 0) === 0x66 && charAt(value, 1) === 0x66;
  return !isVersionFf && (value.length === headerChars || charAt(value, headerChars) === dash);
}

/** The header of a span of a known trace, in version 00. */
export function formatTraceparent(context: TraceContext): string {
  const flags = (context.flags & 0xff).toString(16).padStart(2, '0');
  return `00-${context.traceId}-${context.spanId}-${flags}`;
}

/** A span below `parent`: same trace and same flags, since what was decided upstream stands. */
export function childContext(parent: TraceContext, ids: IdSource): TraceContext {
  // Only the flags of version 00 are passed on; a later version may mean others.
  const flags = parent.flags & (sampledFlag | randomFlag);
  return { traceId: parent.traceId, spanId: ids.spanId(), flags };
}

/** A new trace. Its id is random and says so. */
export function rootContext(ids: IdSource, isSampled: boolean): TraceContext {
  const flags = randomFlag | (isSampled ? sampledFlag : 0);
  return { traceId: ids.traceId(), spanId: ids.spanId(), flags };
}

/** Whether the trace is recorded. */
export function isSampled(context: TraceContext): boolean {
  return (context.flags & sampledFlag) !== 0;
}

function charAt(value: string | Uint8Array, index: number): number {
  return typeof value === 'string' ? value.charCodeAt(index) : (value[index] ?? 0);
}

function isHexDigit(char: number): boolean {
  return (char >= 0x30 && char <= 0x39) || (char >= 0x61 && char <= 0x66);
}

function isZero(value: string | Uint8Array, from: number, to: number): boolean {
  for (let index = from; index < to; index += 1) {
    if (charAt(value, index) !== 0x30) return false;
  }
  return true;
}
