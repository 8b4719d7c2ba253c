import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type EdgeStat, StatBody } from './stat.ts';
import { drawTopology } from './topology.ts';
import { Traffic } from './traffic.ts';
import { ringSeconds, TrafficSeries } from './traffic-series.ts';

function edgeStat(more: Partial<EdgeStat> = {}): EdgeStat {
  const counts = { ok: 0, failed: 0, mtls: 0, retries: 0, p50Ms: 1, p99Ms: 2 };
  return { peer: 'default/cart', direction: 'outbound', ...counts, ...more };
}
function body(service: string, version: string, requests: EdgeStat[]): StatBody {
  return { service, version, requests, proxy: { rssMiB: 50, cpuRatio: 0.1 } };
}

test('property: a window is the sum of its whole seconds, and old ones are forgotten', () => {
  const report = fc.record({ waitS: fc.nat({ max: 400 }), ok: fc.nat({ max: 50 }) });
  fc.assert(
    fc.property(
      fc.array(report, { maxLength: 40 }),
      fc.integer({ min: 1, max: ringSeconds }),
      (reports, windowS) => {
        const series = new TrafficSeries(1_000_000);
        const seen: { second: number; ok: number }[] = [];
        let second = 1_000_000;
        for (const { waitS, ok } of reports) {
          second += waitS;
          series.add({ ok, failed: 0, mtls: 0, retries: 0, p50Ms: 0, p99Ms: 0 }, second);
          seen.push({ second, ok });
        }
        const now = second + 1;
        const oldest = Math.max(now - windowS, second - ringSeconds + 1);
        const expected = seen
          .filter((it) => it.second >= oldest)
          .reduce((sum, it) => sum + it.ok, 0);
        expect(series.sum(now, windowS).ok).toBe(expected);
        expect(series.total.ok).toBe(seen.reduce((sum, it) => sum + it.ok, 0));
      },
    ),
    { numRuns: 50 },
  );
});

test('an edge shows what its caller counted, and the called side where there is no proxy', () => {
  const traffic = new Traffic();
  const split = [
    edgeStat({ peerVersion: 'v1', ok: 6, failed: 1, mtls: 7, retries: 2, p50Ms: 10 }),
    edgeStat({ peerVersion: 'v2', ok: 3, mtls: 3, p50Ms: 20 }),
  ];
  traffic.add(body('default/web', 'v1', split), 100);
  const seen = edgeStat({ peer: 'default/web', direction: 'inbound', ok: 7, failed: 1, mtls: 8 });
  const legacy = edgeStat({ peer: 'unknown', direction: 'inbound', ok: 2 });
  traffic.add(body('default/cart', 'v1', [seen, legacy]), 100);
  const input = { nowMs: 101_000, windowS: 10, services: [], instances: [] };
  const { edges, services } = drawTopology({ ...input, reports: traffic.report(101, 10) });
  expect(edges).toMatchObject([
    {
      source: 'default/web',
      reportedBy: 'source',
      requestCount: 10,
      failureCount: 1,
      rps: 1,
      successRatio: 0.9,
      mtlsRatio: 1,
      retries: 2,
      p50Ms: 13,
      versions: [
        { version: 'v1', requestCount: 7 },
        { version: 'v2', requestCount: 3 },
      ],
      totals: { requestCount: 10, inboundRequestCount: 8, inboundMtlsCount: 8 },
    },
    { source: 'unknown', reportedBy: 'target', requestCount: 2, mtlsRatio: 0 },
  ]);
  expect(services.map((it) => [it.service, it.requestCount, it.meshed])).toEqual([
    ['default/cart', 10, false],
    ['default/web', 0, false],
    ['unknown', 0, false],
  ]);
});

test('the bound on series refuses and counts, until one has been silent for the whole ring', () => {
  const traffic = new Traffic(1);
  traffic.add(body('default/web', 'v1', [edgeStat({ ok: 1 })]), 100);
  const other = body('default/cart', 'v1', [edgeStat({ peer: 'default/stock', ok: 1 })]);
  traffic.add(other, 101);
  expect([traffic.seriesCount, traffic.overflowCount]).toEqual([1, 1]);
  traffic.add(other, 101 + ringSeconds);
  expect(traffic.report(102 + ringSeconds, 10).map((it) => it.target)).toEqual(['default/stock']);
});

test.each([
  { name: 'an unknown member', change: { extra: 1 } },
  { name: 'a fraction of a request', change: { requests: [edgeStat({ ok: 0.5 })] } },
  { name: 'more mTLS than requests', change: { requests: [edgeStat({ ok: 1, mtls: 2 })] } },
  { name: 'too many edges', change: { requests: Array.from({ length: 1_025 }, () => edgeStat()) } },
])('a report is refused for $name', ({ change }) => {
  const good = body('default/web', 'v1', [edgeStat({ ok: 1, mtls: 1 })]);
  expect(StatBody.safeParse(good).success).toBe(true);
  expect(StatBody.safeParse({ ...good, ...change }).success).toBe(false);
});
