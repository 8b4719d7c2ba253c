import { expect, test } from 'vitest';
import type { DecisionRecord } from './decision-record.ts';
import { FlightRecorder } from './flight-recorder.ts';

const blank: DecisionRecord = {
  requestId: '',
  traceId: undefined,
  startedAtWallMs: 0,
  durationMs: 1,
  dir: 'outbound',
  method: 'GET',
  authority: 'catalog',
  path: '/',
  peer: 'default/catalog',
  identity: undefined,
  route: undefined,
  revision: { epoch: 1, version: 1 },
  endpoints: [],
  attempts: [],
  notRetriedBecause: undefined,
  status: 200,
  reason: undefined,
  outcome: 'success',
};

/** Plays `.` success and `x` failure, one a second, with ids 0, 1, 2 … */
function play(outcomes: string, recorder: FlightRecorder): FlightRecorder {
  for (const [index, outcome] of outcomes.split('').entries()) {
    const kind = outcome === 'x' ? 'failure' : 'success';
    recorder.record({ ...blank, requestId: String(index), outcome: kind }, index * 1_000);
  }
  return recorder;
}

function idsAt(recorder: FlightRecorder, nowMs: number): string {
  return [...recorder.records(nowMs)].map((it) => it.requestId).join(' ');
}

test('keeps the most recent, and failures beyond them, the newest first and each once', () => {
  const recorder = play('x.x...', new FlightRecorder({ recentCountMax: 4 }));
  expect(idsAt(recorder, 6_000)).toBe('5 4 3 2 0');
});

test('a failure is kept for its time, to the millisecond', () => {
  const recorder = play('x...', new FlightRecorder({ recentCountMax: 1, failureAgeMaxMs: 60_000 }));
  expect(idsAt(recorder, 60_000)).toBe('3 0');
  expect(idsAt(recorder, 60_001)).toBe('3');
});

test('failures that leave before their time are counted', () => {
  const options = { recentCountMax: 1, failureCountMax: 2, failureAgeMaxMs: 2_500 };
  const recorder = play('xxxxx', new FlightRecorder(options));
  expect(recorder.evictedFailureCount).toBe(3);
  expect(play('x...xx', new FlightRecorder(options)).evictedFailureCount).toBe(0);
});

test('finds by request id or trace id, the newest of several', () => {
  const recorder = new FlightRecorder();
  recorder.record({ ...blank, requestId: 'a', traceId: 't', status: 200 }, 0);
  recorder.record({ ...blank, requestId: 'b', traceId: 't', status: 500 }, 1);
  expect(recorder.find('a', 1)?.status).toBe(200);
  expect(recorder.find('t', 1)?.status).toBe(500);
  expect(recorder.find('nobody', 1)).toBeUndefined();
});
