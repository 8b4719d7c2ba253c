/** Plays the cases of `hash-vectors` against the balancer's tables, and says what differs. */
import {
  type Hash64,
  type HashHost,
  type HashLocality,
  type HashTable,
  hashFromString,
  hashToString,
  InvalidOptionError,
  MaglevTable,
  murmurHash2,
  RingTable,
  xxHash64,
} from '@leno/balancer';
import { unreachable } from '@leno/std';
import type { HashCase, HashVectorCase, MaglevCase, RingCase } from './hash-vectors-format.ts';

/** The first thing that differs, or undefined if all is as the case expects. */
export function judgeHashVectors(it: HashVectorCase): string | undefined {
  switch (it.kind) {
    case 'xxHash64':
    case 'murmurHash2':
      return judgeHashes(it);
    case 'maglev':
      return judgeTable(it, () => maglevOf(it), judgeMaglev);
    case 'ring':
      return judgeTable(it, () => ringOf(it), judgeRing);
    default:
      return unreachable(it);
  }
}

function judgeHashes({ kind, vectors }: HashCase): string | undefined {
  for (const { input, seed, hash } of vectors) {
    const seedHash = hashOf(seed ?? '0');
    const is =
      kind === 'xxHash64' ? xxHash64(input, { hi: 0, lo: 0 }, seedHash) : murmurHash2(input);
    const problem = differs(`hash of ${JSON.stringify(input)}`, hashToString(is), hash);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

type TableCase = MaglevCase | RingCase;

function judgeTable<Case extends TableCase, Table extends HashTable>(
  it: Case,
  build: () => Table,
  judge: (it: Case, table: Table) => string | undefined,
): string | undefined {
  let table: Table;
  try {
    table = build();
  } catch (thrown) {
    if (!(thrown instanceof InvalidOptionError)) throw thrown;
    return it.expect.error === true ? undefined : `refused: ${thrown.message}`;
  }
  if (it.expect.error === true) return 'not refused';
  return judgeLookups(it, table) ?? judge(it, table);
}

function judgeLookups({ expect }: TableCase, table: HashTable): string | undefined {
  if (expect.noHost === true) {
    const found = table.lookup(0, 0, 0);
    if (found !== -1) return `found host ${found}, not nobody`;
  }
  for (const { hash, host } of expect.picks ?? []) {
    const { hi, lo } = hashOf(hash);
    const problem = differs(`pick of ${hash}`, table.lookup(hi, lo, 0), host);
    if (problem !== undefined) return problem;
  }
  for (const { hash, attempts, reject, host } of expect.retries ?? []) {
    const { hi, lo } = hashOf(hash);
    let found = -1;
    for (let attempt = 0; attempt <= attempts; attempt += 1) {
      found = table.lookup(hi, lo, attempt);
      if (reject !== 'all' && !reject.includes(found)) break;
    }
    const problem = differs(`pick of ${hash} with ${attempts} retries`, found, host);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function judgeMaglev(it: MaglevCase, table: MaglevTable): string | undefined {
  const { expect } = it;
  const counts = countsOf(table.entries, table.hostCount);
  for (const { host, entries } of expect.entriesOf ?? []) {
    const problem = differs(`entries of host ${host}`, counts[host], entries);
    if (problem !== undefined) return problem;
  }
  const { least, most } = extremesOf(it, counts);
  return (
    listDiffers('table', table.entries, expect.table) ??
    listDiffers('entries per host', counts, expect.entriesPerHost) ??
    differs('fewest entries', least, expect.minEntries) ??
    differs('most entries', most, expect.maxEntries)
  );
}

function judgeRing(it: RingCase, table: RingTable): string | undefined {
  const { expect } = it;
  const { least, most } = extremesOf(it, countsOf(table.pointHosts, table.hostCount));
  return (
    differs('size', table.size, expect.size) ??
    differs('fewest points', least, expect.minPerHost) ??
    differs('most points', most, expect.maxPerHost) ??
    listDiffers('points', pointsOf(table), expect.points?.map(pointText)) ??
    judgeHistogram(table, expect.histogram)
  );
}

function judgeHistogram(
  table: RingTable,
  histogram: RingCase['expect']['histogram'],
): string | undefined {
  if (histogram === undefined) return undefined;
  const { requests, counts } = histogram;
  const found = Array.from({ length: requests }, (_, index) => {
    const { hi, lo } = hashOf(String(BigInt(index) * (0xffff_ffff_ffff_ffffn / BigInt(requests))));
    return table.lookup(hi, lo, 0);
  });
  return listDiffers('histogram', countsOf(found, table.hostCount), counts);
}

function maglevOf(it: MaglevCase): MaglevTable {
  return new MaglevTable(hostsOf(it), { tableSize: it.tableSize, localities: localitiesOf(it) });
}

function ringOf(it: RingCase): RingTable {
  const { hashFunction, minRingSize, maxRingSize } = it;
  const localities = localitiesOf(it);
  return new RingTable(hostsOf(it), { hashFunction, minRingSize, maxRingSize, localities });
}

function hostsOf({ hosts }: TableCase): readonly HashHost[] {
  if (!('count' in hosts)) return hosts;
  const { key, count, weight } = hosts;
  return Array.from({ length: count }, (_, index) => ({
    key: key.replaceAll('{i}', String(index)),
    weight,
  }));
}

/** `to` is the last of a range. */
function localitiesOf({ localities }: TableCase): readonly HashLocality[] | undefined {
  return localities?.map(({ weight, hosts }) => {
    if (!('from' in hosts)) return { weight, hosts };
    const { from, to } = hosts;
    return { weight, hosts: Array.from({ length: to - from + 1 }, (_, index) => from + index) };
  });
}

function hashOf(text: string): Hash64 {
  const hash = hashFromString(text);
  if (hash === undefined) throw new Error(`${text} is no number of 64 bits`);
  return hash;
}

function pointsOf({ pointsHi, pointsLo, pointHosts }: RingTable): readonly string[] {
  return Array.from(pointHosts, (host, place) => {
    const hash = { hi: pointsHi[place] ?? 0, lo: pointsLo[place] ?? 0 };
    return pointText({ hash: hashToString(hash), host });
  });
}

function pointText({ hash, host }: { readonly hash: string; readonly host: number }): string {
  return `${hash} of host ${host}`;
}

function countsOf(hosts: ArrayLike<number>, hostCount: number): readonly number[] {
  const counts = new Array<number>(hostCount).fill(0);
  for (const host of Array.from(hosts)) counts[host] = (counts[host] ?? 0) + 1;
  return counts;
}

/** Of the hosts that have a share, though it may be too small for even one place. */
function extremesOf(
  it: TableCase,
  counts: readonly number[],
): { readonly least: number; readonly most: number } {
  const hosts = hostsOf(it);
  const local = localitiesOf(it)?.flatMap(({ weight, hosts }) => (weight > 0 ? hosts : []));
  const own = counts.filter((_, host) => {
    return (hosts[host]?.weight ?? 0) > 0 && local?.includes(host) !== false;
  });
  const least = own.reduce((less, count) => Math.min(less, count), Number.POSITIVE_INFINITY);
  return { least, most: own.reduce((more, count) => Math.max(more, count), 0) };
}

function differs<Value>(what: string, is: Value, should: Value | undefined): string | undefined {
  if (should === undefined || is === should) return undefined;
  return `${what} is ${String(is)}, not ${String(should)}`;
}

function listDiffers<Value>(
  what: string,
  is: ArrayLike<Value>,
  should: readonly Value[] | undefined,
): string | undefined {
  if (should === undefined) return undefined;
  for (const [place, value] of should.entries()) {
    const problem = differs(`${what}[${place}]`, is[place], value);
    if (problem !== undefined) return problem;
  }
  return differs(`length of ${what}`, is.length, should.length);
}
