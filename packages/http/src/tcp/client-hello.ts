/**
 * The first message of a TLS connection, read only to learn whom it is for (RFC 8446 §4.1.2,
 * RFC 6066 §3). Octets come as they come, in pieces of any length and records of any length; nothing
 * of them is changed, so that they can be passed on. Strict: a list that does not fill its space, a
 * second name, a message before or behind the hello are refused, since another reader of the same octets may see
 * another name there.
 */
import { consistsOf, HOST_NAME } from '../octets.ts';

/** What the octets say so far. */
export type HelloReading =
  | { readonly kind: 'more' }
  /** `serverName` in lower case; undefined where the client names nobody. */
  | { readonly kind: 'hello'; readonly serverName: string | undefined }
  | { readonly kind: 'malformed'; readonly detail: string };

/** Octets of a hello, the headers of its records included. Real ones have 200 to 2 000. */
export const HELLO_BYTES_MAX = 16 * 1024;

const RECORD_HEADER_BYTES = 5;
const MESSAGE_HEADER_BYTES = 4;
/** Of the payload of one record (RFC 8446 §5.1). */
const RECORD_BYTES_MAX = 16_384;
const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const SERVER_NAME_LENGTH_MAX = 253;
const FIRST_BYTES = 512;

const MORE: HelloReading = { kind: 'more' };

function malformed(detail: string): HelloReading {
  return { kind: 'malformed', detail };
}

/** Reads one hello. After an answer other than `more` it is not fed again. */
export class ClientHelloReader {
  #octets = Buffer.allocUnsafe(FIRST_BYTES);
  #length = 0;
  /** Where the next record begins that was not looked at. */
  #at = 0;
  #message: Buffer = Buffer.alloc(0);

  /** Everything that was fed: the caller's own, for passing on. */
  get octets(): Buffer {
    return this.#octets.subarray(0, this.#length);
  }

  /** Takes the next octets, which are copied. */
  feed(chunk: Uint8Array): HelloReading {
    this.#append(chunk);
    for (;;) {
      const step = this.#readRecord();
      if (step !== undefined) return step;
    }
  }

  #append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#octets.length) {
      const grown = Buffer.allocUnsafe(Math.max(length, this.#octets.length * 2));
      grown.set(this.octets);
      this.#octets = grown;
    }
    this.#octets.set(chunk, this.#length);
    this.#length = length;
  }

  /** Undefined: a record was taken, and there may be another. */
  #readRecord(): HelloReading | undefined {
    const octets = this.octets;
    const at = this.#at;
    const available = octets.length - at;
    if (available > 0 && octets[at] !== HANDSHAKE_RECORD) return malformed('no handshake record');
    if (available > 1 && octets[at + 1] !== 3) return malformed('not a version of TLS');
    if (available < RECORD_HEADER_BYTES) return this.#await();
    const length = octets.readUInt16BE(at + 3);
    if (length === 0 || length > RECORD_BYTES_MAX) return malformed('a record of a wrong length');
    const end = at + RECORD_HEADER_BYTES + length;
    if (end > HELLO_BYTES_MAX) return malformed('longer than any hello');
    if (octets.length < end) return this.#await();
    this.#at = end;
    const part = octets.subarray(at + RECORD_HEADER_BYTES, end);
    this.#message = this.#message.length === 0 ? part : Buffer.concat([this.#message, part]);
    return this.#readMessage();
  }

  #readMessage(): HelloReading | undefined {
    const message = this.#message;
    if (message[0] !== CLIENT_HELLO) return malformed('no client hello');
    if (message.length < MESSAGE_HEADER_BYTES) return undefined;
    const end = MESSAGE_HEADER_BYTES + message.readUIntBE(1, 3);
    if (end > HELLO_BYTES_MAX) return malformed('longer than any hello');
    if (message.length < end) return undefined;
    if (message.length > end) return malformed('something behind the hello in its record');
    return readHello(message.subarray(MESSAGE_HEADER_BYTES));
  }

  #await(): HelloReading {
    return this.#length < HELLO_BYTES_MAX ? MORE : malformed('longer than any hello');
  }
}

/** Reads from the front; what is not there is an error that `readHello` catches. */
class Cursor {
  readonly #octets: Buffer;
  #at = 0;

  constructor(octets: Buffer) {
    this.#octets = octets;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#octets.length;
  }

  /** A number of `byteCount` octets. */
  number(byteCount: 1 | 2): number {
    return this.take(byteCount).readUIntBE(0, byteCount);
  }

  /** What stands behind its own length of `byteCount` octets. */
  vector(byteCount: 1 | 2): Buffer {
    return this.take(this.number(byteCount));
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (end > this.#octets.length) throw new CutShort();
    const taken = this.#octets.subarray(this.#at, end);
    this.#at = end;
    return taken;
  }
}

class CutShort extends Error {}

function readHello(body: Buffer): HelloReading {
  try {
    return readFields(new Cursor(body));
  } catch (thrown) {
    if (thrown instanceof CutShort) return malformed('a length that leads beyond the end');
    throw thrown;
  }
}

function readFields(cursor: Cursor): HelloReading {
  if (cursor.number(1) !== 3) return malformed('not a version of TLS');
  cursor.take(1 + 32); // The minor version, and what is random.
  if (cursor.vector(1).length > 32) return malformed('a session id of a wrong length');
  const suites = cursor.vector(2).length;
  if (suites === 0 || suites % 2 !== 0) return malformed('cipher suites of a wrong length');
  if (cursor.vector(1).length === 0) return malformed('no compression method');
  if (cursor.isAtEnd) return { kind: 'hello', serverName: undefined };
  const extensions = new Cursor(cursor.vector(2));
  if (!cursor.isAtEnd) return malformed('something behind the extensions');
  let serverName: HelloReading | undefined;
  while (!extensions.isAtEnd) {
    const kind = extensions.number(2);
    const body = extensions.vector(2);
    // Any other extension, those of GREASE (RFC 8701) among them, is for the server to judge.
    if (kind !== SERVER_NAME) continue;
    if (serverName !== undefined) return malformed('two lists of server names');
    serverName = readServerName(new Cursor(body));
    if (serverName.kind === 'malformed') return serverName;
  }
  return serverName ?? { kind: 'hello', serverName: undefined };
}

function readServerName(cursor: Cursor): HelloReading {
  const list = new Cursor(cursor.vector(2));
  const kind = list.number(1);
  const name = list.vector(2).toString('latin1');
  // RFC 6066 §3: one name of each kind, and no kind but `host_name` was ever defined.
  if (!cursor.isAtEnd || !list.isAtEnd || kind !== 0) return malformed('not one server name');
  const isName = name.length > 0 && name.length <= SERVER_NAME_LENGTH_MAX;
  if (!isName || !consistsOf(name, HOST_NAME))
    return malformed('a server name that is no host name');
  return { kind: 'hello', serverName: name.toLowerCase() };
}
