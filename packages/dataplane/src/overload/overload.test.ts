import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Overload, overloadSteps, type Resource, resources } from './overload.ts';

const calm = { heap: 0, memory: 0, connections: 0, loop_delay: 0 };
const EVERY_MS = 100;

/** One reading of `resource` each 100 ms; gives the first letters of the steps, and the overload. */
function play(resource: Resource, readings: readonly number[], overload = new Overload()) {
  const steps = readings.map((reading, index) =>
    overload.judge({ ...calm, [resource]: reading }, index * EVERY_MS).charAt(0),
  );
  return { steps: steps.join(''), overload };
}

const times = (count: number, reading: number) => Array.from({ length: count }, () => reading);

test.each([
  { name: 'below 0.85 nothing is given up', readings: times(5, 0.849), steps: 'nnnnn' },
  { name: 'save begins at 0.85, with the third reading', readings: times(4, 0.85), steps: 'nnss' },
  { name: 'refuse begins at 0.92', readings: times(4, 0.92), steps: 'nnrr' },
  { name: 'deaf begins at 0.97', readings: times(4, 0.97), steps: 'nndd' },
  { name: 'a peak of two is none', readings: [0.99, 0.99, 0.5, 0.99, 0.99], steps: 'nnnnn' },
  { name: 'the least of three counts', readings: [0.99, 0.86, 0.99, 0.93], steps: 'nnss' },
  {
    name: 'a step is left a second after the readings are 0.05 less',
    readings: [...times(3, 0.93), ...times(12, 0.869)],
    steps: 'nnrrrrrrrrrrrss',
  },
  {
    name: 'and not while they are not',
    readings: [...times(3, 0.93), ...times(15, 0.88)],
    steps: `nn${'r'.repeat(16)}`,
  },
  {
    name: 'one reading begins the second anew',
    readings: [...times(3, 0.93), ...times(9, 0.5), 0.9, ...times(9, 0.5)],
    steps: `nn${'r'.repeat(20)}`,
  },
  {
    name: 'all at once, if there is nothing left of it',
    readings: [...times(3, 1.2), ...times(11, 0.1)],
    steps: 'nndddddddddddn',
  },
])('$name', ({ readings, steps }) => {
  expect(play('heap', readings).steps).toBe(steps);
});

test.each([
  { resource: 'heap', steps: 'nnd', refusedRatio: 1 },
  { resource: 'memory', steps: 'ddd', refusedRatio: 1 },
  { resource: 'connections', steps: 'sss', refusedRatio: 0 },
  { resource: 'loop_delay', steps: 'nnr', refusedRatio: 1 },
] as const)('$resource asks for $steps', ({ resource, steps, refusedRatio }) => {
  const played = play(resource, times(3, 2));
  expect(played.steps).toBe(steps);
  expect(played.overload.refusedRatio).toBe(refusedRatio);
  expect(played.overload.worst).toBe(resource);
});

test.each([
  { reading: 0.92, ratio: 0 },
  { reading: 0.945, ratio: 0.5 },
  { reading: 0.97, ratio: 1 },
])('a loop that is late by $reading has $ratio of the requests refused', ({ reading, ratio }) => {
  const { overload } = play('loop_delay', times(3, reading));
  expect(overload.step).toBe('refuse');
  expect(overload.refusedRatio).toBeCloseTo(ratio, 9);
});

test('requests are taken again as soon as the loop is in time, though the step is held', () => {
  const { overload } = play('loop_delay', [...times(3, 0.97), 0.2]);
  expect(overload).toMatchObject({ step: 'refuse', refusedRatio: 0 });
});

test('memory has all requests refused until the step is left', () => {
  const { overload } = play('memory', [...times(3, 0.93), 0.2]);
  expect(overload).toMatchObject({ step: 'refuse', refusedRatio: 1 });
});

test('the worst resource decides', () => {
  const overload = new Overload();
  const pressures = { heap: 0.9, memory: 0.95, connections: 2, loop_delay: 0 };
  for (const nowMs of [0, 100, 200]) overload.judge(pressures, nowMs);
  expect(overload).toMatchObject({ step: 'refuse', worst: 'memory' });
});

test('property: whatever came before, calm readings for two seconds end every step', () => {
  const ratio = fc.double({ min: 0, max: 3, noNaN: true });
  const reading = fc.record({ heap: ratio, memory: ratio, connections: ratio, loop_delay: ratio });
  fc.assert(
    fc.property(fc.array(reading, { maxLength: 60 }), (readings) => {
      const overload = new Overload();
      const all = [...readings, ...Array.from({ length: 20 }, () => calm)];
      for (const [index, each] of all.entries()) overload.judge(each, index * EVERY_MS);
      return overload.step === 'none' && overload.refusedRatio === 0;
    }),
  );
});

test('property: a step is never more than the highest of the last readings asks for, when it rises', () => {
  const ratio = fc.double({ min: 0, max: 1.2, noNaN: true });
  fc.assert(
    fc.property(fc.constantFrom(...resources), fc.array(ratio), (resource, readings) => {
      const overload = new Overload();
      return readings.every((reading, index) => {
        const before = overloadSteps.indexOf(overload.step);
        overload.judge({ ...calm, [resource]: reading }, index * EVERY_MS);
        const after = overloadSteps.indexOf(overload.step);
        const asked = reading >= 0.97 ? 3 : reading >= 0.92 ? 2 : reading >= 0.85 ? 1 : 0;
        return after <= before || after <= asked;
      });
    }),
  );
});
