import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type OpenAccess, OpenAccessList } from './open-access.ts';

class Member implements OpenAccess {
  openPrevious: OpenAccess | undefined = undefined;
  openNext: OpenAccess | undefined = undefined;
  readonly thrown: unknown[] = [];
  readonly #asked: () => void;

  constructor(asked: () => void) {
    this.#asked = asked;
  }

  reauthorize(): void {
    this.#asked();
  }

  crashed(thrown: unknown): void {
    this.thrown.push(thrown);
  }
}

const steps = fc.array(fc.tuple(fc.boolean(), fc.nat({ max: 5 })), { maxLength: 40 });

test('property: asks exactly those that have joined and not left', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const list = new OpenAccessList();
      const asked: number[] = [];
      const members = Array.from({ length: 6 }, (_, at) => new Member(() => asked.push(at)));
      const inside = new Set<number>();
      for (const [joins, at] of all) {
        const member = members[at];
        if (member === undefined || (joins && inside.has(at))) continue;
        if (joins) list.add(member);
        else list.remove(member);
        if (joins) inside.add(at);
        else inside.delete(at);
        expect(list.count).toBe(inside.size);
      }
      list.reauthorizeAll();
      expect(new Set(asked)).toEqual(inside);
      expect(asked).toHaveLength(inside.size);
    }),
  );
});

test('what another has ended meanwhile is not asked any more', () => {
  const list = new OpenAccessList();
  const asked: string[] = [];
  const first = new Member(() => asked.push('first'));
  const second = new Member(() => {
    asked.push('second');
    list.remove(first);
    list.remove(second);
  });
  list.add(first);
  list.add(second);
  list.reauthorizeAll();
  expect(asked).toEqual(['second']);
  expect(list.count).toBe(0);
});

test('one that throws is ended, and the others are asked nevertheless', () => {
  const list = new OpenAccessList();
  const asked: string[] = [];
  const bug = new Error('a bug');
  const members = [
    new Member(() => asked.push('first')),
    new Member(() => {
      throw bug;
    }),
    new Member(() => asked.push('last')),
  ];
  for (const member of members) list.add(member);
  list.reauthorizeAll();
  expect(asked).toEqual(['last', 'first']);
  expect(members.map(({ thrown }) => thrown)).toEqual([[], [bug], []]);
});
