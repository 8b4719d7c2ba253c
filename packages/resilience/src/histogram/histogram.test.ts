import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BUCKET_COUNT, bucketOf, durationOf, LatencyHistogram } from './latency-histogram.ts';
import { RollingQuantile } from './rolling-quantile.ts';

const tookMs = fc.oneof(
  fc.double({ min: 0.01, max: 3_600_000, noNaN: true }),
  fc.double({ min: 1, max: 100, noNaN: true }),
);

/** The smallest that at least the share `ratio` does not exceed, from the list itself. */
function quantileOf(list: readonly number[], ratio: number): number {
  const sorted = list.toSorted((a, b) => a - b);
  return sorted[Math.max(1, Math.ceil(list.length * ratio - 1e-9)) - 1] ?? Number.NaN;
}

function expectWithin(actual: number, truth: number): void {
  expect(Math.abs(actual - truth)).toBeLessThanOrEqual(truth * 0.05 + 1e-9);
}

test('property: a bucket speaks for its durations within 5 %', () => {
  fc.assert(
    fc.property(tookMs, (it) => {
      expectWithin(durationOf(bucketOf(it)), it);
    }),
  );
});

test.each([
  { tookMs: 0, bucket: 0 },
  { tookMs: -1, bucket: 0 },
  { tookMs: Number.NaN, bucket: 0 },
  { tookMs: 0.01, bucket: 0 },
  { tookMs: 3_600_000, bucket: BUCKET_COUNT - 1 },
  { tookMs: 1e12, bucket: BUCKET_COUNT - 1 },
  { tookMs: Infinity, bucket: BUCKET_COUNT - 1 },
])('$tookMs ms is in bucket $bucket', ({ tookMs: it, bucket }) => {
  expect(bucketOf(it)).toBe(bucket);
});

test('property: quantiles of a histogram are within 5 %', () => {
  const ratio = fc.double({ min: 0.01, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(tookMs, { minLength: 1, maxLength: 200 }), ratio, (list, share) => {
      const histogram = new LatencyHistogram();
      for (const it of list) histogram.record(it);
      expect(histogram.count).toBe(list.length);
      expectWithin(histogram.quantileMs(share), quantileOf(list, share));
      histogram.reset();
      expect([histogram.count, histogram.quantileMs(share)]).toEqual([0, Number.NaN]);
    }),
  );
});

test('property: a rolling quantile is that of the list of what is recent', () => {
  const sample = fc.record({ tookMs, waitMs: fc.oneof(fc.nat(300), fc.constantFrom(-50, 1_500)) });
  const samples = fc.array(sample, { maxLength: 150, size: 'max' });
  fc.assert(
    fc.property(
      samples,
      fc.constantFrom(0.5, 0.9, 0.95, 0.1),
      fc.nat(1_300),
      (all, share, ahead) => {
        const rolling = new RollingQuantile(share, 600);
        const log: { slot: number; tookMs: number }[] = [];
        let nowMs = 0;
        let originMs: number | undefined;
        let latest = 0;
        const recentAt = (atMs: number): number[] => {
          const slot = Math.max(latest, Math.floor((atMs - (originMs ?? atMs)) / 100));
          return log.filter((it) => it.slot > slot - 6).map((it) => it.tookMs);
        };
        for (const it of all) {
          nowMs += it.waitMs;
          originMs ??= nowMs;
          latest = Math.max(latest, Math.floor((nowMs - originMs) / 100));
          log.push({ slot: latest, tookMs: it.tookMs });
          rolling.record(it.tookMs, nowMs);
          for (const atMs of [nowMs + ahead, nowMs]) {
            const recent = recentAt(atMs);
            expect(rolling.countAt(atMs)).toBe(recent.length);
            if (recent.length > 0)
              expectWithin(rolling.quantileMsAt(atMs), quantileOf(recent, share));
            else expect(rolling.quantileMsAt(atMs)).toBeNaN();
          }
        }
        rolling.reset();
        expect([rolling.countAt(nowMs), rolling.quantileMsAt(nowMs)]).toEqual([0, Number.NaN]);
      },
    ),
    { numRuns: 200 },
  );
});

test('a time that is none adds nothing, and asked at one it is the present', () => {
  const rolling = new RollingQuantile(0.5, 600);
  for (const badMs of [Number.NaN, Infinity, -Infinity]) rolling.record(1, badMs);
  expect(rolling.countAt(0)).toBe(0);
  rolling.record(100, 0);
  expect([rolling.countAt(Number.NaN), rolling.countAt(Infinity)]).toEqual([1, 0]);
  expectWithin(rolling.quantileMsAt(Number.NaN), 100);
  rolling.record(200, 599);
  expect(rolling.countAt(600)).toBe(1);
});

test('what was found while no sample came does not outlive the next, nor a reset', () => {
  const rolling = new RollingQuantile(0.5, 600);
  rolling.record(1_000, 0);
  for (const nowMs of [110, 120]) rolling.record(10, nowMs);
  const at = (nowMs: number): number => Math.round(rolling.quantileMsAt(nowMs) / 10) * 10;
  expect([at(550), at(650), at(551), at(650)]).toEqual([10, 10, 10, 10]);
  for (let sample = 0; sample < 5; sample += 1) rolling.record(100, 190);
  expect([at(550), at(650)]).toEqual([100, 100]);
  rolling.reset();
  expect(rolling.quantileMsAt(650)).toBeNaN();
  rolling.record(100, 1_000);
  expect([rolling.countAt(1_599), rolling.countAt(1_600)]).toEqual([1, 0]);
});
