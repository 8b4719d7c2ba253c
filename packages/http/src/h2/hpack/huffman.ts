/**
 * The Huffman code of HPACK (RFC 7541 §5.2, Appendix B), decoded four bits at a time.
 *
 * The code is canonical: codes ascend by length, then by octet, so that the lengths alone give it. A
 * state of the decoder is an inner node of its tree; one table says for each state and nibble which
 * state comes next and which octet is complete: codes have five bits or more, so at most one is.
 */
import { assert } from '@leno/std';

/** Lengths of the codes of the octets 0 to 255 and of EOS, in bits, as digits of base 36. */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca' +
  'd67777777777777777777777878djde6f56565666577666567655677777fbeds' +
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq' +
  'u';
const EOS = 256;
const LENGTH_MAX = 30;
/** More than seven bits of padding would hide an octet (RFC 7541 §5.2). */
const PADDING_BITS_MAX = 7;

const lengths = Uint8Array.from(LENGTHS, (digit) => Number.parseInt(digit, 36));
const codes = codesOf(lengths);

function codesOf(bits: Uint8Array): Uint32Array {
  assert(bits.length === EOS + 1, 'there are 257 codes');
  const table = new Uint32Array(bits.length);
  let code = 0;
  for (let length = 1; length <= LENGTH_MAX; length += 1) {
    code *= 2;
    for (let symbol = 0; symbol < bits.length; symbol += 1) {
      if (bits[symbol] !== length) continue;
      table[symbol] = code;
      code += 1;
    }
  }
  assert(code === 2 ** LENGTH_MAX, 'the code leaves no gap');
  return table;
}

const EMITS = 0x1_0000;
const FAILS = 0x2_0000;
const NIBBLES = 16;

/** Per state and nibble: the next state, the octet shifted by 8, `EMITS` and `FAILS`. */
const transitions = new Int32Array(EOS * NIBBLES);
/** Per state: 1 if the bits since the last octet may be padding: at most seven, all of them ones. */
const mayEnd = new Uint8Array(EOS);
fillTables();

function fillTables(): void {
  // Children of inner nodes: another inner node, or -1 - symbol; 0 where nothing is yet.
  const children: [number, number][] = [[0, 0]];
  for (let symbol = 0; symbol <= EOS; symbol += 1) {
    let node = 0;
    const code = codes[symbol] as number;
    for (let bit = (lengths[symbol] as number) - 1; bit > 0; bit -= 1) {
      const pair = children[node] as [number, number];
      const side = (code >>> bit) & 1;
      if (pair[side] === 0) pair[side] = children.push([0, 0]) - 1;
      node = pair[side] as number;
    }
    (children[node] as [number, number])[code & 1] = -1 - symbol;
  }
  for (let state = 0; state < children.length; state += 1) {
    for (let nibble = 0; nibble < NIBBLES; nibble += 1) {
      transitions[state * NIBBLES + nibble] = walk(children, state, nibble);
    }
  }
  let padding = 0;
  for (let bits = 0; bits <= PADDING_BITS_MAX; bits += 1) {
    mayEnd[padding] = 1;
    padding = (children[padding] as [number, number])[1];
  }
}

function walk(children: readonly [number, number][], from: number, nibble: number): number {
  let node = from;
  let emitted = 0;
  for (let bit = 3; bit >= 0; bit -= 1) {
    const next = (children[node] as [number, number])[(nibble >>> bit) & 1] as number;
    if (next >= 0) {
      node = next;
      continue;
    }
    if (next === -1 - EOS) return FAILS;
    emitted = EMITS | ((-1 - next) << 8);
    node = 0;
  }
  return emitted | node;
}

/** Where to read: `octets` from `start` to before `end`. */
export interface Slice {
  readonly octets: Uint8Array;
  readonly start: number;
  readonly end: number;
}

/** Octets that `byteCount` coded octets can give at most. */
export function decodedByteCountMax(byteCount: number): number {
  return Math.ceil((byteCount * 8) / 5);
}

/**
 * Decodes `input` into `target` from `at` on, which must have room for `decodedByteCountMax`. Gives
 * the index after the last octet; -1 if EOS is coded or the padding is not of at most seven ones.
 */
export function huffmanDecode(input: Slice, target: Uint8Array, at: number): number {
  const { octets, end } = input;
  let state = 0;
  let to = at;
  for (let index = input.start; index < end; index += 1) {
    const octet = octets[index] as number;
    const high = transitions[(state << 4) | (octet >>> 4)] as number;
    if (high >= EMITS) {
      if (high >= FAILS) return -1;
      target[to] = high >>> 8;
      to += 1;
    }
    const low = transitions[((high & 0xff) << 4) | (octet & 0xf)] as number;
    if (low >= EMITS) {
      if (low >= FAILS) return -1;
      target[to] = low >>> 8;
      to += 1;
    }
    state = low & 0xff;
  }
  return mayEnd[state] === 1 ? to : -1;
}

/** Octets that `text`, one character per octet, has when it is coded. */
export function huffmanByteCount(text: string): number {
  let bits = 0;
  for (let index = 0; index < text.length; index += 1) {
    bits += lengths[text.charCodeAt(index) & 0xff] as number;
  }
  return (bits + 7) >>> 3;
}

/** Codes `text` into `target` from `at` on. Gives the index after the last octet. */
export function huffmanEncode(text: string, target: Uint8Array, at: number): number {
  let to = at;
  let pending = 0;
  let pendingBits = 0; // Fewer than eight between symbols.
  for (let index = 0; index < text.length; index += 1) {
    const symbol = text.charCodeAt(index) & 0xff;
    const code = codes[symbol] as number;
    let left = lengths[symbol] as number;
    while (left > 0) {
      const taken = Math.min(8 - pendingBits, left);
      left -= taken;
      pending = (pending << taken) | ((code >>> left) & ((1 << taken) - 1));
      pendingBits += taken;
      if (pendingBits < 8) continue;
      target[to] = pending;
      to += 1;
      pending = 0;
      pendingBits = 0;
    }
  }
  if (pendingBits === 0) return to;
  const padding = 8 - pendingBits;
  target[to] = (pending << padding) | ((1 << padding) - 1);
  return to + 1;
}
