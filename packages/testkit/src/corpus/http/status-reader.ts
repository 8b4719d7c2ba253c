/**
 * The `:status` of header blocks. As much of HPACK (RFC 7541) as that needs: structure and dynamic
 * table, with each string left coded but those that are a status, which are digits only.
 */

/** A string as it came. */
interface Coded {
  readonly octets: Buffer;
  readonly isHuffman: boolean;
}

const STATUS_FIRST = 8;
const STATUSES = [200, 204, 206, 304, 400, 404, 500];
const STATIC_COUNT = 61;

export class StatusReader {
  /** What the entries of the dynamic table say of the status; newest first. */
  readonly #table: (number | undefined)[] = [];
  #octets: Buffer = Buffer.alloc(0);
  #at = 0;

  /** Reads a whole block; undefined if it has no status, as trailers. */
  read(block: Buffer): number | undefined {
    this.#octets = block;
    this.#at = 0;
    let found: number | undefined;
    while (this.#at < block.length) found = this.#field() ?? found;
    return found;
  }

  #field(): number | undefined {
    const first = this.#octets[this.#at] ?? 0;
    if (first >= 0x80) return this.#statusAt(this.#integer(7));
    if (first >= 0x40) {
      const status = this.#literal(6);
      this.#table.unshift(status);
      return status;
    }
    if (first >= 0x20) {
      this.#integer(5); // A new size of the table: entries that are gone are never named again.
      return undefined;
    }
    return this.#literal(4);
  }

  #literal(prefixBits: number): number | undefined {
    const index = this.#integer(prefixBits);
    const name = index === 0 ? this.#string() : undefined;
    const value = this.#string();
    const isNamed = name !== undefined && !name.isHuffman && name.octets.toString() === ':status';
    const isStatus = this.#isStatusName(index) || isNamed;
    return isStatus ? Number(digitsOf(value)) : undefined;
  }

  #isStatusName(index: number): boolean {
    if (index > STATIC_COUNT) return this.#table[index - STATIC_COUNT - 1] !== undefined;
    return index >= STATUS_FIRST && index < STATUS_FIRST + STATUSES.length;
  }

  #statusAt(index: number): number | undefined {
    if (index > STATIC_COUNT) return this.#table[index - STATIC_COUNT - 1];
    return STATUSES[index - STATUS_FIRST];
  }

  #integer(prefixBits: number): number {
    const max = 2 ** prefixBits - 1;
    let value = this.#octet() & max;
    if (value < max) return value;
    for (let shift = 0; ; shift += 7) {
      const octet = this.#octet();
      value += (octet & 0x7f) * 2 ** shift;
      if (octet < 0x80) return value;
    }
  }

  #string(): Coded {
    const isHuffman = (this.#octets[this.#at] ?? 0) >= 0x80;
    const length = this.#integer(7);
    const octets = this.#octets.subarray(this.#at, this.#at + length);
    this.#at += length;
    return { octets, isHuffman };
  }

  #octet(): number {
    const octet = this.#octets[this.#at];
    if (octet === undefined) throw new Error('a header block ends in the middle of a field');
    this.#at += 1;
    return octet;
  }
}

/** Digits have codes of 5 bits (0 to 2: 00000 to 00010) and of 6 (3 to 9: 011001 to 011111). */
function digitsOf({ octets, isHuffman }: Coded): string {
  if (!isHuffman) return octets.toString('latin1');
  const bits = Array.from(octets, (octet) => octet.toString(2).padStart(8, '0')).join('');
  let digits = '';
  for (let at = 0; digits.length < 3; ) {
    const short = Number.parseInt(bits.slice(at, at + 5), 2);
    const long = Number.parseInt(bits.slice(at, at + 6), 2);
    if (short <= 2) {
      digits += short;
      at += 5;
    } else if (long >= 0b01_1001 && long <= 0b01_1111) {
      digits += long - 0b01_1001 + 3;
      at += 6;
    } else {
      throw new Error('a status that is not digits');
    }
  }
  return digits;
}
