import { expect, test } from 'vitest';
import { count, latency, percent, rate, serviceName, shortDigest, span } from './format.ts';

test.each([
  [percent(null), '–'],
  [percent(1), '100%'],
  [percent(0.99999), '99.99%'],
  [percent(0.9998), '99.98%'],
  [percent(0), '0.00%'],
  [latency(null), '–'],
  [latency(0.84), '0.8 ms'],
  [latency(20.6), '21 ms'],
  [latency(1_020), '1.02 s'],
  [rate(2.04), '2.0'],
  [rate(1_204.4), '1\u202f204'],
  [count(90_210), '90\u202f210'],
  [count(210), '210'],
  [span(40), '40 ms'],
  [span(12_900), '12 s'],
  [span(303_000), '5m 3s'],
  [span(85_860_000), '23h 51m'],
  [span(12.5 * 86_400_000), '12 d'],
  [span(-1), '0 ms'],
  [shortDigest('sha256:7f3a91bc00'), '7f3a91b'],
  [serviceName('default/catalog'), 'catalog'],
  [serviceName('shop/catalog'), 'shop/catalog'],
])('%s is %s', (shown, expected) => {
  expect(shown).toBe(expected);
});
