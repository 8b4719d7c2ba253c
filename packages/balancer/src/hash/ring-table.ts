/**
 * Ring hash: each host has points on a ring of all 64-bit numbers, in number as its share; a hash
 * belongs to the first point at or after it. Shares are uneven, by about 1 ÷ √(points of a host).
 * When a host goes, its keys move, and few of the others: those before the points that the others
 * get in addition, so that the ring keeps its size (6 % of all keys when one of ten goes).
 *
 *   0 ──a──────b──a────────c───b──────► 2^64 - 1, then from 0 again
 *        ◄─hash            ◄─hash
 *
 * After Karger et al., "Consistent Hashing and Random Trees" (STOC 1997), with sizes, points and
 * retries as in Envoy: a ring of Leno and one of Envoy with the same hosts are equal in every
 * point.
 */
import { OptionProblems, withDefaults } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { HashTable } from './hash-table.ts';
import type { Hash64 } from './hash64.ts';
import { type HashHost, type HashLocality, type HostShares, hostShares } from './host-shares.ts';
import { murmurHash2 } from './murmur-hash2.ts';
import { sortedByHash } from './sorted-by-hash.ts';
import { xxHash64 } from './xx-hash64.ts';

/** What points are computed with; `murmurHash2` is the 64-bit variant of libstdc++. */
export type RingHashFunction = 'xxHash64' | 'murmurHash2';

/** How a ring is made. */
export interface RingOptions {
  /** Default `xxHash64`. The hash of keys is the caller's own: Envoy uses xxHash64 in any case. */
  readonly hashFunction?: RingHashFunction | undefined;
  /** The fewest points of all hosts together: 1 to 8 388 608, default 1024. */
  readonly minRingSize?: number | undefined;
  /** The most, at the cost of even shares: `minRingSize` to 8 388 608, which is the default. */
  readonly maxRingSize?: number | undefined;
  /** Shares by locality; without it, all hosts share as their weights say. */
  readonly localities?: readonly HashLocality[] | undefined;
}

/** Envoy's. */
export const defaultRingOptions = {
  hashFunction: 'xxHash64',
  minRingSize: 1_024,
  maxRingSize: 8_388_608,
} as const satisfies RingOptions;

const RING_SIZE_MAX = 8_388_608;

interface Sizes {
  readonly minRingSize: number;
  readonly maxRingSize: number;
}

const ringSizes: Sizes = {
  minRingSize: defaultRingOptions.minRingSize,
  maxRingSize: defaultRingOptions.maxRingSize,
};

/** A ring of sorted points; 12 octets each. Building costs a hash per point, a lookup log n. */
export class RingTable implements HashTable {
  readonly hostCount: number;
  /** Points wanted: what the smallest share needs for a whole number of points, within bounds. */
  readonly size: number;
  /** The hash of each point, ascending, in two unsigned halves. */
  readonly pointsHi: Uint32Array;
  readonly pointsLo: Uint32Array;
  /** The position of the host of each point. */
  readonly pointHosts: Int32Array;

  constructor(hosts: readonly HashHost[], options: RingOptions = {}) {
    const problems = new OptionProblems();
    checkRingSizes(options, problems);
    const shares = hostShares(hosts, options.localities, problems);
    problems.throwIfAny(InvalidOptionError);
    const scale = scaleOf(shares.shares, options);
    const counts = pointCounts(shares.shares, scale);
    const points = pointsOf(hosts, shares, counts, options.hashFunction ?? 'xxHash64');
    this.hostCount = hosts.length;
    this.size = Math.ceil(scale);
    this.pointsHi = points.his;
    this.pointsLo = points.los;
    this.pointHosts = points.hosts;
  }

  /** Attempt a is a points further, as in Envoy. */
  lookup(hi: number, lo: number, attempt: number): number {
    const pointHosts = this.pointHosts;
    const count = pointHosts.length;
    if (count === 0) return -1;
    const place = this.#firstFrom(hi | 0, lo | 0) + attempt;
    return pointHosts[place < count ? place : place % count] ?? -1;
  }

  /** The number of points below the hash: the place of the first that is not. */
  #firstFrom(signedHi: number, signedLo: number): number {
    // Signed on the way here: an argument above 2^31 may be boxed.
    const hi = signedHi >>> 0;
    const lo = signedLo >>> 0;
    const his = this.pointsHi;
    const los = this.pointsLo;
    let low = 0;
    let high = his.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const pointHi = his[middle] ?? 0;
      if (pointHi < hi || (pointHi === hi && (los[middle] ?? 0) < lo)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Notes what is wrong with the sizes and the name of the hash. */
export function checkRingSizes(options: RingOptions, problems: OptionProblems): void {
  const {
    hashFunction = defaultRingOptions.hashFunction,
    minRingSize = defaultRingOptions.minRingSize,
    maxRingSize = defaultRingOptions.maxRingSize,
  } = options;
  const isHash = hashFunction === 'xxHash64' || hashFunction === 'murmurHash2';
  problems.check(isHash, 'hashFunction', hashFunction, 'be xxHash64 or murmurHash2');
  problems.count('minRingSize', minRingSize, 1);
  const isMaxGood =
    Number.isSafeInteger(maxRingSize) && maxRingSize >= minRingSize && maxRingSize <= RING_SIZE_MAX;
  const must = `be a whole number from minRingSize (${minRingSize}) to ${RING_SIZE_MAX}`;
  problems.check(isMaxGood, 'maxRingSize', maxRingSize, must);
}

/** How many points a share of 1 stands for: as many as give the smallest share a whole number. */
function scaleOf(shares: Float64Array, options: RingOptions): number {
  if (shares.length === 0) return 0;
  const { minRingSize, maxRingSize } = withDefaults<Sizes>(options, ringSizes);
  const shareMin = shares.reduce((least, share) => Math.min(least, share), 1);
  return Math.min(Math.ceil(shareMin * minRingSize) / shareMin, maxRingSize);
}

/** Points of each host. The target runs on, so that fractions of points even out over the hosts. */
function pointCounts(shares: Float64Array, scale: number): Int32Array {
  let current = 0;
  let target = 0;
  return Int32Array.from(shares, (share) => {
    target += scale * share;
    const before = current;
    while (current < target) current += 1;
    return current - before;
  });
}

interface Points {
  readonly his: Uint32Array;
  readonly los: Uint32Array;
  readonly hosts: Int32Array;
}

function pointsOf(
  hosts: readonly HashHost[],
  { hosts: members }: HostShares,
  counts: Int32Array,
  hashFunction: RingHashFunction,
): Points {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const points = {
    his: new Uint32Array(total),
    los: new Uint32Array(total),
    hosts: new Int32Array(total),
  };
  const hashInto = hashFunction === 'xxHash64' ? xxHash64 : murmurHash2;
  const hash: Hash64 = { hi: 0, lo: 0 };
  let place = 0;
  for (const [at, member] of members.entries()) {
    const prefix = `${hosts[member]?.key ?? ''}_`;
    for (let made = 0, count = counts[at] ?? 0; made < count; made += 1, place += 1) {
      hashInto(prefix + made, hash);
      points.his[place] = hash.hi;
      points.los[place] = hash.lo;
      points.hosts[place] = member;
    }
  }
  return sortedByHash(points);
}
