import fc from 'fast-check';
import { expect, it } from 'vitest';
import { messageLimits } from './limits.ts';
import { type ParsedResponse, ResponseParser } from './response-parser.ts';

function parse(
  text: string,
  method = 'GET',
  cuts: readonly number[] = [],
): ParsedResponse | string {
  const parser = new ResponseParser(messageLimits);
  let start = 0;
  for (const end of [...cuts.toSorted((a, b) => a - b), text.length]) {
    const piece = Buffer.from(text.slice(start, end), 'latin1');
    if (piece.length > 0) parser.feed(piece, 0, method);
    const response = parser.take();
    if (response !== undefined) return response;
    if (parser.refusal !== undefined) return 'refused';
    start = end;
  }
  return 'more';
}

const refused: readonly (readonly [string, string])[] = [
  [
    'length and coding',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
  ],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n'],
  ['-5', 'HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n'],
  ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\n'],
  ['a NUL', 'HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n'],
  ['a status of letters', 'HTTP/1.1 abc X\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 X\r\n\r\n'],
  ['status 099', 'HTTP/1.1 099 X\r\n\r\n'],
  ['status 600', 'HTTP/1.1 600 X\r\n\r\n'],
  ['garbage', 'garbage\r\n\r\n'],
  ['HTTP/2', 'HTTP/2.0 200 OK\r\n\r\n'],
  ['a bad name', 'HTTP/1.1 200 OK\r\nBad Name: x\r\n\r\n'],
  ['gzip alone', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n'],
  ['a coding in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'],
  ['a large head', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(200_000)}\r\n\r\n`],
  ['many fields', `HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(101)}\r\n`],
];

const none: Partial<ParsedResponse> = { framing: 'none', keepAlive: true };
const taken: readonly (readonly [string, string, string, Partial<ParsedResponse>])[] = [
  [
    'a length',
    'GET',
    '200 OK\r\nContent-Length: 5',
    { status: 200, framing: 'length', contentLength: 5, keepAlive: true },
  ],
  ['no phrase', 'GET', '200\r\nContent-Length: 0', { ...none, contentLength: 0 }],
  ['an empty phrase', 'GET', '404 \r\nContent-Length: 0', { ...none, status: 404 }],
  [
    'chunks',
    'GET',
    '200 OK\r\nTransfer-Encoding: chunked',
    { framing: 'chunked', contentLength: undefined, keepAlive: true },
  ],
  [
    'until the close',
    'GET',
    '200 OK',
    { framing: 'close', contentLength: undefined, keepAlive: false },
  ],
  ['RFC 9112 §6.3: HEAD', 'HEAD', '200 OK\r\nContent-Length: 5', { ...none, contentLength: 5 }],
  [
    'HEAD of chunks',
    'HEAD',
    '200 OK\r\nTransfer-Encoding: chunked',
    { ...none, contentLength: undefined },
  ],
  [
    '204 with a length',
    'GET',
    '204 No Content\r\nContent-Length: 5',
    { ...none, contentLength: 0 },
  ],
  [
    '304 with chunks',
    'GET',
    '304 Not Modified\r\nTransfer-Encoding: chunked',
    { ...none, contentLength: undefined },
  ],
  [
    'Connection: close',
    'GET',
    '200 OK\r\nContent-Length: 0\r\nConnection: close',
    { keepAlive: false },
  ],
  [
    'Keep-Alive',
    'GET',
    '200 OK\r\nContent-Length: 0\r\nKeep-Alive: max=5, timeout=7',
    { keepAliveMs: 7_000 },
  ],
  [
    '101',
    'GET',
    '101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: WebSocket',
    { status: 101, upgrade: 'websocket' },
  ],
];

it.each(refused)('refuses %s', (_, text) => {
  expect(parse(text)).toBe('refused');
});

it.each(taken)('takes %s', (_, method, lines, expected) => {
  expect(parse(`HTTP/1.1 ${lines}\r\n\r\n`, method)).toMatchObject(expected);
});

it('RFC 9112 §9.3: HTTP/1.0 is not kept', () => {
  expect(
    parse('HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 1\r\n\r\n'),
  ).toMatchObject({
    keepAlive: false,
    framing: 'length',
  });
});

it('keeps names with _, which applications use, and lines of Set-Cookie apart', () => {
  const response = parse(
    'HTTP/1.1 200 OK\r\nX_A: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n',
  );
  expect(typeof response === 'string' ? response : [...response.fields]).toEqual([
    ['X_A', '1'],
    ['Set-Cookie', 'a'],
    ['Set-Cookie', 'b'],
  ]);
});

it('gives the same however the bytes are split', () => {
  const texts = [
    ...refused.map(([, text]) => text),
    ...taken.map(([, , lines]) => `HTTP/1.1 ${lines}\r\n\r\n`),
  ];
  const example = fc
    .constantFrom(...texts)
    .chain((text) =>
      fc.tuple(
        fc.constant(text),
        fc.array(fc.nat({ max: Math.min(text.length, 900) }), { maxLength: 8 }),
      ),
    );
  const comparable = (outcome: ParsedResponse | string) =>
    typeof outcome === 'string' ? outcome : { ...outcome, fields: [...outcome.fields] };
  fc.assert(
    fc.property(example, ([text, cuts]) => {
      expect(comparable(parse(text, 'GET', cuts))).toEqual(comparable(parse(text)));
    }),
    { numRuns: 300 },
  );
});
