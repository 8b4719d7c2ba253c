import { expect, test } from 'vitest';
import { verdictsOf } from './opossum-suite.ts';

test('assertions stand under their tests, and the totals are none', () => {
  const output = [
    ...['TAP version 13', '# opens', 'ok 1 is open', 'not ok 2 says why', '  ---', '  ...'],
    ...['# opens', 'ok 3', '', '1..3', '# tests 3', '# pass  2', '# fail  1'],
  ].join('\n');
  expect(verdictsOf('x.js', output)).toEqual([
    { file: 'x.js', name: 'opens', testIndex: 1, isPassed: true, detail: 'is open' },
    { file: 'x.js', name: 'opens', testIndex: 1, isPassed: false, detail: 'says why' },
    { file: 'x.js', name: 'opens', testIndex: 2, isPassed: true, detail: '' },
  ]);
});
