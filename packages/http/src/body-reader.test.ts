import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BodyReader, EXTENSION_BYTE_COUNT_MAX } from './body-reader.ts';
import { messageLimits } from './limits.ts';
import { CollectingSink } from './testing/sinks.ts';

interface Read {
  readonly body: string;
  readonly endings: readonly string[];
  readonly status: number | undefined;
  readonly trailers: readonly (readonly [string, string])[];
  readonly rest: string;
}

/** Reads a chunked body that comes in pieces which end at `cuts`. */
function readChunked(text: string, cuts: readonly number[] = [], bodyByteCountMax = 100): Read {
  const reader = new BodyReader({ ...messageLimits, bodyByteCountMax });
  const sink = new CollectingSink();
  reader.startChunked();
  let start = 0;
  let used = 0;
  for (const end of [...cuts.toSorted((a, b) => a - b), text.length]) {
    if (reader.isDone || reader.refusal !== undefined) break;
    const piece = Buffer.from(text.slice(start, end), 'latin1');
    const after = reader.feed(piece, 0, sink);
    if (reader.isDone) sink.end(reader.trailers);
    piece.fill(0x78);
    used = start + Math.max(0, after);
    start = end;
  }
  return {
    body: sink.text,
    endings: sink.endings,
    status: reader.refusal?.status,
    trailers: [...(sink.trailers ?? [])],
    rest: reader.isDone ? text.slice(used) : '',
  };
}

const refused: readonly (readonly [string, string, number])[] = [
  ['0x5', '0x5\r\nhello\r\n0\r\n\r\n', 400],
  ['+5', '+5\r\nhello\r\n0\r\n\r\n', 400],
  ['-1', '-1\r\n\r\n0\r\n\r\n', 400],
  ['_', '0_2e\r\n\r\n', 400],
  ['a blank before the size', ' 5\r\nhello\r\n0\r\n\r\n', 400],
  ['a blank after the size', '5 \r\nhello\r\n0\r\n\r\n', 400],
  ['no size', '\r\n\r\n', 400],
  ['an extension without size', ';a\r\n', 400],
  ['a size beyond 2^53', 'FFFFFFFFFFFFFFFF1\r\n', 400],
  ['a NUL in an extension', '5;\0ext\r\nhello\r\n0\r\n\r\n', 400],
  ['a CR in an extension', '5;a=b\rX\nhello\r\n0\r\n\r\n', 400],
  ['CVE-2025-22871: a LF in an extension', '5;x=\ny\r\nhello\r\n0\r\n\r\n', 400],
  ['two CR', '5\r\r;ABCD\r\n34\r\nE\r\n0\r\n\r\n', 400],
  ['data that goes on', '5\r\nhelloXX0\r\n\r\n', 400],
  ['bare LF', '5\nhello\n0\n\n', 400],
  ['bare CR', '5\rhello\r0\r\r', 400],
  ['a long extension', `5;${'a'.repeat(EXTENSION_BYTE_COUNT_MAX + 1)}\r\n`, 400],
  ['many extensions', `1;${'a'.repeat(200)}\r\nx\r\n`.repeat(90), 400],
  ['101 trailers', `0\r\n${'a: b\r\n'.repeat(101)}\r\n`, 431],
  ['long trailers', `0\r\na: ${'b'.repeat(61_440)}\r\n\r\n`, 431],
  ['a folded trailer', '0\r\na: b\r\n c\r\n\r\n', 400],
  ['more than the limit, said at once', '65\r\n', 413],
  ['more than the limit, in small pieces', '1\r\nx\r\n'.repeat(101), 413],
];

const taken: readonly (readonly [string, string, Partial<Read>])[] = [
  ['one chunk', '5\r\nhello\r\n0\r\n\r\n', { body: 'hello' }],
  ['an empty body', '0\r\n\r\n', { body: '' }],
  ['RFC 9112 §7.1: several zeros', '5\r\nhello\r\n000\r\n\r\n', { body: 'hello' }],
  [
    'hex in any case',
    'a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n',
    { body: '01234567890123456789' },
  ],
  ['RFC 9112 §7.1.1: extensions', '5;ok=1;q="a\\"b"\r\nhello\r\n0;x\r\n\r\n', { body: 'hello' }],
  [
    'trailers',
    '1\r\nx\r\n0\r\nX-T: 1\r\nx-t:2\r\n\r\n',
    {
      trailers: [
        ['X-T', '1'],
        ['x-t', '2'],
      ],
    },
  ],
  [
    'RFC 9110 §6.5.1: trailers that must not be',
    '0\r\nAuthorization: x\r\nSet-Cookie: y\r\nX: 1\r\n\r\n',
    { trailers: [['X', '1']] },
  ],
  [
    'trailers that frame',
    '0\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: evil\r\n\r\n',
    { trailers: [] },
  ],
];

it.each(refused)('refuses %s', (_, text, status) => {
  expect(readChunked(text)).toMatchObject({ status, endings: [] });
});

it.each(taken)('takes %s, and nothing behind it', (_, text, expected) => {
  const whole = { endings: ['end'], status: undefined, rest: 'GET /' };
  expect(readChunked(`${text}GET /`)).toMatchObject({ ...expected, ...whole });
});

describe('laws', () => {
  const texts = [...refused.map(([, text]) => text), ...taken.map(([, text]) => `${text}GET /`)];

  it('gives the same however the bytes are split', () => {
    const example = fc
      .constantFrom(...texts)
      .chain((text) =>
        fc.tuple(
          fc.constant(text),
          fc.array(fc.nat({ max: Math.min(text.length, 900) }), { maxLength: 8 }),
        ),
      );
    fc.assert(
      fc.property(example, ([text, cuts]) => {
        expect(readChunked(text, cuts)).toEqual(readChunked(text));
      }),
      { numRuns: 500 },
    );
  });

  it('a cut body never ends', () => {
    const [, text = ''] = taken[4] ?? [];
    for (let length = 0; length < text.length; length += 1) {
      expect(readChunked(text.slice(0, length)).endings).toEqual([]);
    }
  });
});

it('a body of known length ends by itself, and one until the close does not', () => {
  const reader = new BodyReader(messageLimits);
  const sink = new CollectingSink();
  reader.startFixed(5);
  expect(reader.feed(Buffer.from('helloGET'), 0, sink)).toBe(5);
  expect([reader.isDone, sink.text]).toEqual([true, 'hello']);
  reader.startUntilClose();
  expect(reader.feed(Buffer.from('hello'), 0, sink)).toBe(5);
  expect([reader.isDone, reader.endsWithConnection]).toEqual([false, true]);
});
