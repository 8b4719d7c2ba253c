import fc from 'fast-check';
import { expect, test } from 'vitest';
import { takeToken } from './token-bucket.ts';

/** Takes at each of these times; `+` if there was a token. */
function play(times: readonly number[], perSecond: number, burst: number): string {
  let bucket = { tokens: burst, atMs: 0 };
  return times
    .map((nowMs) => {
      const next = takeToken(bucket, { perSecond, burst }, nowMs);
      if (next === undefined) return '-';
      bucket = next;
      return '+';
    })
    .join('');
}

test.each([
  { name: 'a burst, then the rate', times: [0, 0, 0, 499, 500, 501, 1_000], taken: '++--+-+' },
  { name: 'refused ones cost nothing', times: [0, 0, 100, 200, 300, 500], taken: '++---+' },
  { name: 'never more than the burst', times: [9_000, 9_000, 9_000], taken: '++-' },
  { name: 'time that runs backwards gives nothing', times: [500, 500, 0, 0], taken: '++--' },
])('$name', ({ times, taken }) => {
  expect(play(times, 2, 2)).toBe(taken);
});

test('property: in any time no more than burst + rate are taken', () => {
  const steps = fc.array(fc.nat(400), { maxLength: 100 });
  fc.assert(
    fc.property(steps, (gaps) => {
      let nowMs = 0;
      const times = gaps.map((gap) => (nowMs += gap));
      const count = play(times, 5, 3).replaceAll('-', '').length;
      return count <= 3 + (nowMs / 1_000) * 5 + 1e-6;
    }),
  );
});
