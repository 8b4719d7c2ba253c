import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EndpointSet } from './endpoint-set.ts';
import type { Member } from './roster.ts';

function members(ids: string, weight = 1): Member[] {
  return Array.from(ids, (id) => ({ id, weight }));
}

function idsOf(list: readonly Member[]): string {
  return list.map((member) => member.id).join('');
}

test.each([
  { before: '', after: 'abc', added: 'abc', removed: '' },
  { before: 'abc', after: 'abc', added: '', removed: '' },
  { before: 'abc', after: 'cb', added: '', removed: 'a' },
  { before: 'abc', after: 'dbe', added: 'de', removed: 'ac' },
  { before: 'abc', after: '', added: '', removed: 'abc' },
])('$before becomes $after', ({ before, after, added, removed }) => {
  const set = new EndpointSet();
  set.update(members(before), 0);
  const change = set.update(members(after), 1);
  expect([idsOf(change.added), idsOf(change.removed)]).toEqual([added, removed]);
  expect(set).toHaveLength(after.length);
  expect(Array.from(after, (id) => set.indexOf(id))).toEqual(
    Array.from(after, (_, index) => index),
  );
  expect(Array.from(after, (_, index) => set.at(index).id).join('')).toBe(after);
  expect(set.indexOf('z')).toBe(-1);
});

test('what is kept keeps its state; what returns starts anew', () => {
  const set = new EndpointSet();
  set.update(members('ab'), 10);
  set.countIn(set.indexOf('a'));
  set.countIn(set.indexOf('b'));
  const stamp = set.stampOf(set.slotAt(set.indexOf('b')));
  set.update(members('xb', 3), 20);
  const index = set.indexOf('b');
  expect([index, set.inFlightAt(index), set.addedAtMsAt(index), set.weightAt(index)]).toEqual([
    1, 1, 10, 3,
  ]);
  expect(set.stampOf(set.slotAt(index))).toBe(stamp);
  set.update(members('abx'), 30);
  const back = set.indexOf('a');
  expect([set.inFlightAt(back), set.addedAtMsAt(back)]).toEqual([0, 30]);
});

test('a call that outlived its endpoint does not count below nothing', () => {
  const set = new EndpointSet();
  set.update(members('a'), 0);
  set.countOut(0);
  set.countIn(0);
  expect(set.inFlightAt(0)).toBe(1);
  set.countIn(-1);
  set.countOut(5);
  expect(set.inFlightAt(0)).toBe(1);
});

test('a second member of the same id is left out and reported', () => {
  const set = new EndpointSet();
  const [first, second] = [
    { id: 'a', weight: 1 },
    { id: 'a', weight: 9 },
  ];
  expect(set.update([first, second], 0)).toEqual({
    added: [first],
    removed: [],
    duplicates: [second],
  });
  expect([set.length, set.weightAt(0)]).toEqual([1, 1]);
});

test('slots are bounded by the peak, whatever the churn', () => {
  const set = new EndpointSet();
  for (let round = 0; round < 1_000; round += 1) {
    set.update(
      Array.from({ length: 10 }, (_, index) => ({ id: `${round}-${index}`, weight: 1 })),
      round,
    );
  }
  expect(set.slotCount).toBeLessThanOrEqual(20);
});

test('a bad weight is refused and the list stays as it was', () => {
  const set = new EndpointSet();
  set.update(members('ab'), 0);
  for (const weight of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() =>
      set.update(
        [
          { id: 'c', weight: 1 },
          { id: 'd', weight },
        ],
        0,
      ),
    ).toThrow('weight of d');
  }
  expect([set.length, set.indexOf('a'), set.indexOf('c')]).toEqual([2, 0, -1]);
  expect(() => set.at(2)).toThrow('index 2');
  expect(() => set.at(-1)).toThrow('index -1');
});

test('property: each endpoint has a slot of its own, and keeps it with its state', () => {
  const list = fc.uniqueArray(fc.constantFrom(...Array.from('abcdefghijklmnopqrst')), {
    maxLength: 20,
  });
  fc.assert(
    fc.property(fc.array(list, { maxLength: 30 }), (lists) => {
      const set = new EndpointSet();
      let expected = new Map<string, { slot: number; stamp: number; inFlight: number }>();
      for (const ids of lists) {
        set.update(members(ids.join('')), 0);
        const slots = ids.map((_, index) => set.slotAt(index));
        expect(new Set(slots).size).toBe(ids.length);
        expect(Math.max(-1, ...slots)).toBeLessThan(set.slotCount);
        const next: typeof expected = new Map();
        for (const [index, id] of ids.entries()) {
          const slot = set.slotAt(index);
          const seen = { slot, stamp: set.stampOf(slot), inFlight: set.inFlightAt(index) };
          const before = expected.get(id);
          if (before === undefined) expect(seen.inFlight).toBe(0);
          else expect(seen).toEqual(before);
          set.countIn(index);
          next.set(id, { ...seen, inFlight: seen.inFlight + 1 });
        }
        expected = next;
      }
    }),
  );
});
