import { expect, test } from 'vitest';
import { FieldList } from '../fields.ts';
import { openServer, serverBed } from '../testing/h2-bed.ts';
import {
  block,
  continuation,
  dataFrame,
  END,
  frame,
  GET,
  headers,
  POST,
  PREFACE,
  ping,
  reset,
  settings,
  uint32,
  WHOLE,
  windowUpdate,
} from '../testing/h2-wire.ts';
import type { H2Stats } from './h2-options.ts';

const noFields = new FieldList();
const times = (count: number, octets: Buffer) => Array.from({ length: count }, () => octets);
const CALM = /^GOAWAY 0 last \d+ code 11$/;

/** What is within the limit, what is beyond it, and the counter that tells. */
test.each<readonly [string, Buffer[], Buffer, keyof H2Stats]>([
  ['2-03: PING', times(500, ping()), ping(), 'pingFloodCount'],
  ['2-04: SETTINGS', times(49, settings()), settings(), 'settingsFloodCount'],
  [
    '2-05: empty DATA',
    [headers(1, POST, WHOLE), ...times(100, dataFrame(1, ''))],
    dataFrame(1, ''),
    'emptyDataFloodCount',
  ],
  [
    'DATA of padding only',
    [headers(1, POST, WHOLE), ...times(100, frame(0, 8, 1, '\x02..'))],
    frame(0, 8, 1, '\x02..'),
    'emptyDataFloodCount',
  ],
  ['WINDOW_UPDATE', times(1_000, windowUpdate(0, 1)), windowUpdate(0, 1), 'windowUpdateFloodCount'],
  [
    'PRIORITY',
    times(1_000, frame(2, 0, 1, `${uint32(0)}x`)),
    frame(2, 0, 1, `${uint32(0)}x`),
    'idleFrameFloodCount',
  ],
  [
    'frames of unknown types',
    times(1_000, frame(99, 0, 0, 'x')),
    frame(99, 0, 0),
    'idleFrameFloodCount',
  ],
  [
    'RST_STREAM of what is closed',
    [headers(1, GET), ...times(1_001, reset(1, 8))],
    reset(1, 8),
    'idleFrameFloodCount',
  ],
  [
    '2-02b: CONTINUATION',
    [headers(1, GET, END), ...times(16, continuation(1, ''))],
    continuation(1, ''),
    'continuationFloodCount',
  ],
  [
    'octets of a header block',
    [headers(1, GET, END), ...times(3, continuation(1, 'x'.repeat(16_000)))],
    continuation(1, 'x'.repeat(16_000)),
    'continuationFloodCount',
  ],
])('a flood of %s ends the connection', (_, within, beyond, counter) => {
  const bed = openServer();
  bed.send(...within);
  expect(bed.server.isClosed).toBe(false);
  bed.out();
  bed.send(beyond);
  expect(bed.out().at(-1)).toMatch(CALM);
  expect(bed.stats[counter]).toBe(1);
});

test('what is counted per second is forgotten after it, forwards and backwards', () => {
  const bed = openServer();
  for (const nowMs of [0, 1_000, 2_500, 100]) {
    bed.nowMs = nowMs;
    bed.send(...times(500, ping()));
  }
  expect(bed.server.isClosed).toBe(false);
  bed.nowMs = 1_099;
  bed.send(ping());
  expect(bed.stats.pingFloodCount).toBe(1);
});

test('WINDOW_UPDATE that our own DATA gives reason for is no flood', () => {
  const bed = openServer();
  bed.send(headers(1, GET), windowUpdate(0, 1_000_000), windowUpdate(1, 1_000_000));
  const stream = bed.requests[0]?.stream;
  stream?.respond({ status: 200, fields: noFields, contentLength: undefined }, true);
  for (let index = 0; index < 1_000; index += 1) {
    stream?.write(Buffer.from('x'));
    bed.send(...times(4, windowUpdate(1, 1)));
  }
  expect(bed.server.isClosed).toBe(false);
});

/** HEADERS and RST_STREAM at once, so many times, beginning at that stream. */
function resets(count: number, first: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => [
    headers(first + 2 * index, GET),
    reset(first + 2 * index, 8),
  ]).flat();
}

test('2-01, CVE-2023-44487: rapid resets end the connection', () => {
  const bed = openServer();
  bed.send(...resets(499, 1));
  expect(bed.server.isClosed).toBe(false);
  bed.send(...resets(100, 999));
  expect(bed.out().at(-1)).toMatch(CALM);
  expect(bed.requests).toHaveLength(500);
  expect([bed.stats.earlyResetFloodCount, bed.stats.resetReceivedCount]).toEqual([1, 500]);
});

test('resets are no flood if they are late, few, or after the reply', () => {
  const late = openServer();
  for (let index = 0; index < 600; index += 1) {
    late.send(headers(1 + 2 * index, GET));
    late.nowMs += 1_000;
    late.send(reset(1 + 2 * index, 8));
  }
  expect(late.server.isClosed).toBe(false);
  const few = openServer({}, ({ stream }) => {
    if (stream.id % 4 === 1)
      stream.respond({ status: 204, fields: noFields, contentLength: 0 }, false);
    if (stream.id % 4 === 1) stream.end();
  });
  few.send(...resets(2_000, 1));
  expect(few.server.isClosed).toBe(false);
  expect(few.requests).toHaveLength(2_000);
});

test('CVE-2025-8671: streams that we are made to reset count likewise', () => {
  const bed = openServer();
  for (let index = 0; index < 600; index += 1) {
    bed.send(headers(1 + 2 * index, POST, WHOLE), windowUpdate(1 + 2 * index, 0));
  }
  expect(bed.out().at(-1)).toMatch(CALM);
  expect(bed.requests).toHaveLength(500);
  const malformed = openServer();
  for (let index = 0; index < 600; index += 1) malformed.send(headers(1 + 2 * index, [['x', 'y']]));
  expect(malformed.stats).toMatchObject({ earlyResetFloodCount: 1, malformedCount: 500 });
});

test('2-21: streams beyond streamCountMax are refused, and counted', () => {
  const bed = openServer({ streamCountMax: 3, refusedStreamRateMax: 5 });
  for (let index = 0; index < 5; index += 1) bed.send(headers(1 + 2 * index, POST, WHOLE));
  expect(bed.out()).toEqual(['RST_STREAM 7 7', 'RST_STREAM 9 7']);
  expect([bed.requests.length, bed.server.streamCount]).toEqual([3, 3]);
  expect(bed.stats.refusedStreamCount).toBe(2);
  bed.requests[0]?.stream.reset(8, 'enough');
  bed.send(headers(11, POST, WHOLE));
  expect(bed.requests).toHaveLength(4);
  bed.send(...[13, 15, 17, 19].map((id) => headers(id, POST, WHOLE)));
  expect(bed.out().at(-1)).toMatch(CALM);
  expect(bed.stats.refusedStreamFloodCount).toBe(1);
});

test('2-28: a body in many small frames is taken', () => {
  const bed = openServer();
  bed.send(headers(1, POST, WHOLE), ...times(20_000, dataFrame(1, 'a')), dataFrame(1, '', END));
  expect(bed.requests[0]?.body.text).toHaveLength(20_000);
  expect(bed.requests[0]?.body.endings).toEqual(['end']);
});

test('2-28b: a reply for which no room is made is given up', () => {
  const bed = openServer({ stallTimeoutMs: 10_000 });
  bed.send(settings([4, 0]), headers(1, GET));
  const stream = bed.requests[0]?.stream;
  stream?.respond({ status: 200, fields: noFields, contentLength: undefined }, true);
  expect(stream?.write(Buffer.from('x'))).toBe(false);
  bed.out();
  for (const nowMs of [1_000, 6_000, 10_999]) bed.server.sweep(nowMs);
  expect(bed.out()).toEqual([]);
  bed.server.sweep(11_000);
  expect(bed.out()).toEqual(['RST_STREAM 1 8']);
  expect(bed.stats.stallTimeoutCount).toBe(1);
  expect(bed.requests[0]?.log).toEqual(['broken by self 8']);
});

test('a request whose body does not go on is given up, but not while something moves', () => {
  const bed = openServer({ streamIdleTimeoutMs: 1_000 });
  bed.send(headers(1, POST, WHOLE), headers(3, GET));
  for (let nowMs = 0; nowMs < 5_000; nowMs += 500) {
    bed.send(dataFrame(1, 'x'));
    bed.server.sweep(nowMs);
  }
  expect(bed.stats.streamIdleTimeoutCount).toBe(0);
  bed.server.sweep(5_500);
  bed.server.sweep(6_500);
  expect(bed.stats.streamIdleTimeoutCount).toBe(1);
  expect(bed.server.streamCount).toBe(1); // The request that is whole waits for us, not we for it.
});

test.each<readonly [string, Buffer[]]>([
  ['the preface', [PREFACE.subarray(0, 10)]],
  ['SETTINGS', [PREFACE]],
  ['the end of a header block', [PREFACE, settings(), headers(1, GET, END)]],
])('a client that keeps us waiting for %s is sent away', (_, octets) => {
  const bed = serverBed({ settingsTimeoutMs: 60_000 });
  bed.send(...octets);
  bed.server.sweep(9_999);
  expect(bed.server.isClosed).toBe(false);
  bed.server.sweep(10_000);
  expect(bed.out().at(-1)).toMatch(CALM);
  expect(bed.stats.headTimeoutCount).toBe(1);
});

test('RFC 9113 §6.5.3: settings that are not acknowledged end the connection', () => {
  const bed = serverBed();
  bed.send(PREFACE, settings());
  bed.server.sweep(9_999);
  expect(bed.server.isClosed).toBe(false);
  bed.server.sweep(10_000);
  expect(bed.out().at(-1)).toBe('GOAWAY 0 last 0 code 4');
  expect(bed.stats.settingsTimeoutCount).toBe(1);
});

test('trailers are bounded as heads are', () => {
  const bed = openServer({ trailerCountMax: 2 });
  const trailers = (count: number) =>
    frame(1, 5, 1, block(Array.from({ length: count }, () => ['x-a', 'b'] as const)));
  bed.send(headers(1, POST, WHOLE), trailers(3));
  expect(bed.out()).toEqual(['RST_STREAM 1 1']);
  expect(bed.stats.headTooLargeCount).toBe(1);
});

test('announces the limits that are not those of the protocol', () => {
  const bed = serverBed({
    ...{ headerTableByteCountMax: 0, frameByteCountMax: 20_000, streamWindowByteCount: 100_000 },
    ...{ streamCountMax: 7, headByteCountMax: 5_000, takesProtocols: false },
    connectionWindowByteCount: 65_535,
  });
  bed.server.flush();
  const { octets } = bed.port;
  const length = octets.readUIntBE(0, 3);
  const announced: [number, number][] = [];
  for (let at = 9; at < 9 + length; at += 6) {
    announced.push([octets.readUInt16BE(at), octets.readUInt32BE(at + 2)]);
  }
  expect(announced).toEqual([
    [1, 0],
    [3, 7],
    [4, 100_000],
    [5, 20_000],
    [6, 5_000],
  ]);
  expect(octets).toHaveLength(9 + length); // No WINDOW_UPDATE: the window is that of the protocol.
  bed.send(PREFACE, settings(), headers(1, POST, WHOLE), dataFrame(1, 'x'.repeat(20_000)));
  expect(bed.requests[0]?.body.text).toHaveLength(20_000);
});
