import fc from 'fast-check';
import { expect, test } from 'vitest';
import { reconnectDelayMs } from './reconnect-delay.ts';

const calm = { failureCount: 0, outageMs: 0, random: 1, retryAfterMs: 0 };

test.each([
  { name: 'after a session that was up: within half a second', loss: {}, delayMs: 500 },
  { name: 'the first failure: twice the base', loss: { failureCount: 1 }, delayMs: 400 },
  { name: 'doubles', loss: { failureCount: 3 }, delayMs: 1_600 },
  { name: 'is capped at 3 s', loss: { failureCount: 9, outageMs: 119_999 }, delayMs: 3_000 },
  {
    name: 'and at 30 s after two minutes',
    loss: { failureCount: 99, outageMs: 120_000 },
    delayMs: 30_000,
  },
  {
    name: 'full jitter goes down to nothing',
    loss: { failureCount: 9, random: 0 },
    delayMs: 0,
  },
  {
    name: 'Retry-After is a floor, and spread',
    loss: { retryAfterMs: 5_000 },
    delayMs: 7_500,
  },
  {
    name: 'Retry-After counts up to a minute',
    loss: { retryAfterMs: 9e9, random: 0 },
    delayMs: 60_000,
  },
])('$name', ({ loss, delayMs }) => {
  expect(reconnectDelayMs({ ...calm, ...loss })).toBe(delayMs);
});

test('property: within two minutes of an outage nobody waits longer than 3 s unasked', () => {
  const loss = fc.record({
    failureCount: fc.nat(1_000),
    outageMs: fc.nat(119_999),
    random: fc.double({ min: 0, max: 1, noNaN: true }),
    retryAfterMs: fc.constant(0),
  });
  fc.assert(fc.property(loss, (it) => reconnectDelayMs(it) <= 3_000));
});
