/** Laws of the pick over priorities, zones and health. */
import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EndpointSet } from '../endpoint-set.ts';
import { leastRequest } from '../pickers/least-request.ts';
import { peakEwma } from '../pickers/peak-ewma.ts';
import { random } from '../pickers/random.ts';
import { roundRobin } from '../pickers/round-robin.ts';
import { weighted } from '../pickers/weighted.ts';
import type { Member } from '../roster.ts';
import type { Health } from '../slot-table.ts';
import { checkedLevelRules } from './level-options.ts';
import { LeveledPicker } from './leveled-picker.ts';

const endpoint = fc.record({
  weight: fc.nat(3),
  priority: fc.nat(3),
  zone: fc.constantFrom('x', 'y', 'z', undefined),
  health: fc.constantFrom<Health>('healthy', 'degraded', 'unhealthy'),
  isAdmitted: fc.boolean(),
});
const policies = [roundRobin(), weighted(), leastRequest(), peakEwma(), random()];

/** Twenty picks after each list, with the health and the admission that it says. */
const play = fc.record({
  policy: fc.constantFrom(...policies),
  lists: fc.array(fc.array(endpoint, { maxLength: 10 }), { maxLength: 4 }),
  thresholdRatio: fc.constantFrom(0, 0.5, 1),
  failsTraffic: fc.boolean(),
  zone: fc.constantFrom(undefined, { local: 'x', endpointCountMin: 0 }),
  seed: fc.nat(),
});

test('property: whoever may be picked is, nobody else is but in a panic, which is counted', () => {
  fc.assert(
    fc.property(play, ({ policy, lists, thresholdRatio, failsTraffic, zone, seed }) => {
      const set = new EndpointSet<Member>();
      const rules = checkedLevelRules({ panic: { thresholdRatio, failsTraffic }, zone });
      const picker = new LeveledPicker(set, policy.pickersOf<Member>(), rules);
      const rng = seededRng(seed);
      for (const [nowMs, list] of lists.entries()) {
        set.update(
          list.map((it, index) => ({ ...it, id: `e${index}` })),
          nowMs,
        );
        for (const [index, { health }] of list.entries()) set.setHealth(index, health, nowMs);
        const may = list.map((it) => it.weight > 0 && it.health !== 'unhealthy' && it.isAdmitted);
        for (let made = 0; made < 20; made += 1) {
          const panicCount = picker.panicCount;
          const index = picker.pick(nowMs, rng, (it) => list[it]?.isAdmitted === true);
          const isPanic = picker.panicCount > panicCount;
          if (!isPanic && index >= 0) expect(may[index]).toBe(true);
          if (!isPanic && index < 0) expect(may).not.toContain(true);
          if (isPanic && failsTraffic) expect(index).toBe(-1);
          if (isPanic && !failsTraffic) expect(index).toBeGreaterThanOrEqual(0);
          if (isPanic) expect(thresholdRatio).toBeGreaterThan(0);
          if (index >= 0) expect(list[index]?.weight).toBeGreaterThan(0);
        }
      }
    }),
  );
});
