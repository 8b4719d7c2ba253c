/** What can be judged without measuring: readers, templates, ratios, the guard's verdict. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import type { ReportRow } from '../harness/report.ts';
import { type CpuCase, cpuCases, type SubjectName, subjectNames } from './cases.ts';
import { makeCertificates } from './certificates.ts';
import type { RateAnswer } from './constant-rate-main.ts';
import { cpuRows } from './cpu-rounds.ts';
import { readGuardBounds, verdictOn } from './guard.ts';
import { latencyRows } from './latency.ts';
import { h2loadArguments, parseH2load, parseWrk, wrkArguments } from './load.ts';
import { median, percentile } from './median.ts';
import { parseResidentBytes, parseStat, usageOf } from './process-stat.ts';
import { findPrograms } from './programs.ts';
import { requireAll } from './proofs.ts';
import { runProxyCommand } from './proxy-command.ts';
import { proxyTableOf } from './proxy-table.ts';
import { fillTemplate, readTemplate, TemplateError } from './template.ts';

const target = { address: '127.0.0.1:8080', authority: 'web' };

test.each([
  {
    name: 'a clean run',
    text: '  60121 requests in 2.00s, 76.01MB read\nRequests/sec:  30041.12',
    counts: { requestCount: 60_121, failureCount: 0 },
  },
  {
    name: 'replies that are no success, and sockets that broke',
    text: '  100 requests in 2.00s\n  Socket errors: connect 1, read 2, write 3, timeout 4\n  Non-2xx or 3xx responses: 20\n',
    counts: { requestCount: 100, failureCount: 30 },
  },
  { name: 'nothing at all', text: '', counts: { requestCount: 0, failureCount: 0 } },
])('wrk: $name', ({ text, counts }) => {
  expect(parseWrk(text)).toEqual(counts);
});

test.each([
  {
    name: 'a clean run',
    text: 'requests: 5983 total, 6047 started, 5983 done, 5983 succeeded, 0 failed, 0 errored, 0 timeout',
    counts: { requestCount: 5_983, failureCount: 0 },
  },
  {
    name: 'failures of each kind',
    text: 'requests: 10 total, 10 started, 10 done, 4 succeeded, 3 failed, 2 errored, 1 timeout',
    counts: { requestCount: 4, failureCount: 6 },
  },
  { name: 'nothing at all', text: '', counts: { requestCount: 0, failureCount: 0 } },
])('h2load: $name', ({ text, counts }) => {
  expect(parseH2load(text)).toEqual(counts);
});

test('a load goes to the address and asks for the name', () => {
  const load = { connectionCount: 64, durationS: 2 };
  const get = wrkArguments(target, { ...load, what: { kind: 'get', path: '/1k' } });
  expect(get.join(' ')).toBe('-t1 -c64 -d2s --timeout 10s -H Host: web http://127.0.0.1:8080/1k');
  const what = { kind: 'post', path: '/post', bodyBytes: 16_384 } as const;
  expect(wrkArguments(target, { ...load, what }).slice(-2)).toEqual(['--', '16384']);
  const grpc = { kind: 'grpc', path: '/a.B/C', streamCount: 8 } as const;
  expect(h2loadArguments(target, { ...load, what: grpc }, 'run').join(' ')).toBe(
    '-t1 -c64 -m8 -D2 -ph2c -d run/unary.bin -H content-type: application/grpc' +
      ' -H te: trailers -H :authority: web http://127.0.0.1:8080/a.B/C',
  );
});

test('the line of a process is read whatever its name is', () => {
  const rest = 'S 1 77 77 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 1 0 9 1 2';
  const read = { pid: 42, groupId: 77, cpuUs: 3_000_000, systemUs: 500_000 };
  expect(parseStat(`42 (node) ${rest}`)).toEqual(read);
  expect(parseStat(`42 (a b) c) ${rest}`)).toEqual(read);
  expect(parseResidentBytes('Name:\tnode\nVmRSS:\t   2048 kB\n')).toBe(2_097_152);
  expect(parseResidentBytes('Name:\tgone\n')).toBe(0);
});

test('what this process takes is counted for its group', (context) => {
  if (process.platform !== 'linux') context.skip('needs Linux');
  const { groupId } = parseStat(readFileSync('/proc/self/stat', 'latin1'));
  const own = usageOf([groupId]);
  expect(own.cpuUs).toBeGreaterThan(0);
  expect(own.residentBytes).toBeGreaterThan(1_048_576);
  expect(usageOf([])).toEqual({ cpuUs: 0, systemUs: 0, residentBytes: 0 });
});

test('a template takes every value, and none may be missing', () => {
  expect(fillTemplate('{{a}}:{{b}} {{a}} {c}', { a: 1, b: 'x' })).toBe('1:x 1 {c}');
  expect(() => fillTemplate('{{nobody}}', {})).toThrow(TemplateError);
});

test('every template of a peer can be filled in, and is about its own ends', () => {
  const values = { listen: 1, upstream: 2, inbound: 3, alpn: 'h2', directory: 'run', name: 'n' };
  const files = readdirSync(join(import.meta.dirname, 'peers')).filter((it) => it.endsWith('.in'));
  expect(files).toHaveLength(10);
  for (const file of files) {
    const text = fillTemplate(readTemplate(file), values);
    expect(text, file).not.toMatch(/\{\{|\}\}\}/);
    if (!/inbound|outbound/.test(file)) continue;
    expect(text, file).toMatch(/TLSv1[._]3/);
    expect(text, file).toMatch(
      /verify required|verify_client on|verify on|require_client_cert|exact: inbound/,
    );
  }
});

test('peers prove who they are by a chain and a key', () => {
  const { root, client, server } = makeCertificates();
  for (const pem of [client, server]) {
    expect(pem.match(/BEGIN [A-Z ]+/g)).toEqual([
      'BEGIN CERTIFICATE',
      'BEGIN CERTIFICATE',
      'BEGIN PRIVATE KEY',
    ]);
  }
  expect(root.match(/BEGIN CERTIFICATE/g)).toHaveLength(1);
});

test('what is missing is named with its package, and a peer may be', () => {
  const none = { path: ['/nowhere'], envoy: undefined };
  expect(() => findPrograms(none)).toThrow(/wrk \(Debian: wrk\).*nghttp2-client.*nginx/);
});

test('property: the median has as many below as above, and percentiles are of the values', () => {
  fc.assert(
    fc.property(fc.array(fc.integer(), { minLength: 1, maxLength: 40 }), (values) => {
      const middle = median(values);
      const below = values.filter((it) => it < middle).length;
      const above = values.filter((it) => it > middle).length;
      expect(Math.max(below, above)).toBeLessThanOrEqual(values.length / 2);
      const sorted = values.toSorted((one, other) => one - other);
      expect(percentile(sorted, 0)).toBe(sorted[0]);
      expect(percentile(sorted, 1)).toBe(sorted.at(-1));
      expect(percentile(sorted, 0.5)).toBeGreaterThanOrEqual(middle);
    }),
  );
  expect(median([])).toBeNaN();
});

test('what cannot be measured here ends with 2', async () => {
  const said = vi.spyOn(console, 'error').mockReturnValue(undefined);
  const command = { report: undefined, only: '', roundCount: 1, commit: 'abc' };
  const code = await runProxyCommand(
    { ...command, isQuick: true, isGuard: false, isProfile: false },
    { path: [], envoy: undefined },
  );
  expect(code).toBe(2);
  expect(String(said.mock.calls[0])).toMatch(/^pnpm bench proxy: not here.*wrk.*taskset/);
  said.mockRestore();
});

const duel: CpuCase = {
  name: 'duel',
  ours: 'leno hop',
  baselines: ['haproxy', 'nginx'],
  others: [],
  what: { kind: 'get', path: '/1k' },
  connectionCount: 64,
};

/** The rows of a duel with these costs, as `subject metric value baseline ratio`. */
function rowsOf(costs: Partial<Record<SubjectName, readonly number[]>>): readonly string[] {
  const entries = Object.entries(costs) as [SubjectName, readonly number[]][];
  return cpuRows({ case: duel, costs: new Map(entries), absent: [] }).map((row) =>
    [row.subject, row.metric, row.value, row.baseline, row.ratio].join(' | '),
  );
}

test('a ratio is the median of those of the same round, not of the medians', () => {
  // The machine was twice as slow in the second round, for both alike.
  expect(rowsOf({ 'leno hop': [30, 90, 30], haproxy: [20, 45, 30], nginx: [10, 45, 10] })).toEqual([
    'leno hop | cpu | 30 | 30 | 1.5',
    'haproxy | cpu | 30 | 30 | 1',
    'nginx | cpu | 10 | 30 | 0.5',
    'leno hop | cpu beside nginx | 30 | 10 | 3',
  ]);
});

test('a baseline that is not here leaves figures without ratios', () => {
  expect(rowsOf({ 'leno hop': [30] })).toEqual(['leno hop | cpu | 30 |  | ']);
});

function answer(p50Us: number, p99Us: number): RateAnswer {
  return { requestCount: 1, failureCount: 0, p50Us, p99Us };
}

test('added latency is beyond the direct way of the same round', () => {
  const answers = new Map([
    ['no proxy', [answer(100, 200)]],
    ['leno pair', [answer(400, 900)]],
    ['haproxy h2', [answer(300, 300)]],
  ]);
  const rows = latencyRows(answers, 'p50Us').map((it) => [it.metric, it.value, it.ratio]);
  expect(rows).toEqual([
    ['p50', 100, null],
    ['p50 added', 300, 1.5],
    ['p50 added', 200, 1],
  ]);
  expect(latencyRows(answers, 'p99Us')[1]).toMatchObject({ value: 700, baseline: 100, ratio: 7 });
});

test('the guard is loud about what is beyond its bound, and about what was not measured', () => {
  const bounds = [{ subject: 'leno hop', ratioMax: 2 }] as const;
  const judged = (costs: readonly [SubjectName, readonly number[]][]) =>
    verdictOn(bounds, cpuRows({ case: duel, costs: new Map(costs), absent: [] })).isGood;
  expect(
    judged([
      ['leno hop', [20]],
      ['haproxy', [10]],
    ]),
  ).toBe(true);
  expect(
    judged([
      ['leno hop', [21]],
      ['haproxy', [10]],
    ]),
  ).toBe(false);
  expect(judged([['leno hop', [20]]])).toBe(false);
  expect(verdictOn(bounds, []).text).toMatch(/^FAIL leno hop: not measured/);
});

test('a part that has counted nothing fails the run, by its name', () => {
  const proof = (part: string, count: number) => ({ part, count });
  expect(() => requireAll([proof('near: breaker', 1)])).not.toThrow();
  const silent = [proof('near: breaker', 1), proof('near: log', 0), proof('web: log', Number.NaN)];
  expect(() => requireAll(silent)).toThrow(/measured: near: log; web: log$/);
});

test('cases and bounds name subjects that exist', () => {
  const named = [
    ...cpuCases.flatMap((it) => [it.ours, ...it.baselines, ...it.others]),
    ...readGuardBounds().map((it) => it.subject),
  ];
  expect([...new Set(named)].filter((it) => !subjectNames.includes(it))).toEqual([]);
  expect([...subjectNames].filter((it) => !named.includes(it))).toEqual([]);
});

test('the table has ratios first, goals with their verdicts, and who is absent', () => {
  const row: ReportRow = {
    subject: 'leno hop',
    case: 'duel',
    metric: 'cpu',
    unit: 'µs',
    value: 50,
    baseline: 25,
    ratio: 2,
  };
  const report = {
    name: 'proxy',
    node: 'v24',
    commit: 'abc',
    rows: [row],
    absent: [{ subject: 'envoy', case: 'duel' }],
  };
  const goal = {
    case: 'duel',
    subject: 'leno hop',
    metric: 'cpu',
    of: 'ratio',
    max: 1.15,
  } as const;
  const text = proxyTableOf(report, [goal]);
  expect(text).toMatch(/^ +2\.00× +50\.0 µs +leno hop {2}\[≤ 1\.15×: missed\]$/m);
  expect(text).toMatch(/envoy: absent$/m);
  expect(text).toMatch(/goals: 0 met, 1 missed/);
});
