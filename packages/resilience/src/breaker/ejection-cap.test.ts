import { expect, test } from 'vitest';
import { EjectionCap, type EjectionCapOptions } from './ejection-cap.ts';

function capOf(endpointCount: number, options: Partial<EjectionCapOptions> = {}): EjectionCap {
  const cap = new EjectionCap({ ratioMax: 0.5, failFast: false, ...options });
  cap.setEndpointCount(endpointCount);
  return cap;
}

/** How many leave before the cap refuses. */
function takeAll(cap: EjectionCap): number {
  let count = 0;
  while (cap.tryEject()) count += 1;
  return count;
}

test.each([
  { endpoints: 0, out: 0 },
  { endpoints: 1, out: 0 },
  { endpoints: 2, out: 1 },
  { endpoints: 3, out: 1 },
  { endpoints: 4, out: 2 },
  { endpoints: 5, out: 2 },
  { endpoints: 3, options: { ratioMax: 0.1 }, out: 1 },
  { endpoints: 9, options: { ratioMax: 0 }, out: 0 },
  { endpoints: 9, options: { ratioMax: 1 }, out: 8 },
  { endpoints: 100, options: { ratioMax: 0.29 }, out: 29 },
  { endpoints: 1, options: { failFast: true }, out: 1 },
  { endpoints: 4, options: { failFast: true }, out: 2 },
  { endpoints: 4, options: { failFast: true, ratioMax: 1 }, out: 4 },
  { endpoints: 0, options: { failFast: true, ratioMax: 1 }, out: 0 },
])('of $endpoints with $options at most $out are out', ({ endpoints, options, out }) => {
  const cap = capOf(endpoints, options);
  expect([takeAll(cap), cap.ejectedCountMax]).toEqual([out, out]);
  expect([cap.ejectedCount, cap.refusedCount, cap.isExceeded]).toEqual([out, 1, false]);
});

test('a place given back is free again; more than were taken cannot come back', () => {
  const cap = capOf(2);
  takeAll(cap);
  cap.restore();
  expect([cap.tryEject(), cap.tryEject()]).toEqual([true, false]);
  cap.restore();
  expect(() => cap.restore()).toThrow('pairs');
});

test('a smaller cluster or a tighter bound leaves it exceeded', () => {
  const cap = capOf(4);
  takeAll(cap);
  cap.setEndpointCount(3);
  expect(cap.isExceeded).toBe(true);
  cap.update({ ratioMax: 1, failFast: false });
  expect(cap.isExceeded).toBe(false);
});

test('bad bounds are refused', () => {
  expect(() => capOf(2, { ratioMax: 1.5 })).toThrow('ratioMax');
  expect(() => capOf(2, { ratioMax: Number.NaN })).toThrow('ratioMax');
  expect(() => capOf(-1)).toThrow('endpoint count');
});
