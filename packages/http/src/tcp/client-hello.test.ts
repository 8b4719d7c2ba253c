import { createServer } from 'node:net';
import { connect } from 'node:tls';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ClientHelloReader, HELLO_BYTES_MAX, type HelloReading } from './client-hello.ts';

/** Feeds octets in pieces of the given lengths, again and again; stops at the first answer. */
function read(octets: Buffer, pieceLengths: readonly number[] = [octets.length]): HelloReading {
  const reader = new ClientHelloReader();
  let reading: HelloReading = { kind: 'more' };
  let at = 0;
  for (let turn = 0; at < octets.length && reading.kind === 'more'; turn += 1) {
    const length = pieceLengths[turn % pieceLengths.length] ?? 1;
    // A chunk is the reader's during the call only.
    const chunk = Buffer.from(octets.subarray(at, at + length));
    reading = reader.feed(chunk);
    chunk.fill(0xee);
    at += length;
  }
  expect(reader.octets.equals(octets.subarray(0, Math.min(at, octets.length)))).toBe(true);
  return reading;
}

const u8 = (value: number): Buffer => Buffer.of(value);
const u16 = (value: number): Buffer => Buffer.of(value >> 8, value & 255);
const u24 = (value: number): Buffer => Buffer.concat([u8(value >> 16), u16(value & 0xffff)]);
const vector8 = (body: Buffer): Buffer => Buffer.concat([u8(body.length), body]);
const vector16 = (body: Buffer): Buffer => Buffer.concat([u16(body.length), body]);
const extension = (kind: number, body: Buffer): Buffer =>
  Buffer.concat([u16(kind), vector16(body)]);

function nameEntry(name: string, kind = 0): Buffer {
  return Buffer.concat([u8(kind), vector16(Buffer.from(name, 'latin1'))]);
}
const serverName = (name: string): Buffer => extension(0, vector16(nameEntry(name)));

interface Parts {
  readonly version?: Buffer;
  readonly sessionId?: Buffer;
  readonly suites?: Buffer;
  readonly compression?: Buffer;
  /** Undefined leaves the whole field out. */
  readonly extensions?: Buffer | undefined;
  readonly behind?: Buffer;
}

function body(parts: Parts): Buffer {
  const none = Buffer.alloc(0);
  return Buffer.concat([
    parts.version ?? u16(0x0303),
    Buffer.alloc(32, 7),
    vector8(parts.sessionId ?? Buffer.alloc(32, 9)),
    vector16(parts.suites ?? Buffer.concat([u16(0x5a5a), u16(0x1301)])),
    vector8(parts.compression ?? u8(0)),
    'extensions' in parts && parts.extensions === undefined
      ? none
      : vector16(parts.extensions ?? none),
    parts.behind ?? none,
  ]);
}

const message = (inner: Buffer, kind = 1): Buffer =>
  Buffer.concat([u8(kind), u24(inner.length), inner]);

/** As records with payloads of the given lengths, again and again. */
function records(
  payload: Buffer,
  lengths: readonly number[] = [payload.length],
  kind = 22,
): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0, turn = 0; at < payload.length; turn += 1) {
    const part = payload.subarray(at, at + (lengths[turn % lengths.length] ?? 1));
    parts.push(Buffer.concat([u8(kind), u16(0x0301), vector16(part)]));
    at += part.length;
  }
  return Buffer.concat(parts);
}

const hello = (parts: Parts): Buffer => records(message(body(parts)));
const named = (name: string): HelloReading => ({ kind: 'hello', serverName: name });

/** What GREASE (RFC 8701) and others put around the name. */
const around = [extension(0x0a0a, Buffer.alloc(0)), extension(0xfafa, u8(0)), extension(43, u8(0))];
const typical = Buffer.concat([
  ...around,
  serverName('shop.default.mesh'),
  extension(21, Buffer.alloc(200)),
]);

test.each([
  {
    name: 'a name among others and GREASE',
    octets: hello({ extensions: typical }),
    as: 'shop.default.mesh',
  },
  {
    name: 'capitals',
    octets: hello({ extensions: serverName('Shop.Default') }),
    as: 'shop.default',
  },
  { name: 'no list of names', octets: hello({ extensions: extension(43, u8(0)) }), as: undefined },
  { name: 'empty extensions', octets: hello({ extensions: Buffer.alloc(0) }), as: undefined },
  { name: 'no extensions at all', octets: hello({ extensions: undefined }), as: undefined },
  { name: 'no session', octets: hello({ sessionId: Buffer.alloc(0) }), as: undefined },
])('RFC 8446 §4.1.2: reads $name', ({ octets, as }) => {
  expect(read(octets)).toEqual({ kind: 'hello', serverName: as });
});

test('octets behind the record of the hello are passed on unread', () => {
  const octets = Buffer.concat([hello({ extensions: typical }), Buffer.from('early data')]);
  expect(read(octets)).toEqual(named('shop.default.mesh'));
});

const long = Buffer.alloc(HELLO_BYTES_MAX);
test.each<[string, Buffer]>([
  ['plain text', Buffer.from('GET / HTTP/1.1\r\n')],
  ['an alert', records(Buffer.of(2, 40), [2], 21)],
  ['SSL 2', Buffer.of(0x80, 0x2e, 0x01, 0x03, 0x01)],
  ['a record of a version before TLS', Buffer.of(22, 2)],
  ['an empty record', Buffer.of(22, 3, 1, 0, 0)],
  ['a record longer than records are', Buffer.of(22, 3, 1, 0x40, 0x01)],
  ['another message', records(message(body({}), 2))],
  [
    'another record between',
    Buffer.concat([records(message(body({})).subarray(0, 20)), Buffer.of(23, 3)]),
  ],
  ['a message behind it in its record', records(Buffer.concat([message(body({})), Buffer.of(1)]))],
  [
    'what looks like its extensions behind it',
    records(Buffer.concat([message(body({ extensions: undefined })), vector16(serverName('a'))])),
  ],
  ['a hello longer than any', records(message(long), [4_000])],
  ['a length longer than any', records(Buffer.concat([u8(1), u24(60_000)]))],
  ['a version before TLS', hello({ version: u16(0x0200) })],
  ['a session id of 33 octets', hello({ sessionId: Buffer.alloc(33) })],
  ['no cipher suite', hello({ suites: Buffer.alloc(0) })],
  ['half a cipher suite', hello({ suites: Buffer.alloc(3) })],
  ['no compression method', hello({ compression: Buffer.alloc(0) })],
  ['something behind the extensions', hello({ behind: u8(0) })],
  ['an extension that is cut short', hello({ extensions: Buffer.of(0, 43, 0, 9, 1) })],
  ['two lists of names', hello({ extensions: Buffer.concat([serverName('a'), serverName('a')]) })],
  [
    'two names',
    hello({ extensions: extension(0, vector16(Buffer.concat([nameEntry('a'), nameEntry('b')]))) }),
  ],
  ['a name of another kind', hello({ extensions: extension(0, vector16(nameEntry('a', 1))) })],
  ['an empty list', hello({ extensions: extension(0, vector16(Buffer.alloc(0))) })],
  ['an empty name', hello({ extensions: serverName('') })],
  ['a name with a zero in it', hello({ extensions: serverName('shop\0.evil') })],
  ['a name with a port', hello({ extensions: serverName('shop:80') })],
  ['a name of 254 octets', hello({ extensions: serverName('a'.repeat(254)) })],
  [
    'something behind the list',
    hello({ extensions: extension(0, Buffer.concat([vector16(nameEntry('a')), u8(0)])) }),
  ],
])('refuses %s', (_, octets) => {
  expect(read(octets).kind).toBe('malformed');
  // And not later for coming in small pieces, so that nothing is waited for in vain.
  expect(read(octets, [1]).kind).toBe('malformed');
});

test('16 KiB that are no whole hello are the end of it', () => {
  // As a message it would fit; its records are too many.
  const over = records(message(Buffer.alloc(16_300)), [1_000]);
  expect(read(over.subarray(0, 16_000), [100]).kind).toBe('more');
  expect(read(over, [100])).toEqual({ kind: 'malformed', detail: 'longer than any hello' });
});

test('property: neither the pieces nor the records change what is read', () => {
  const lengths = fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 8 });
  fc.assert(
    fc.property(lengths, lengths, (pieces, parts) => {
      const octets = records(message(body({ extensions: typical })), parts);
      expect(read(octets, pieces)).toEqual(named('shop.default.mesh'));
      // All but the last octet say nothing yet.
      expect(read(octets.subarray(0, -1), pieces)).toEqual({ kind: 'more' });
    }),
  );
});

test('property: of a hello that is bent somewhere, no name is read that is no host name', () => {
  const whole = hello({ extensions: typical });
  const bend = fc.record({ at: fc.nat(whole.length - 1), to: fc.nat(255) });
  fc.assert(
    fc.property(fc.array(bend, { minLength: 1, maxLength: 4 }), (bends) => {
      const octets = Buffer.from(whole);
      for (const { at, to } of bends) octets[at] = to;
      const reading = read(octets);
      if (reading.kind !== 'hello') return true;
      return reading.serverName === undefined || /^[a-z0-9._~-]{1,253}$/.test(reading.serverName);
    }),
    { numRuns: 2_000 },
  );
});

test('property: whatever comes, it is answered without an exception', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (tail, isTls) => {
      const start = isTls ? Buffer.of(22, 3, 1, 0, tail.length % 256, 1, 0, 0) : Buffer.alloc(0);
      return read(Buffer.concat([start, tail])).kind.length > 0;
    }),
    { numRuns: 1_000 },
  );
});

test('reads what node:tls sends', async () => {
  const reading = await new Promise<HelloReading>((resolve) => {
    const server = createServer((socket) => {
      const reader = new ClientHelloReader();
      socket.on('error', () => undefined);
      socket.on('data', (chunk) => {
        const found = reader.feed(chunk);
        if (found.kind === 'more') return;
        resolve(found);
        socket.destroy();
        server.close();
      });
    });
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      connect({ port, host: '127.0.0.1', servername: 'shop.default' }).on('error', () => undefined);
    });
  });
  expect(reading).toEqual(named('shop.default'));
});
