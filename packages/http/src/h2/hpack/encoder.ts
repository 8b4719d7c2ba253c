/**
 * HPACK, writing (RFC 7541): from fields to the octets of a header block.
 *
 * What it knows of a name (its static index, whether it may be indexed, the values that are in the
 * dynamic table) stands in one record per name, so a field costs one look-up and a comparison or two.
 * A pair enters the table when it is met the second time in a row under its name: paths, ids and
 * lengths that change with each message do not push out what repeats. Secrets never enter it: their
 * octets could be guessed by what a message's length is (RFC 7541 §7.1).
 */
import { isCodecOwned } from '../../fields.ts';
import { ENTRY_OVERHEAD_BYTES } from './field-block.ts';
import { huffmanByteCount, huffmanEncode } from './huffman.ts';
import { DYNAMIC_INDEX_MIN, staticEntries } from './static-table.ts';

/** Names that are remembered; when there are more, all are forgotten. */
const NAME_COUNT_MAX = 256;
/** Values in the table that are looked for under one name. */
const VALUE_COUNT_MAX = 4;
/** A pair may take no more than this part of the table. */
const ENTRY_SHARE = 4;
/** Shorter cookies can be guessed octet by octet (RFC 7541 §7.1.3). */
const COOKIE_LENGTH_MIN = 20;
/** Our own bound of the table, whatever the other side would allow. */
const TABLE_BYTES_MAX = 4096;
const FIRST_CAPACITY_BYTES = 4096;
/** Longer texts are written by the engine. */
const LOOP_LENGTH_MAX = 32;
/** Octets of an integer at most, and so of what stands before a string. */
const INTEGER_BYTES_MAX = 6;

const SECRETS: readonly string[] = [
  'authorization',
  'proxy-authorization',
  'set-cookie',
  'x-api-key',
  'x-auth-token',
];

const INDEXED = 0x80;
const WITH_INDEXING = 0x40;
const SIZE_UPDATE = 0x20;
const NEVER_INDEXED = 0x10;
const WITHOUT_INDEXING = 0x00;

/** What is known of one name. */
class KnownName {
  readonly name: string;
  /** For lists of fields: only the codec itself writes it. */
  readonly isOwned: boolean;
  readonly isSecret: boolean;
  readonly isCookie: boolean;
  /** Index of the name in the static table, or 0, and the values that it has there. */
  readonly staticIndex: number;
  readonly staticValues: readonly string[];
  /** When an entry with this name was inserted last, and the values inserted, in a ring. */
  nameSequence = 0;
  readonly values: string[] = [];
  readonly sequences: number[] = [];
  nextSlot = 0;
  /** Of the last value that was not in the table. */
  candidateHash = 0;

  constructor(name: string) {
    this.name = name;
    this.isOwned = isCodecOwned(name);
    this.isSecret = SECRETS.includes(name);
    this.isCookie = name === 'cookie';
    const entry = staticNames.get(name);
    this.staticIndex = entry?.index ?? 0;
    this.staticValues = entry?.values ?? NO_VALUES;
  }
}

const NO_VALUES: readonly string[] = [];
const staticNames = staticNamesOf();

/** The first index and the values of each name of the static table. */
function staticNamesOf(): ReadonlyMap<string, { index: number; values: string[] }> {
  const names = new Map<string, { index: number; values: string[] }>();
  staticEntries.forEach(([name, value], at) => {
    const known = names.get(name) ?? { index: at + 1, values: [] };
    names.set(name, known);
    if (value !== '') known.values.push(value);
  });
  return names;
}

/** Blocks are written one at a time, and copied on at once: one buffer serves all encoders. */
const scratch = { octets: Buffer.allocUnsafeSlow(FIRST_CAPACITY_BYTES) };

export interface HpackEncoderOptions {
  /** Codes strings where that is shorter. Default false: it costs both sides more than it saves. */
  readonly huffman?: boolean;
}

export class HpackEncoder {
  /** Octets of the block so far. */
  length = 0;
  readonly #huffman: boolean;
  readonly #names = new Map<string, KnownName>();
  /** Sizes of the entries by sequence number, in a ring. */
  readonly #sizes = new Int32Array(TABLE_BYTES_MAX / ENTRY_OVERHEAD_BYTES + 1);
  #sequence = 0; // Of the newest entry; the first is 1.
  #count = 0;
  #byteCount = 0;
  #byteCountMax = TABLE_BYTES_MAX;
  #smallestMax = TABLE_BYTES_MAX; // Since the last block.
  #hasNewMax = false;

  constructor(options: HpackEncoderOptions = {}) {
    this.#huffman = options.huffman ?? false;
  }

  /** The block so far, up to `length`. Valid until another encoder begins one. */
  get octets(): Buffer {
    return scratch.octets;
  }

  /** Octets of the dynamic table, as RFC 7541 §4.1 counts them. */
  get tableByteCount(): number {
    return this.#byteCount;
  }

  /** What SETTINGS_HEADER_TABLE_SIZE of the other side allows; told to it by the next block. */
  setTableByteCountMax(allowed: number): void {
    const byteCountMax = Math.min(allowed, TABLE_BYTES_MAX);
    if (byteCountMax === this.#byteCountMax) return;
    this.#byteCountMax = byteCountMax;
    this.#smallestMax = this.#hasNewMax ? Math.min(this.#smallestMax, byteCountMax) : byteCountMax;
    this.#hasNewMax = true;
    this.#evictTo(byteCountMax);
  }

  /** Begins a block; what was in `octets` is gone. */
  begin(): void {
    this.length = 0;
    if (!this.#hasNewMax) return;
    this.#hasNewMax = false;
    this.#reserve(2 * INTEGER_BYTES_MAX);
    if (this.#smallestMax < this.#byteCountMax) {
      this.#writeInteger(SIZE_UPDATE, 5, this.#smallestMax);
    }
    this.#writeInteger(SIZE_UPDATE, 5, this.#byteCountMax);
    this.#smallestMax = this.#byteCountMax;
  }

  /**
   * Adds a field, its name in lower case, but not what only the codec may write: fields that frame or
   * address a message, or are for one connection only (RFC 9113 §8.2.2).
   */
  field(name: string, value: string): void {
    const known = this.#names.get(name) ?? this.#learn(name);
    if (!known.isOwned) this.#write(known, value);
  }

  /** Adds what the codec itself writes: pseudo-header fields and content-length. */
  ownField(name: string, value: string): void {
    this.#write(this.#names.get(name) ?? this.#learn(name), value);
  }

  #write(known: KnownName, value: string): void {
    const index = this.#indexOf(known, value);
    if (index > 0) {
      this.#reserve(INTEGER_BYTES_MAX);
      this.#writeInteger(INDEXED, 7, index);
      return;
    }
    const isSecret = known.isSecret || (known.isCookie && value.length < COOKIE_LENGTH_MIN);
    if (isSecret) this.#writeLiteral(NEVER_INDEXED, known, value);
    else if (this.#isWorthIt(known, value)) {
      this.#writeLiteral(WITH_INDEXING, known, value);
      this.#insert(known, value);
    } else {
      this.#writeLiteral(WITHOUT_INDEXING, known, value);
    }
  }

  /** The index of the pair; 0 if it is in neither table. */
  #indexOf(known: KnownName, value: string): number {
    const { staticValues, values, sequences } = known;
    for (let index = 0; index < staticValues.length; index += 1) {
      if (staticValues[index] === value) return known.staticIndex + index;
    }
    const oldest = this.#sequence - this.#count;
    for (let index = 0; index < values.length; index += 1) {
      const sequence = sequences[index] as number;
      if (sequence > oldest && values[index] === value) {
        return DYNAMIC_INDEX_MIN + this.#sequence - sequence;
      }
    }
    return 0;
  }

  /** Whether the value is the one that came last under this name, and small enough. */
  #isWorthIt(known: KnownName, value: string): boolean {
    const size = known.name.length + value.length + ENTRY_OVERHEAD_BYTES;
    if (size * ENTRY_SHARE > this.#byteCountMax) return false;
    let hash = value.length + 1; // Never 0, which stands for none.
    for (let index = 0; index < value.length; index += 1) {
      hash = (Math.imul(hash, 31) + value.charCodeAt(index)) | 0;
    }
    const isRepeated = hash === known.candidateHash;
    known.candidateHash = hash;
    return isRepeated;
  }

  #insert(known: KnownName, value: string): void {
    const size = known.name.length + value.length + ENTRY_OVERHEAD_BYTES;
    this.#evictTo(this.#byteCountMax - size);
    this.#sequence += 1;
    this.#count += 1;
    this.#byteCount += size;
    this.#sizes[this.#sequence % this.#sizes.length] = size;
    known.nameSequence = this.#sequence;
    known.values[known.nextSlot] = ownCopy(value);
    known.sequences[known.nextSlot] = this.#sequence;
    known.nextSlot = (known.nextSlot + 1) % VALUE_COUNT_MAX;
  }

  #evictTo(byteCountMax: number): void {
    while (this.#byteCount > byteCountMax) {
      const oldest = this.#sequence - this.#count + 1;
      this.#byteCount -= this.#sizes[oldest % this.#sizes.length] as number;
      this.#count -= 1;
    }
  }

  #writeLiteral(form: number, known: KnownName, value: string): void {
    const { name } = known;
    this.#reserve(name.length + value.length + 3 * INTEGER_BYTES_MAX);
    const bits = form === WITH_INDEXING ? 6 : 4;
    if (known.staticIndex > 0) {
      this.#writeInteger(form, bits, known.staticIndex);
    } else if (known.nameSequence > this.#sequence - this.#count) {
      this.#writeInteger(form, bits, DYNAMIC_INDEX_MIN + this.#sequence - known.nameSequence);
    } else {
      this.#writeInteger(form, bits, 0);
      this.#writeString(name);
    }
    this.#writeString(value);
  }

  #writeString(text: string): void {
    if (this.#huffman) {
      const byteCount = huffmanByteCount(text);
      if (byteCount < text.length) {
        this.#writeInteger(0x80, 7, byteCount);
        this.length = huffmanEncode(text, this.octets, this.length);
        return;
      }
    }
    this.#writeInteger(0, 7, text.length);
    const { octets, length } = this;
    this.length = length + text.length;
    if (text.length > LOOP_LENGTH_MAX) {
      octets.write(text, length, 'latin1');
      return;
    }
    for (let index = 0; index < text.length; index += 1) {
      octets[length + index] = text.charCodeAt(index);
    }
  }

  #writeInteger(form: number, bits: number, value: number): void {
    const prefix = (1 << bits) - 1;
    const { octets } = this;
    if (value < prefix) {
      octets[this.length] = form | value;
      this.length += 1;
      return;
    }
    octets[this.length] = form | prefix;
    let rest = value - prefix;
    let at = this.length + 1;
    for (; rest >= 0x80; rest >>>= 7, at += 1) octets[at] = (rest & 0x7f) | 0x80;
    octets[at] = rest;
    this.length = at + 1;
  }

  #reserve(byteCount: number): void {
    const needed = this.length + byteCount;
    if (needed <= scratch.octets.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, scratch.octets.length * 2));
    larger.set(scratch.octets.subarray(0, this.length));
    scratch.octets = larger;
  }

  /** A name that was not met before, or was forgotten, or is written in another case. */
  #learn(name: string): KnownName {
    const lower = ownCopy(name.toLowerCase());
    if (this.#names.size >= NAME_COUNT_MAX) {
      this.#names.clear();
    }
    const known = this.#names.get(lower) ?? new KnownName(lower);
    this.#names.set(lower, known);
    if (lower !== name) this.#names.set(ownCopy(name), known);
    return known;
  }
}

/** The same text as a string of its own: a slice would keep the whole head alive that it was cut from. */
function ownCopy(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}
