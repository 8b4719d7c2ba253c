import fc from 'fast-check';
import { expect, test } from 'vitest';
import { subsetOf } from './subset-of.ts';

function members(count: number, from = 0): { readonly id: string }[] {
  return Array.from({ length: count }, (_, index) => ({ id: `10.0.0.${from + index}:80` }));
}

function ids(list: readonly { readonly id: string }[]): string[] {
  return list.map((it) => it.id);
}

const caller = fc.oneof(fc.nat(10_000), fc.string());

test('property: so many distinct ones, in the order of the list, or all', () => {
  fc.assert(
    fc.property(caller, fc.nat(60), fc.integer({ min: 1, max: 30 }), (who, count, size) => {
      const all = members(count);
      const subset = subsetOf(all, who, size);
      expect(subset).toHaveLength(Math.min(size, count));
      expect(all.filter((it) => subset.includes(it))).toEqual(subset);
    }),
  );
});

test('property: the order of the list does not matter', () => {
  fc.assert(
    fc.property(caller, fc.shuffledSubarray(members(30), { minLength: 30 }), (who, shuffled) => {
      const sorted = ids(subsetOf(members(30), who, 7)).sort();
      expect(ids(subsetOf(shuffled, who, 7)).sort()).toEqual(sorted);
    }),
  );
});

test('property: one endpoint more or less changes two of a number at most, one of a name', () => {
  fc.assert(
    fc.property(caller, fc.integer({ min: 8, max: 60 }), fc.nat(59), (who, count, gone) => {
      const all = members(count);
      const before = ids(subsetOf(all, who, 8));
      const left = all.filter((_, index) => index !== gone % count);
      const after = new Set(ids(subsetOf(left, who, 8)));
      const lostCount = before.filter((id) => !after.has(id)).length;
      expect(lostCount).toBeLessThanOrEqual(typeof who === 'number' ? 2 : 1);
      const addedLost = after.size - (before.length - lostCount);
      expect(addedLost).toBeLessThanOrEqual(typeof who === 'number' ? 2 : 1);
    }),
  );
});

/** How many callers each endpoint has. */
function coverage(count: number, size: number, callers: readonly (string | number)[]): number[] {
  const all = members(count);
  const counts = new Map<string, number>();
  for (const who of callers) {
    for (const { id } of subsetOf(all, who, size)) counts.set(id, (counts.get(id) ?? 0) + 1);
  }
  return all.map((it) => counts.get(it.id) ?? 0);
}

test('property: callers by number cover all evenly, however many there are', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 2, max: 50 }),
      fc.integer({ min: 1, max: 20 }),
      (callerCount, count, size) => {
        const callers = Array.from({ length: callerCount }, (_, number) => number);
        const due = (callerCount * Math.min(size, count)) / count;
        const slack = 2 + Math.log2(callerCount + 1);
        for (const covered of coverage(count, size, callers)) {
          expect(Math.abs(covered - due)).toBeLessThanOrEqual(slack);
        }
      },
    ),
    { numRuns: 60 },
  );
});

test('callers by number are exactly even where their number is a power of two of the ring', () => {
  const callers = Array.from({ length: 64 }, (_, number) => number);
  expect(new Set(coverage(32, 10, callers))).toEqual(new Set([20]));
});

test('callers by name cover as chance does', () => {
  const callers = Array.from({ length: 1_000 }, (_, index) => `caller-${index}`);
  for (const covered of coverage(50, 10, callers)) {
    // 200 are due; the standard deviation is 12.6.
    expect(Math.abs(covered - 200)).toBeLessThan(4 * 12.6);
  }
});

test.each([
  { caller: 0, size: 0, path: 'size' },
  { caller: 0, size: 1.5, path: 'size' },
  { caller: -1, size: 1, path: 'caller' },
  { caller: Number.NaN, size: 1, path: 'caller' },
])('refuses $path: $caller, $size', ({ caller: who, size, path }) => {
  expect(() => subsetOf(members(3), who, size)).toThrow(
    expect.objectContaining({ problems: [expect.objectContaining({ path })] }),
  );
});
