import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyHeaderEdit } from './header-edit.ts';
import { pickBackend } from './pick-backend.ts';

const backends = (weights: readonly number[]) => ({
  backends: weights.map((weight, index) => ({
    service: `default/s${index}`,
    port: 80,
    weight,
    filters: [],
    ...(index === 2 && { invalid: 'gone' }),
  })),
});

test('each gets its share of the sum, also what is invalid', () => {
  const rule = backends([7, 0, 2, 1]);
  const rng = seededRng(7);
  const counts = [0, 0, 0, 0];
  for (let index = 0; index < 20_000; index += 1) {
    const picked = pickBackend(rule, rng);
    const at = rule.backends.findIndex((it) => it === picked);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  const shares = counts.map((count) => count / 20_000);
  expect(shares[1]).toBe(0);
  for (const [index, share] of [0.7, 0, 0.2, 0.1].entries()) {
    expect(Math.abs((shares[index] ?? 0) - share)).toBeLessThan(0.01);
  }
});
test.each([[[]], [[0]], [[0, 0]]])('nothing for weights %j', (weights) => {
  expect(pickBackend(backends(weights), () => 0)).toBeUndefined();
});
test('property: whoever is picked has a weight, whatever the generator gives', () => {
  const value = fc.oneof(
    fc.constantFrom(0, 1 - 2 ** -53, 1),
    fc.double({ min: 0, max: 0.999, noNaN: true }),
  );
  const weights = fc.array(fc.nat({ max: 1_000_000 }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(weights, value, (list, random) => {
      const picked = pickBackend(backends(list), () => random);
      expect(picked === undefined).toBe(list.every((weight) => weight === 0));
      expect(picked?.weight).not.toBe(0);
    }),
  );
});

test('what has no weight is not picked by rounding either', () => {
  expect(pickBackend(backends([3, 0]), () => 1)?.weight).toBe(3);
});

test('headers are removed, then set, then added', () => {
  const calls: string[] = [];
  applyHeaderEdit(
    {
      set: [['a', '1']],
      add: [
        ['b', '2'],
        ['b', '3'],
      ],
      remove: ['c'],
    },
    {
      set: (name, value) => calls.push(`set ${name} ${value}`),
      append: (name, value) => calls.push(`append ${name} ${value}`),
      remove: (name) => calls.push(`remove ${name}`),
    },
  );
  expect(calls).toEqual(['remove c', 'set a 1', 'append b 2', 'append b 3']);
});
