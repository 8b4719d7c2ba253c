import { expect, test } from 'vitest';
import { createBalancer } from '../balancer.ts';
import { EndpointSet } from '../endpoint-set.ts';
import { hashKey } from '../hash/hash-key.ts';
import type { Member } from '../roster.ts';
import { createPicker, type PickerKind, type PickerOptions } from './create-picker.ts';
import { roundRobin } from './round-robin.ts';

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

test.each<{
  kind: PickerKind;
  weights: 'even' | 'many';
  refused: number | undefined;
  count: number;
}>([
  { kind: 'roundRobin', weights: 'many', refused: undefined, count: 10 },
  { kind: 'roundRobin', weights: 'many', refused: 1, count: 10 },
  { kind: 'weighted', weights: 'many', refused: undefined, count: 10 },
  { kind: 'weighted', weights: 'many', refused: 1, count: 10 },
  { kind: 'weighted', weights: 'many', refused: undefined, count: 50 },
  { kind: 'weighted', weights: 'many', refused: 1, count: 50 },
  { kind: 'leastRequest', weights: 'even', refused: undefined, count: 10 },
  // Who is drawn may not be picked, so that all are looked at.
  { kind: 'leastRequest', weights: 'even', refused: 0, count: 10 },
  { kind: 'leastRequest', weights: 'many', refused: 1, count: 50 },
  { kind: 'peakEwma', weights: 'many', refused: undefined, count: 10 },
  { kind: 'peakEwma', weights: 'many', refused: 1, count: 10 },
  { kind: 'random', weights: 'even', refused: undefined, count: 10 },
  { kind: 'random', weights: 'even', refused: 0, count: 10 },
  { kind: 'random', weights: 'many', refused: 0, count: 10 },
])('$kind allocates nothing in pick: $count, weights $weights, refused $refused', (it) => {
  const set = new EndpointSet<Member>();
  set.update(
    Array.from({ length: it.count }, (_, index) => ({
      id: `e${index}`,
      weight: it.weights === 'even' ? 1 : 1 + (index % 10),
    })),
    0,
  );
  const picker = createPicker(it.kind, set);
  // A generator that returns fractions would allocate by itself.
  const rng = (): number => 0;
  const { refused } = it;
  const admits = refused === undefined ? undefined : (index: number): boolean => index !== refused;
  let call = 0;
  const bytes = bytesPerCall(() => {
    call += 1;
    picker.pick(times[call & 3] ?? 0, rng, admits);
  });
  expect(bytes).toBeLessThan(1);
});

test.each<{ kind: PickerKind; options: PickerOptions; refused: number | undefined }>([
  { kind: 'maglev', options: {}, refused: undefined },
  { kind: 'maglev', options: { loadFactorPercent: 120 }, refused: 1 },
  { kind: 'ringHash', options: {}, refused: 1 },
  { kind: 'ringHash', options: { loadFactorPercent: 120 }, refused: undefined },
  { kind: 'rendezvous', options: {}, refused: 1 },
])('$kind allocates nothing in hashing a key and picking by it: $options, $refused', (it) => {
  const { refused } = it;
  const set = new EndpointSet<Member>();
  set.update(
    Array.from({ length: 10 }, (_, index) => ({ id: `e${index}`, weight: 1 + index })),
    0,
  );
  for (let index = 0; index < 10; index += 1) set.countIn(index % 3);
  const picker = createPicker(it.kind, set, it.options);
  const admits = refused === undefined ? undefined : (index: number): boolean => index !== refused;
  const keys = Array.from({ length: 64 }, (_, index) => `user-${index}`.padEnd(24, '-session'));
  const key = { hash: { hi: 0, lo: 0 }, attempt: 0 };
  const rng = (): number => 0;
  let call = 0;
  const bytes = bytesPerCall(() => {
    call = (call + 1) & 63;
    hashKey(keys[call] ?? '', key.hash);
    picker.pick(0, rng, admits, key);
  });
  expect(bytes).toBeLessThan(1);
});

test('a slow start allocates nothing in pick while nobody is new', () => {
  const set = new EndpointSet<Member>({ slowStart: {} });
  set.update([{ id: 'a', weight: 1 }], 0);
  const picker = createPicker('weighted', set);
  let call = 0;
  const rng = (): number => 0;
  // At first the ramp lasts; then it is over.
  for (const nowMs of [0, 30_000]) {
    const bytes = bytesPerCall(() => {
      call += 1;
      picker.pick(nowMs === 0 ? 0 : 30_000, rng);
    });
    expect(bytes).toBeLessThan(1);
  }
});

test('a balancer allocates nothing in pick and done', () => {
  const clock = { nowMs: () => 0, wallMs: () => 0 };
  const balancer = createBalancer({ policy: roundRobin(), ports: { clock, rng: () => 0 } });
  balancer.update(Array.from({ length: 10 }, (_, index) => ({ id: `e${index}`, weight: 1 })));
  balancer.handleOf('e3')?.mark('unhealthy');
  const bytes = bytesPerCall(() => balancer.pick()?.done('success', 1));
  expect(bytes).toBeLessThan(1);
});

test('nor where it asks of each endpoint', () => {
  const clock = { nowMs: () => 0, wallMs: () => 0 };
  const policy = roundRobin();
  const admits = ({ id }: Member): boolean => id !== 'e3';
  const balancer = createBalancer({ policy, admits, ports: { clock, rng: () => 0 } });
  balancer.update(Array.from({ length: 10 }, (_, index) => ({ id: `e${index}`, weight: 1 })));
  const bytes = bytesPerCall(() => balancer.pick()?.done('success', 1));
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
