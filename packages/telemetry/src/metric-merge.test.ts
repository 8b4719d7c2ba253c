import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MetricMerge } from './metric-merge.ts';
import { MetricStore } from './metric-store.ts';
import { renderPrometheus } from './prometheus-text.ts';

const specs = {
  counter: { kind: 'counter', name: 'x_total', help: 'x', labelNames: ['a'] },
  sum: { kind: 'gauge', name: 'open', help: 'o', labelNames: [] },
  max: { kind: 'gauge', name: 'state', help: 's', labelNames: ['a'], merge: 'max' },
  min: { kind: 'gauge', name: 'left', help: 'l', labelNames: ['a'], merge: 'min' },
  histogram: { kind: 'histogram', name: 'y', help: 'y', labelNames: ['a'], buckets: [1, 2] },
} as const;

/** A store of all families, and a way to fill it. */
function store(seriesCountMax?: number) {
  const own = new MetricStore(seriesCountMax === undefined ? {} : { seriesCountMax });
  const counter = own.counter(specs.counter);
  const sum = own.gauge(specs.sum);
  const max = own.gauge(specs.max);
  const min = own.gauge(specs.min);
  const histogram = own.histogram(specs.histogram);
  return {
    own,
    count: (label: string, amount = 1) => counter.add(counter.handle(label), amount),
    forget: (label: string) => counter.remove(label),
    gauges: (value: number) => {
      sum.set(sum.handle(), value);
      max.set(max.handle('k'), value);
      min.set(min.handle('k'), value);
    },
    observe: (label: string, value: number) => histogram.observe(histogram.handle(label), value),
  };
}

test('counters and histograms add up, gauges as they say', () => {
  const [one, two] = [store(), store()];
  one.count('a', 2);
  two.count('a', 3);
  two.count('b', 1);
  one.gauges(4);
  two.gauges(7);
  one.observe('k', 0.5);
  two.observe('k', 1.5);
  two.observe('k', 9);
  const merge = new MetricMerge(one.own.specs);
  for (const { own } of [one, two]) merge.add(own.snapshot());
  const lines = merge
    .render()
    .split('\n')
    .filter((line) => !line.startsWith('#'));
  expect(lines).toEqual([
    'x_total{a="a"} 5',
    'x_total{a="b"} 1',
    'open 11',
    'state{a="k"} 7',
    'left{a="k"} 4',
    'y_bucket{a="k",le="1"} 1',
    'y_bucket{a="k",le="2"} 2',
    'y_bucket{a="k",le="+Inf"} 3',
    'y_sum{a="k"} 11',
    'y_count{a="k"} 3',
    '',
  ]);
});

test('property: the merge of one store is its exposition', () => {
  const step = fc.record({
    label: fc.constantFrom('a', 'b', 'quo"te', '', 'line\n'),
    value: fc.integer({ min: 0, max: 100 }),
    gone: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
      const one = store(3);
      for (const { label, value, gone } of steps) {
        one.count(label, value);
        one.observe(label, value);
        if (gone) one.forget(label);
      }
      const merge = new MetricMerge(one.own.specs);
      merge.add(one.own.snapshot());
      expect(merge.render()).toBe(renderPrometheus(one.own));
    }),
  );
});

test('what has ended leaves its counts behind and no gauge, and can be added again', () => {
  const one = store();
  one.count('a', 2);
  one.gauges(4);
  one.observe('k', 0.5);
  const ended = new MetricMerge(one.own.specs);
  ended.addEnded(one.own.snapshot());
  const merge = new MetricMerge(one.own.specs);
  const left = ended.snapshot();
  for (let times = 0; times < 2; times += 1) merge.add(left);
  expect(left).toEqual(ended.snapshot());
  const text = merge.render();
  expect(text).toContain('x_total{a="a"} 4\n');
  expect(text).toContain('y_count{a="k"} 2\n');
  expect(text).not.toContain('open');
});

test('past the bound all new series share one, and it is counted', () => {
  const [one, two] = [store(), store()];
  for (const label of ['a', 'b']) one.count(label);
  for (const label of ['a', 'c', 'd']) two.count(label);
  const merge = new MetricMerge(one.own.specs, { seriesCountMax: 2 });
  for (const { own } of [one, two]) merge.add(own.snapshot());
  expect(merge.overflowCount).toBe(2);
  expect(merge.render()).toContain(
    'x_total{a="a"} 2\nx_total{a="b"} 1\nx_total{overflow="true"} 2\n',
  );
});
