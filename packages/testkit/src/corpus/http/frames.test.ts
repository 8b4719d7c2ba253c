import { expect, test } from 'vitest';
import { encodeFrame, type Frame, FrameReader, typeName } from './frames.ts';
import { H2Observer } from './h2-observer.ts';
import type { FrameAction, FramesExpectation } from './http2-frames-format.ts';
import { type FramesObservation, judgeFrames } from './judge-frames.ts';
import { StatusReader } from './status-reader.ts';

const frame = (more: Partial<FrameAction>): FrameAction => ({
  do: 'frame',
  type: 'PING',
  stream: 0,
  ...more,
});

test.each<[string, Partial<FrameAction>, string]>([
  ['names and payload', { payload: '0102', flags: ['ACK'] }, '0000020601000000000102'],
  ['numbers', { type: 77, flags: 255, stream: 3 }, '0000004dff00000003'],
  ['the stream of the round', { type: 'DATA', stream: 'loop' }, '000000000000000007'],
  ['another length', { length: 5, payload: '00' }, '00000506000000000000'],
  ['parts', { payload: ['01', { hex: '0203', times: 2 }] }, '0000050600000000000102030203'],
  [
    'fields',
    {
      type: 'HEADERS',
      headers: [
        ['a', 'bc'],
        ['d', '', 2],
      ],
      payload: 'ff',
    },
    '00000f0100000000000001610262630001640000016400ff',
  ],
])('encodes %s', (_, more, hex) => {
  expect(encodeFrame(frame(more), 7).toString('hex')).toBe(hex);
});

test('a string of 127 octets and more has its length in several octets (RFC 7541 §5.1)', () => {
  const octets = encodeFrame(frame({ headers: [['a', 'x'.repeat(1_337)]] }), 0);
  expect(octets.subarray(12, 15).toString('hex')).toBe('7fba09');
});

test('reads frames, however they are cut', () => {
  const sent = Buffer.concat([
    encodeFrame(frame({ payload: '01' }), 0),
    encodeFrame(frame({ type: 'GOAWAY', payload: '00000000' }), 0),
  ]);
  for (let at = 0; at <= sent.length; at += 1) {
    const got: Frame[] = [];
    const reader = new FrameReader((it) => got.push(it));
    reader.take(sent.subarray(0, at));
    reader.take(sent.subarray(at));
    expect(got.map(typeName)).toEqual(['PING', 'GOAWAY']);
  }
});

test.each<[string, string, number | undefined]>([
  ['an entry of the static table', '88', 200],
  ['digits as they are', '0803343331', 431],
  ['digits coded (RFC 7541 C.6.1)', '48826402', 302],
  ['after a new size of the table', '3fe11f8d', 404],
  ['a name of its own', '00073a73746174757303343033', 403],
  ['trailers', '0001610162', undefined],
])('reads the status: %s', (_, hex, status) => {
  expect(new StatusReader().read(Buffer.from(hex, 'hex'))).toBe(status);
});

test('reads a status from the dynamic table, wherever it has got to', () => {
  const reader = new StatusReader();
  expect(reader.read(Buffer.from('4803343033', 'hex'))).toBe(403);
  expect(reader.read(Buffer.from('be', 'hex'))).toBe(403);
  expect(reader.read(Buffer.from('4001610162bf', 'hex'))).toBe(403);
});

test('observes what a proxy says', () => {
  const h2 = new H2Observer();
  const say = (more: Partial<FrameAction>): void => h2.take(encodeFrame(frame(more), 0));
  say({ type: 'HEADERS', stream: 1, payload: '0803' });
  say({ type: 'CONTINUATION', flags: ['END_HEADERS'], stream: 1, payload: '343331' });
  say({
    type: 'HEADERS',
    flags: ['END_HEADERS', 'PADDED'],
    stream: 3,
    payload: '018800',
  });
  say({ type: 'RST_STREAM', stream: 5, payload: '00000007' });
  say({ type: 'GOAWAY', payload: '0000000000000001' });
  expect([...h2.statuses]).toEqual([
    [1, 431],
    [3, 200],
  ]);
  expect([...h2.resets]).toEqual([[5, 7]]);
  expect(h2.goaways).toEqual([1]);
  expect([h2.has('HEADERS', 3), h2.has('HEADERS', 5), h2.has('PING', undefined)]).toEqual([
    true,
    false,
    false,
  ]);
});

interface Told {
  readonly status?: number;
  readonly reset?: number;
  readonly goaway?: number;
  readonly isClosed?: boolean;
  readonly completeCount?: number;
  readonly concurrentPeak?: number;
  readonly opened?: readonly number[];
}

function observation(told: Told): FramesObservation {
  const request = {
    upstream: 'svc',
    method: 'GET',
    target: '/p',
    fields: [],
    trailers: [],
    body: Buffer.alloc(0),
  } as const;
  return {
    h2: {
      statuses: new Map(told.status === undefined ? [] : [[1, told.status]]),
      resets: new Map(told.reset === undefined ? [] : [[1, told.reset]]),
      goaways: told.goaway === undefined ? [] : [told.goaway],
    },
    isClosed: told.isClosed ?? false,
    recorded: Array.from({ length: told.completeCount ?? 0 }, () => request),
    concurrentPeak: told.concurrentPeak ?? 0,
    opened: told.opened ?? [1],
  };
}

const forwarded = [{ method: 'GET', target: '/p' }];

test.each<[string, Told, FramesExpectation, RegExp | undefined]>([
  ['answered', { status: 200, completeCount: 1 }, { verdict: 'ACCEPT', forwarded }, undefined],
  ['answered but not seen', { status: 200 }, { verdict: 'ACCEPT', forwarded }, /0 requests/],
  ['seen but not answered', { completeCount: 1 }, { verdict: 'ACCEPT', forwarded }, /not answered/],
  ['reset', { reset: 1 }, { verdict: 'STREAM_REJECT' }, undefined],
  ['reset without an error', { reset: 0 }, { verdict: 'STREAM_REJECT' }, /NO_ERROR/],
  [
    'reset with another code',
    { reset: 7 },
    { verdict: 'STREAM_REJECT', codes: [1] },
    /code 7, not 1/,
  ],
  ['refused by status', { status: 400 }, { verdict: 'STREAM_REJECT', status: [400] }, undefined],
  [
    'answered, the rest unwanted',
    { status: 413, reset: 0 },
    { verdict: 'STREAM_REJECT', status: [413] },
    undefined,
  ],
  ['another status', { status: 200 }, { verdict: 'STREAM_REJECT', status: [400] }, /answered 200/],
  ['given up for a stream', { goaway: 1 }, { verdict: 'STREAM_REJECT' }, undefined],
  ['given up', { goaway: 11 }, { verdict: 'CONNECTION_REJECT', codes: [11] }, undefined],
  ['a plain close', { isClosed: true }, { verdict: 'CONNECTION_REJECT', closed: true }, undefined],
  ['a polite end', { goaway: 0, isClosed: true }, { verdict: 'CONNECTION_REJECT' }, /NO_ERROR/],
  ['not closed', { goaway: 1 }, { verdict: 'CONNECTION_REJECT', closed: true }, /stays open/],
  ['going on', {}, { verdict: 'CONNECTION_REJECT' }, /goes on/],
  [
    'too many complete',
    { goaway: 1, completeCount: 2 },
    { verdict: 'CONNECTION_REJECT', completeMax: 1 },
    /2 complete/,
  ],
  [
    'within the limit',
    { concurrentPeak: 2, opened: [1, 3, 5], reset: 7 },
    { verdict: 'LIMIT', concurrentMax: 2 },
    undefined,
  ],
  [
    'beyond the limit',
    { concurrentPeak: 3 },
    { verdict: 'LIMIT', concurrentMax: 2 },
    /3 open upstream/,
  ],
  [
    'neither refused nor done',
    { opened: [1, 3, 5, 7], reset: 7 },
    { verdict: 'LIMIT', concurrentMax: 2 },
    /3 streams/,
  ],
  ['either, refused', { status: 413 }, { verdict: 'EITHER', status: [413], forwarded }, undefined],
  ['neither', { status: 500 }, { verdict: 'EITHER', status: [413], forwarded }, /neither refused/],
])('judges: %s', (_, told, expected, problem) => {
  const found = judgeFrames(observation(told), expected, { client: '', proxyFields: [] });
  if (problem === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(problem);
});
