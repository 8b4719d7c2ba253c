/**
 * SHA-1 (FIPS 180-4 §6.1.2), for the handshake of WebSocket alone, which asks for it (RFC 6455 §4.2.2):
 * there it tells whether the other side has understood, and protects nothing. For short texts: the
 * one that is digested has 60 octets.
 */

const BLOCK_BYTES = 64;
const LENGTH_BYTES = 8;

/** The digest of `octets`: 20 octets. */
export function sha1(octets: Uint8Array): Uint8Array {
  const blockCount = Math.ceil((octets.length + 1 + LENGTH_BYTES) / BLOCK_BYTES);
  const padded = new Uint8Array(blockCount * BLOCK_BYTES);
  padded.set(octets);
  padded[octets.length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setBigUint64(padded.length - LENGTH_BYTES, BigInt(octets.length) * 8n);
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0);
  for (let at = 0; at < padded.length; at += BLOCK_BYTES) addBlock(state, view, at);
  const digest = new DataView(new ArrayBuffer(20));
  for (const [index, word] of state.entries()) digest.setInt32(index * 4, word);
  return new Uint8Array(digest.buffer);
}

function addBlock(state: Int32Array, view: DataView, at: number): void {
  const words = new Int32Array(80);
  for (let round = 0; round < 80; round += 1) {
    words[round] =
      round < 16
        ? view.getInt32(at + round * 4)
        : rotated(
            word(words, round - 3) ^
              word(words, round - 8) ^
              word(words, round - 14) ^
              word(words, round - 16),
            1,
          );
  }
  let a = word(state, 0);
  let b = word(state, 1);
  let c = word(state, 2);
  let d = word(state, 3);
  let e = word(state, 4);
  for (let round = 0; round < 80; round += 1) {
    const next = (rotated(a, 5) + mixed(round, b, c, d) + e + word(words, round)) | 0;
    e = d;
    d = c;
    c = rotated(b, 30);
    b = a;
    a = next;
  }
  for (const [index, value] of [a, b, c, d, e].entries()) {
    state[index] = (word(state, index) + value) | 0;
  }
}

function mixed(round: number, b: number, c: number, d: number): number {
  if (round < 20) return ((b & c) | (~b & d)) + 0x5a827999;
  if (round < 40) return (b ^ c ^ d) + 0x6ed9eba1;
  if (round < 60) return ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc;
  return (b ^ c ^ d) + 0xca62c1d6;
}

function rotated(value: number, bitCount: number): number {
  return (value << bitCount) | (value >>> (32 - bitCount));
}

function word(words: Int32Array, index: number): number {
  return words[index] as number;
}
