import { expect, test } from 'vitest';
import { FieldList } from '../fields.ts';
import { clientBed, openClient, SlowSink } from '../testing/h2-bed.ts';
import {
  dataFrame,
  END,
  frame,
  goAway,
  headers,
  type Pairs,
  ping,
  reset,
  settings,
  settingsAck,
  uint32,
  WHOLE,
} from '../testing/h2-wire.ts';

const OK: Pairs = [[':status', '200']];
const bytes = (text: string) => Buffer.from(text, 'latin1');

test('greets, sends a request, and takes the reply', () => {
  const bed = clientBed();
  expect(bed.out()).toEqual(['preface', 'SETTINGS 0', 'WINDOW_UPDATE 0 +983041']);
  const request = bed.request({ fields: FieldList.of([['X-A', 'b']]) });
  expect(bed.out()).toEqual([
    'HEADERS 1 END :method: GET | :scheme: http | :authority: svc.local | :path: /p | x-a: b',
  ]);
  bed.send(settings(), settingsAck, headers(1, [...OK, ['content-length', '2']], WHOLE));
  bed.send(dataFrame(1, 'ok', END));
  expect(request.log).toEqual(['sent', 'head 200', 'received']);
  expect(request.head?.contentLength).toBe(2);
  expect([request.body.text, request.body.endings]).toEqual(['ok', ['end']]);
  expect(bed.client.streamCount).toBe(0);
});

test('sends a body with its trailers, and takes interim replies, head and trailers', () => {
  const bed = openClient();
  const request = bed.request({ method: 'POST', contentLength: undefined });
  request.stream.write(bytes('hello'));
  request.stream.end(FieldList.of([['x-sum', '1']]));
  expect(bed.out().slice(1)).toEqual(['DATA 1 hello', 'HEADERS 1 END x-sum: 1']);
  bed.send(
    headers(1, [[':status', '103']], WHOLE),
    headers(1, OK, WHOLE),
    dataFrame(1, 'ok'),
    headers(1, [['grpc-status', '0']]),
  );
  expect(request.log).toEqual(['sent', 'interim 103', 'head 200', 'received']);
  expect([...(request.body.trailers ?? [])]).toEqual([['grpc-status', '0']]);
});

test.each([
  ['says a length of 0', { method: 'POST', contentLength: 0 }, /END .* content-length: 0$/],
  ['says a length', { method: 'PUT', contentLength: 3 }, / content-length: 3$/],
  [
    'opens a tunnel',
    { method: 'CONNECT', authority: 'a:1' },
    /^HEADERS 1 :method: CONNECT \| :authority: a:1$/,
  ],
  [
    'asks for a protocol',
    { upgrade: 'websocket' },
    /^HEADERS 1 :method: CONNECT \| :protocol: websocket \| :scheme: http/,
  ],
])('%s', (_, outgoing, line) => {
  const bed = openClient();
  bed.request(outgoing);
  expect(bed.out()[0]).toMatch(line);
});

test.each<readonly [string, Pairs, number]>([
  ['no :status', [['x-a', 'b']], END | WHOLE],
  [':status of two digits', [[':status', '20']], END | WHOLE],
  [':status 600', [[':status', '600']], END | WHOLE],
  ['another pseudo-header', [...OK, [':path', '/']], END | WHOLE],
  ['101', [[':status', '101']], WHOLE],
  ['an interim reply that ends', [[':status', '103']], END | WHOLE],
  ['a length without a body', [...OK, ['content-length', '5']], END | WHOLE],
  ['connection', [...OK, ['connection', 'close']], END | WHOLE],
  ['101 fields', [...OK, ...Array.from({ length: 101 }, () => ['a', ''] as const)], END | WHOLE],
])('RFC 9113 §8.1.1: a reply with %s is malformed', (_, pairs, flags) => {
  const bed = openClient();
  const request = bed.request();
  bed.out();
  bed.send(headers(1, pairs, flags));
  expect(bed.out()).toEqual(['RST_STREAM 1 1']);
  expect(request.log).toEqual(['sent', 'broken by self 1']);
  expect(bed.stats.malformedCount).toBe(1);
});

test.each<readonly [string, Buffer[], string]>([
  ['DATA before a head', [dataFrame(1, 'x')], 'RST_STREAM 1 1'],
  [
    'DATA for HEAD',
    [headers(1, [...OK, ['content-length', '9']], WHOLE), dataFrame(1, 'x')],
    'RST_STREAM 1 1',
  ],
  ['a reply to nothing', [headers(3, OK)], 'GOAWAY 0 last 0 code 1'],
  ['an even stream', [headers(2, OK)], 'GOAWAY 0 last 0 code 1'],
  ['a push', [frame(5, 4, 1, uint32(2))], 'GOAWAY 0 last 0 code 1'],
  ['leave to push', [settings([2, 1])], 'GOAWAY 0 last 0 code 1'],
])('RFC 9113: takes no %s', (_, octets, line) => {
  const bed = openClient();
  bed.request({ method: 'HEAD' });
  bed.out();
  bed.send(...octets);
  expect(bed.out()).toEqual([line]);
});

test('takes the length of a reply to HEAD for what it is', () => {
  const bed = openClient();
  const request = bed.request({ method: 'HEAD' });
  bed.send(headers(1, [...OK, ['content-length', '9']]));
  expect([request.head?.contentLength, request.body.endings]).toEqual([9, ['end']]);
});

test('takes a name with an underscore from a server', () => {
  const bed = openClient();
  const request = bed.request();
  bed.send(headers(1, [...OK, ['x_a', 'b']]));
  expect(request.head?.fields.get('x_a')).toBe('b');
});

test('interim replies are bounded', () => {
  const bed = openClient();
  const request = bed.request();
  for (let index = 0; index < 17; index += 1) bed.send(headers(1, [[':status', '103']], WHOLE));
  expect(request.log.at(-1)).toBe('broken by self 1');
  expect(request.log.filter((line) => line === 'interim 103')).toHaveLength(16);
});

test('opens no more streams than either side allows', () => {
  const bed = clientBed({ streamCountMax: 5 });
  expect(bed.client.roomCount).toBe(5);
  bed.send(settings([3, 2]), settingsAck);
  expect(bed.client.roomCount).toBe(2);
  const first = bed.request();
  bed.request();
  expect(bed.client.roomCount).toBe(0);
  first.stream.reset(8, 'enough');
  expect(bed.client.roomCount).toBe(1);
  bed.send(settings([3, 0]));
  expect(bed.client.roomCount).toBe(0);
});

test.each([
  [7, true],
  [8, false],
])('RFC 9113 §8.7: RST_STREAM %i proves that nothing was done: %s', (code, unprocessed) => {
  const bed = openClient();
  const request = bed.request({ method: 'POST', contentLength: undefined });
  bed.send(reset(1, code));
  expect(request.why).toMatchObject({ by: 'peer', errorCode: code, unprocessed });
  request.stream.write(bytes('late'));
  request.stream.end();
  expect(bed.out().slice(1)).toEqual([]);
});

test('RFC 9113 §6.8: GOAWAY proves it for the streams after the last', () => {
  const bed = openClient();
  const [first, second] = [bed.request(), bed.request()];
  bed.send(goAway(1, 0));
  expect(second.why).toMatchObject({ by: 'peer', unprocessed: true });
  expect([first.why, bed.client.roomCount, bed.client.isClosed]).toEqual([undefined, 0, false]);
  bed.send(headers(1, OK));
  expect([first.body.endings, bed.client.isClosed, bed.port.hasEnded]).toEqual([
    ['end'],
    true,
    true,
  ]);
});

test('drains: lets its streams end, and says so', () => {
  const bed = openClient();
  const request = bed.request();
  bed.out();
  bed.client.drain();
  expect([bed.client.roomCount, bed.out()]).toEqual([0, ['GOAWAY 0 last 0 code 0']]);
  bed.send(headers(1, OK));
  expect([request.body.endings, bed.client.isClosed]).toEqual([['end'], true]);
});

test('a server may reset as much as it wants', () => {
  const bed = openClient();
  for (let index = 0; index < 600; index += 1) {
    const { stream } = bed.request();
    bed.send(reset(stream.id, 8));
  }
  expect(bed.client.isClosed).toBe(false);
});

test('a body that is read late waits, within the window', () => {
  const bed = openClient();
  const sink = new SlowSink();
  const request = bed.request();
  request.takesBody = false;
  bed.send(headers(1, OK, WHOLE), dataFrame(1, 'x'.repeat(16_000)), dataFrame(1, 'y', END));
  expect(request.log).toEqual(['sent', 'head 200', 'received']);
  request.stream.readBody(sink);
  expect([sink.text.length, sink.endings]).toEqual([16_001, ['end']]);
});

test('answers PING, and passes over what it does not know', () => {
  const bed = openClient();
  bed.send(ping('abcdefgh'), frame(0xfa, 0xff, 5, 'grease'), settings([0x1a2a, 7]));
  expect(bed.out()).toEqual(['PING 0 ACK abcdefgh', 'SETTINGS 0 ACK']);
});

/** At each second: whether octets come then; what is sent, and whether the connection is over. */
function ask(heardAtS: readonly number[], seconds: number, hasStream: boolean) {
  const bed = openClient({ pingIntervalMs: 10_000, pingTimeoutMs: 3_000 });
  const request = hasStream ? bed.request() : undefined;
  bed.out();
  const askedAtS: number[] = [];
  let deadAtS = 0;
  for (let second = 1; second <= seconds && deadAtS === 0; second += 1) {
    bed.nowMs = second * 1_000;
    if (heardAtS.includes(second)) bed.send(ping('anything'));
    bed.client.sweep(bed.nowMs);
    if (bed.out().some((line) => line.includes('leno ask'))) askedAtS.push(second);
    if (bed.client.isClosed) deadAtS = second;
  }
  return { bed, request, askedAtS, deadAtS };
}

test.each([
  { name: 'silent', heardAtS: [], asked: [10], dead: 14 },
  { name: 'silent after a word', heardAtS: [4], asked: [14], dead: 18 },
  { name: 'there', heardAtS: [11, 22, 33], asked: [10, 21, 32], dead: 0 },
  { name: 'talking', heardAtS: [5, 10, 15, 20, 25, 30], asked: [], dead: 0 },
])('PING asks an upstream that is $name, idle or busy', ({ heardAtS, asked, dead }) => {
  for (const hasStream of [true, false]) {
    const { bed, request, askedAtS, deadAtS } = ask(heardAtS, 35, hasStream);
    expect([askedAtS, deadAtS]).toEqual([asked, dead]);
    expect(bed.stats.pingTimeoutCount).toBe(dead === 0 ? 0 : 1);
    if (request === undefined || dead === 0) continue;
    expect(request.log).toEqual(['sent', 'broken by connection 0']);
  }
});

test('an answer that came while this process was stopped is heard, and late again is dead', () => {
  const bed = openClient({ pingIntervalMs: 10_000, pingTimeoutMs: 3_000 });
  const at = (seconds: number): void => {
    bed.nowMs = seconds * 1_000;
    bed.client.sweep(bed.nowMs);
  };
  at(10);
  // Stopped for a minute: a timer is the first to run, then what has come meanwhile is read.
  at(70);
  expect(bed.client.isClosed).toBe(false);
  bed.send(ping('anything'));
  at(71);
  expect(bed.client.isClosed).toBe(false);
  // What was forgiven once is not remembered: the next one has as long, and as many looks.
  for (const seconds of [81, 84]) at(seconds);
  expect(bed.client.isClosed).toBe(false);
  at(85);
  expect(bed.client.isClosed).toBe(true);
});

test('nobody is asked unless it is wanted', () => {
  const bed = openClient();
  bed.request();
  bed.out();
  bed.client.sweep(3_600_000);
  expect([bed.out(), bed.client.isClosed]).toEqual([[], false]);
});
