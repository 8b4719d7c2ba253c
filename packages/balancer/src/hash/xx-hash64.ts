/**
 * XXH64 of the xxHash specification, in halves of 32 bits: what Envoy hashes keys and hosts with.
 *
 *   stripes of 32 octets → four lanes ┐
 *   (below 32 octets: the seed)       ┴→ + length → words of 8 → word of 4 → octets → avalanche
 *
 * JavaScript has no 64-bit integer that is fast: BigInt costs ten times as much and allocates. So
 * each number is a signed high and a signed low half in local variables, a product takes three
 * `Math.imul` and one `multiplyHigh`, and a sum carries when its low half wrapped around.
 */
import type { Hash64 } from './hash64.ts';
import { multiplyHigh } from './multiply-high.ts';
import { packedWords } from './packed-words.ts';

// The five primes of the specification.
const P1_HI = 0x9e3779b1 | 0;
const P1_LO = 0x85ebca87 | 0;
const P2_HI = 0xc2b2ae3d | 0;
const P2_LO = 0x27d4eb4f | 0;
const P3_HI = 0x165667b1 | 0;
const P3_LO = 0x9e3779f9 | 0;
const P4_HI = 0x85ebca77 | 0;
const P4_LO = 0xc2b2ae63 | 0;
const P5_HI = 0x27d4eb2f | 0;
const P5_LO = 0x165667c5 | 0;

/** High and low half of each of the four lanes. */
const lanes = new Int32Array(8);
/** A number on its way between functions, as a function can return but one. */
const carrier = { hi: 0, lo: 0 };

/**
 * The hash of the octets, or of the UTF-8 of the text, into `into`, which is returned. `seed` is 0
 * unless given. Allocates nothing for up to 1 KiB (with other characters than ASCII: a third).
 */
export function xxHash64(
  input: string | Uint8Array,
  into: Hash64 = { hi: 0, lo: 0 },
  seed?: Readonly<Hash64>,
): Hash64 {
  const words = packedWords(input);
  const seedHi = seed === undefined ? 0 : seed.hi | 0;
  const seedLo = seed === undefined ? 0 : seed.lo | 0;
  const byteCount = words[0] ?? 0;
  if (byteCount < 32) {
    const lo = (seedLo + P5_LO) | 0;
    into.lo = lo >>> 0;
    into.hi = (seedHi + P5_HI + (lo >>> 0 < P5_LO >>> 0 ? 1 : 0)) >>> 0;
  } else {
    hashStripes(words, seedHi, seedLo);
    mergeLanes(into);
  }
  finish(words, into);
  return into;
}

/** Takes in all whole stripes, each lane its 8 octets of them. */
function hashStripes(words: Int32Array, seedHi: number, seedLo: number): void {
  startLanes(seedHi, seedLo);
  const stripeCount = (words[0] ?? 0) >>> 5;
  for (let place = 1, end = 1 + stripeCount * 8; place < end; place += 8) {
    for (let lane = 0; lane < 8; lane += 2) {
      mixLane(lane, words[place + lane + 1] ?? 0, words[place + lane] ?? 0);
    }
  }
}

/** seed + P1 + P2, seed + P2, seed, seed - P1. */
function startLanes(seedHi: number, seedLo: number): void {
  const secondLo = (seedLo + P2_LO) | 0;
  const secondHi = (seedHi + P2_HI + (secondLo >>> 0 < P2_LO >>> 0 ? 1 : 0)) | 0;
  const firstLo = (secondLo + P1_LO) | 0;
  lanes[0] = secondHi + P1_HI + (firstLo >>> 0 < P1_LO >>> 0 ? 1 : 0);
  lanes[1] = firstLo;
  lanes[2] = secondHi;
  lanes[3] = secondLo;
  lanes[4] = seedHi;
  lanes[5] = seedLo;
  lanes[6] = seedHi - P1_HI - (seedLo >>> 0 < P1_LO >>> 0 ? 1 : 0);
  lanes[7] = seedLo - P1_LO;
}

/** lane = rotl(lane + word · P2, 31) · P1 */
function mixLane(lane: number, wordHi: number, wordLo: number): void {
  const termLo = Math.imul(wordLo, P2_LO);
  const termHi = multiplyHigh(wordLo, P2_LO) + Math.imul(wordHi, P2_LO) + Math.imul(wordLo, P2_HI);
  const lo = ((lanes[lane + 1] ?? 0) + termLo) | 0;
  const hi = ((lanes[lane] ?? 0) + termHi + (lo >>> 0 < termLo >>> 0 ? 1 : 0)) | 0;
  const turnedHi = (hi << 31) | (lo >>> 1);
  const turnedLo = (lo << 31) | (hi >>> 1);
  lanes[lane + 1] = Math.imul(turnedLo, P1_LO);
  lanes[lane] =
    multiplyHigh(turnedLo, P1_LO) + Math.imul(turnedHi, P1_LO) + Math.imul(turnedLo, P1_HI);
}

/** rotl(first, 1) + rotl(second, 7) + rotl(third, 12) + rotl(fourth, 18), then each mixed in. */
function mergeLanes(into: Hash64): void {
  carrier.hi = 0;
  carrier.lo = 0;
  addTurned(0, 1);
  addTurned(2, 7);
  addTurned(4, 12);
  addTurned(6, 18);
  let { hi, lo } = carrier;
  for (let lane = 0; lane < 8; lane += 2) {
    const laneHi = lanes[lane] ?? 0;
    const laneLo = lanes[lane + 1] ?? 0;
    lanes[lane] = 0;
    lanes[lane + 1] = 0;
    mixLane(lane, laneHi, laneLo);
    hi ^= lanes[lane] ?? 0;
    lo ^= lanes[lane + 1] ?? 0;
    hi = (multiplyHigh(lo, P1_LO) + Math.imul(hi, P1_LO) + Math.imul(lo, P1_HI) + P4_HI) | 0;
    const product = Math.imul(lo, P1_LO);
    lo = (product + P4_LO) | 0;
    if (lo >>> 0 < P4_LO >>> 0) hi = (hi + 1) | 0;
  }
  into.hi = hi >>> 0;
  into.lo = lo >>> 0;
}

/** carrier += rotl(lane, bits), where 0 < bits < 32. */
function addTurned(lane: number, bits: number): void {
  const hi = lanes[lane] ?? 0;
  const lo = lanes[lane + 1] ?? 0;
  const turnedLo = (lo << bits) | (hi >>> (32 - bits));
  const turnedHi = (hi << bits) | (lo >>> (32 - bits));
  const sum = (carrier.lo + turnedLo) | 0;
  carrier.hi = (carrier.hi + turnedHi + (sum >>> 0 < turnedLo >>> 0 ? 1 : 0)) | 0;
  carrier.lo = sum;
}

/** Adds the length, takes in what is left after the stripes, and avalanches. */
function finish(words: Int32Array, into: Hash64): void {
  const byteCount = words[0] ?? 0;
  let lo = ((into.lo | 0) + byteCount) | 0;
  let hi = ((into.hi | 0) + (lo >>> 0 < byteCount ? 1 : 0)) | 0;
  let place = 1 + ((byteCount >>> 5) << 3);
  const end = 1 + ((byteCount >>> 3) << 1);
  for (; place < end; place += 2) {
    const wordLo = words[place] ?? 0;
    const wordHi = words[place + 1] ?? 0;
    // hash = rotl(hash ^ rotl(word · P2, 31) · P1, 27) · P1 + P4
    const termLo = Math.imul(wordLo, P2_LO);
    const termHi =
      (multiplyHigh(wordLo, P2_LO) + Math.imul(wordHi, P2_LO) + Math.imul(wordLo, P2_HI)) | 0;
    const turnedLo = (termLo << 31) | (termHi >>> 1);
    const turnedHi = (termHi << 31) | (termLo >>> 1);
    lo ^= Math.imul(turnedLo, P1_LO);
    hi ^= multiplyHigh(turnedLo, P1_LO) + Math.imul(turnedHi, P1_LO) + Math.imul(turnedLo, P1_HI);
    const mixedLo = (lo << 27) | (hi >>> 5);
    const mixedHi = (hi << 27) | (lo >>> 5);
    lo = (Math.imul(mixedLo, P1_LO) + P4_LO) | 0;
    hi = multiplyHigh(mixedLo, P1_LO) + Math.imul(mixedHi, P1_LO) + Math.imul(mixedLo, P1_HI);
    hi = (hi + P4_HI + (lo >>> 0 < P4_LO >>> 0 ? 1 : 0)) | 0;
  }
  into.hi = hi;
  into.lo = lo;
  if ((byteCount & 7) !== 0) finishTail(words, place, into);
  avalanche(into);
}

/** Takes in the last 1 to 7 octets: a word of 4 if there is one, then octet by octet. */
function finishTail(words: Int32Array, start: number, into: Hash64): void {
  let { hi, lo } = into;
  let place = start;
  const tailCount = (words[0] ?? 0) & 7;
  if (tailCount >= 4) {
    // hash = rotl(hash ^ word · P1, 23) · P2 + P3
    const word = words[place] ?? 0;
    place += 1;
    lo ^= Math.imul(word, P1_LO);
    hi ^= multiplyHigh(word, P1_LO) + Math.imul(word, P1_HI);
    const turnedLo = (lo << 23) | (hi >>> 9);
    const turnedHi = (hi << 23) | (lo >>> 9);
    lo = (Math.imul(turnedLo, P2_LO) + P3_LO) | 0;
    hi = multiplyHigh(turnedLo, P2_LO) + Math.imul(turnedHi, P2_LO) + Math.imul(turnedLo, P2_HI);
    hi = (hi + P3_HI + (lo >>> 0 < P3_LO >>> 0 ? 1 : 0)) | 0;
  }
  const rest = words[place] ?? 0;
  for (let shift = 0, end = (tailCount & 3) << 3; shift < end; shift += 8) {
    // hash = rotl(hash ^ octet · P5, 11) · P1
    const byte = (rest >>> shift) & 0xff;
    lo ^= Math.imul(byte, P5_LO);
    hi ^= multiplyHigh(byte, P5_LO) + Math.imul(byte, P5_HI);
    const turnedLo = (lo << 11) | (hi >>> 21);
    const turnedHi = (hi << 11) | (lo >>> 21);
    lo = Math.imul(turnedLo, P1_LO);
    hi = multiplyHigh(turnedLo, P1_LO) + Math.imul(turnedHi, P1_LO) + Math.imul(turnedLo, P1_HI);
    hi |= 0;
  }
  into.hi = hi;
  into.lo = lo;
}

/** hash ^= hash >> 33; hash ·= P2; hash ^= hash >> 29; hash ·= P3; hash ^= hash >> 32 */
function avalanche(into: Hash64): void {
  const { hi, lo } = into;
  const firstLo = lo ^ (hi >>> 1);
  const secondLo = Math.imul(firstLo, P2_LO);
  const secondHi =
    (multiplyHigh(firstLo, P2_LO) + Math.imul(hi, P2_LO) + Math.imul(firstLo, P2_HI)) | 0;
  const thirdLo = secondLo ^ ((secondLo >>> 29) | (secondHi << 3));
  const thirdHi = secondHi ^ (secondHi >>> 29);
  const lastLo = Math.imul(thirdLo, P3_LO);
  const lastHi =
    (multiplyHigh(thirdLo, P3_LO) + Math.imul(thirdHi, P3_LO) + Math.imul(thirdLo, P3_HI)) | 0;
  into.hi = lastHi >>> 0;
  into.lo = (lastLo ^ lastHi) >>> 0;
}
