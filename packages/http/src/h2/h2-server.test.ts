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
  goAway,
  headers,
  type Pairs,
  POST,
  PREFACE,
  ping,
  reset,
  settings,
  settingsAck,
  uint32,
  WHOLE,
  windowUpdate,
} from '../testing/h2-wire.ts';
import * as errors from './error-code.ts';
import * as frames from './frame.ts';
import type { H2Stream } from './h2-stream.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const noFields = new FieldList();
const with_ = (...pairs: Pairs) => [...GET, ...pairs];
const PADDED = frames.PADDED;

test('greets, takes a request, and answers it in one piece', () => {
  const bed = serverBed({}, ({ stream }) => {
    stream.respond({ status: 200, fields: noFields, contentLength: 2 }, true);
    stream.write(bytes('ok'));
    stream.end();
  });
  expect(bed.out()).toEqual(['SETTINGS 0', 'WINDOW_UPDATE 0 +983041']);
  bed.send(PREFACE, settings(), settingsAck, headers(1, with_(['x-a', 'b'])));
  const [request] = bed.requests;
  expect(request?.request).toMatchObject({
    method: 'GET',
    target: '/p',
    authority: 'svc.local',
    contentLength: 0,
    scheme: 'http',
  });
  expect([...(request?.request.fields ?? [])]).toEqual([['x-a', 'b']]);
  expect(bed.out()).toEqual([
    'SETTINGS 0 ACK',
    'HEADERS 1 :status: 200 | content-length: 2',
    'DATA 1 END ok',
  ]);
  expect(request?.log).toEqual(['sent']);
  expect(bed.server.streamCount).toBe(0);
});

/** What ends the connection: after the greetings these frames, then a GOAWAY with that code. */
test.each<readonly [string, Buffer[], number]>([
  ['§4.2: frame beyond the size', [dataFrame(1, 'x'.repeat(16_385))], errors.FRAME_SIZE_ERROR],
  ['§4.3: block that is no HPACK', [frame(1, 5, 1, '\x80')], errors.COMPRESSION_ERROR],
  ['§5.1: DATA on an idle stream', [dataFrame(1, 'x')], errors.PROTOCOL_ERROR],
  ['§5.1: RST_STREAM on an idle stream', [reset(1, 8)], errors.PROTOCOL_ERROR],
  ['§5.1: WINDOW_UPDATE on an idle stream', [windowUpdate(1, 1)], errors.PROTOCOL_ERROR],
  ['§5.1.1, 2-22: even stream', [headers(2, GET)], errors.PROTOCOL_ERROR],
  ['§5.1.1: stream out of order', [headers(5, GET), headers(3, GET)], errors.PROTOCOL_ERROR],
  ['§5.3: stream that depends on itself', [frame(2, 0, 3, `${uint32(3)}x`)], errors.PROTOCOL_ERROR],
  ['§6.1: DATA on stream 0', [dataFrame(0, 'x')], errors.PROTOCOL_ERROR],
  [
    '§6.1: padding as long as DATA',
    [headers(1, POST, WHOLE), frame(0, PADDED, 1, '\x04abc')],
    errors.PROTOCOL_ERROR,
  ],
  [
    '§6.1: PADDED DATA without a length',
    [headers(1, POST, WHOLE), frame(0, PADDED, 1)],
    errors.PROTOCOL_ERROR,
  ],
  ['§6.2: HEADERS on stream 0', [headers(0, GET)], errors.PROTOCOL_ERROR],
  [
    '§6.2: padding longer than HEADERS',
    [frame(1, 5 | PADDED, 1, `\x7f${block(GET)}`)],
    errors.PROTOCOL_ERROR,
  ],
  ['§6.2: PADDED HEADERS without a length', [frame(1, 5 | PADDED, 1)], errors.PROTOCOL_ERROR],
  ['§6.2: HEADERS without its priority', [frame(1, 0x25, 1, 'x')], errors.FRAME_SIZE_ERROR],
  [
    '§6.2: HEADERS between those of a block',
    [headers(1, GET, END), headers(3, GET)],
    errors.PROTOCOL_ERROR,
  ],
  [
    '§6.2: unknown frame between those of a block',
    [headers(1, GET, END), frame(99, 0, 0)],
    errors.PROTOCOL_ERROR,
  ],
  ['§6.3: PRIORITY on stream 0', [frame(2, 0, 0, '12345')], errors.PROTOCOL_ERROR],
  ['§6.3: PRIORITY of four octets', [frame(2, 0, 1, '1234')], errors.FRAME_SIZE_ERROR],
  ['§6.4: RST_STREAM on stream 0', [reset(0, 8)], errors.PROTOCOL_ERROR],
  ['§6.4: RST_STREAM of three octets', [headers(1, GET), frame(3, 0, 1, '123')], 6],
  ['§6.5: SETTINGS on a stream', [frame(4, 0, 1)], errors.PROTOCOL_ERROR],
  ['§6.5: SETTINGS of five octets', [frame(4, 0, 0, '12345')], errors.FRAME_SIZE_ERROR],
  ['§6.5: ACK with a payload', [frame(4, 1, 0, '123456')], errors.FRAME_SIZE_ERROR],
  ['§6.5: ACK of nothing', [settingsAck], errors.PROTOCOL_ERROR],
  ['§6.5.2: ENABLE_PUSH 2', [settings([2, 2])], errors.PROTOCOL_ERROR],
  ['§6.5.2: window of 2^31', [settings([4, 2 ** 31])], errors.FLOW_CONTROL_ERROR],
  ['§6.5.2: frames of 16383', [settings([5, 16_383])], errors.PROTOCOL_ERROR],
  ['§6.5.2: frames of 2^24', [settings([5, 2 ** 24])], errors.PROTOCOL_ERROR],
  ['RFC 8441 §3: ENABLE_CONNECT_PROTOCOL 2', [settings([8, 2])], errors.PROTOCOL_ERROR],
  ['RFC 8441 §3: it is taken back', [settings([8, 1]), settings([8, 0])], errors.PROTOCOL_ERROR],
  ['§6.6: PUSH_PROMISE', [headers(1, GET), frame(5, 4, 1, uint32(2))], errors.PROTOCOL_ERROR],
  ['§6.7: PING on a stream', [frame(6, 0, 1, '12345678')], errors.PROTOCOL_ERROR],
  ['§6.7: PING of seven octets', [ping('1234567')], errors.FRAME_SIZE_ERROR],
  ['§6.8: GOAWAY on a stream', [frame(7, 0, 1, '12345678')], errors.PROTOCOL_ERROR],
  ['§6.8: GOAWAY of seven octets', [frame(7, 0, 0, '1234567')], errors.FRAME_SIZE_ERROR],
  [
    '§6.8: GOAWAY that takes back',
    [headers(1, POST, WHOLE), goAway(0, 0), goAway(2, 0)],
    errors.PROTOCOL_ERROR,
  ],
  ['§6.9: WINDOW_UPDATE of three octets', [frame(8, 0, 0, '123')], errors.FRAME_SIZE_ERROR],
  ['§6.9: WINDOW_UPDATE by nothing', [windowUpdate(0, 0)], errors.PROTOCOL_ERROR],
  [
    '§6.9.1, 2-06: window beyond 2^31-1',
    [windowUpdate(0, 2 ** 31 - 1), windowUpdate(0, 2 ** 31 - 1)],
    errors.FLOW_CONTROL_ERROR,
  ],
  [
    '§6.9.2: setting that widens a window beyond 2^31-1',
    [headers(1, POST, WHOLE), windowUpdate(1, 2 ** 31 - 1 - 65_535), settings([4, 65_536])],
    errors.FLOW_CONTROL_ERROR,
  ],
  ['§6.10: CONTINUATION of nothing', [continuation(1, '')], errors.PROTOCOL_ERROR],
  [
    '§6.10: CONTINUATION on another stream',
    [headers(1, GET, END), continuation(3, '', WHOLE)],
    errors.PROTOCOL_ERROR,
  ],
  ['§6.10: CONTINUATION on stream 0', [continuation(0, '', WHOLE)], errors.PROTOCOL_ERROR],
])('RFC 9113 %s ends the connection', (_, octets, code) => {
  const bed = openServer();
  bed.send(...octets);
  const lines = bed.out();
  expect(lines.at(-1)).toMatch(new RegExp(`^GOAWAY 0 last \\d+ code ${code}$`));
  expect([bed.server.isClosed, bed.port.hasEnded]).toEqual([true, true]);
  expect(bed.stats.connectionErrorCount).toBe(1);
  bed.send(ping());
  expect(bed.out()).toEqual([]);
});

test.each<readonly [string, Buffer[]]>([
  ['an HTTP/1.1 request', [bytes('GET / HTTP/1.1\r\nHost: a\r\n\r\n')]],
  ['no SETTINGS first', [PREFACE, ping()]],
  ['an ACK of SETTINGS first', [PREFACE, settingsAck]],
])('RFC 9113 §3.4: %s instead of the preface', (_, octets) => {
  const bed = serverBed();
  bed.send(...octets);
  expect(bed.out().at(-1)).toBe('GOAWAY 0 last 0 code 1');
});

/** A stream that ended normally, for frames that come late. */
const done = [headers(1, GET)];
const answerAll = ({ stream }: { readonly stream: H2Stream }) => {
  stream.respond({ status: 204, fields: noFields, contentLength: 0 }, false);
  stream.end();
};

test.each<readonly [string, Buffer[], string]>([
  ['DATA after both ended', [...done, dataFrame(1, 'x')], 'GOAWAY 0 last 1 code 5'],
  ['HEADERS after both ended', [...done, headers(1, GET)], 'GOAWAY 0 last 1 code 5'],
  ['RST_STREAM after both ended', [...done, reset(1, 8)], ''],
  ['WINDOW_UPDATE after both ended', [...done, windowUpdate(1, 1)], ''],
  ['PRIORITY after both ended', [...done, frame(2, 0, 1, `${uint32(3)}x`)], ''],
])('RFC 9113 §5.1, closed: %s', (_, octets, last) => {
  const bed = openServer({}, answerAll);
  bed.send(...octets);
  expect(bed.out().slice(1).join()).toBe(last);
});

test.each<readonly [string, Buffer[], string]>([
  ['DATA after its end', [headers(1, GET), dataFrame(1, 'x')], 'RST_STREAM 1 5'],
  ['HEADERS after its end', [headers(1, GET), headers(1, GET)], 'RST_STREAM 1 5'],
  ['DATA after RST_STREAM', [headers(1, GET), reset(1, 8), dataFrame(1, 'x')], 'RST_STREAM 1 5'],
  ['HEADERS after RST_STREAM', [headers(1, GET), reset(1, 8), headers(1, GET)], 'RST_STREAM 1 5'],
  [
    'WINDOW_UPDATE by nothing, 2-06b',
    [headers(1, POST, WHOLE), windowUpdate(1, 0)],
    'RST_STREAM 1 1',
  ],
  [
    'WINDOW_UPDATE beyond 2^31-1',
    [headers(1, POST, WHOLE), windowUpdate(1, 2 ** 31 - 1)],
    'RST_STREAM 1 3',
  ],
  [
    'HEADERS in the middle of a body',
    [headers(1, POST, WHOLE), headers(1, [['x-a', 'b']], WHOLE)],
    'RST_STREAM 1 1',
  ],
  [
    'pseudo-header field in trailers',
    [headers(1, POST, WHOLE), headers(1, [[':path', '/']])],
    'RST_STREAM 1 1',
  ],
])('RFC 9113 §5.4.2: %s breaks the stream, and no other', (_, octets, line) => {
  const bed = openServer();
  bed.send(...octets, headers(7, GET));
  expect(bed.out()).toEqual([line]);
  expect(bed.requests.map(({ stream }) => stream.id)).toEqual([1, 7]);
  expect(bed.requests[0]?.log).toHaveLength(1);
});

test('frames for a stream that we have reset are passed over, and keep the windows', () => {
  const bed = openServer();
  bed.send(headers(1, POST, WHOLE));
  bed.requests[0]?.stream.reset(errors.CANCEL, 'enough');
  for (let index = 0; index < 70; index += 1) bed.send(dataFrame(1, 'x'.repeat(16_000)));
  bed.send(headers(1, [['x-a', 'b']]), headers(3, GET));
  const lines = bed.out();
  expect(lines[0]).toBe('RST_STREAM 1 8');
  expect(new Set(lines.slice(1).map((line) => line.slice(0, 16)))).toEqual(
    new Set(['WINDOW_UPDATE 0 ']),
  );
  expect(bed.requests).toHaveLength(2);
});

/** Requests that are malformed (RST_STREAM 1) by the section that says so. */
test('RFC 9113 §6.8: a drain lets streams end and takes what was on its way', () => {
  const bed = openServer();
  bed.send(headers(1, POST, WHOLE));
  bed.server.drain();
  expect(bed.out()).toEqual([`GOAWAY 0 last ${2 ** 31 - 1} code 0`, 'PING 0 leno end']);
  bed.send(headers(3, GET), ping('leno end', frames.ACK));
  expect(bed.out()).toEqual(['GOAWAY 0 last 3 code 0']);
  bed.send(headers(5, GET));
  expect(bed.out()).toEqual(['RST_STREAM 5 7']);
  answerAll(bed.requests[1] ?? expect.fail());
  answerAll(bed.requests[0] ?? expect.fail());
  expect(bed.server.isClosed).toBe(false);
  bed.send(dataFrame(1, '', END));
  expect([bed.server.isClosed, bed.port.hasEnded]).toEqual([true, true]);
});

test('a client that goes away lets its streams end', () => {
  const bed = openServer();
  bed.send(headers(1, GET), goAway(0, 0));
  expect(bed.server.isClosed).toBe(false);
  answerAll(bed.requests[0] ?? expect.fail());
  expect(bed.port.hasEnded).toBe(true);
});

test('the end of the wire breaks every stream', () => {
  const bed = openServer();
  bed.send(headers(1, POST, WHOLE), headers(3, GET));
  bed.server.ended('the client went away');
  expect(bed.requests.map(({ log }) => log)).toEqual([
    ['broken by connection 0'],
    ['broken by connection 0'],
  ]);
  expect(bed.requests[0]?.body.endings).toEqual(['abort: the client went away']);
});
