/**
 * Requests per second of two workers beside one. Nothing is pinned here but the load: where upstream and
 * load take the second core, two workers cannot show what they can.
 */
import type { ReportRow } from '../harness/report.ts';
import { workersCase } from './cases.ts';
import type { Lineup } from './lineup.ts';
import { runLoad } from './load.ts';
import { median } from './median.ts';

export async function measureWorkers(
  lineup: Lineup,
  budget: { readonly roundCount: number; readonly durationS: number },
): Promise<readonly ReportRow[]> {
  const { bed } = lineup;
  const mesh = await lineup.mesh();
  const fleets = [];
  for (const count of [1, 2]) {
    const env = { LENO_WORKERS: String(count) };
    const { outbound } = await mesh.add(`workers-${count}`, { core: 'both', env });
    const perSecond: number[] = [];
    fleets.push({ count, outbound, perSecond });
  }
  const tools = { programs: bed.programs, core: bed.loadCore, directory: bed.directory };
  const what = { kind: 'get', path: '/1k' } as const;
  const { durationS } = budget;
  // The first round is to warm up.
  for (let round = 0; round <= budget.roundCount; round += 1) {
    for (const { outbound, perSecond } of fleets) {
      const target = { address: outbound, authority: 'plain' };
      const requestCount = await runLoad(tools, target, { what, connectionCount: 64, durationS });
      if (round > 0) perSecond.push(requestCount / durationS);
    }
  }
  const bare = median(fleets[0]?.perSecond ?? []);
  return fleets.map(({ count, perSecond }) => ({
    subject: count === 1 ? 'leno, 1 worker' : `leno, ${count} workers`,
    case: workersCase,
    metric: 'throughput',
    unit: '1/s',
    value: median(perSecond),
    baseline: bare,
    ratio: median(perSecond) / bare,
  }));
}
