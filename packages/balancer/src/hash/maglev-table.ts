/**
 * Maglev: each host has its own order of all places of a table, and the hosts take places in turns.
 * A pick is one look into the table; shares are even to one place; when a host comes or goes,
 * little else moves.
 *
 *   key of a host → offset, skip → its order: (offset + skip · next) mod M
 *   round 1, 2, … : a host whose turn it is takes the first place of its order that is free
 *
 * After Eisenbud et al., "Maglev" (NSDI 2016), §3.4, with weights, hash and retries as in Envoy: a
 * table of Leno and one of Envoy with the same hosts are equal in every entry.
 */
import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { compareUtf8 } from './compare-utf8.ts';
import type { HashTable } from './hash-table.ts';
import type { Hash64 } from './hash64.ts';
import { type HashHost, type HashLocality, type HostShares, hostShares } from './host-shares.ts';
import { isPrime } from './primes.ts';
import { remainder64 } from './remainder64.ts';
import { xxHash64 } from './xx-hash64.ts';

/** How a Maglev table is made. */
export interface MaglevOptions {
  /**
   * Number of entries: a prime, at most 5 000 011. Default 65 537. Should be a hundred times the
   * number of hosts, so that shares are within 1 %; hosts beyond the number of entries get none.
   */
  readonly tableSize?: number | undefined;
  /** Shares by locality; without it, all hosts share as their weights say. */
  readonly localities?: readonly HashLocality[] | undefined;
}

/** Envoy's. */
export const MAGLEV_TABLE_SIZE = 65_537;
const TABLE_SIZE_MAX = 5_000_011;
/** Later than any round: in each, somebody takes a place. */
const NEVER = 0x7fff_ffff;
/** Hosts that are passed over together. */
const BLOCK = 32;
const SEED_OF_SKIP: Readonly<Hash64> = { hi: 0, lo: 1 };

/** A filled table. Building takes about M · ln M steps, a lookup one. */
export class MaglevTable implements HashTable {
  readonly hostCount: number;
  /** The position of the host at each entry. Empty if nobody has a share. */
  readonly entries: Int32Array;

  constructor(hosts: readonly HashHost[], options: MaglevOptions = {}) {
    const { tableSize = MAGLEV_TABLE_SIZE, localities } = options;
    const problems = new OptionProblems();
    checkMaglevSize(tableSize, problems);
    const shares = hostShares(hosts, localities, problems);
    problems.throwIfAny(InvalidOptionError);
    this.hostCount = hosts.length;
    this.entries = filled(hosts, shares, tableSize);
  }

  /** Attempt a looks at the hash xor (2^64 - a), as Envoy does. */
  lookup(hi: number, lo: number, attempt: number): number {
    const entries = this.entries;
    if (entries.length === 0) return -1;
    const isFirst = attempt === 0;
    const triedHi = isFirst ? hi : ~hi;
    const triedLo = isFirst ? lo : lo ^ -attempt;
    return entries[remainder64(triedHi, triedLo, entries.length)] ?? -1;
  }
}

/** Notes what is wrong with the size of a table. */
export function checkMaglevSize(tableSize: number, problems: OptionProblems): void {
  const isGood =
    Number.isSafeInteger(tableSize) && tableSize <= TABLE_SIZE_MAX && isPrime(tableSize);
  problems.check(isGood, 'tableSize', tableSize, `be a prime of at most ${TABLE_SIZE_MAX}`);
}

/** The hosts that have a share, by key, with where each is in its order. */
interface Turns {
  readonly hosts: Int32Array;
  readonly shares: Float64Array;
  /** The next place of the order of each. */
  readonly places: Int32Array;
  readonly skips: Int32Array;
}

function filled(
  hosts: readonly HashHost[],
  { hosts: members, shares }: HostShares,
  tableSize: number,
): Int32Array {
  if (members.length === 0) return new Int32Array(0);
  const keys = Array.from(members, (member) => hosts[member]?.key ?? '');
  const order = Array.from(members.keys()).sort((one, other) =>
    compareUtf8(keys[one] ?? '', keys[other] ?? ''),
  );
  const places = new Int32Array(members.length);
  const skips = new Int32Array(members.length);
  const hash: Hash64 = { hi: 0, lo: 0 };
  for (const [turn, at] of order.entries()) {
    const key = keys[at] ?? '';
    xxHash64(key, hash);
    places[turn] = remainder64(hash.hi, hash.lo, tableSize);
    xxHash64(key, hash, SEED_OF_SKIP);
    skips[turn] = remainder64(hash.hi, hash.lo, tableSize - 1) + 1;
  }
  return takeTurns(
    {
      hosts: Int32Array.from(order, (at) => members[at] ?? -1),
      shares: Float64Array.from(order, (at) => shares[at] ?? 0),
      places,
      skips,
    },
    tableSize,
  );
}

/**
 * In each round a host passes if its share of the rounds is not yet what it was given: the one with
 * the largest share takes a place in every round, one with half of that in every other. The round
 * in which a host is due next is computed, and blocks of hosts of which none is due are passed over
 * at once: else a thousand hosts beside one of a thousand times their weight would take a second.
 */
function takeTurns(turns: Turns, tableSize: number): Int32Array {
  const entries = new Int32Array(tableSize).fill(-1);
  const hostCount = turns.hosts.length;
  const dues = new Int32Array(hostCount).fill(1);
  const blockDues = new Int32Array(Math.ceil(hostCount / BLOCK)).fill(1);
  const given = new Float64Array(hostCount);
  const shareMax = turns.shares.reduce((most, share) => Math.max(most, share), 0);
  let freeCount = tableSize;
  for (let round = 1; freeCount > 0; round += 1) {
    for (let block = 0; block < blockDues.length; block += 1) {
      if ((blockDues[block] ?? 0) > round) continue;
      const end = Math.min(hostCount, (block + 1) * BLOCK);
      let blockDue = NEVER;
      for (let turn = block * BLOCK; turn < end && freeCount > 0; turn += 1) {
        if ((dues[turn] ?? 0) <= round) {
          takePlace(turns, turn, entries);
          freeCount -= 1;
          given[turn] = (given[turn] ?? 0) + shareMax;
          dues[turn] = dueAfter(round, turns.shares[turn] ?? 0, given[turn] ?? 0);
        }
        blockDue = Math.min(blockDue, dues[turn] ?? NEVER);
      }
      blockDues[block] = blockDue;
    }
  }
  return entries;
}

/** The first place of its order that is free becomes the host's. */
function takePlace({ hosts, places, skips }: Turns, turn: number, entries: Int32Array): void {
  const skip = skips[turn] ?? 1;
  let place = places[turn] ?? 0;
  while ((entries[place] ?? 0) >= 0) {
    place += skip;
    if (place >= entries.length) place -= entries.length;
  }
  entries[place] = hosts[turn] ?? -1;
  place += skip;
  places[turn] = place >= entries.length ? place - entries.length : place;
}

/**
 * The first round after this one whose product with the share is not below what was given. The
 * quotient may be off by rounding; the product, as Envoy computes it in each round, decides.
 */
function dueAfter(round: number, share: number, given: number): number {
  let due = Math.max(round + 1, Math.ceil(given / share) - 1);
  if (due >= NEVER) return NEVER;
  while (due * share < given) due += 1;
  return due;
}
