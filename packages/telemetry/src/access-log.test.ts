import type { Timers } from '@leno/std';
import { expect, test } from 'vitest';
import { type AccessEntry, AccessLog, type AccessLogOptions } from './access-log.ts';

const success: AccessEntry = {
  startedAtWallMs: 0,
  durationMs: 1.25,
  dir: 'outbound',
  method: 'GET',
  authority: 'catalog',
  path: '/products?token=secret',
  status: 200,
  outcome: 'success',
  reason: '-',
  peer: 'default/catalog',
  route: 'r',
  endpoint: 'catalog-v1',
  attemptCount: 1,
  requestBytes: 0,
  responseBytes: 512,
  tls: 'mtls',
  requestId: 'load.1',
  traceId: '',
};
const failure: AccessEntry = { ...success, outcome: 'failure', status: 503, reason: 'no-endpoint' };

/** A log into an array; `drain` says that the sink is ready again, `tick` fires the timers. */
function open(options: Partial<AccessLogOptions> = {}) {
  const batches: string[] = [];
  const waiting: (() => void)[] = [];
  const due: (() => void)[] = [];
  const timers: Timers = {
    after: (_, fire) => {
      due.push(fire);
      return { cancel: () => void due.splice(due.indexOf(fire), 1) };
    },
  };
  const sink = {
    write: (batch: string, done: () => void) => {
      batches.push(batch);
      waiting.push(done);
    },
  };
  return {
    log: new AccessLog({ sink, timers, ...options }),
    batches,
    drain: () => waiting.shift()?.(),
    tick: () => due.shift()?.(),
    lines: () =>
      batches
        .join('')
        .split('\n')
        .filter((it) => it !== '')
        .map(parseLine),
  };
}

function parseLine(line: string): Record<string, unknown> {
  return JSON.parse(line) as Record<string, unknown>;
}

test('a line is JSON, without the query', () => {
  const { log, lines } = open();
  log.record({ ...failure, method: 'G"T', authority: 'a\nb' });
  log.flush();
  expect(lines()).toEqual([
    {
      time: '1970-01-01T00:00:00.000Z',
      'leno.dir': 'outbound',
      'http.request.method': 'G"T',
      'server.address': 'a\nb',
      'url.path': '/products',
      'http.response.status_code': 503,
      'leno.outcome': 'failure',
      'leno.reason': 'no-endpoint',
      'leno.duration_ms': 1.25,
      'leno.peer': 'default/catalog',
      'leno.route': 'r',
      'leno.endpoint': 'catalog-v1',
      'leno.attempts': 1,
      'http.request.body.size': 0,
      'http.response.body.size': 512,
      'leno.tls': 'mtls',
      'leno.request_id': 'load.1',
      trace_id: '',
      'leno.sample_rate': 1,
    },
  ]);
});

test('failures and slow requests always, successes one in N, with the rate in the line', () => {
  const { log, lines } = open({ successEvery: 10, slowMs: 500 });
  for (let count = 0; count < 25; count += 1) log.record(success);
  log.record(failure);
  log.record({ ...success, durationMs: 500 });
  log.flush();
  expect(lines().map((it) => it['leno.sample_rate'])).toEqual([10, 10, 1, 1]);
});

test('no success at a rate of 0, and rates change at once', () => {
  const { log, lines, drain } = open({ successEvery: 0, slowMs: 0 });
  log.record({ ...success, durationMs: 1e6 });
  log.configure({ successEvery: 1, slowMs: 0 });
  log.record(success);
  log.flush();
  drain();
  expect(lines()).toHaveLength(1);
});

test('lines wait for a full batch or for their time', () => {
  const { log, batches, drain, tick } = open({ batchChars: 1_000 });
  log.record(failure);
  expect(batches).toHaveLength(0);
  tick();
  expect(batches).toHaveLength(1);
  drain();
  for (let count = 0; count < 3; count += 1) log.record(failure);
  expect(batches).toHaveLength(2);
});

test('while the sink is busy lines wait, up to the bound, and then are dropped and counted', () => {
  const { log, lines, drain } = open({ batchChars: 1, bufferCharsMax: 2_000 });
  for (let count = 0; count < 10; count += 1) log.record(failure);
  expect(log.droppedCount).toBeGreaterThan(0);
  drain();
  drain();
  expect(lines().length + log.droppedCount).toBe(10);
});

test.each([
  { grpcStatus: 0, said: '0' },
  { grpcStatus: 16, said: '16' },
  { grpcStatus: 17, said: 'unknown' },
  { grpcStatus: -1, said: undefined },
])('gRPC status $grpcStatus is logged as $said', ({ grpcStatus, said }) => {
  const { log, lines } = open();
  log.record({ ...failure, grpcStatus });
  log.flush();
  expect(lines()[0]?.['rpc.grpc.status_code']).toBe(said);
});
