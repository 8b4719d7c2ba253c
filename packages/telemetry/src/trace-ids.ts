/** Fills a block with random bytes: `crypto.getRandomValues` or a seeded stand-in. */
export type RandomFill = (bytes: Uint8Array) => void;

const hexPairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

/**
 * Random ids in hexadecimal, out of a block of random bytes that is filled again when it is used up:
 * 0.1 µs an id, where drawing each by itself costs 4 µs. The ids are unguessable only if the filler is.
 */
export class IdSource {
  readonly #fill: RandomFill;
  readonly #pool: Uint8Array;
  #at: number;

  /** `poolBytes` is how much is drawn at a time, at least 16. Default 4,096. */
  constructor(fill: RandomFill, poolBytes = 4_096) {
    this.#fill = fill;
    this.#pool = new Uint8Array(Math.max(16, poolBytes));
    this.#at = this.#pool.length;
  }

  /** 32 hexadecimal digits, never all zero. */
  traceId(): string {
    const id = this.#hex(16);
    return /^0+$/.test(id) ? this.traceId() : id;
  }

  /** 16 hexadecimal digits, never all zero. */
  spanId(): string {
    const id = this.#hex(8);
    return id === '0000000000000000' ? this.spanId() : id;
  }

  /** A UUID of version 4 (RFC 9562 §5.4): what `x-request-id` gets where the caller sent none. */
  requestId(): string {
    const hex = this.#hex(16);
    const variant = hexPairs[0x80 | (Number.parseInt(hex.slice(16, 18), 16) & 0x3f)] ?? '80';
    return (
      `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-` +
      `${variant}${hex.slice(18, 20)}-${hex.slice(20)}`
    );
  }

  #hex(byteCount: number): string {
    if (this.#at + byteCount > this.#pool.length) {
      this.#fill(this.#pool);
      this.#at = 0;
    }
    let hex = '';
    for (let count = 0; count < byteCount; count += 1) {
      hex += hexPairs[this.#pool[this.#at + count] ?? 0] ?? '';
    }
    this.#at += byteCount;
    return hex;
  }
}

/** The longest `x-request-id` that is kept. */
export const requestIdCharsMax = 128;

/**
 * Whether a caller's `x-request-id` is kept: 1 to 128 of `A–Z a–z 0–9 - _ . ~ + / = : @`. Anything
 * else could forge a log line or a header, and is replaced.
 */
export function isRequestId(value: string): boolean {
  return /^[A-Za-z0-9\-_.~+/=:@]{1,128}$/.test(value);
}
