import type { DataPlane } from '@leno/dataplane';
import { createMeshMetrics, MetricStore } from '@leno/telemetry';
import { expect, test } from 'vitest';
import { TableLimitMetrics } from './table-limits.ts';

type Engine = DataPlane['engine'];

const none = { evictedCount: 0, overflowCount: 0, waitingOverflowCount: 0, forgottenCount: 0 };

function bench() {
  const store = new MetricStore();
  const families = createMeshMetrics(store);
  const metrics = new TableLimitMetrics(families);
  const { tableLimitReached } = families;
  const names = ['egress_destinations', 'egress_waiting', 'egress_answers', 'access_identities'];
  return (egress: typeof none | undefined, decider: { forgottenCount: number }) => {
    metrics.collect({ egress, table: { access: { decider } } } as unknown as Engine);
    return names.map((name) => tableLimitReached.value(tableLimitReached.handle(name)));
  };
}

test('each bound is counted under its own name, once', () => {
  const look = bench();
  const decider = { forgottenCount: 0 };
  expect(look(none, decider)).toEqual([0, 0, 0, 0]);
  const egress = { evictedCount: 1, overflowCount: 2, waitingOverflowCount: 4, forgottenCount: 5 };
  decider.forgottenCount = 7;
  for (let times = 0; times < 2; times += 1) expect(look(egress, decider)).toEqual([3, 4, 5, 7]);
});

test('a new decider begins anew, and what the one before counted stays', () => {
  const look = bench();
  expect(look(undefined, { forgottenCount: 7 })).toEqual([0, 0, 0, 7]);
  expect(look(undefined, { forgottenCount: 7 })).toEqual([0, 0, 0, 14]);
  expect(look(undefined, { forgottenCount: 0 })).toEqual([0, 0, 0, 14]);
});
