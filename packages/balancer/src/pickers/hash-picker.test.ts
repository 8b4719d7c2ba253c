import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EndpointSet } from '../endpoint-set.ts';
import { hashKey } from '../hash/hash-key.ts';
import { MaglevTable } from '../hash/maglev-table.ts';
import { RingTable } from '../hash/ring-table.ts';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { Member } from '../roster.ts';
import { createPicker, type PickerOptions } from './create-picker.ts';
import { maglev, rendezvous, ringHash } from './hash-policies.ts';

const kinds = ['maglev', 'ringHash', 'rendezvous'] as const;
type Kind = (typeof kinds)[number];

const membersOf = (count: number): Member[] =>
  Array.from({ length: count }, (_, index) => ({ id: `10.0.0.${index}:80`, weight: 1 }));

/** A picker and what it picks for keys: the one place that knows how a pick is asked for. */
function bench(kind: Kind, members: readonly Member[], options: PickerOptions = {}) {
  const set = new EndpointSet<Member>();
  set.update(members, 0);
  const picker = createPicker(kind, set, options);
  const rng = seededRng(1);
  const pick = (text: string, admits?: (index: number) => boolean, attempt = 0): number =>
    picker.pick(0, rng, admits, { hash: hashKey(text), attempt });
  return { set, picker, pick, idOf: (text: string) => set.at(pick(text)).id };
}

const keys = Array.from({ length: 500 }, (_, index) => `user-${index}`);

test.each(kinds)('%s: a key keeps to its endpoint, and keys are spread', (kind) => {
  const { pick } = bench(kind, membersOf(10));
  expect(keys.map((key) => pick(key))).toEqual(keys.map((key) => pick(key)));
  expect(new Set(keys.map((key) => pick(key))).size).toBe(10);
});

test('picks are those of the table, attempt by attempt', () => {
  const members = membersOf(10);
  const hosts = members.map(({ id, weight }) => ({ key: id, weight }));
  const maglevBench = bench('maglev', members, { tableSize: 251 });
  const maglevTable = new MaglevTable(hosts, { tableSize: 251 });
  const ringBench = bench('ringHash', members, { minRingSize: 40, hashFunction: 'murmurHash2' });
  const ring = new RingTable(hosts, { minRingSize: 40, hashFunction: 'murmurHash2' });
  for (const key of keys) {
    const { hi, lo } = hashKey(key);
    for (const attempt of [0, 1, 5]) {
      const all = (): boolean => true;
      expect(maglevBench.pick(key, all, attempt)).toBe(maglevTable.lookup(hi, lo, attempt));
      expect(ringBench.pick(key, undefined, attempt)).toBe(ring.lookup(hi, lo, attempt));
    }
  }
});

test('the key of an endpoint is its hashKey, or else its id', () => {
  const byId = bench('maglev', membersOf(10));
  const named = membersOf(10).map(({ id, weight }, index) => ({
    id: `pod-${index}`,
    weight,
    hashKey: id,
  }));
  const byKey = bench('maglev', named);
  expect(keys.map((key) => byKey.pick(key))).toEqual(keys.map((key) => byId.pick(key)));
  const others = bench(
    'maglev',
    named.map(({ id, weight }) => ({ id, weight })),
  );
  expect(keys.map((key) => others.pick(key))).not.toEqual(keys.map((key) => byId.pick(key)));
});

test.each(kinds)('%s: who may not be picked loses its keys to many, and gets them back', (kind) => {
  const { pick } = bench(kind, membersOf(10));
  const before = keys.map((key) => pick(key));
  const without = keys.map((key) => pick(key, (index) => index !== 3));
  const heirs = new Set<number>();
  for (const [at, index] of before.entries()) {
    if (index === 3) heirs.add(without[at] ?? -1);
    else expect(without[at]).toBe(index);
  }
  expect(heirs.has(3)).toBe(false);
  expect(heirs.size).toBeGreaterThan(3);
  expect(keys.map((key) => pick(key))).toEqual(before);
});

test('where the first may not be picked, the further attempts of the table are made', () => {
  const members = membersOf(10);
  const { pick } = bench('maglev', members);
  const table = new MaglevTable(members.map(({ id, weight }) => ({ key: id, weight })));
  for (const key of keys) {
    const { hi, lo } = hashKey(key);
    const tried = Array.from({ length: 9 }, (_, attempt) => table.lookup(hi, lo, attempt));
    const [first] = tried;
    const next = tried.find((index) => index !== first);
    if (next !== undefined) expect(pick(key, (index) => index !== first)).toBe(next);
  }
});

test('the only one of twelve that may be picked is found by every key', () => {
  const { pick } = bench('maglev', membersOf(12));
  for (let left = 0; left < 12; left += 1) {
    const only = (index: number): boolean => index === left;
    expect(new Set(keys.map((key) => pick(key, only)))).toEqual(new Set([left]));
  }
});

test.each(kinds)('%s: when one leaves, at most 2 %% of the keys of others move', (kind) => {
  const { set, idOf } = bench(kind, membersOf(50));
  const before = keys.map(idOf);
  set.update(
    membersOf(50).filter((_, index) => index !== 7),
    1,
  );
  const needless = keys.filter(
    (key, at) => before[at] !== '10.0.0.7:80' && idOf(key) !== before[at],
  );
  expect(needless.length).toBeLessThanOrEqual(10);
});

test.each(kinds)('%s: a weight that changes changes the share', (kind) => {
  const { set, pick } = bench(kind, membersOf(4));
  const countOf = (index: number): number => keys.filter((key) => pick(key) === index).length;
  const before = countOf(2);
  set.update(
    membersOf(4).map((member, index) => ({ ...member, weight: index === 2 ? 9 : 1 })),
    1,
  );
  expect(countOf(2)).toBeGreaterThan(before + 150);
  set.update(
    membersOf(4).map((member, index) => ({ ...member, weight: index === 2 ? 0 : 1 })),
    2,
  );
  expect(countOf(2)).toBe(0);
  set.update([], 3);
  expect(pick('user-1')).toBe(-1);
});

test.each(kinds)('%s: without a key anybody is picked, by chance', (kind) => {
  const { picker } = bench(kind, membersOf(4));
  const rng = seededRng(3);
  const found = Array.from({ length: 100 }, () => picker.pick(0, rng));
  expect(new Set(found).size).toBe(4);
  expect(picker.pick(0, rng, (index) => index === 2)).toBe(2);
});

test.each(kinds)('property: %s finds whoever may be picked, if anybody may', (kind) => {
  const sets = fc.array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.boolean()), { maxLength: 12 });
  const attempts = fc.constantFrom(0, 1, 7, 1_000_000, -1, Number.NaN);
  fc.assert(
    fc.property(sets, fc.string(), attempts, (states, text, attempt) => {
      const members = states.map(([weight], index) => ({ id: `e${index}`, weight }));
      const { pick } = bench(kind, members, { tableSize: 31 });
      const canPick = states.map(([weight, isAdmitted]) => weight > 0 && isAdmitted);
      const index = pick(text, (at) => states[at]?.[1] === true, attempt);
      expect(index >= 0 ? canPick[index] : canPick.includes(true)).toBe(index >= 0);
    }),
  );
});

test.each(kinds)('CH-03 %s: an overloaded endpoint overflows to one that is not', (kind) => {
  const { set, pick } = bench(kind, membersOf(10), { loadFactorPercent: 150 });
  const home = pick('hot');
  // 2 calls of 1.5 slots in all, of which each has its tenth and at least one.
  set.countIn(home);
  expect(pick('hot')).toBe(home);
  set.countIn(home);
  const other = pick('hot');
  expect(other).not.toBe(home);
  expect(pick('hot')).toBe(other);
  set.countOut(home);
  expect(pick('hot')).toBe(home);
});

test('CH-03 the call that is to be made counts among the slots', () => {
  const { set, pick } = bench('maglev', membersOf(2), { loadFactorPercent: 100 });
  const home = pick('hot');
  set.countIn(home);
  set.countIn(home);
  // (2 + 1) ÷ 2 slots, rounded up to 2.
  expect(pick('hot')).toBe(home);
  set.countIn(home);
  expect(pick('hot')).toBe(1 - home);
});

test.each(kinds)('CH-03 %s: of all that may be picked and are overloaded, the least', (kind) => {
  const { set, pick } = bench(kind, membersOf(5), { loadFactorPercent: 100 });
  for (const [index, count] of [9, 19, 0, 14, 0].entries()) {
    for (let call = 0; call < count; call += 1) set.countIn(index);
  }
  // (42 + 1) slots, 9 for each: 0 has just as many, 1 and 3 have more.
  const found = (...admitted: readonly number[]): readonly number[] =>
    Array.from(new Set(keys.map((key) => pick(key, (index) => admitted.includes(index)))));
  expect(found(1, 3)).toEqual([3]);
  expect(found(1)).toEqual([1]);
  expect(found(0, 1, 3)).toEqual([0]);
  expect(new Set(found(0, 1, 2, 3, 4))).toEqual(new Set([0, 2, 4]));
});

test('property: no endpoint is picked beyond its slots while others are within theirs', () => {
  const calls = fc.array(fc.tuple(fc.nat(3), fc.boolean()), { maxLength: 120 });
  fc.assert(
    fc.property(fc.constantFrom(...kinds), calls, fc.integer({ min: 100, max: 300 }), (...it) => {
      const [kind, played, loadFactorPercent] = it;
      const members = [1, 1, 2, 4].map((weight, index) => ({ id: `e${index}`, weight }));
      const { set, pick } = bench(kind, members, { loadFactorPercent, tableSize: 101 });
      for (const [key, isEnd] of played) {
        const total = members.reduce((sum, _, index) => sum + set.inFlightAt(index), 0);
        const isOver = members.map(({ weight }, index) => {
          const slotCount = Math.ceil(((total + 1) * loadFactorPercent) / 100);
          return set.inFlightAt(index) > Math.max(1, Math.ceil((slotCount * weight) / 8));
        });
        const index = pick(`key-${key}`);
        expect(isOver[index]).toBe(isOver.every((is) => is));
        set.countIn(index);
        if (isEnd) set.countOut(index);
      }
    }),
  );
});

test('calls to an endpoint that has left count no more', () => {
  const { set, pick } = bench('maglev', membersOf(2), { loadFactorPercent: 100 });
  for (let call = 0; call < 100; call += 1) set.countIn(0);
  expect(set.table.inFlightCount).toBe(100);
  set.update(membersOf(3).slice(1), 1);
  expect(set.table.inFlightCount).toBe(0);
  set.countOut(0);
  expect(set.table.inFlightCount).toBe(0);
  const homes = keys.filter((key) => pick(key) === 0);
  // (4 + 1) slots, 3 for each.
  for (let call = 0; call < 4; call += 1) set.countIn(0);
  expect(homes.every((key) => pick(key) === 1)).toBe(true);
});

test('the score is the part of the keys', () => {
  const members = [1, 3, 0].map((weight, index) => ({ id: `e${index}`, weight }));
  const { picker } = bench('maglev', members);
  expect(picker.explain(0)).toEqual([
    { id: 'e0', score: 0.25 },
    { id: 'e1', score: 0.75 },
    { id: 'e2', score: 0 },
  ]);
});

test.each([
  { name: 'maglev', make: () => maglev({ tableSize: 12, loadFactorPercent: 99 }), count: 2 },
  { name: 'ringHash', make: () => ringHash({ minRingSize: 0, maxRingSize: -1 }), count: 2 },
  { name: 'rendezvous', make: () => rendezvous({ loadFactorPercent: Number.NaN }), count: 1 },
])('$name: all that is wrong is said where options are given', ({ make, count }) => {
  let thrown: unknown;
  try {
    make();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(InvalidOptionError);
  expect(thrown instanceof InvalidOptionError && thrown.problems).toHaveLength(count);
});
