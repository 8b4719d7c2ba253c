/**
 * Rendezvous (highest random weight): every host scores every key, and the best score wins. There
 * is no table to speak of, shares are exactly as the weights say, and when a host comes or goes
 * nothing moves but its own keys; the price is a pick in O(hosts).
 *
 *   mixed = xorshift*(hash xor xxHash64(key of the host))
 *   score = -weight ÷ ln(low 53 bits of mixed ÷ 2^53), where the greatest wins, of equals the first
 *
 * After Thaler and Ravishankar (1998) and Schindelhauer and Schomaker (2005, the weights), with the
 * mixing, the logarithm and the retries of Envoy. The logarithm is a rational approximation out of
 * IEEE operations, each rounded by itself, so that every runtime and an Envoy without fused
 * multiply-add (x86-64) give the same score to the last bit; one that fuses (some builds for
 * AArch64) may differ in it, and choose otherwise where two scores are that close.
 */
import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { HashTable } from './hash-table.ts';
import type { Hash64 } from './hash64.ts';
import { type HashHost, type HashLocality, hostShares } from './host-shares.ts';
import { multiplyHigh } from './multiply-high.ts';
import { xxHash64 } from './xx-hash64.ts';

/** How hosts are scored. */
export interface RendezvousOptions {
  /** Shares by locality; without it, all hosts share as their weights say. */
  readonly localities?: readonly HashLocality[] | undefined;
}

// The multiplier of xorshift64*, 2685821657736338717.
const MULTIPLIER_HI = 0x2545f491;
const MULTIPLIER_LO = 0x4f6cdd1d;
const LN_2 = 0.6931471805599453;
/** 2^0, 2^-1, … 2^-53: dividing by a power of two is exact, and so is this. */
const HALVES = Float64Array.from({ length: 54 }, (_, power) => 2 ** -power);

/** The hashes and shares of the hosts. A lookup is O(hosts). */
export class RendezvousTable implements HashTable {
  readonly hostCount: number;
  readonly #hosts: Int32Array;
  readonly #shares: Float64Array;
  readonly #his: Int32Array;
  readonly #los: Int32Array;

  constructor(hosts: readonly HashHost[], { localities }: RendezvousOptions = {}) {
    const problems = new OptionProblems();
    const { hosts: members, shares } = hostShares(hosts, localities, problems);
    problems.throwIfAny(InvalidOptionError);
    this.hostCount = hosts.length;
    this.#hosts = members;
    this.#shares = shares;
    this.#his = new Int32Array(members.length);
    this.#los = new Int32Array(members.length);
    const hash: Hash64 = { hi: 0, lo: 0 };
    for (const [at, member] of members.entries()) {
      xxHash64(hosts[member]?.key ?? '', hash);
      this.#his[at] = hash.hi;
      this.#los[at] = hash.lo;
    }
  }

  /** Attempt a scores the hash xor (2^64 - a), as Envoy does. */
  lookup(hi: number, lo: number, attempt: number): number {
    const triedHi = attempt === 0 ? hi | 0 : ~hi;
    const triedLo = attempt === 0 ? lo | 0 : lo ^ -attempt;
    const his = this.#his;
    const los = this.#los;
    const shares = this.#shares;
    let best = -1;
    let bestScore = Number.NEGATIVE_INFINITY;
    for (let at = 0; at < his.length; at += 1) {
      const share = shares[at] ?? 0;
      const score = -share / lnOfMixed(triedHi ^ (his[at] ?? 0), triedLo ^ (los[at] ?? 0));
      if (score > bestScore) {
        best = at;
        bestScore = score;
      }
    }
    return best < 0 ? -1 : (this.#hosts[best] ?? -1);
  }
}

/** ln of the mixed number as a fraction of 1. */
function lnOfMixed(hi: number, lo: number): number {
  // x ^= x >> 12; x ^= x << 25; x ^= x >> 27; x ·= multiplier
  const firstLo = lo ^ ((lo >>> 12) | (hi << 20));
  const firstHi = hi ^ (hi >>> 12);
  const secondHi = firstHi ^ ((firstHi << 25) | (firstLo >>> 7));
  const secondLo = firstLo ^ (firstLo << 25);
  const thirdLo = secondLo ^ ((secondLo >>> 27) | (secondHi << 5));
  const thirdHi = secondHi ^ (secondHi >>> 27);
  const mixedHi =
    multiplyHigh(thirdLo, MULTIPLIER_LO) +
    Math.imul(thirdHi, MULTIPLIER_LO) +
    Math.imul(thirdLo, MULTIPLIER_HI);
  return log2Of(mixedHi & 0x1f_ffff, Math.imul(thirdLo, MULTIPLIER_LO) >>> 0) * LN_2;
}

/**
 * log2 of (hi · 2^32 + lo) ÷ 2^53, of which 0 is taken for 2^-1023: the exponent, and for the
 * mantissa in [0.75, 1.5) a rational approximation.
 */
function log2Of(hi: number, lo: number): number {
  if (hi === 0 && lo === 0) return -1_023;
  const topBit = hi === 0 ? 31 - Math.clz32(lo) : 63 - Math.clz32(hi);
  const mantissa = (hi * 4_294_967_296 + lo) * (HALVES[topBit] ?? 0);
  const isUpper = mantissa >= 1.5;
  const t = (isUpper ? mantissa * 0.5 : mantissa) - 1;
  const exponent = topBit - 53 + (isUpper ? 1 : 0);
  return exponent + (t * (0.338953 * t + 2.198599)) / (t + 1.523692);
}
