import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type LevelCounts, priorityLoads } from './priority-loads.ts';

/** `72/100 5+20/100`: healthy, or healthy+degraded, of how many, for each priority. */
function parse(text: string): LevelCounts[] {
  return text.split(' ').map((part) => {
    const [counts = '', hosts = ''] = part.split('/');
    const [healthy = '', degraded = '0'] = counts.split('+');
    return {
      hostCount: Number(hosts),
      healthyCount: Number(healthy),
      degradedCount: Number(degraded),
    };
  });
}

/** `70 30!`: percents, `+` before those for degraded endpoints, `!` for panic. */
function loadsOf(text: string, panicThresholdRatio: number, factor = 1.4): string {
  const rules = { overprovisioningFactor: factor, panicThresholdRatio };
  return priorityLoads(parse(text), rules)
    .map(({ percent, degradedPercent, isPanic }) => {
      const degraded = degradedPercent > 0 ? `+${degradedPercent}` : '';
      return `${percent}${degraded}${isPanic ? '!' : ''}`;
    })
    .join(' ');
}

test.each([
  { levels: '100/100 100/100', loads: '100 0' },
  { levels: '72/100 72/100', loads: '100 0' },
  { levels: '71/100 71/100', loads: '99 1' },
  { levels: '50/100 50/100', loads: '70 30' },
  { levels: '25/100 100/100', loads: '35 65' },
  { levels: '0/100 100/100', loads: '0 100' },
  { levels: '25/100 25/100', loads: '50 50' },
  { levels: '25/100 25/100 100/100', loads: '35 35 30' },
  // 35, 35 and 28 of 98: scaled up 35, 35, 28, and what is left to the first.
  { levels: '25/100 25/100 20/100', loads: '37 35 28' },
  { levels: '0/100 0/100', loads: '100 0' },
  { levels: '0/0 5/5', loads: '0 100' },
  { levels: '0/3 1/3 1/3', loads: '0 50 50' },
  // Degraded ones take what the healthy ones of all leave.
  { levels: '50+50/100', loads: '70+30' },
  { levels: '50+50/100 20/100', loads: '70+2 28' },
  { levels: '0+100/100', loads: '0+100' },
  { levels: '0+10/100', loads: '0+100' },
])('without panic: $levels get $loads', ({ levels, loads }) => {
  expect(loadsOf(levels, 0)).toBe(loads);
});

test.each([
  { levels: '50/100', loads: '100' },
  { levels: '49/100', loads: '100!' },
  { levels: '2/6', loads: '100!' },
  { levels: '4/6', loads: '100' },
  // Together they can take all: nobody is in panic.
  { levels: '10/100 90/100', loads: '14 86' },
  // One is in panic, the other is not: both keep their loads.
  { levels: '10/100 52/100', loads: '17! 83' },
  // All are: by their endpoints, and what rounding leaves to the first.
  { levels: '10/100 10/100', loads: '50! 50!' },
  { levels: '0/1 0/1 0/1', loads: '34! 33! 33!' },
  { levels: '0/0 0/3', loads: '0! 100!' },
  // Degraded ones count against panic.
  { levels: '10+40/100', loads: '20+80' },
  { levels: '0/0', loads: '100!' },
])('panic below 50 %: $levels get $loads', ({ levels, loads }) => {
  expect(loadsOf(levels, 0.5)).toBe(loads);
});

test('without over-provisioning a priority takes what is healthy of it', () => {
  expect(loadsOf('72/100 72/100', 0, 1)).toBe('72 28');
});

test('property: whole percents that sum to 100, none below 0, none for nobody', () => {
  const level = fc.nat(12).chain((hostCount) =>
    fc.nat(hostCount).chain((healthyCount) =>
      fc.nat(hostCount - healthyCount).map((degradedCount) => ({
        hostCount,
        healthyCount,
        degradedCount,
      })),
    ),
  );
  fc.assert(
    fc.property(
      fc.array(level, { minLength: 1, maxLength: 5 }),
      fc.constantFrom(0, 0.5, 1),
      (levels, panicThresholdRatio) => {
        const loads = priorityLoads(levels, { overprovisioningFactor: 1.4, panicThresholdRatio });
        const percents = loads.flatMap((it) => [it.percent, it.degradedPercent]);
        expect(percents.reduce((sum, it) => sum + it, 0)).toBe(100);
        expect(percents.every((it) => Number.isInteger(it) && it >= 0)).toBe(true);
        const isAnyThere = levels.some((it) => it.healthyCount + it.degradedCount > 0);
        for (const [index, { percent, degradedPercent, isPanic }] of loads.entries()) {
          const { hostCount, healthyCount, degradedCount } = levels[index] ?? {};
          if (!isAnyThere || hostCount === undefined) continue;
          if (!isPanic && percent > 0) expect(healthyCount).toBeGreaterThan(0);
          if (degradedPercent > 0) expect(degradedCount).toBeGreaterThan(0);
        }
      },
    ),
  );
});
