/**
 * The endpoint that a call's key belongs to, by a table of the hashes of all endpoints.
 *
 *   key ──▶ hash ──▶ table ──▶ admitted, not overloaded? ──▶ endpoint
 *                      ▲             │ no
 *                      └─ further ◀──┤ at most 8 attempts more, if it is not admitted
 *                         attempts   └▶ then, or if it is overloaded, all, in the key's own order
 *
 * Whoever is not admitted (unhealthy, draining, its breaker open) keeps its places in the table, so
 * that no key moves but its own, and those come back to it afterwards. The table is made anew, in
 * the next pick, only after an update that changed a key or a weight. Slow start does not count: a
 * growing share would move keys all the time. A call without a key goes anywhere, by chance.
 *
 * The bound on load is Envoy's: of (calls under way + 1) · factor ÷ 100 slots each endpoint has its
 * share, rounded up, and takes no further call while it has more calls than slots. If all have,
 * the least overloaded one is picked. After Mirrokni, Thorup and Zadimoghaddam, "Consistent Hashing
 * with Bounded Loads" (2016). The order in which others are asked is our own: from a start that the
 * lower half of the hash says, by a step that the upper half says and that has no divisor in common
 * with the number of endpoints.
 */
import type { OptionProblems, Rng } from '@leno/std';
import type { HashTable } from '../hash/hash-table.ts';
import type { HashHost } from '../hash/host-shares.ts';
import type { Member, Roster } from '../roster.ts';
import type { PickKey } from './pick-key.ts';
import type { Admits, Picker, PickScore } from './picker.ts';
import { Random } from './random.ts';

/** What all policies that hash have in common. */
export interface BoundedLoadOptions {
  /**
   * How many calls under way an endpoint may have, in percent of its fair share, before its keys
   * overflow to others. From 100 (as even as can be, at the cost of moved keys) to 10 000; 125 is a
   * good value. Without it there is no bound. As Envoy's `hash_balance_factor`.
   */
  readonly loadFactorPercent?: number | undefined;
}

/** Makes a table; hosts are in the order of the roster. */
export type BuildTable = (hosts: readonly HashHost[]) => HashTable;

/** Attempts beyond the call's own, before all are looked at. */
const FURTHER_ATTEMPT_COUNT_MAX = 8;

/**
 * By key. A pick is one lookup, O(1) for Maglev, O(log points) for a ring, O(n) for rendezvous; and
 * O(n) besides, if the endpoint is overloaded or attempt after attempt is not admitted.
 */
export class HashPicker<M extends Member> implements Picker {
  readonly #set: Roster<M>;
  readonly #build: BuildTable;
  readonly #loadFactorPercent: number | undefined;
  readonly #random: Random<M>;
  #table: HashTable;
  #hosts: readonly HashHost[] = [];
  #shares = new Float64Array(0);
  #version = -1;

  constructor(set: Roster<M>, build: BuildTable, loadFactorPercent?: number) {
    this.#set = set;
    this.#build = build;
    this.#loadFactorPercent = loadFactorPercent;
    this.#random = new Random(set);
    this.#table = build([]);
  }

  pick(nowMs: number, rng: Rng, admits?: Admits, key?: PickKey): number {
    if (key === undefined) return this.#random.pick(nowMs, rng, admits);
    if (this.#version !== this.#set.version) this.#follow();
    // Signed, as numbers above 2^31 would be boxed on their way.
    const hi = key.hash.hi | 0;
    const lo = key.hash.lo | 0;
    const first = key.attempt >>> 0;
    const index = this.#table.lookup(hi, lo, first);
    if (index < 0) return -1;
    if (admits === undefined || admits(index)) {
      return this.#isOverloaded(index) ? this.#leastLoaded(hi, lo, admits) : index;
    }
    const last = first + FURTHER_ATTEMPT_COUNT_MAX;
    for (let attempt = first + 1; attempt <= last; attempt += 1) {
      const other = this.#table.lookup(hi, lo, attempt);
      if (admits(other) && !this.#isOverloaded(other)) return other;
    }
    return this.#leastLoaded(hi, lo, admits);
  }

  started(index: number, _nowMs: number): void {
    this.#set.countIn(index);
  }

  ended(index: number): void {
    this.#set.countOut(index);
  }

  /** The score is the part of the keys, as the weights say. */
  explain(): readonly PickScore[] {
    this.#follow();
    return Array.from(this.#shares, (score, index) => ({ id: this.#set.at(index).id, score }));
  }

  #isOverloaded(index: number): boolean {
    if (this.#loadFactorPercent === undefined) return false;
    return this.#set.inFlightAt(index) > this.#slotCountOf(index);
  }

  /** How many calls under way the endpoint may have, before the next one goes elsewhere. */
  #slotCountOf(index: number): number {
    const factor = this.#loadFactorPercent ?? 100;
    const slotCount = Math.ceil(((this.#set.table.inFlightCount + 1) * factor) / 100);
    return Math.ceil(slotCount * (this.#shares[index] ?? 0));
  }

  /** The first in the key's order that is not overloaded, else the least overloaded; or -1. */
  #leastLoaded(hi: number, lo: number, admits: Admits | undefined): number {
    const { length } = this.#hosts;
    const step = stepOf(hi, length);
    let place = (lo >>> 0) % length;
    let best = -1;
    let bestCount = 0;
    let bestSlotCount = 1;
    for (let asked = 0; asked < length; asked += 1) {
      const index = place;
      place = (place + step) % length;
      if (this.#set.weightAt(index) === 0 || admits?.(index) === false) continue;
      if (!this.#isOverloaded(index)) return index;
      // Quotients are compared by products, which are whole numbers: a fraction may be boxed.
      const count = this.#set.inFlightAt(index);
      const slotCount = this.#slotCountOf(index);
      if (best >= 0 && count * bestSlotCount >= bestCount * slotCount) continue;
      best = index;
      bestCount = count;
      bestSlotCount = slotCount;
    }
    return best;
  }

  #follow(): void {
    const set = this.#set;
    if (this.#version === set.version) return;
    const hosts = Array.from({ length: set.length }, (_, index) => {
      const { id, hashKey = id } = set.at(index);
      return { key: hashKey, weight: set.weightAt(index) };
    });
    if (!isSame(hosts, this.#hosts)) {
      this.#table = this.#build(hosts);
      this.#hosts = hosts;
      const weightSum = hosts.reduce((sum, { weight }) => sum + weight, 0);
      this.#shares = Float64Array.from(hosts, ({ weight }) => weight / (weightSum || 1));
    }
    this.#version = set.version;
  }
}

/** Notes a bound on load that is none. */
export function checkLoadFactor(
  { loadFactorPercent }: BoundedLoadOptions,
  problems: OptionProblems,
): void {
  if (loadFactorPercent === undefined) return;
  problems.range('loadFactorPercent', loadFactorPercent, 100, 10_000);
}

function isSame(hosts: readonly HashHost[], others: readonly HashHost[]): boolean {
  if (hosts.length !== others.length) return false;
  return hosts.every(({ key, weight }, index) => {
    const other = others[index];
    return other?.key === key && other.weight === weight;
  });
}

/** A step from 1 to length - 1 by which all places are come to; 1 for one place. */
function stepOf(hi: number, length: number): number {
  if (length < 2) return 1;
  let step = 1 + ((hi >>> 0) % (length - 1));
  while (commonDivisor(step, length) > 1) step = step === length - 1 ? 1 : step + 1;
  return step;
}

function commonDivisor(one: number, other: number): number {
  let larger = one;
  let smaller = other;
  while (smaller !== 0) {
    const rest = larger % smaller;
    larger = smaller;
    smaller = rest;
  }
  return larger;
}
