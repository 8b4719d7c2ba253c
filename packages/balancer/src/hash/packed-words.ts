/**
 * Octets as 32-bit words in little-endian order, whatever the machine's own order is: word 0 is the
 * number of octets, the octets begin at word 1, and the rest of the last word is 0.
 *
 * Short input is packed into one array that is used again and again, so hashing it allocates
 * nothing; input above `SCRATCH_BYTES_MAX` octets gets an array of its own, which is not kept.
 * Text becomes UTF-8, in which a lone surrogate is U+FFFD as in the Encoding standard. No
 * TextEncoder: it is not part of the language, and for text that is ASCII it is slower.
 */

const SCRATCH_BYTES_MAX = 1_024;
const scratch = new Int32Array(1 + SCRATCH_BYTES_MAX / 4);

/** The packed octets, valid until the next call. */
export function packedWords(input: string | Uint8Array): Int32Array {
  if (typeof input !== 'string') return packBytes(input);
  const words = input.length <= SCRATCH_BYTES_MAX ? scratch : ownWords(input.length);
  return packAscii(input, words) ? words : packUtf8(input);
}

function ownWords(byteCount: number): Int32Array {
  return new Int32Array(1 + Math.ceil(byteCount / 4));
}

function packBytes(bytes: Uint8Array): Int32Array {
  const { length } = bytes;
  const words = length <= SCRATCH_BYTES_MAX ? scratch : ownWords(length);
  words[0] = length;
  for (let at = 0, place = 1; at < length; at += 4, place += 1) {
    // Beyond the end there is nothing, which counts as 0.
    const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8);
    words[place] = low | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24);
  }
  return words;
}

/** Packs one octet a character; false if a character was no ASCII, and the words are worthless. */
function packAscii(text: string, words: Int32Array): boolean {
  const { length } = text;
  words[0] = length;
  let seen = 0;
  let place = 1;
  let at = 0;
  for (; at + 4 <= length; at += 4, place += 1) {
    const first = text.charCodeAt(at);
    const second = text.charCodeAt(at + 1);
    const third = text.charCodeAt(at + 2);
    const fourth = text.charCodeAt(at + 3);
    seen |= first | second | third | fourth;
    words[place] = first | (second << 8) | (third << 16) | (fourth << 24);
  }
  let last = 0;
  for (let shift = 0; at < length; at += 1, shift += 8) {
    const code = text.charCodeAt(at);
    seen |= code;
    last |= code << shift;
  }
  if ((length & 3) !== 0) words[place] = last;
  return seen < 0x80;
}

function packUtf8(text: string): Int32Array {
  // Three octets for each UTF-16 unit is the most; a pair of surrogates takes four.
  const byteCountMax = text.length * 3;
  const words = byteCountMax <= SCRATCH_BYTES_MAX ? scratch : ownWords(byteCountMax);
  let count = 0;
  for (let at = 0; at < text.length; at += 1) {
    const point = text.codePointAt(at) ?? 0;
    if (point > 0xffff) at += 1;
    const isLone = point >= 0xd800 && point <= 0xdfff;
    count = putPoint(words, count, isLone ? 0xfffd : point);
  }
  words[0] = count;
  return words;
}

/** Appends one code point after `count` octets; returns the new count. */
function putPoint(words: Int32Array, count: number, point: number): number {
  if (point < 0x80) return putByte(words, count, point);
  let next = count;
  if (point < 0x800) {
    next = putByte(words, next, 0xc0 | (point >> 6));
  } else {
    if (point < 0x1_0000) {
      next = putByte(words, next, 0xe0 | (point >> 12));
    } else {
      next = putByte(words, next, 0xf0 | (point >> 18));
      next = putByte(words, next, 0x80 | ((point >> 12) & 0x3f));
    }
    next = putByte(words, next, 0x80 | ((point >> 6) & 0x3f));
  }
  return putByte(words, next, 0x80 | (point & 0x3f));
}

function putByte(words: Int32Array, count: number, byte: number): number {
  const place = 1 + (count >> 2);
  // The first octet of a word clears what the word held before.
  const before = (count & 3) === 0 ? 0 : (words[place] ?? 0);
  words[place] = before | (byte << ((count & 3) << 3));
  return count + 1;
}
