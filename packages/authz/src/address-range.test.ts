import { expect, test } from 'vitest';
import { isWithin, parseAddress, parseRange } from './address-range.ts';

test.each([
  ['127.0.0.1', '::ffff:127.0.0.1'],
  ['10.1.2.3', '::ffff:a01:203'],
  ['::1', '0:0:0:0:0:0:0:1'],
  ['2001:db8::1', '2001:DB8:0:0::1'],
  ['::', '0::0'],
])('%s and %s are one address', (one, other) => {
  expect(parseAddress(one)).toBeDefined();
  expect(parseAddress(one)).toBe(parseAddress(other));
});

test.each(
  [
    '',
    '0x7f.1',
    '2130706433',
    '127.1',
    '01.2.3.4',
    '1.2.3.256',
    '1.2.3',
    '1.2.3.4.5',
    ' 1.2.3.4',
  ].concat([
    ...[':', ':::', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7::8', '12345::'],
    ...['::1%eth0', '[::1]', '::1.2.3', '1.2.3.4::', 'localhost'],
  ]),
)('%j is no address', (text) => {
  expect(parseAddress(text)).toBeUndefined();
});

test.each([
  ['10.0.0.0/8', '10.255.0.1', true],
  ['10.0.0.0/8', '11.0.0.1', false],
  ['10.1.2.3/8', '10.9.9.9', true],
  ['0.0.0.0/0', '8.8.8.8', true],
  ['0.0.0.0/0', '2001:db8::1', false],
  ['::/0', '8.8.8.8', true],
  ['2001:db8::/32', '2001:db8:ffff::1', true],
  ['2001:db8::/32', '2001:db9::1', false],
  ['192.0.2.1', '192.0.2.1', true],
  ['192.0.2.1/32', '192.0.2.2', false],
])('%s has %s: %s', (range, address, expected) => {
  const parsed = parseRange(range);
  expect(parsed && isWithin(parseAddress(address) ?? -1n, parsed)).toBe(expected);
});

test.each(['10.0.0.0/33', '::/129', '10.0.0.0/', '10.0.0.0/x', '10.0.0.0/-1', 'x/8'])(
  '%s is no range',
  (text) => {
    expect(parseRange(text)).toBeUndefined();
  },
);
