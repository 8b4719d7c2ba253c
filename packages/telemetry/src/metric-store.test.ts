import fc from 'fast-check';
import { Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { MetricStore } from './metric-store.ts';
import { createMeshMetrics, metricTable } from './metric-table.ts';
import { bridgeToPromClient } from './prom-client-bridge.ts';
import { parsePrometheus } from './prometheus-parse.ts';
import { prometheusChunks, renderPrometheus } from './prometheus-text.ts';
import { RequestCells } from './request-cells.ts';

const counterSpec = {
  kind: 'counter',
  name: 'x_total',
  help: 'How many x.',
  labelNames: ['a', 'b'],
} as const;
const histogramSpec = {
  kind: 'histogram',
  name: 'y_seconds',
  help: 'How long.',
  labelNames: ['a'],
  buckets: [0.1, 1],
} as const;

/** What is wrong with an exposition, in the manner of `promtool check metrics`. */
function faultsOf(text: string): string[] {
  const faults: string[] = [];
  const types = new Map<string, string>();
  const seen = new Set<string>();
  let current = '';
  if (!text.endsWith('\n')) faults.push('does not end with a line feed');
  for (const line of text.trimEnd().split('\n')) {
    const meta = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line);
    if (meta !== null) {
      const [, what, name = '', rest = ''] = meta;
      if (what === 'TYPE' && types.has(name)) faults.push(`second TYPE of ${name}`);
      if (what === 'TYPE') types.set(name, rest);
      if (what === 'TYPE' && rest === 'counter' && !name.endsWith('_total')) faults.push(name);
      current = name;
      continue;
    }
    const parsed = parsePrometheus(line);
    if (!parsed.ok) faults.push(parsed.error);
    const series = line.slice(0, line.lastIndexOf(' '));
    if (seen.has(series)) faults.push(`twice: ${series}`);
    seen.add(series);
    const family = line.slice(0, line.search(/[{ ]/)).replace(/_(bucket|sum|count)$/, '');
    if (family !== current && !line.startsWith(current))
      faults.push(`${line} is not of ${current}`);
  }
  return faults;
}

test('text format: help, types, labels, cumulative buckets', () => {
  const store = new MetricStore();
  const counter = store.counter({ ...counterSpec, help: 'a\\b\nc "d"' });
  const histogram = store.histogram(histogramSpec);
  counter.add(counter.handle('1', 'quo"te\\ and\nline'), 2);
  const handle = histogram.handle('k');
  for (const value of [0.1, 0.5, 7]) histogram.observe(handle, value);
  const text = renderPrometheus(store);
  expect(faultsOf(text)).toEqual([]);
  expect(text).toBe(
    [
      '# HELP x_total a\\\\b\\nc "d"',
      '# TYPE x_total counter',
      'x_total{a="1",b="quo\\"te\\\\ and\\nline"} 2',
      '# HELP y_seconds How long.',
      '# TYPE y_seconds histogram',
      'y_seconds_bucket{a="k",le="0.1"} 1',
      'y_seconds_bucket{a="k",le="1"} 2',
      'y_seconds_bucket{a="k",le="+Inf"} 3',
      'y_seconds_sum{a="k"} 7.6',
      'y_seconds_count{a="k"} 3',
      '',
    ].join('\n'),
  );
});

test('property: label values come back as they went in, and never merge', () => {
  const value = fc.string({
    unit: fc.constantFrom('a', '"', '\\', '\n', ',', '=', '{', '}', ' ', 'é'),
  });
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.tuple(value, value), { selector: String, maxLength: 20 }),
      (pairs) => {
        const counter = new MetricStore();
        const family = counter.counter(counterSpec);
        const unique = [...new Map(pairs.map((pair) => [JSON.stringify(pair), pair])).values()];
        for (const [index, [a, b]] of unique.entries()) family.add(family.handle(a, b), index + 1);
        const parsed = parsePrometheus(renderPrometheus(counter));
        const found = parsed.ok ? parsed.value : [];
        expect(found.map((it) => [it.labels['a'], it.labels['b'], it.value])).toEqual(
          unique.map(([a, b], index) => [a, b, index + 1]),
        );
      },
    ),
  );
});

test('the same label values have the same handle, however much the table has grown', () => {
  const family = new MetricStore().counter(counterSpec);
  const handles = Array.from({ length: 500 }, (_, index) => family.handle('a', String(index)));
  for (const handle of handles) family.add(handle);
  expect(family.handle('a', '7')).toBe(handles[7]);
  expect(handles.every((it) => family.value(it) === 1)).toBe(true);
});

test('past the bound all new label values share one overflow series, and it is counted', () => {
  const store = new MetricStore({ seriesCountMax: 2 });
  const metrics = createMeshMetrics(store);
  const family = metrics.activeRequests;
  for (const peer of ['a', 'b', 'c', 'd']) family.add(family.handle('inbound', peer), 1);
  expect(family.seriesCount).toBe(3);
  const text = renderPrometheus(store);
  expect(text).toContain('leno_active_requests{overflow="true"} 2\n');
  expect(text).toContain('leno_telemetry_dropped_total{signal="series"} 2\n');
  expect(faultsOf(text)).toEqual([]);
});

test('a removed series is gone, and its slot begins at 0 for the next', () => {
  const store = new MetricStore();
  const gauge = store.gauge({ ...counterSpec, kind: 'gauge', name: 'g' });
  gauge.set(gauge.handle('old', ''), 5);
  gauge.remove('old', '');
  expect(renderPrometheus(store)).toBe('');
  expect(gauge.value(gauge.handle('new', ''))).toBe(0);
  gauge.remove('never', '');
  expect(gauge.seriesCount).toBe(1);
});

test('gauges that are read are brought up to date before each exposition', () => {
  const store = new MetricStore();
  const gauge = store.gauge({ kind: 'gauge', name: 'g', help: 'g', labelNames: [] });
  let reading = 1;
  store.onCollect(() => gauge.set(gauge.handle(), reading));
  expect(renderPrometheus(store)).toContain('g 1\n');
  reading = Number.POSITIVE_INFINITY;
  expect(renderPrometheus(store)).toContain('g +Inf\n');
});

test('a large exposition comes in pieces that make up the whole', () => {
  const store = new MetricStore();
  const family = store.counter(counterSpec);
  for (let index = 0; index < 1_200; index += 1) family.handle('a', String(index));
  const chunks = [...prometheusChunks(store)];
  expect(chunks).toHaveLength(3);
  expect(chunks.join('')).toBe(renderPrometheus(store));
});

test.each([
  {
    name: 'a name twice',
    make: (it: MetricStore) => [it.counter(counterSpec), it.counter(counterSpec)],
  },
  {
    name: 'a bad name',
    make: (it: MetricStore) => it.counter({ ...counterSpec, name: 'x-total' }),
  },
  {
    name: 'a bad label',
    make: (it: MetricStore) => it.counter({ ...counterSpec, labelNames: ['le'] }),
  },
  { name: 'another kind', make: (it: MetricStore) => it.gauge(counterSpec) },
  {
    name: 'buckets that do not ascend',
    make: (it: MetricStore) => it.histogram({ ...histogramSpec, buckets: [1, 1] }),
  },
])('stops at $name', ({ make }) => {
  expect(() => make(new MetricStore())).toThrow('assertion failed');
});

test('the table: names, and what every program shows from its start', () => {
  const store = new MetricStore();
  createMeshMetrics(store);
  const text = renderPrometheus(store);
  expect(faultsOf(text)).toEqual([]);
  expect(text).toContain('leno_control_connected 0\n');
  for (const spec of Object.values(metricTable)) {
    expect(spec.name).toMatch(spec.kind === 'counter' ? /^leno_[a-z_]+_total$/ : /^leno_[a-z_]+$/);
  }
  expect(metricTable.requests.labelNames.join()).toBe(
    'dir,peer,route,status,flags,tls,grpc_status',
  );
});

test('requests are counted by how they ended', () => {
  const store = new MetricStore();
  const { requests } = createMeshMetrics(store);
  const prefix = { dir: 'inbound', peer: 'default/web', route: 'r', tls: 'mtls' } as const;
  const cells = new RequestCells(requests, prefix, ['no-route', 'no-endpoint']);
  cells.count(200);
  cells.count(200);
  cells.count(503, 1);
  cells.count(200, -1, 14);
  for (const beyond of [17, 18, 99]) cells.count(200, -1, beyond);
  cells.count(1_000);
  const text = renderPrometheus(store);
  const line = (end: string) =>
    `leno_requests_total{dir="inbound",peer="default/web",route="r",${end}}`;
  expect(text).toContain(`${line('status="200",flags="-",tls="mtls",grpc_status=""')} 2\n`);
  expect(text).toContain(
    `${line('status="503",flags="no-endpoint",tls="mtls",grpc_status=""')} 1\n`,
  );
  expect(text).toContain(`${line('status="200",flags="-",tls="mtls",grpc_status="14"')} 1\n`);
  expect(text).toContain(`${line('status="200",flags="-",tls="mtls",grpc_status="unknown"')} 3\n`);
  expect(text).toContain(`${line('status="0",flags="-",tls="mtls",grpc_status=""')} 1\n`);
});

test('prom-client shows the same series, as they are when it is asked', async () => {
  const store = new MetricStore();
  const counter = store.counter(counterSpec);
  const histogram = store.histogram(histogramSpec);
  const registry = new Registry();
  bridgeToPromClient(store, (metric) => registry.registerMetric(metric as never));
  counter.add(counter.handle('1', 'a"b\n'), 3);
  histogram.observe(histogram.handle('k'), 0.5);
  const ours = parsePrometheus(renderPrometheus(store));
  expect(parsePrometheus(await registry.metrics())).toEqual(ours);
});

test.each(['x{a="1"', 'x{a=1} 2', 'x{a="1",a="2"} 3', 'x y', 'x{a="\\q"} 1', '9x 1', 'x '])(
  'the parser refuses %j',
  (line) => {
    expect(parsePrometheus(line)).toEqual({ ok: false, error: `not a sample: ${line}` });
  },
);
