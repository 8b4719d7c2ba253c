import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseRetryAfterMs } from './retry-after.ts';

const wallMs = Date.UTC(2026, 10, 22, 12, 0, 0);

test.each([
  ['0', 0],
  ['120', 120_000],
  [' 7\t', 7_000],
  ['99999999999999999999999', 2 ** 31 * 1_000],
  ['Sun, 22 Nov 2026 12:00:30 GMT', 30_000],
  ['Sun, 22 Nov 2026 11:59:59 GMT', 0],
  ['Sunday, 22-Nov-26 12:00:30 GMT', 30_000],
  ['Sun Nov 22 12:00:30 2026', 30_000],
  ['Tue Dec  1 12:00:00 2026', 9 * 86_400_000],
  ['Sun, 22 Nov 2026 12:00:60 GMT', 60_000],
  ['Tue, 29 Feb 2028 12:00:00 GMT', Date.UTC(2028, 1, 29, 12) - wallMs],
])('RFC 9110 §10.2.3: %s', (value, ms) => {
  expect(parseRetryAfterMs(value, wallMs)).toBe(ms);
});

test('RFC 9110 §5.6.7: a two-digit year more than 50 years ahead is of the past', () => {
  expect(parseRetryAfterMs('Sunday, 06-Nov-94 08:49:37 GMT', wallMs)).toBe(0);
  expect(parseRetryAfterMs('Friday, 22-Nov-75 12:00:00 GMT', wallMs)).toBeGreaterThan(0);
});

test.each([
  '',
  '-1',
  '1.5',
  '1e3',
  '0x10',
  'soon',
  '12 seconds',
  'Sun, 22 Nov 2026 12:00:30',
  'Sun, 22 Nov 2026 12:00:30 +0100',
  'Sun, 31 Feb 2026 12:00:30 GMT',
  'Sun, 00 Nov 2026 12:00:30 GMT',
  'Sun, 22 Nob 2026 12:00:30 GMT',
  'Sun, 22 Nov 2026 24:00:00 GMT',
  'Sun, 22 Nov 2026 12:60:00 GMT',
  'Sun, 22 Nov 2026 12:00:61 GMT',
  'sun, 22 nov 2026 12:00:30 gmt',
  '2026-11-22T12:00:30Z',
])('is not of the grammar: %j', (value) => {
  expect(parseRetryAfterMs(value, wallMs)).toBeUndefined();
});

test('property: reads back every date that is written in the preferred form', () => {
  const date = fc.date({
    min: new Date(wallMs),
    max: new Date('9999-12-31T23:59:59Z'),
    noInvalidDate: true,
  });
  fc.assert(
    fc.property(date, (it) => {
      const wholeMs = Math.floor(it.getTime() / 1_000) * 1_000;
      expect(parseRetryAfterMs(it.toUTCString(), wallMs)).toBe(Math.max(0, wholeMs - wallMs));
    }),
  );
});
