import { expect, test } from 'vitest';
import type { CountsSnapshot } from '../app/counts.ts';
import { edges, instances, legacy, visitor } from './plan.ts';
import { type Findings, makeReport } from './report.ts';

const perEdge = 1_000;

function app(role: string, version: string): CountsSnapshot {
  const isFirst = version === 'v1';
  const inbound = edges.filter((it) => it.target === role);
  const outbound = edges.filter((it) => it.source === role);
  const versions = instances.filter((it) => it.role === role).length;
  const share = isFirst ? perEdge - (versions - 1) * 100 : 100;
  return {
    role,
    version,
    received: inbound.length * share,
    byRoute: {},
    byClass: {},
    byCaller: Object.fromEntries(inbound.map((it) => [it.source, share])),
    byStatus: {},
    calls: isFirst
      ? Object.fromEntries(
          outbound.map((it) => [it.target, { total: perEdge, failures: 0, byStatus: {} }]),
        )
      : {},
    underWay: 0,
  };
}

/** The samples of a sidecar in front of an app that saw what `app` counts. */
function sidecar(role: string, version: string) {
  const samples = Object.entries(app(role, version).byCaller).map(([source, value]) => {
    const kind = edges.find((it) => it.source === source && it.target === role)?.kind;
    const isMesh = kind === 'mesh';
    const peer = isMesh ? `default/${source}` : 'unknown';
    const labels = { dir: 'inbound', peer, tls: isMesh ? 'mtls' : 'none' };
    return { name: 'leno_requests_total', labels, value: kind === 'outside' ? 0 : value };
  });
  return { role, samples };
}

/** A run in which every edge carried 1,000 requests and nothing went wrong. */
function healthy(): Findings {
  return {
    durationS: 20,
    load: {
      requests: perEdge,
      failures: 0,
      shed: 0,
      underWay: 0,
      byStatus: { 200: perEdge },
      byJourney: {},
      byStep: {},
      p50Ms: 4,
      p99Ms: 20,
    },
    apps: [...instances.map((it) => app(it.role, it.version)), app(legacy.role, 'v1')],
    sidecars: instances.map((it) => sidecar(it.role, it.version)),
    status: {
      head: { epoch: 1, version: 7 },
      converged: true,
      proxies: { total: 14, connected: 14, synced: 14 },
      instances: { ready: 14 },
      traffic: { mtlsRatio: 1 },
    },
    proxyRssMiB: [60.004],
  };
}

/** The problems of a healthy run after `change`. */
function problemsAfter(change: (findings: Findings) => Findings): readonly string[] {
  return makeReport(change(healthy())).problems;
}

/** With other numbers in the counts of one role. */
function withApp(role: string, change: Partial<CountsSnapshot>) {
  return (it: Findings): Findings => ({
    ...it,
    apps: it.apps.map((counts) =>
      counts.role === role && counts.version === 'v1' ? { ...counts, ...change } : counts,
    ),
  });
}

test('a healthy run', () => {
  const report = makeReport(healthy());
  expect(report.problems).toEqual([]);
  expect(report).toMatchObject({
    healthy: true,
    services: 10,
    proxies: 14,
    requests: 1_000,
    successRate: 1,
    mtlsRatio: 1,
    configVersion: 7,
    proxyRssMiB: [60],
  });
  const catalog = report.details.edges.find((it) => it.target === 'catalog');
  expect(catalog).toMatchObject({
    called: 1_000,
    received: 1_000,
    byVersion: { v1: 900, v2: 100 },
  });
  expect(report.details.hopRequests).toBe(9_000);
});

test('1 % between two counts of the same thing is borne, more is not', () => {
  const received = (count: number) => withApp('shipping', { byCaller: { orders: count } });
  expect(problemsAfter(received(990))).toEqual([]);
  expect(problemsAfter(received(989))).toEqual([
    'orders → shipping: 1000 called, but 989 received',
  ]);
  expect(problemsAfter(received(1_011))).toHaveLength(1);
});

test('an edge that nobody used', () => {
  expect(problemsAfter(withApp('orders', { calls: {} }))).toContain('orders → notify: not used');
});

test('an edge on which more than one in a thousand failed', () => {
  const failing = (failures: number) =>
    withApp('reviews', { calls: { ratings: { total: 1_000, failures, byStatus: {} } } });
  expect(problemsAfter(failing(1))).toEqual([]);
  expect(problemsAfter(failing(2))).toEqual(['reviews → ratings: 2 of 1000 failed']);
});

test('plaintext in the mesh beyond what the importer itself sent', () => {
  const problems = problemsAfter((it) => ({
    ...it,
    sidecars: it.sidecars.map(({ role, samples }) => ({
      role,
      samples: samples.map((sample) =>
        role === 'cart' ? { ...sample, labels: { ...sample.labels, tls: 'none' } } : sample,
      ),
    })),
  }));
  expect(problems).toEqual([
    'only 88.89 % of mesh requests came over mTLS',
    'storefront → cart: 1000 called, but 0 seen over mTLS',
  ]);
});

test('requests that went around the sidecar of their target', () => {
  const problems = problemsAfter((it) => ({
    ...it,
    sidecars: it.sidecars.map((one) => (one.role === 'notify' ? { ...one, samples: [] } : one)),
  }));
  expect(problems).toEqual(['orders → notify: 1000 called, but 0 seen over mTLS']);
});

test('visitors who were turned away never reached the shop, and count as failed', () => {
  const problems = problemsAfter((it) => ({
    ...it,
    load: { ...it.load, requests: perEdge + 5, failures: 5, shed: 5 },
  }));
  expect(problems).toEqual(['5 of 1005 requests of visitors failed']);
});

test.each([
  { name: 'a proxy is missing', change: { proxies: { total: 14, connected: 13, synced: 13 } } },
  { name: 'not converged', change: { converged: false } },
])('$name', ({ change }) => {
  const problems = problemsAfter((it) => ({ ...it, status: { ...it.status, ...change } }));
  expect(problems).toHaveLength(1);
});

test('nothing at all is not healthy', () => {
  const nothing = { ...healthy(), apps: [], sidecars: [] };
  const report = makeReport({ ...nothing, load: { ...nothing.load, requests: 0 } });
  expect(report.problems).toContain(`${visitor} → storefront: not used`);
  expect(report.mtlsRatio).toBe(0);
});
