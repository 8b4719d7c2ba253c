/** The policies that place a call by its key: Maglev, ring hash and rendezvous. */
import { OptionProblems } from '@leno/std';
import { hashKey } from '../hash/hash-key.ts';
import { checkMaglevSize, MAGLEV_TABLE_SIZE, MaglevTable } from '../hash/maglev-table.ts';
import { RendezvousTable } from '../hash/rendezvous-table.ts';
import { checkRingSizes, type RingHashFunction, RingTable } from '../hash/ring-table.ts';
import { InvalidOptionError } from '../invalid-option-error.ts';
import {
  type BoundedLoadOptions,
  type BuildTable,
  checkLoadFactor,
  HashPicker,
} from './hash-picker.ts';
import type { Policy } from './policy.ts';

/** How `maglev` picks. */
export interface MaglevPolicyOptions extends BoundedLoadOptions {
  /** Entries of the table: a prime of at most 5 000 011, default 65 537. */
  readonly tableSize?: number | undefined;
}

/** How `ringHash` picks. */
export interface RingHashPolicyOptions extends BoundedLoadOptions {
  /** What points are computed with; keys always with xxHash64. Default `xxHash64`. */
  readonly hashFunction?: RingHashFunction | undefined;
  /** The fewest points of all endpoints together: 1 to 8 388 608, default 1024. */
  readonly minRingSize?: number | undefined;
  /** The most, at the cost of even shares: `minRingSize` to 8 388 608, which is the default. */
  readonly maxRingSize?: number | undefined;
}

/**
 * The same endpoint for the same key, by a Maglev table: the fastest, and even to one entry. When
 * an endpoint comes or goes, a few keys of others move too. Equal to Envoy's Maglev for endpoints
 * whose `hashKey` is `address:port`.
 */
export function maglev(options: MaglevPolicyOptions = {}): Policy {
  return hashing('maglev', maglevBuild(options), options);
}

/**
 * The same endpoint for the same key, by a ring: when an endpoint comes or goes, hardly a key of
 * others moves, but shares are less even. Equal to Envoy's ring hash for endpoints whose `hashKey`
 * is `address:port`.
 */
export function ringHash(options: RingHashPolicyOptions = {}): Policy {
  return hashing('ringHash', ringBuild(options), options);
}

/**
 * The same endpoint for the same key, without a table: shares are exactly as the weights say, and
 * no key of others moves, but a pick is O(n): for some dozens of endpoints.
 */
export function rendezvous(options: BoundedLoadOptions = {}): Policy {
  return hashing('rendezvous', rendezvousBuild(options), options);
}

/** Throws `InvalidOptionError`; what it gives does not. */
export function maglevBuild(options: MaglevPolicyOptions): BuildTable {
  const { tableSize = MAGLEV_TABLE_SIZE } = options;
  const problems = new OptionProblems();
  checkMaglevSize(tableSize, problems);
  checkLoadFactor(options, problems);
  problems.throwIfAny(InvalidOptionError);
  return (hosts) => new MaglevTable(hosts, { tableSize });
}

/** Throws `InvalidOptionError`; what it gives does not. */
export function ringBuild(options: RingHashPolicyOptions): BuildTable {
  const { hashFunction, minRingSize, maxRingSize } = options;
  const problems = new OptionProblems();
  checkRingSizes(options, problems);
  checkLoadFactor(options, problems);
  problems.throwIfAny(InvalidOptionError);
  return (hosts) => new RingTable(hosts, { hashFunction, minRingSize, maxRingSize });
}

/** Throws `InvalidOptionError`; what it gives does not. */
export function rendezvousBuild(options: BoundedLoadOptions): BuildTable {
  const problems = new OptionProblems();
  checkLoadFactor(options, problems);
  problems.throwIfAny(InvalidOptionError);
  return (hosts) => new RendezvousTable(hosts);
}

function hashing(kind: string, build: BuildTable, options: BoundedLoadOptions): Policy {
  const { loadFactorPercent } = options;
  return {
    kind,
    pickersOf: () => (roster) => new HashPicker(roster, build, loadFactorPercent),
    hash: hashKey,
  };
}
