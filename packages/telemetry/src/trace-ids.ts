/** Fills a block with random bytes: `crypto.getRandomValues` or a seeded stand-in. */
export type RandomFill = (bytes: Uint8Array) => void;

const DIGITS = Uint8Array.from('0123456789abcdef', (digit) => digit.charCodeAt(0));
const DASH = 0x2d;
const UUID_BYTES = 16;
const UUID_CHARS = 36;
const ascii = new TextDecoder();

/**
 * Random ids in hexadecimal, cut from a text that is made of a block of random bytes when the one
 * before is used up: less than 0.1 µs an id, where drawing each by itself costs 4 µs, and putting its
 * digits together 1 µs. The ids are unguessable only if the filler is.
 */
export class IdSource {
  readonly #fill: RandomFill;
  readonly #pool: Uint8Array;
  #hexText = '';
  #hexAt = 0;
  #uuidText = '';
  #uuidAt = 0;

  /** `poolBytes` is how much is drawn at a time, at least 16. Default 1,024: what is kept of one id keeps the text that it was cut from. */
  constructor(fill: RandomFill, poolBytes = 1_024) {
    this.#fill = fill;
    this.#pool = new Uint8Array(Math.max(UUID_BYTES, poolBytes));
  }

  /** 32 hexadecimal digits, never all zero. */
  traceId(): string {
    const id = this.#hex(32);
    return id === '00000000000000000000000000000000' ? this.traceId() : id;
  }

  /** 16 hexadecimal digits, never all zero. */
  spanId(): string {
    const id = this.#hex(16);
    return id === '0000000000000000' ? this.spanId() : id;
  }

  /** A UUID of version 4 (RFC 9562 §5.4): what `x-request-id` gets where the caller sent none. */
  requestId(): string {
    if (this.#uuidAt === this.#uuidText.length) {
      this.#fill(this.#pool);
      this.#uuidText = uuidsOf(this.#pool);
      this.#uuidAt = 0;
    }
    this.#uuidAt += UUID_CHARS;
    return this.#uuidText.slice(this.#uuidAt - UUID_CHARS, this.#uuidAt);
  }

  #hex(digitCount: number): string {
    if (this.#hexAt + digitCount > this.#hexText.length) {
      this.#fill(this.#pool);
      this.#hexText = hexOf(this.#pool);
      this.#hexAt = 0;
    }
    this.#hexAt += digitCount;
    return this.#hexText.slice(this.#hexAt - digitCount, this.#hexAt);
  }
}

function hexOf(bytes: Uint8Array): string {
  const text = new Uint8Array(bytes.length * 2);
  for (let index = 0; index < bytes.length; index += 1) writeByte(text, index * 2, bytes[index]);
  return ascii.decode(text);
}

/** One UUID after another, of 16 bytes each. */
function uuidsOf(bytes: Uint8Array): string {
  const count = Math.floor(bytes.length / UUID_BYTES);
  const text = new Uint8Array(count * UUID_CHARS);
  for (let index = 0, at = 0; index < count * UUID_BYTES; index += 1) {
    const place = index % UUID_BYTES;
    const byte = bytes[index] ?? 0;
    if (place === 4 || place === 6 || place === 8 || place === 10) {
      text[at] = DASH;
      at += 1;
    }
    const version = place === 6 ? 0x40 | (byte & 0x0f) : byte;
    writeByte(text, at, place === 8 ? 0x80 | (byte & 0x3f) : version);
    at += 2;
  }
  return ascii.decode(text);
}

function writeByte(text: Uint8Array, at: number, byte = 0): void {
  text[at] = DIGITS[byte >>> 4] ?? 0;
  text[at + 1] = DIGITS[byte & 0x0f] ?? 0;
}

/** The longest `x-request-id` that is kept. */
export const requestIdCharsMax = 128;

const REQUEST_ID_CHARS = Uint8Array.from({ length: 128 }, (_, char) =>
  /[A-Za-z0-9\-_.~+/=:@]/.test(String.fromCharCode(char)) ? 1 : 0,
);

/**
 * Whether a caller's `x-request-id` is kept: 1 to 128 of `A–Z a–z 0–9 - _ . ~ + / = : @`. Anything
 * else could forge a log line or a header, and is replaced.
 */
export function isRequestId(value: string): boolean {
  if (value.length === 0 || value.length > requestIdCharsMax) return false;
  for (let index = 0; index < value.length; index += 1) {
    if (REQUEST_ID_CHARS[value.charCodeAt(index)] !== 1) return false;
  }
  return true;
}
