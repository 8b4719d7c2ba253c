import fc from 'fast-check';
import { expect, test } from 'vitest';
import { StreamTable } from './stream-table.ts';

test.each([
  // So few that the table does not grow; half of them want the place of another.
  { name: 'few ids', id: fc.constantFrom(1, 3, 5, 1 + 1024, 3 + 1024, 1 + 2048, 3 + 2048) },
  { name: 'many ids', id: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 900 })) },
])('property: with $name it finds, forgets and lists as a Map does', ({ id }) => {
  const steps = fc.array(fc.tuple(fc.boolean(), id), { minLength: 20, maxLength: 200 });
  fc.assert(
    fc.property(steps, (pairs) => {
      const table = new StreamTable<{ readonly id: number }>();
      const model = new Map<number, { readonly id: number }>();
      for (const [isAdded, key] of pairs) {
        const stream = { id: key };
        if (!isAdded) expect(table.delete(key)).toBe(model.delete(key));
        else if (!model.has(key)) {
          table.add(stream);
          model.set(key, stream);
        }
        expect(table.size).toBe(model.size);
        for (const [other, known] of model) expect(table.get(other)).toBe(known);
      }
      const ids = [...model.keys()].sort((one, other) => one - other);
      expect(table.list().map((it) => it.id)).toEqual(ids);
    }),
  );
});

test('its list may be gone through while streams come and go', () => {
  const table = new StreamTable<{ readonly id: number }>();
  for (const id of [5, 1, 3]) table.add({ id });
  const seen: number[] = [];
  for (const { id } of table.list()) {
    seen.push(id);
    table.delete(1);
    table.delete(id);
    table.add({ id: id + 100 });
  }
  expect(seen).toEqual([1, 3, 5]);
  expect(table.list().map(({ id }) => id)).toEqual([101, 103, 105]);
});
