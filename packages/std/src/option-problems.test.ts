import { expect, test } from 'vitest';
import { OptionProblems, withDefaults } from './option-problems.ts';

test('says everything that is wrong at once, with path, value and bound', () => {
  const problems = new OptionProblems('breaker.');
  problems.range('openMs', Number.NaN, 1);
  problems.range('ratio', 0.5, 0, 1);
  problems.range('ratio', 2, 0, 1);
  problems.count('permits', 0, 1);
  problems.count('permits', 1.5, 1);
  problems.count('permits', 1, 1);
  problems.check(false, 'mode', 'on', 'be enforce or observe');
  expect(problems.message).toBe(
    'breaker.openMs must be a finite number from 1 to Infinity, not NaN; ' +
      'breaker.ratio must be a finite number from 0 to 1, not 2; ' +
      'breaker.permits must be a finite number from 1 to Infinity, not 0; ' +
      'breaker.permits must be a whole number, not 1.5; ' +
      'breaker.mode must be enforce or observe, not "on"',
  );
  expect(problems.list.map((it) => it.value)).toEqual([Number.NaN, 2, 0, 1.5, 'on']);
});

test.each([
  { value: () => 1, text: 'some function' },
  { value: [1, 2], text: 'some object' },
  { value: Object.create(null) as unknown, text: 'some object' },
  { value: null, text: 'null' },
  { value: Symbol('it'), text: 'Symbol(it)' },
])('$value is told as $text', ({ value, text }) => {
  const problems = new OptionProblems();
  problems.check(false, 'trip', value, 'be a trigger');
  expect(problems.message).toBe(`trip must be a trigger, not ${text}`);
});

test('nothing wrong is an empty list', () => {
  const problems = new OptionProblems();
  problems.range('openMs', 1, 1);
  expect(problems.list).toEqual([]);
});

test('defaults stand in for what is absent or undefined, and nothing given is touched', () => {
  const given = Object.freeze({ one: undefined, two: 2 });
  expect(withDefaults(given, { one: 1, two: 1 })).toEqual({ one: 1, two: 2 });
});

test.each([Infinity, -Infinity, Number.NaN])('%s is in no range and no count', (value) => {
  const problems = new OptionProblems();
  problems.range('openMs', value, Number.NEGATIVE_INFINITY);
  problems.count('permits', value, 1);
  expect(problems.list.map(({ path }) => path)).toEqual(['openMs', 'permits']);
});
