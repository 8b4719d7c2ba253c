import fc from 'fast-check';
import { expect, test } from 'vitest';
import { durationMs } from './duration.ts';

test.each([
  ['0s', 0],
  ['250ms', 250],
  ['10s', 10_000],
  ['1m30s', 90_000],
  ['1h0m5s7ms', 3_605_007],
  ['99999h', 359_996_400_000],
  ['100000s', undefined],
  ['1h1m1s1ms1ms', undefined],
  ['', undefined],
  ['5', undefined],
  ['1.5s', undefined],
  ['-1s', undefined],
  ['1 s', undefined],
  ['1d', undefined],
])('GEP-2257: %s', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});
test('property: a sum of parts is the sum of their milliseconds', () => {
  const part = fc.tuple(fc.nat({ max: 99_999 }), fc.constantFrom('h', 'm', 's', 'ms'));
  const unitMs: Record<string, number> = { h: 3_600_000, m: 60_000, s: 1_000, ms: 1 };
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      const text = parts.map(([count, unit]) => `${count}${unit}`).join('');
      const sum = parts.reduce((ms, [count, unit]) => ms + count * (unitMs[unit] ?? 0), 0);
      expect(durationMs(text)).toBe(sum);
    }),
  );
});
