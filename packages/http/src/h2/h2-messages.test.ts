import { expect, test } from 'vitest';
import { FieldList } from '../fields.ts';
import { openServer, SlowSink } from '../testing/h2-bed.ts';
import {
  dataFrame,
  END,
  frame,
  GET,
  headers,
  type Pairs,
  POST,
  reset,
  settings,
  WHOLE,
  windowUpdate,
} from '../testing/h2-wire.ts';
import * as frames from './frame.ts';

const bytes = (text: string) => Buffer.from(text, 'latin1');
const noFields = new FieldList();
const with_ = (...pairs: Pairs) => [...GET, ...pairs];
const PADDED = frames.PADDED;

/** An extended CONNECT. */
const asking = (protocol: string): Pairs => [
  [':method', 'CONNECT'],
  [':protocol', protocol],
  ...GET.slice(1),
];

test.each<readonly [string, Pairs]>([
  ['§8.2.1, 2-12: line end in a value', with_(['x-a', 'b\r\nx-i: 1'])],
  ['§8.2.1, 2-13: upper case in a name', with_(['X-A', 'b'])],
  ['§8.2.1: colon in a name', with_(['x:a', 'b'])],
  ['underscore in a name', with_(['x_a', 'b'])],
  ['§8.2.2, 2-10: transfer-encoding', with_(['transfer-encoding', 'chunked'])],
  ['§8.2.2, 2-11: connection', with_(['connection', 'keep-alive'])],
  ['§8.2.2: keep-alive', with_(['keep-alive', '1'])],
  ['§8.2.2: proxy-connection', with_(['proxy-connection', 'keep-alive'])],
  ['§8.2.2: upgrade', with_(['upgrade', 'websocket'])],
  ['§8.2.2, 2-26: te', with_(['te', 'gzip'])],
  ['§8.2.2: te with more than trailers', with_(['te', 'trailers, deflate'])],
  ['§8.3, 2-14: pseudo-header after a field', [['x-a', 'b'], ...GET]],
  ['§8.3, 2-19: :path twice', [...GET, [':path', '/admin']]],
  ['§8.3: :method twice', [...GET, [':method', 'GET']]],
  ['§8.3: :scheme twice', [...GET, [':scheme', 'http']]],
  ['§8.3: :authority twice', [...GET, [':authority', 'svc.local']]],
  ['§8.3: unknown pseudo-header', [...GET, [':x', 'y']]],
  ['§8.3: :status', [...GET, [':status', '200']]],
  ['§8.3.1: no :method', GET.slice(1)],
  ['§8.3.1: no :scheme', GET.filter(([name]) => name !== ':scheme')],
  ['§8.3.1: no :path', GET.filter(([name]) => name !== ':path')],
  ['§8.3.1: no :authority and no Host', GET.filter(([name]) => name !== ':authority')],
  [
    '§8.3.1, 2-15: request line in :path',
    [...POST.slice(0, 2), [':path', '/ HTTP/1.1\r\nx: y'], [':authority', 'a']],
  ],
  ['§8.3.1, 2-15b: blank in :path', [...POST.slice(0, 2), [':path', '/a b'], [':authority', 'a']]],
  ['§8.3.1, 2-15c: empty :path', [...POST.slice(0, 2), [':path', ''], [':authority', 'a']]],
  [
    '§8.3.1, 2-15d: :path without a slash',
    [...POST.slice(0, 2), [':path', 'admin'], [':authority', 'a']],
  ],
  ['§8.3.1: absolute :path', [...POST.slice(0, 2), [':path', 'http://a/'], [':authority', 'a']]],
  ['§8.3.1: * for GET', [...GET.slice(0, 2), [':path', '*'], [':authority', 'a']]],
  ['§8.3.1, 2-17: request line in :method', [[':method', 'GET / HTTP/1.1'], ...GET.slice(1)]],
  ['§8.3.1: another scheme', [GET[0] ?? ['', ''], [':scheme', 'ftp'], ...GET.slice(2)]],
  ['§8.3.1: user in :authority', [...GET.slice(0, 3), [':authority', 'a@svc.local']]],
  ['§8.3.1: Host that disagrees', with_(['host', 'other.local'])],
  ['two Hosts', with_(['host', 'svc.local'], ['host', 'svc.local'])],
  ['§8.1.1: content-length that is no number', with_(['content-length', 'x'])],
  ['§8.1.1: content-length twice', with_(['content-length', '0'], ['content-length', '0'])],
  ['§8.1.1: content-length without a body', with_(['content-length', '5'])],
  ['authorization twice', with_(['authorization', 'a'], ['authorization', 'b'])],
  ['§8.5: CONNECT with :path', [[':method', 'CONNECT'], ...GET.slice(1)]],
  [
    '§8.5: CONNECT without a port',
    [
      [':method', 'CONNECT'],
      [':authority', 'a'],
    ],
  ],
  ...['', 'a b', 'a/b/c', 'a,b', 'a\tb'].map(
    (it) => [`RFC 9110 §7.8: :protocol ${JSON.stringify(it)}`, asking(it)] as const,
  ),
  ['RFC 8441 §4: :protocol without CONNECT', [...GET, [':protocol', 'websocket']]],
])('RFC 9113 %s is malformed', (_, pairs) => {
  const bed = openServer();
  bed.send(headers(1, pairs));
  expect(bed.out()).toEqual(['RST_STREAM 1 1']);
  expect([bed.requests.length, bed.stats.malformedCount]).toEqual([0, 1]);
  expect(bed.refusals).toHaveLength(1);
});

test.each<readonly [string, Pairs, number, Record<string, number>]>([
  ['TRACE', [[':method', 'TRACE'], ...GET.slice(1)], 405, {}],
  ['a method that nobody knows', [[':method', 'BREW'], ...GET.slice(1)], 501, {}],
  ['an expectation that nobody knows', with_(['expect', 'more']), 417, {}],
  ...['h2c', 'H2C', 'h2', 'tls', 'http', 'tls/1.3', 'HTTP/2.0'].map(
    (protocol): readonly [string, Pairs, number, Record<string, number>] => [
      `a tunnel of ${protocol}, whose requests nobody would see`,
      asking(protocol),
      501,
      {},
    ],
  ),
  [
    '2-25: 1000 fields',
    with_(...Array.from({ length: 1000 }, () => ['a', ''] as const)),
    431,
    { headTooLargeCount: 1 },
  ],
  [
    '101 fields',
    with_(...Array.from({ length: 101 }, () => ['a', ''] as const)),
    431,
    { headTooLargeCount: 1 },
  ],
])('refuses %s with a reply', (_, pairs, status, stats) => {
  const bed = openServer();
  bed.send(headers(1, pairs));
  expect(bed.out()).toEqual([
    `HEADERS 1 END :status: ${status} | content-length: 0 | x-why: refused`,
  ]);
  expect(bed.stats).toMatchObject({ malformedCount: 0, ...stats });
  bed.send(headers(3, GET));
  expect(bed.requests).toHaveLength(1);
});

test.each<readonly [string, Pairs, object]>([
  [
    'Host instead of :authority',
    [...GET.slice(0, 3), ['host', 'Svc.local']],
    { authority: 'svc.local' },
  ],
  ['Host beside :authority', with_(['host', 'svc.local:80']), { authority: 'svc.local' }],
  [
    'OPTIONS *',
    [
      [':method', 'OPTIONS'],
      [':scheme', 'https'],
      [':path', '*'],
      [':authority', 'a'],
    ],
    { target: '*', scheme: 'https' },
  ],
  [
    'CONNECT',
    [
      [':method', 'CONNECT'],
      [':authority', 'a:443'],
    ],
    { method: 'CONNECT', target: '', authority: 'a:443' },
  ],
  [
    'RFC 8441: extended CONNECT, as a GET that asks for an upgrade',
    [[':method', 'CONNECT'], [':protocol', 'WebSocket'], ...GET.slice(1)],
    { method: 'GET', target: '/p', upgrade: 'websocket', protocol: 'websocket', contentLength: 0 },
  ],
  ['a protocol with a version', asking('chat/2'), { upgrade: 'chat/2', protocol: 'chat/2' }],
  ['te: trailers', with_(['te', 'trailers']), {}],
])('takes %s', (_, pairs, head) => {
  const bed = openServer();
  bed.send(headers(1, pairs, WHOLE));
  expect(bed.requests[0]?.request).toMatchObject(head);
  expect(bed.out()).toEqual([]);
});

test('RFC 9113 §8.2.3: a cookie that was split is one again', () => {
  const bed = openServer();
  bed.send(headers(1, with_(['cookie', 'a=1'], ['x-a', 'b'], ['cookie', 'c=2'])));
  expect([...(bed.requests[0]?.request.fields ?? [])]).toEqual([
    ['x-a', 'b'],
    ['cookie', 'a=1; c=2'],
  ]);
});

test('a body: come with their trailers, whatever the padding', () => {
  const bed = openServer();
  bed.send(
    headers(1, [...POST, ['content-length', '5']], WHOLE),
    frame(0, PADDED, 1, '\x04hel\0\0\0\0'),
    dataFrame(1, 'lo'),
    frame(0, PADDED, 1, '\x00'),
    headers(1, [
      ['x-sum', '1'],
      ['authorization', 'never'],
    ]),
  );
  const body = bed.requests[0]?.body;
  expect([body?.text, body?.endings]).toEqual(['hello', ['end']]);
  expect([...(body?.trailers ?? [])]).toEqual([['x-sum', '1']]);
});

test.each([
  ['§8.1.1, 2-09b: less than was said', '10', 'hello'],
  ['§8.1.1: more than was said', '4', 'hello'],
])('a body: RFC 9113 %s breaks the stream', (_, length, text) => {
  const bed = openServer();
  bed.send(headers(1, [...POST, ['content-length', length]], WHOLE), dataFrame(1, text, END));
  expect(bed.out()).toEqual(['RST_STREAM 1 1']);
  expect(bed.requests[0]?.body.endings).toHaveLength(1);
  expect(bed.requests[0]?.body.endings[0]).toMatch(/^abort/);
});

test('a body: beyond bodyByteCountMax break the stream, or are refused by what is said of them', () => {
  const bed = openServer({ bodyByteCountMax: 4 });
  bed.send(headers(1, POST, WHOLE), dataFrame(1, 'hello'));
  bed.send(headers(3, [...POST, ['content-length', '5']], WHOLE));
  expect(bed.out()).toEqual([
    'RST_STREAM 1 8',
    'HEADERS 3 END :status: 413 | content-length: 0 | x-why: refused',
    'RST_STREAM 3 0',
  ]);
  expect(bed.stats.bodyTooLargeCount).toBe(2);
});

test('a body: wait for their sink, within the window', () => {
  const bed = openServer({}, () => undefined);
  bed.send(headers(1, POST, WHOLE));
  for (let index = 0; index < 4; index += 1) bed.send(dataFrame(1, 'x'.repeat(16_000)));
  expect(bed.out()).toEqual([]);
  const [request] = bed.requests;
  const { body, stream } = request ?? {};
  if (body !== undefined) stream?.readBody(body);
  expect(body?.text).toHaveLength(64_000);
  expect(bed.out()).toEqual(['WINDOW_UPDATE 1 +64000']);
  bed.send(dataFrame(1, '', END));
  expect(body?.endings).toEqual(['end']);
});

test('a body: beyond the window of the stream break it', () => {
  const bed = openServer({}, () => undefined);
  bed.send(headers(1, POST, WHOLE));
  for (let index = 0; index < 5; index += 1) bed.send(dataFrame(1, 'x'.repeat(14_000)));
  expect(bed.out()).toEqual(['RST_STREAM 1 3']);
  expect(bed.requests[0]?.log).toEqual(['broken by self 3']);
});

test('a body: beyond the window of the connection end it', () => {
  const bed = openServer({ connectionWindowByteCount: 65_535 }, () => undefined);
  bed.send(headers(1, POST, WHOLE), headers(3, POST, WHOLE));
  for (let index = 0; index < 4; index += 1) {
    bed.send(dataFrame(1, 'x'.repeat(9_000)), dataFrame(3, 'x'.repeat(9_000)));
  }
  expect(bed.out()).toEqual(['GOAWAY 0 last 3 code 3']);
});

test('a body: are not asked for while their sink is full', () => {
  const sink = new SlowSink();
  const bed = openServer({}, ({ stream }) => stream.readBody(sink));
  bed.send(headers(1, POST, WHOLE));
  for (let index = 0; index < 4; index += 1) bed.send(dataFrame(1, 'x'.repeat(16_000)));
  expect(bed.out()).toEqual([]);
  sink.goOn();
  expect(bed.out()).toEqual(['WINDOW_UPDATE 1 +64000']);
});

test('a body: that a broken stream has left over go back to the window of the connection', () => {
  const bed = openServer({ connectionWindowByteCount: 65_535 }, () => undefined);
  bed.send(headers(1, POST, WHOLE));
  for (let index = 0; index < 4; index += 1) bed.send(dataFrame(1, 'x'.repeat(16_000)));
  bed.send(reset(1, 8));
  expect(bed.out()).toEqual(['WINDOW_UPDATE 0 +64000']);
});

test('a reply: go out within the windows, and their source is told when there is room', () => {
  const bed = openServer();
  bed.send(settings([4, 5]), headers(1, GET));
  bed.out();
  const stream = bed.requests[0]?.stream;
  let drainCount = 0;
  if (stream !== undefined) stream.onDrain = () => (drainCount += 1);
  stream?.respond({ status: 200, fields: noFields, contentLength: undefined }, true);
  expect(stream?.write(bytes('hello world'))).toBe(false);
  expect(bed.out()).toEqual(['HEADERS 1 :status: 200', 'DATA 1 hello']);
  bed.send(windowUpdate(1, 3));
  expect([bed.out(), drainCount]).toEqual([['DATA 1  wo'], 0]);
  bed.send(settings([4, 6]));
  expect(bed.out()).toEqual(['SETTINGS 0 ACK', 'DATA 1 r']);
  bed.send(settings([4, 0]), windowUpdate(1, 7));
  expect([bed.out(), drainCount]).toEqual([['SETTINGS 0 ACK', 'DATA 1 l'], 0]);
  bed.send(windowUpdate(1, 100));
  expect([bed.out(), drainCount]).toEqual([['DATA 1 d'], 1]);
  stream?.end(FieldList.of([['x-sum', '1']]));
  expect(bed.out()).toEqual(['HEADERS 1 END x-sum: 1']);
});

test('a reply: share the window of the connection in turns', () => {
  const bed = openServer();
  bed.send(settings([4, 1_000_000]), headers(1, GET), headers(3, GET));
  for (const { stream } of bed.requests) {
    stream.respond({ status: 200, fields: noFields, contentLength: undefined }, true);
    stream.write(bytes('x'.repeat(100_000)));
  }
  bed.out();
  bed.send(windowUpdate(0, 65_536));
  expect(bed.out()).toEqual(['DATA 1 16384', 'DATA 3 16384', 'DATA 1 16384', 'DATA 3 16384']);
});

test('a reply: stop their source while the port is full, and go on when it has room', () => {
  const bed = openServer();
  bed.send(headers(1, GET));
  const stream = bed.requests[0]?.stream;
  let drainCount = 0;
  if (stream !== undefined) stream.onDrain = () => (drainCount += 1);
  stream?.respond({ status: 200, fields: noFields, contentLength: undefined }, true);
  bed.port.isFull = true;
  expect(stream?.write(bytes('a'))).toBe(false);
  bed.server.drained();
  expect(drainCount).toBe(0);
  bed.port.isFull = false;
  bed.server.drained();
  expect(drainCount).toBe(1);
});

test.each([
  ['longer', 'hello'],
  ['shorter', 'hel'],
])('a reply: %s than was said break their stream', (_, text) => {
  const bed = openServer();
  bed.send(headers(1, GET));
  const stream = bed.requests[0]?.stream;
  stream?.respond({ status: 200, fields: noFields, contentLength: 4 }, true);
  stream?.write(bytes(text));
  stream?.end();
  expect(bed.out().at(-1)).toBe('RST_STREAM 1 2');
});

test('a reply: without a body end with their head', () => {
  const bed = openServer();
  bed.send(headers(1, [[':method', 'HEAD'], ...GET.slice(1)]));
  const stream = bed.requests[0]?.stream;
  stream?.interim(103, FieldList.of([['link', '</a>']]));
  stream?.respond({ status: 200, fields: noFields, contentLength: 10 }, false);
  stream?.write(bytes('ignored'));
  stream?.end();
  expect(bed.out()).toEqual([
    'HEADERS 1 :status: 103 | link: </a>',
    'HEADERS 1 END :status: 200 | content-length: 10',
  ]);
});

test('a reply: that never had a piece end with their head, but never with an interim one', () => {
  const bed = openServer();
  bed.send(headers(1, GET), headers(3, GET));
  const [first, second] = bed.requests;
  first?.stream.respond({ status: 200, fields: noFields, contentLength: undefined }, true);
  first?.stream.end();
  second?.stream.interim(103, noFields);
  second?.stream.respond({ status: 200, fields: noFields, contentLength: undefined }, true);
  bed.server.flush();
  second?.stream.end();
  expect(bed.out()).toEqual([
    'HEADERS 1 END :status: 200',
    'HEADERS 3 :status: 103',
    'HEADERS 3 :status: 200',
    'DATA 3 END ',
  ]);
});

test('a body: padding counts against the windows, and is given back', () => {
  const bed = openServer({ connectionWindowByteCount: 65_535 });
  bed.send(headers(1, POST, WHOLE));
  for (let index = 0; index < 1_000; index += 1) {
    bed.send(frame(0, PADDED, 1, `\xffx${'.'.repeat(255)}`));
  }
  expect(bed.server.isClosed).toBe(false);
  expect(bed.requests[0]?.body.text).toBe('x'.repeat(1_000));
});

test('a body: one that nobody reads does not hold the window of the connection for ever', () => {
  const bed = openServer({ connectionWindowByteCount: 65_535 }, ({ stream }) => {
    stream.respond({ status: 200, fields: noFields, contentLength: 0 }, true);
    stream.end();
  });
  for (let id = 1; id < 200; id += 2) {
    bed.send(headers(id, POST, WHOLE), dataFrame(id, 'x'.repeat(10_000)), dataFrame(id, '', END));
  }
  expect([bed.server.isClosed, bed.requests.length]).toEqual([false, 100]);
});

test('a reply: an interim head never is the end', () => {
  const bed = openServer();
  bed.send(headers(1, GET));
  bed.requests[0]?.stream.interim(103, noFields);
  bed.requests[0]?.stream.end();
  expect(bed.out()).toEqual(['HEADERS 1 :status: 103', 'DATA 1 END ']);
});
