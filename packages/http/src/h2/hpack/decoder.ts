/**
 * HPACK, reading (RFC 7541): from the octets of a whole header block to fields.
 *
 * Strict: an index that points nowhere, an integer that does not end or is beyond any use, a string
 * that goes past the block, EOS or long padding in a Huffman string, a size update after a field or
 * beyond what was allowed, all are a connection error COMPRESSION_ERROR (RFC 9113 §4.3), for the tables
 * of both sides have parted. Whether the fields make a message is for others to judge.
 */
import { COMPRESSION_ERROR } from '../error-code.ts';
import { BAD_VALUE, flawOfValue, kindOfName } from '../field-kinds.ts';
import { H2ConnectionError } from '../h2-connection-error.ts';
import { DecoderTable } from './decoder-table.ts';
import type { FieldBlock } from './field-block.ts';
import { decodedByteCountMax, huffmanDecode, type Slice } from './huffman.ts';

/** Octets that follow the prefix of an integer: 28 bits are more than any length or index here. */
const INTEGER_OCTETS_MAX = 4;
const COLON = 0x3a;
const SP = 0x20;
const CR = 0x0d;
const LF = 0x0a;

export class HpackDecoder {
  readonly #table: DecoderTable;
  #octets: Uint8Array = new Uint8Array(0);
  #at = 0;
  #end = 0;

  /** `tableByteCountMax` is our SETTINGS_HEADER_TABLE_SIZE. */
  constructor(tableByteCountMax: number) {
    this.#table = new DecoderTable(tableByteCountMax);
  }

  /** Octets of the dynamic table, as RFC 7541 §4.1 counts them. */
  get tableByteCount(): number {
    return this.#table.byteCount;
  }

  /** Reads a whole header block into `block`. Throws `H2ConnectionError` and nothing else. */
  decode(input: Slice, block: FieldBlock): void {
    this.#octets = input.octets;
    this.#at = input.start;
    this.#end = input.end;
    block.clear();
    let seen = false;
    while (this.#at < this.#end) {
      const first = this.#octets[this.#at] as number;
      if (first >= 0x80) {
        this.#readIndexed(block);
      } else if (first >= 0x40) {
        this.#readLiteral(0x3f, block);
      } else if (first >= 0x20) {
        if (seen) throw refused('a table size update comes after a field');
        if (!this.#table.resize(this.#readInteger(0x1f))) {
          throw refused('a table size update asks for more than was allowed');
        }
        continue;
      } else {
        this.#readLiteral(0x0f, block);
      }
      seen = true;
    }
    this.#octets = block.octets; // Not to keep the input.
  }

  #readIndexed(block: FieldBlock): void {
    const table = this.#table;
    if (!table.find(this.#readInteger(0x7f))) throw refused('an index points nowhere');
    const { nameByteCount, valueByteCount, start } = table;
    const byteCount = nameByteCount + valueByteCount;
    // Past the bounds nothing is kept, so nothing need be copied.
    if (!block.isTooLarge) {
      block.reserve(block.length, byteCount);
      block.copy(table.octets, start, start + byteCount + 4, block.length);
    }
    block.push(nameByteCount, valueByteCount, table.kind);
  }

  /** With the prefix of incremental indexing (0x3f) the field enters the table. */
  #readLiteral(prefix: number, block: FieldBlock): void {
    const table = this.#table;
    const index = this.#readInteger(prefix);
    const { length } = block;
    let nameEnd = length;
    let kind = 0;
    if (index === 0) {
      nameEnd = this.#readString(block, length);
      kind = kindOfName(block.octets, length, nameEnd);
    } else {
      if (!table.find(index)) throw refused('the index of a name points nowhere');
      nameEnd += table.nameByteCount;
      block.reserve(length, table.nameByteCount);
      block.copy(table.octets, table.start, table.start + table.nameByteCount, length);
      kind = table.kind & ~BAD_VALUE;
    }
    block.octets[nameEnd] = COLON;
    block.octets[nameEnd + 1] = SP;
    const valueStart = nameEnd + 2;
    const valueEnd = this.#readString(block, valueStart);
    block.octets[valueEnd] = CR;
    block.octets[valueEnd + 1] = LF;
    kind |= flawOfValue(block.octets, valueStart, valueEnd);
    const nameByteCount = nameEnd - length;
    const valueByteCount = valueEnd - valueStart;
    if (prefix === 0x3f) table.insert(block, nameByteCount, valueByteCount, kind);
    block.push(nameByteCount, valueByteCount, kind);
  }

  /** Puts a string literal at `at`; gives the index after it. */
  #readString(block: FieldBlock, at: number): number {
    if (this.#at >= this.#end) throw refused('the block ends within a field');
    const isCoded = (this.#octets[this.#at] as number) >= 0x80;
    const start = this.#at;
    const byteCount = this.#readInteger(0x7f);
    const from = this.#at;
    const end = from + byteCount;
    if (end > this.#end) throw refused('a string is longer than its block');
    this.#at = end;
    if (!isCoded) {
      block.reserve(at, byteCount);
      block.copy(this.#octets, from, end, at);
      return at + byteCount;
    }
    block.reserve(at, decodedByteCountMax(byteCount));
    const after = huffmanDecode({ octets: this.#octets, start: from, end }, block.octets, at);
    if (after < 0) throw refused(`a Huffman string is not valid (${end - start} octets)`);
    return after;
  }

  #readInteger(prefix: number): number {
    const first = (this.#octets[this.#at] as number) & prefix;
    this.#at += 1;
    if (first < prefix) return first;
    let value = prefix;
    for (let count = 0; count < INTEGER_OCTETS_MAX; count += 1) {
      if (this.#at >= this.#end) throw refused('the block ends within an integer');
      const octet = this.#octets[this.#at] as number;
      this.#at += 1;
      value += (octet & 0x7f) * 2 ** (7 * count);
      if (octet < 0x80) return value;
    }
    throw refused('an integer is too large');
  }
}

function refused(detail: string): H2ConnectionError {
  return new H2ConnectionError(COMPRESSION_ERROR, `HPACK: ${detail}`);
}
