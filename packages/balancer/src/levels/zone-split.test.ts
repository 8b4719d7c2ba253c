import fc from 'fast-check';
import { expect, test } from 'vitest';
import { zoneSplit } from './zone-split.ts';

/** `a 2 6`: a zone, its callers, its healthy endpoints. */
function split(text: string, local = 'a', endpointCountMin = 6) {
  const zones = text.split(', ').map((part) => {
    const [zone = '', callers, endpoints] = part.split(' ');
    return { zone, callerCount: Number(callers), healthyCount: Number(endpoints) };
  });
  return zoneSplit(zones, { local, endpointCountMin });
}

test.each(
  [
    { zones: 'a 1 3, b 1 3', expected: { kind: 'local' } },
    { zones: 'a 1 5, b 1 3', expected: { kind: 'local' } },
    // 2,500 of 5,000 stay; b has 2,500 to spare.
    { zones: 'a 1 2, b 1 6', expected: { kind: 'split', localPart: 5_000, residuals: [0, 2_500] } },
    {
      zones: 'a 2 1, b 1 3, c 1 4',
      expected: { kind: 'split', localPart: 2_500, residuals: [0, 1_250, 2_500] },
    },
    // Who has less than its own callers need has nothing to spare.
    {
      zones: 'a 2 2, b 2 1, c 1 7',
      expected: { kind: 'split', localPart: 5_000, residuals: [0, 0, 5_000] },
    },
    { zones: 'a 1 9', expected: { kind: 'off', why: 'fewer than two zones' } },
    { zones: 'a 1 0, b 1 9', expected: { kind: 'off', why: 'nobody in the own zone' } },
    { zones: 'b 1 6, c 1 6', expected: { kind: 'off', why: 'nobody in the own zone' } },
    { zones: 'a 1 2, b 1 3', expected: { kind: 'off', why: 'too few endpoints' } },
    { zones: 'a 1 3, b 1 3', expected: { kind: 'local' } },
  ].map((it, index) => ({ ...it, index })),
)('$index: $zones is $expected', ({ zones, expected }) => {
  expect(split(zones)).toEqual(expected);
});

test('property: with all callers of all zones each endpoint gets the same load', () => {
  const zone = fc.record({
    callerCount: fc.integer({ min: 1, max: 20 }),
    healthyCount: fc.integer({ min: 1, max: 20 }),
  });
  fc.assert(
    fc.property(fc.array(zone, { minLength: 2, maxLength: 5 }), (counts) => {
      const zones = counts.map((it, index) => ({ zone: `z${index}`, ...it }));
      const load = zones.map(() => 0);
      for (const [from, { zone: local, callerCount }] of zones.entries()) {
        const it = zoneSplit(zones, { local, endpointCountMin: 0 });
        const own = it.kind === 'split' ? it.localPart / 10_000 : 1;
        load[from] = (load[from] ?? 0) + callerCount * own;
        if (it.kind !== 'split') continue;
        const total = it.residuals.reduce((sum, residual) => sum + residual, 0);
        for (const [to, residual] of it.residuals.entries()) {
          load[to] = (load[to] ?? 0) + (callerCount * (1 - own) * residual) / Math.max(1, total);
        }
      }
      const callers = zones.reduce((sum, it) => sum + it.callerCount, 0);
      const endpoints = zones.reduce((sum, it) => sum + it.healthyCount, 0);
      for (const [index, { healthyCount }] of zones.entries()) {
        // Parts are cut to hundredths of a percent.
        const share = (load[index] ?? 0) / callers;
        expect(Math.abs(share - healthyCount / endpoints)).toBeLessThan(0.005);
      }
    }),
  );
});
