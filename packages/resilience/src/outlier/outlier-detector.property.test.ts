import { seededRng } from '@leno/std';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EjectionCap } from '../breaker/ejection-cap.ts';
import { OutlierDetector } from './outlier-detector.ts';
import type { OutlierOptions } from './outlier-options.ts';
import type { OutlierEndpoint, OutlierEvent, OutlierOutcome } from './outlier-report.ts';

const options: OutlierOptions = {
  consecutiveErrors: 4,
  consecutiveGatewayErrors: 3,
  consecutiveLocalFailures: 3,
  splitLocalOrigin: true,
  intervalMs: 1_000,
  ejectionMs: 700,
  ejectionMaxMs: 3_000,
  ejectionJitterMs: 300,
  successRateEndpointCountMin: 2,
  successRateRequestCountMin: 3,
  successRateDeviations: 0.7,
  failureRatioEndpointCountMin: 1,
  failureRatioRequestCountMin: 3,
  enforceRatios: { 'consecutive-gateway-errors': 0.5, 'failure-ratio': 0.5 },
};

type Step =
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'record'; readonly which: number; readonly outcome: OutlierOutcome }
  | { readonly kind: 'add' | 'tick' }
  | { readonly kind: 'remove' | 'health'; readonly which: number };

const outcome = fc.constantFrom<OutlierOutcome[]>(
  'success',
  'error',
  'error',
  'gateway-error',
  'local-success',
  'local-failure',
);
const which = fc.nat(5);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ kind: fc.constant('record' as const), which, outcome }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      ms: fc.oneof(fc.nat(400), fc.constantFrom(-200, 5_000)),
    }),
  },
  { weight: 1, arbitrary: fc.constantFrom<Step>({ kind: 'add' }, { kind: 'tick' }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('remove' as const, 'health' as const), which }),
  },
);
const steps = fc.array(step, { maxLength: 250, size: 'max' });

interface Run {
  readonly events: OutlierEvent[];
  readonly detector: OutlierDetector;
  readonly cap: EjectionCap;
  endpoints: OutlierEndpoint[];
  nowMs: number;
}

/** Runs the steps on five endpoints; `look` comes before each. */
function run(script: readonly Step[], look: (it: Run) => void): Run {
  const cap = new EjectionCap({ ratioMax: 0.5, failFast: false });
  const detector = new OutlierDetector(options, { rng: seededRng(1), cap });
  const it: Run = { events: [], detector, cap, endpoints: [], nowMs: 0 };
  detector.onEvent = (event) => it.events.push(event);
  const add = (): void => {
    it.endpoints.push(detector.add(`e${it.endpoints.length}`));
    cap.setEndpointCount(it.endpoints.length);
  };
  for (let index = 0; index < 5; index += 1) add();
  detector.tick(0);
  for (const at of script) {
    look(it);
    const endpoint = 'which' in at ? it.endpoints[at.which % it.endpoints.length] : undefined;
    if (at.kind === 'wait') it.nowMs += at.ms;
    if (at.kind === 'add' && it.endpoints.length < 8) add();
    if (at.kind === 'tick') detector.tick(it.nowMs);
    if (endpoint === undefined) continue;
    if (at.kind === 'record') detector.record(endpoint, at.outcome, it.nowMs);
    if (at.kind === 'health') detector.healthCheckPassed(endpoint, it.nowMs);
    if (at.kind === 'remove' && it.endpoints.length > 1) {
      it.endpoints = it.endpoints.filter((other) => other !== endpoint);
      cap.setEndpointCount(it.endpoints.length);
      detector.remove(endpoint, it.nowMs);
    }
  }
  return it;
}

test('property: the cap holds, its count is that of who is out, and all come back', () => {
  fc.assert(
    fc.property(steps, (script) => {
      const last = run(script, ({ detector, cap, endpoints, nowMs }) => {
        const outCount = endpoints.filter((it) => detector.isEjected(it, nowMs)).length;
        expect(outCount).toBeLessThanOrEqual(cap.ejectedCount);
        expect(cap.ejectedCount).toBe(detector.ejectedCount);
        expect(cap.isExceeded).toBe(false);
      });
      last.detector.tick(1e9);
      expect([last.cap.ejectedCount, last.detector.ejectedCount]).toEqual([0, 0]);
      const countOf = (kind: string): number =>
        last.events.filter((event) => event.kind === kind).length;
      expect(countOf('ejected')).toBe(countOf('restored'));
      const { enforcedCounts, detectedCounts } = last.detector.explain(1e9);
      const sum = (counts: object): number =>
        Object.values(counts).reduce<number>((total, it: number) => total + it, 0);
      expect(sum(enforcedCounts)).toBe(countOf('ejected'));
      expect(sum(detectedCounts)).toBe(countOf('ejected') + countOf('spared'));
    }),
    { numRuns: 300 },
  );
});

test('property: looking changes nothing, not even at times to come', () => {
  fc.assert(
    fc.property(steps, fc.nat(9_000), (script, aheadMs) => {
      const watched = run(script, ({ detector, endpoints, nowMs }) => {
        detector.explain(nowMs + aheadMs);
        for (const it of endpoints) detector.isEjected(it, nowMs + aheadMs);
      });
      const alone = run(script, () => undefined);
      expect(watched.events).toEqual(alone.events);
      expect(watched.detector.explain(1e9)).toEqual(alone.detector.explain(1e9));
    }),
  );
});

test('property: it does not matter how often it is ticked', () => {
  // Neither removals nor health checks nor time that runs backwards, which happen when they happen.
  const recorded = steps.map((script) =>
    script.filter((it) => it.kind === 'record' || (it.kind === 'wait' && it.ms > 0)),
  );
  const inOrder = (events: readonly OutlierEvent[]): string[] =>
    events.map((it) => `${it.atMs} ${it.endpoint.name} ${it.kind} ${it.because}`).toSorted();
  fc.assert(
    fc.property(recorded, (script) => {
      let tickedMs = 0;
      const often = run(script, ({ detector, nowMs }) => {
        for (; tickedMs < nowMs; tickedMs += 37) detector.tick(tickedMs);
      });
      const seldom = run(script, () => undefined);
      for (; tickedMs < 60_000; tickedMs += 37) often.detector.tick(tickedMs);
      often.detector.tick(1e6);
      seldom.detector.tick(1e6);
      expect(inOrder(often.events)).toEqual(inOrder(seldom.events));
    }),
    { numRuns: 200 },
  );
});
