/**
 * DER in and out. node-forge is the codec and nothing more: it never sees a key operation or a
 * trust decision, and no other module of the mesh imports it.
 *
 * Reading is strict: what does not encode back to the same bytes is refused, so that no two parsers
 * can read one input differently (X.690 §10 and §11, distinguished encoding).
 */
import asn1 from 'node-forge/lib/asn1.js';

/** One element of a DER tree. Made by the writers below or by `parseDer`; read by the readers. */
export interface DerNode {
  readonly tagClass: number;
  readonly type: number;
  readonly constructed: boolean;
  readonly composed: boolean;
  /** The contents: octets as a binary string, or the elements of a constructed one. */
  readonly value: string | readonly DerNode[];
}

/** Input that is not DER, or not the structure asked for. Translated at the edges. */
export class DerError extends Error {
  override readonly name = 'DerError';
}

const depthMax = 16;
const universal = 0x00;
const contextSpecific = 0x80;
const types = {
  boolean: 1,
  integer: 2,
  bitString: 3,
  octetString: 4,
  null: 5,
  oid: 6,
  utf8: 12,
  sequence: 16,
  set: 17,
  utcTime: 23,
  generalizedTime: 24,
} as const;

/**
 * Reads exactly one element, of at most `bytesMax` bytes and 16 levels. Throws `DerError` for
 * anything that is not distinguished encoding, trailing bytes included.
 */
export function parseDer(bytes: Uint8Array, bytesMax: number): DerNode {
  if (bytes.length > bytesMax) {
    throw new DerError(`has ${bytes.length} bytes, more than ${bytesMax}`);
  }
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
  const node = decode(text);
  if (asn1.toDer(node).data !== text) throw new DerError('is not distinguished encoding (DER)');
  return node;
}

function decode(text: string): Parameters<typeof asn1.toDer>[0] {
  try {
    return asn1.fromDer(text, {
      strict: true,
      parseAllBytes: true,
      decodeBitStrings: false,
      maxDepth: depthMax,
    });
  } catch (cause) {
    throw new DerError('is not DER', { cause });
  }
}

/** The bytes of an element. */
export function encodeDer(node: DerNode): Uint8Array {
  // The codec's own type is mutable; it does not write to what it encodes.
  return fromBinary(asn1.toDer(node as Parameters<typeof asn1.toDer>[0]).data);
}

/** The first element inside another, as it stands in the input: what a signature covers. */
export function firstElementBytes(der: Uint8Array): Uint8Array {
  const start = headerBytes(der, 0).headerLength;
  const { headerLength, contentLength } = headerBytes(der, start);
  return der.subarray(start, start + headerLength + contentLength);
}

function headerBytes(der: Uint8Array, at: number): { headerLength: number; contentLength: number } {
  const first = der[at + 1] ?? 0;
  if (first < 0x80) return { headerLength: 2, contentLength: first };
  const lengthBytes = first & 0x7f;
  let contentLength = 0;
  for (let index = 0; index < lengthBytes; index += 1) {
    contentLength = contentLength * 256 + (der[at + 2 + index] ?? 0);
  }
  return { headerLength: 2 + lengthBytes, contentLength };
}

// Writers.

/** A SEQUENCE. */
export function sequence(...elements: readonly DerNode[]): DerNode {
  return constructed(universal, types.sequence, elements);
}

/** A SET; the caller sorts, where there is more than one element. */
export function set(...elements: readonly DerNode[]): DerNode {
  return constructed(universal, types.set, elements);
}

/** An element with a context tag around others: `[number]` EXPLICIT, or IMPLICIT of a sequence. */
export function context(number: number, ...elements: readonly DerNode[]): DerNode {
  return constructed(contextSpecific, number, elements);
}

/** An element with a context tag in place of a primitive's own: `[number]` IMPLICIT. */
export function contextPrimitive(number: number, contents: Uint8Array): DerNode {
  return primitive(contextSpecific, number, toBinary(contents));
}

/** An INTEGER: a small one, or the big-endian two's complement of one, minimal. */
export function integer(value: number | Uint8Array): DerNode {
  const contents = typeof value === 'number' ? asn1.integerToDer(value).data : toBinary(value);
  return primitive(universal, types.integer, contents);
}

/** An OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): DerNode {
  return primitive(universal, types.oid, asn1.oidToDer(dotted).data);
}

/** TRUE. FALSE is never written: it is a default wherever Leno writes. */
export function truth(): DerNode {
  return primitive(universal, types.boolean, '\xff');
}

/** NULL. */
export function nothing(): DerNode {
  return primitive(universal, types.null, '');
}

/** An OCTET STRING. */
export function octetString(contents: Uint8Array): DerNode {
  return primitive(universal, types.octetString, toBinary(contents));
}

/** A BIT STRING, the last `unusedBits` bits of which do not count. */
export function bitString(contents: Uint8Array, unusedBits = 0): DerNode {
  const value = String.fromCharCode(unusedBits) + toBinary(contents);
  return primitive(universal, types.bitString, value);
}

/** A UTF8String. */
export function utf8(text: string): DerNode {
  return primitive(universal, types.utf8, toBinary(Buffer.from(text, 'utf8')));
}

/** A time, cut to the second: UTCTime through 2049, then GeneralizedTime (RFC 5280 §4.1.2.5). */
export function time(atMs: number): DerNode {
  const digits = `${new Date(atMs).toISOString().slice(0, 19).replace(/[-:T]/g, '')}Z`;
  if (digits < '2050') return primitive(universal, types.utcTime, digits.slice(2));
  return primitive(universal, types.generalizedTime, digits);
}

function constructed(tagClass: number, type: number, value: readonly DerNode[]): DerNode {
  return { tagClass, type, constructed: true, composed: true, value };
}

function primitive(tagClass: number, type: number, value: string): DerNode {
  return { tagClass, type, constructed: false, composed: false, value };
}

// Readers: each throws `DerError` if the element is another.

/** The elements of a SEQUENCE. */
export function elementsOf(node: DerNode | undefined): readonly DerNode[] {
  if (!isUniversal(node, types.sequence)) throw new DerError('has no SEQUENCE where one belongs');
  return contentsOf(node);
}

/** The elements under a constructed context tag. */
export function contextElementsOf(node: DerNode): readonly DerNode[] {
  return contentsOf(node);
}

function contentsOf(node: DerNode): readonly DerNode[] {
  if (typeof node.value === 'string') throw new DerError('has a primitive where a list belongs');
  return node.value;
}

/** Whether this is `[number]`. */
export function isContext(node: DerNode | undefined, number: number): node is DerNode {
  return node !== undefined && node.tagClass === contextSpecific && node.type === number;
}

/** Whether this is TRUE. */
export function isTruth(node: DerNode | undefined): boolean {
  return isUniversal(node, types.boolean) && node.value === '\xff';
}

/** Whether this is a BOOLEAN. */
export function isBoolean(node: DerNode | undefined): boolean {
  return isUniversal(node, types.boolean);
}

/** Whether this is NULL. */
export function isNothing(node: DerNode | undefined): boolean {
  return isUniversal(node, types.null) && node.value === '';
}

/** The contents of a primitive under a context tag. */
export function contextBytesOf(node: DerNode): Uint8Array {
  return fromBinary(primitiveOf(node));
}

/** The contents of an INTEGER: big-endian two's complement. */
export function integerBytesOf(node: DerNode | undefined): Uint8Array {
  if (!isUniversal(node, types.integer)) throw new DerError('has no INTEGER where one belongs');
  return fromBinary(primitiveOf(node));
}

/** A version or a path length: an integer from 0 to 127. */
export function smallIntegerOf(node: DerNode | undefined): number {
  const bytes = integerBytesOf(node);
  const value = bytes[0];
  if (bytes.length !== 1 || value === undefined || value > 127) {
    throw new DerError('has an INTEGER out of range');
  }
  return value;
}

/** An OBJECT IDENTIFIER in its dotted form. */
export function oidOf(node: DerNode | undefined): string {
  if (!isUniversal(node, types.oid))
    throw new DerError('has no OBJECT IDENTIFIER where one belongs');
  const contents = primitiveOf(node);
  const dotted = asn1.derToOid(contents);
  // An arc past 32 bits would be truncated by the codec; then it does not encode back.
  if (contents === '' || asn1.oidToDer(dotted).data !== contents) {
    throw new DerError('has a malformed OBJECT IDENTIFIER');
  }
  return dotted;
}

/** The contents of an OCTET STRING. */
export function octetsOf(node: DerNode | undefined): Uint8Array {
  if (!isUniversal(node, types.octetString)) {
    throw new DerError('has no OCTET STRING where one belongs');
  }
  return fromBinary(primitiveOf(node));
}

/** The octets of a BIT STRING and how many bits of the last one do not count. */
export function bitsOf(node: DerNode | undefined): { bytes: Uint8Array; unusedBits: number } {
  if (!isUniversal(node, types.bitString)) {
    throw new DerError('has no BIT STRING where one belongs');
  }
  const contents = fromBinary(primitiveOf(node));
  const unusedBits = contents[0];
  if (unusedBits === undefined || unusedBits > 7) throw new DerError('has a malformed BIT STRING');
  return { bytes: contents.subarray(1), unusedBits };
}

const timePattern = /^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})Z$/;

/** A UTCTime or GeneralizedTime in the one form of RFC 5280 §4.1.2.5, in ms since 1970. */
export function timeMsOf(node: DerNode | undefined): number {
  const digits = timeDigitsOf(node);
  const iso = digits.replace(timePattern, '$1-$2-$3T$4:$5:$6Z');
  const atMs = iso === digits ? Number.NaN : Date.parse(iso);
  if (Number.isNaN(atMs)) throw new DerError('has a malformed time');
  return atMs;
}

function timeDigitsOf(node: DerNode | undefined): string {
  if (isUniversal(node, types.generalizedTime)) return primitiveOf(node);
  if (!isUniversal(node, types.utcTime)) throw new DerError('has no time where one belongs');
  const digits = primitiveOf(node);
  return `${digits < '50' ? '20' : '19'}${digits}`;
}

function isUniversal(node: DerNode | undefined, type: number): node is DerNode {
  return node !== undefined && node.tagClass === universal && node.type === type;
}

function primitiveOf(node: DerNode): string {
  if (typeof node.value !== 'string') throw new DerError('has a list where a primitive belongs');
  return node.value;
}

function toBinary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
}

function fromBinary(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}
