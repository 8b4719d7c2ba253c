import { expect, test } from 'vitest';
import { EndpointSet } from '../endpoint-set.ts';
import type { Member } from '../roster.ts';
import { createPicker, type PickerKind } from './create-picker.ts';

/**
 * Bytes that one call of `step` leaves on the heap, as the median of rounds, once it is compiled.
 */
function bytesPerCall(step: () => void): number {
  const callCount = 10_000;
  const rounds = Array.from({ length: 41 }, () => {
    const before = process.memoryUsage().heapUsed;
    for (let call = 0; call < callCount; call += 1) step();
    return (process.memoryUsage().heapUsed - before) / callCount;
  });
  return rounds.slice(20).sort((one, other) => one - other)[10] ?? Number.NaN;
}

/**
 * Times with fractions; beside a null they lie there as objects, so that passing one allocates
 * nothing.
 */
const times: readonly (number | null)[] = [100.25, 101.5, 102.75, 103.5, null];

test.each<{ kind: PickerKind; refused: number }>([
  { kind: 'roundRobin', refused: 1 },
  { kind: 'weighted', refused: 1 },
  { kind: 'peakEwma', refused: -1 },
  // The pair that is drawn may not be picked, so that all are looked at.
  { kind: 'peakEwma', refused: 1 },
])('$kind allocates nothing in pick, with $refused refused', ({ kind, refused }) => {
  const set = new EndpointSet<Member>();
  set.update(
    Array.from({ length: 10 }, (_, index) => ({ id: `e${index}`, weight: 1 + index })),
    0,
  );
  const picker = createPicker(kind, set);
  // A generator that returns fractions would allocate by itself.
  const rng = (): number => 0;
  const admits = (index: number): boolean => index !== refused;
  let call = 0;
  const bytes = bytesPerCall(() => {
    call += 1;
    picker.pick(times[call & 3] ?? 0, rng, admits);
  });
  expect(bytes).toBeLessThan(1);
});

test('the measure itself would see one small object', () => {
  const kept: object[] = [];
  let call = 0;
  const bytes = bytesPerCall(() => {
    call += 1;
    kept[call & 7] = { call };
  });
  expect(bytes).toBeGreaterThan(8);
});
