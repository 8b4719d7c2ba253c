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

test.each([
  { member: { id: 'a', weight: '1' }, path: 'members[0].weight of a' },
  { member: { weight: 1 }, path: 'members[0].id' },
  { member: { id: 7, weight: 1 }, path: 'members[0].id' },
])('$member of a program without types is refused', ({ member, path }) => {
  const problems = [expect.objectContaining({ path })] as unknown[];
  const error: unknown = expect.objectContaining({ problems });
  expect(() => new EndpointSet().update([member as Member], 0)).toThrow(error);
});

test('says all that is wrong with a list at once', () => {
  const set = new EndpointSet();
  const list = [
    { id: 'a', weight: -1 },
    { id: 'b', weight: 1, priority: 128 },
    { id: 'c', weight: 1e10, priority: 0.5 },
    { id: 'd', weight: 1e-7, priority: Number.NaN },
    { id: 'e', weight: 1e9, priority: 127 },
    { id: 'f', weight: 1e-6, priority: 0 },
  ];
  const paths = [
    'members[0].weight of a',
    'members[1].priority of b',
    'members[2].weight of c',
    'members[2].priority of c',
    'members[3].weight of d',
    'members[3].priority of d',
  ];
  const problems = paths.map((path): unknown => expect.objectContaining({ path }));
  const error: unknown = expect.objectContaining({ code: 'LENO_BALANCER_OPTION', problems });
  expect(() => set.update(list, 0)).toThrow(error);
  expect(() => set.apply({ put: list }, 0)).toThrow(error);
});

test.each<{ name: string; put: string; remove: string; after: string; change: [string, string] }>([
  { name: 'nothing', put: '', remove: '', after: 'abc', change: ['', ''] },
  { name: 'comes at the end', put: 'd', remove: '', after: 'abcd', change: ['d', ''] },
  { name: 'changes where it is', put: 'b', remove: '', after: 'abc', change: ['', ''] },
  { name: 'goes', put: '', remove: 'az', after: 'bc', change: ['', 'a'] },
  { name: 'both', put: 'dc', remove: 'a', after: 'bcd', change: ['d', 'a'] },
  { name: 'goes and comes anew', put: 'b', remove: 'b', after: 'acb', change: ['b', 'b'] },
])('a patch: $name', ({ put, remove, after, change }) => {
  const set = new EndpointSet();
  set.update(members('abc'), 10);
  for (const id of 'abc') set.countIn(set.indexOf(id));
  const { added, removed, duplicates } = set.apply(
    { put: [...members(put, 7), ...members(put, 9)], remove: Array.from(remove) },
    20,
  );
  expect([idsOf(added), idsOf(removed)]).toEqual(change);
  expect(idsOf(duplicates)).toBe(put);
  expect(Array.from(after, (_, index) => set.at(index).id).join('')).toBe(after);
  for (const [index, id] of Array.from(after).entries()) {
    const isNew = change[0].includes(id);
    expect([set.weightAt(index), set.inFlightAt(index), set.addedAtMsAt(index)]).toEqual([
      put.includes(id) ? 7 : 1,
      isNew ? 0 : 1,
      isNew ? 20 : 10,
    ]);
  }
});

test('property: a patch does what an update with the same outcome does', () => {
  const ids = fc.uniqueArray(fc.constantFrom(...Array.from('abcdefgh')));
  fc.assert(
    fc.property(ids, ids, ids, (before, put, remove) => {
      const set = new EndpointSet();
      const other = new EndpointSet();
      for (const each of [set, other]) each.update(members(before.join('')), 0);
      for (let index = 0; index < set.length; index += 1) set.countIn(index);
      set.apply({ put: members(put.join(''), 3), remove }, 5);
      const kept = before.filter((id) => !remove.includes(id));
      const added = put.filter((id) => !kept.includes(id));
      expect(Array.from({ length: set.length }, (_, index) => set.at(index).id)).toEqual([
        ...kept,
        ...added,
      ]);
      for (const [index, id] of [...kept, ...added].entries()) {
        expect(set.inFlightAt(index)).toBe(kept.includes(id) ? 1 : 0);
        expect(set.weightAt(index)).toBe(put.includes(id) ? 3 : 1);
      }
    }),
  );
});

test('health stays with an endpoint, and not with its slot', () => {
  const set = new EndpointSet();
  set.update(members('ab'), 0);
  set.setHealth(0, 'unhealthy', 0);
  set.setHealth(1, 'degraded', 0);
  set.setHealth(7, 'degraded', 0);
  set.setHealth(-1, 'degraded', 0);
  set.update(members('ba'), 0);
  expect([set.healthAt(0), set.healthAt(1)]).toEqual(['degraded', 'unhealthy']);
  set.update(members('c'), 0);
  expect(set.healthAt(0)).toBe('healthy');
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
