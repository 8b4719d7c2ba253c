/**
 * MurmurHash2, the 64-bit variant that libstdc++ has for `std::hash`, with the seed 0xc70f6907:
 * what Envoy offers for rings beside xxHash64. In halves of 32 bits, as `xxHash64` is.
 */
import type { Hash64 } from './hash64.ts';
import { multiplyHigh } from './multiply-high.ts';
import { packedWords } from './packed-words.ts';

const SEED_LO = 0xc70f6907 | 0;
const M_HI = 0xc6a4a793 | 0;
const M_LO = 0x5bd1e995 | 0;

/**
 * The hash of the octets, or of the UTF-8 of the text, into `into`, which is returned. Allocates
 * nothing for up to 1 KiB (with other characters than ASCII: a third).
 */
export function murmurHash2(input: string | Uint8Array, into: Hash64 = { hi: 0, lo: 0 }): Hash64 {
  const words = packedWords(input);
  const byteCount = words[0] ?? 0;
  let lo = SEED_LO ^ Math.imul(byteCount, M_LO);
  let hi = multiplyHigh(byteCount, M_LO) + Math.imul(byteCount, M_HI);
  const end = 1 + ((byteCount >>> 3) << 1);
  let place = 1;
  for (; place < end; place += 2) {
    const wordLo = words[place] ?? 0;
    const wordHi = words[place + 1] ?? 0;
    // word ·= M; word ^= word >> 47; word ·= M; hash = (hash ^ word) · M
    let termLo = Math.imul(wordLo, M_LO);
    let termHi = multiplyHigh(wordLo, M_LO) + Math.imul(wordHi, M_LO) + Math.imul(wordLo, M_HI);
    termLo ^= termHi >>> 15;
    termHi = multiplyHigh(termLo, M_LO) + Math.imul(termHi, M_LO) + Math.imul(termLo, M_HI);
    termLo = Math.imul(termLo, M_LO);
    lo ^= termLo;
    hi ^= termHi;
    hi = (multiplyHigh(lo, M_LO) + Math.imul(hi, M_LO) + Math.imul(lo, M_HI)) | 0;
    lo = Math.imul(lo, M_LO);
  }
  if ((byteCount & 7) !== 0) {
    // Words beyond the octets may hold what was there before.
    lo ^= words[place] ?? 0;
    if ((byteCount & 7) > 4) hi ^= words[place + 1] ?? 0;
    hi = (multiplyHigh(lo, M_LO) + Math.imul(hi, M_LO) + Math.imul(lo, M_HI)) | 0;
    lo = Math.imul(lo, M_LO);
  }
  lo ^= hi >>> 15;
  hi = (multiplyHigh(lo, M_LO) + Math.imul(hi, M_LO) + Math.imul(lo, M_HI)) | 0;
  lo = Math.imul(lo, M_LO);
  into.hi = hi >>> 0;
  into.lo = (lo ^ (hi >>> 15)) >>> 0;
  return into;
}
