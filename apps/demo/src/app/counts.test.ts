import { expect, test } from 'vitest';
import { Counts } from './counts.ts';

test('classes of request ids: before the dot, and how ids without one count', () => {
  const counts = new Counts('a', 'v1');
  for (const id of ['load.1', 'load.2', undefined, 'f3a9', '.x']) counts.received('r', id, 'c');
  expect(counts.snapshot().byClass).toEqual({ load: 2, none: 1, plain: 2 });
  expect(counts.snapshot().underWay).toBe(5);
});

test('what callers can make up is bounded: the 65th name counts as other', () => {
  const counts = new Counts('a', 'v1');
  for (let index = 0; index < 100; index += 1)
    counts.received('r', `c${index}.1`, `caller${index}`);
  const { byClass, byCaller } = counts.snapshot();
  expect(Object.keys(byClass)).toHaveLength(65);
  expect(byClass['other']).toBe(36);
  expect(byCaller['other']).toBe(36);
});

test('a call fails without a reply or from 500 on', () => {
  const counts = new Counts('a', 'v1');
  for (const status of [0, 200, 404, 500, 503]) {
    counts.calling();
    counts.called('b', status);
  }
  const { calls, underWay } = counts.snapshot();
  expect(calls['b']).toMatchObject({ total: 5, failures: 3 });
  expect(underWay).toBe(0);
});
