import { createMeshMetrics, MetricStore } from '@leno/telemetry';
import { expect, test } from 'vitest';
import { ACCESS_CELLS_COUNT_MAX, AccessMetrics } from './access-metrics.ts';

test('callers beyond the bound are counted together', () => {
  const families = createMeshMetrics(
    new MetricStore({ seriesCountMax: 2 * ACCESS_CELLS_COUNT_MAX }),
  );
  const metrics = new AccessMetrics(families);
  const decision = { decision: 'deny', policy: 'p', rule: 'r', why: '' } as const;
  for (let count = 0; count < ACCESS_CELLS_COUNT_MAX + 3; count += 1) {
    metrics.count(decision, `default/s${count}`);
  }
  metrics.count(decision, 'default/s0');
  const { authz } = families;
  expect(authz.value(authz.handle('p', 'deny', 'overflow'))).toBe(3);
  expect(authz.value(authz.handle('p', 'deny', 'default/s0'))).toBe(2);
});
