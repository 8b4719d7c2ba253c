/**
 * The tables that indices of a header block point into (RFC 7541 §2.3). Entries are lines,
 * `name: value` CRLF, in one run of octets: an indexed field is one copy, and no entry is an object.
 */
import { kindOfName } from '../field-kinds.ts';
import { ENTRY_OVERHEAD_BYTES, type FieldBlock } from './field-block.ts';
import { DYNAMIC_INDEX_MIN, staticEntries } from './static-table.ts';

/** Per entry: where its line starts, octets of its name, of its value, and its kind. */
const START = 0;
const NAME = 1;
const VALUE = 2;
const KIND = 3;
const ENTRY_SIZE = 4;
const LINE_OVERHEAD_BYTES = 4;
const FIRST_CAPACITY_BYTES = 512;
const NOTHING = Buffer.alloc(0);
const NO_ENTRIES = new Int32Array(0);

const staticOctets = Buffer.from(
  staticEntries.map(([name, value]) => `${name}: ${value}\r\n`).join(''),
  'latin1',
);
const staticMeta = staticMetaOf();

function staticMetaOf(): Int32Array {
  const meta = new Int32Array(staticEntries.length * ENTRY_SIZE);
  let start = 0;
  staticEntries.forEach(([name, value], index) => {
    const kind = kindOfName(staticOctets, start, start + name.length);
    meta.set([start, name.length, value.length, kind], index * ENTRY_SIZE);
    start += name.length + value.length + LINE_OVERHEAD_BYTES;
  });
  return meta;
}

/** The entry that `find` has found last. Valid until something is inserted. */
export class DecoderTable {
  octets: Uint8Array = staticOctets;
  start = 0;
  nameByteCount = 0;
  valueByteCount = 0;
  kind = 0;
  readonly #limit: number;
  /** Lines, oldest first, from some offset on; moved to the front when the end is reached. */
  #lines = NOTHING;
  /** A ring of entries; made when the first comes. */
  #meta = NO_ENTRIES;
  readonly #capacity: number;
  #oldest = 0;
  #count = 0;
  #linesEnd = 0;
  #byteCount = 0;
  #byteCountMax: number;

  /** `limit` is what our SETTINGS_HEADER_TABLE_SIZE allows. */
  constructor(limit: number) {
    this.#limit = limit;
    this.#byteCountMax = limit;
    this.#capacity = Math.floor(limit / ENTRY_OVERHEAD_BYTES) + 1;
  }

  /** Entries of the dynamic table. */
  get count(): number {
    return this.#count;
  }

  /** Octets of the dynamic table as RFC 7541 §4.1 counts them. */
  get byteCount(): number {
    return this.#byteCount;
  }

  /** Points at entry `index`; false if there is none. */
  find(index: number): boolean {
    if (index >= 1 && index < DYNAMIC_INDEX_MIN) {
      this.octets = staticOctets;
      this.#point(staticMeta, index - 1);
      return true;
    }
    const age = index - DYNAMIC_INDEX_MIN; // 0 is the newest.
    if (age < 0 || age >= this.#count) return false;
    this.octets = this.#lines;
    this.#point(this.#meta, (this.#oldest + this.#count - 1 - age) % this.#capacity);
    return true;
  }

  /** A dynamic table size update (RFC 7541 §6.3); false if it asks for more than the limit. */
  resize(byteCountMax: number): boolean {
    if (byteCountMax > this.#limit) return false;
    this.#byteCountMax = byteCountMax;
    this.#evictTo(byteCountMax);
    return true;
  }

  /** Adds the field whose line stands at `block.length`. One that is too large empties the table. */
  insert(block: FieldBlock, nameByteCount: number, valueByteCount: number, kind: number): void {
    const size = nameByteCount + valueByteCount + ENTRY_OVERHEAD_BYTES;
    if (size > this.#byteCountMax) {
      this.#evictTo(0);
      return;
    }
    this.#evictTo(this.#byteCountMax - size);
    const lineByteCount = nameByteCount + valueByteCount + LINE_OVERHEAD_BYTES;
    if (this.#linesEnd + lineByteCount > this.#lines.length) this.#makeRoom(lineByteCount);
    const start = this.#linesEnd;
    const source = block.octets;
    for (let index = 0, from = block.length; index < lineByteCount; index += 1, from += 1) {
      this.#lines[start + index] = source[from] as number;
    }
    const at = ((this.#oldest + this.#count) % this.#capacity) * ENTRY_SIZE;
    this.#meta[at + START] = start;
    this.#meta[at + NAME] = nameByteCount;
    this.#meta[at + VALUE] = valueByteCount;
    this.#meta[at + KIND] = kind;
    this.#count += 1;
    this.#byteCount += size;
    this.#linesEnd = start + lineByteCount;
  }

  #point(meta: Int32Array, slot: number): void {
    const at = slot * ENTRY_SIZE;
    this.start = meta[at + START] as number;
    this.nameByteCount = meta[at + NAME] as number;
    this.valueByteCount = meta[at + VALUE] as number;
    this.kind = meta[at + KIND] as number;
  }

  #evictTo(byteCountMax: number): void {
    while (this.#byteCount > byteCountMax) {
      const at = this.#oldest * ENTRY_SIZE;
      const names = this.#meta[at + NAME] as number;
      const values = this.#meta[at + VALUE] as number;
      this.#byteCount -= names + values + ENTRY_OVERHEAD_BYTES;
      this.#oldest = (this.#oldest + 1) % this.#capacity;
      this.#count -= 1;
    }
    if (this.#count === 0) this.#linesEnd = 0;
  }

  /** Up to twice the limit more octets are taken, so that lines are moved seldom. */
  #makeRoom(lineByteCount: number): void {
    if (this.#meta.length === 0) this.#meta = new Int32Array(this.#capacity * ENTRY_SIZE);
    const needed = this.#linesEnd + lineByteCount;
    if (needed > this.#limit * 2) {
      this.#compact();
      return;
    }
    const byteCount = Math.max(FIRST_CAPACITY_BYTES, needed, this.#lines.length * 2);
    const larger = Buffer.allocUnsafeSlow(Math.min(this.#limit * 2, byteCount));
    larger.set(this.#lines.subarray(0, this.#linesEnd));
    this.#lines = larger;
  }

  #compact(): void {
    const first = this.#meta[this.#oldest * ENTRY_SIZE + START] as number;
    this.#lines.copyWithin(0, first, this.#linesEnd);
    for (let index = 0; index < this.#count; index += 1) {
      const at = ((this.#oldest + index) % this.#capacity) * ENTRY_SIZE;
      this.#meta[at + START] = (this.#meta[at + START] as number) - first;
    }
    this.#linesEnd -= first;
  }
}
