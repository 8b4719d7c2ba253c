import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { requestHead } from './head-writer.ts';
import { type MessageLimits, messageLimits } from './limits.ts';
import { type ParsedRequest, RequestParser } from './request-parser.ts';

const H = 'Host: svc.local\r\n';
const KEY = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n';

type Outcome =
  | { readonly kind: 'request'; readonly request: ParsedRequest; readonly rest: string }
  | { readonly kind: 'refused'; readonly status: number }
  | { readonly kind: 'more' };

/** Feeds the text in pieces that end at `cuts`. */
function parse(
  text: string,
  cuts: readonly number[] = [],
  limits: MessageLimits = messageLimits,
): Outcome {
  const parser = new RequestParser(limits);
  let start = 0;
  for (const end of [...cuts.toSorted((a, b) => a - b), text.length]) {
    const piece = Buffer.from(text.slice(start, end), 'latin1');
    const after = piece.length === 0 ? -1 : parser.feed(piece, 0);
    const request = parser.take();
    // The shared read buffer of the future: what was parsed must not depend on the bytes any more.
    piece.fill(0x78);
    if (request !== undefined) return { kind: 'request', request, rest: text.slice(start + after) };
    if (parser.refusal !== undefined) return { kind: 'refused', status: parser.refusal.status };
    start = end;
  }
  return { kind: 'more' };
}

function request(text: string): ParsedRequest {
  const outcome = parse(text);
  if (outcome.kind !== 'request') throw new Error(JSON.stringify(outcome));
  return outcome.request;
}

/** What must be refused, and with which status. */
const refused: readonly (readonly [string, string, number])[] = [
  [
    'RFC 9112 §6.1: length and coding',
    `POST /p HTTP/1.1\r\n${H}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n`,
    400,
  ],
  [
    'coding and length',
    `POST /p HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n`,
    400,
  ],
  [
    'two codings',
    `POST /p HTTP/1.1\r\n${H}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n`,
    400,
  ],
  ['coding identity', `POST /p HTTP/1.1\r\n${H}Transfer-Encoding: identity\r\n\r\n`, 400],
  ['coding xchunked', `POST /p HTTP/1.1\r\n${H}Transfer-Encoding: xchunked\r\n\r\n`, 400],
  [
    'coding with a parameter',
    `POST /p HTTP/1.1\r\n${H}Transfer-Encoding: chunked;a=b\r\n\r\n`,
    400,
  ],
  [
    'coding with an empty member',
    `POST /p HTTP/1.1\r\n${H}Transfer-Encoding: ,chunked\r\n\r\n`,
    400,
  ],
  [
    'empty coding and a length',
    `POST /p HTTP/1.1\r\n${H}Transfer-Encoding: \r\nContent-Length: 5\r\n\r\n`,
    400,
  ],
  [
    'RFC 9112 §6.1: gzip, chunked',
    `POST /p HTTP/1.1\r\n${H}Transfer-Encoding: gzip, chunked\r\n\r\n`,
    501,
  ],
  ['folded coding', `POST /p HTTP/1.1\r\n${H}Transfer-Encoding:\r\n chunked\r\n\r\n`, 400],
  ['blank before the colon', `POST /p HTTP/1.1\r\n${H}Transfer-Encoding : chunked\r\n\r\n`, 400],
  ['coding in HTTP/1.0', `POST /p HTTP/1.0\r\n${H}Transfer-Encoding: chunked\r\n\r\n`, 400],
  ['equal lengths', `POST /p HTTP/1.1\r\n${H}Content-Length: 5\r\nContent-Length: 5\r\n\r\n`, 400],
  ['a list of lengths', `POST /p HTTP/1.1\r\n${H}Content-Length: 5, 5\r\n\r\n`, 400],
  ['+5', `POST /p HTTP/1.1\r\n${H}Content-Length: +5\r\n\r\n`, 400],
  ['-1', `POST /p HTTP/1.1\r\n${H}Content-Length: -1\r\n\r\n`, 400],
  ['0x5', `POST /p HTTP/1.1\r\n${H}Content-Length: 0x5\r\n\r\n`, 400],
  ['1 0', `POST /p HTTP/1.1\r\n${H}Content-Length: 1 0\r\n\r\n`, 400],
  ['empty length', `POST /p HTTP/1.1\r\n${H}Content-Length: \r\n\r\n`, 400],
  [
    'length beyond 64 bit',
    `POST /p HTTP/1.1\r\n${H}Content-Length: 18446744073709551621\r\n\r\n`,
    400,
  ],
  ['length beyond the limit', `POST /p HTTP/1.1\r\n${H}Content-Length: 99999999999\r\n\r\n`, 413],
  ['Content_Length', `POST /p HTTP/1.1\r\n${H}Content_Length: 5\r\n\r\n`, 400],
  [
    'two of Content-Type',
    `POST /p HTTP/1.1\r\n${H}Content-Type: a\r\ncontent-type: b\r\n\r\n`,
    400,
  ],
  [
    'two of Authorization',
    `GET /p HTTP/1.1\r\n${H}Authorization: a\r\nAuthorization: a\r\n\r\n`,
    400,
  ],
  ['bare LF', 'GET /p HTTP/1.1\nHost: svc.local\n\n', 400],
  ['bare CR', 'GET /p HTTP/1.1\rHost: a\r\r', 400],
  ['two blanks', `GET  /p HTTP/1.1\r\n${H}\r\n`, 400],
  ['tabs', `GET\t/p\tHTTP/1.1\r\n${H}\r\n`, 400],
  ['no target', `GET HTTP/1.1\r\n${H}\r\n`, 400],
  ['HTTP/0.9', 'GET /p\r\n\r\n', 400],
  ['HTTP/1.2', `GET /p HTTP/1.2\r\n${H}\r\n`, 505],
  ['HTTP/2.0', `GET /p HTTP/2.0\r\n${H}\r\n`, 505],
  ['http/1.1', `GET /p http/1.1\r\n${H}\r\n`, 400],
  ['a blank at the end of the line', `GET /p HTTP/1.1 \r\n${H}\r\n`, 400],
  ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400],
  ['lower-case method', `get /p HTTP/1.1\r\n${H}\r\n`, 400],
  ['unknown method', `FOO /p HTTP/1.1\r\n${H}\r\n`, 400],
  ['no request at all', 'EXTRA', 400],
  ['a TLS handshake', '\x16\x03\x01\x00\xa5\x01', 400],
  ['RFC 9110 §9.3.8: TRACE', `TRACE /p HTTP/1.1\r\n${H}\r\n`, 405],
  ['RFC 9112 §3.2.4: GET *', `GET * HTTP/1.1\r\n${H}\r\n`, 400],
  ['a fragment', `GET /a#b HTTP/1.1\r\n${H}\r\n`, 400],
  ['a backslash', `GET /a\\b HTTP/1.1\r\n${H}\r\n`, 400],
  ['NUL in the target', `GET /p\0x HTTP/1.1\r\n${H}\r\n`, 400],
  ['0xFF in the target', `GET /p\xff HTTP/1.1\r\n${H}\r\n`, 400],
  ['no slash', `GET p HTTP/1.1\r\n${H}\r\n`, 400],
  ['another scheme', `GET ftp://svc.local/ HTTP/1.1\r\n${H}\r\n`, 400],
  ['a user in the target', `GET http://u@svc.local/ HTTP/1.1\r\n${H}\r\n`, 400],
  ['RFC 9112 §3.2.2: Host disagrees', `GET http://other.local/p HTTP/1.1\r\n${H}\r\n`, 400],
  ['port disagrees', `GET http://svc.local:81/p HTTP/1.1\r\n${H}\r\n`, 400],
  ['RFC 9112 §3.2: no Host', 'GET /p HTTP/1.1\r\nX: y\r\n\r\n', 400],
  ['no Host in HTTP/1.0', 'GET /p HTTP/1.0\r\n\r\n', 400],
  ['absolute target without Host', 'GET http://svc.local/p HTTP/1.1\r\n\r\n', 400],
  ['two Hosts', `GET /p HTTP/1.1\r\n${H}${H}\r\n`, 400],
  ['empty Host', 'GET /p HTTP/1.1\r\nHost:\r\n\r\n', 400],
  ['a list of hosts', 'GET /p HTTP/1.1\r\nHost: svc.local, evil\r\n\r\n', 400],
  ['a user in Host', 'GET /p HTTP/1.1\r\nHost: a@b\r\n\r\n', 400],
  ['a port that is none', 'GET /p HTTP/1.1\r\nHost: a:65536\r\n\r\n', 400],
  ['a bracket that stays open', 'GET /p HTTP/1.1\r\nHost: [::1\r\n\r\n', 400],
  ['NUL in Host', 'GET /p HTTP/1.1\r\nHost: a\0.b\r\n\r\n', 400],
  ['a folded line', `GET /p HTTP/1.1\r\n${H}X-A: a\r\n b\r\n\r\n`, 400],
  ['a blank before the first field', `GET /p HTTP/1.1\r\n ${H}X: y\r\n\r\n`, 400],
  ['a line without colon', `GET /p HTTP/1.1\r\n${H}NoColon\r\n\r\n`, 400],
  ['an empty name', `GET /p HTTP/1.1\r\n${H}: x\r\n\r\n`, 400],
  ['a NUL in a value', `GET /p HTTP/1.1\r\n${H}X: v\0w\r\n\r\n`, 400],
  ['a CR in a value', `GET /p HTTP/1.1\r\n${H}X: v\rI: y\r\n\r\n`, 400],
  ['a LF in a value', `GET /p HTTP/1.1\r\n${H}X: v\nI: y\r\n\r\n`, 400],
  ['a control character in a value', `GET /p HTTP/1.1\r\n${H}X: v\x01w\r\n\r\n`, 400],
  ['0xE9 in a name', `GET /p HTTP/1.1\r\n${H}X-\xe9: v\r\n\r\n`, 400],
  ['_ in a name', `GET /p HTTP/1.1\r\n${H}X_A: v\r\n\r\n`, 400],
  ['101 fields', `GET /p HTTP/1.1\r\n${H}${'a: b\r\n'.repeat(100)}\r\n`, 431],
  [
    'fields that hide a length',
    `GET /p HTTP/1.1\r\n${H}${'a:\r\n'.repeat(1100)}Content-Length: 3\r\n\r\n`,
    431,
  ],
  ['a long target', `GET /${'a'.repeat(70_000)} HTTP/1.1\r\n${H}\r\n`, 431],
  ['a long value', `GET /p HTTP/1.1\r\n${H}X: ${'a'.repeat(70_000)}\r\n\r\n`, 431],
  [
    'RFC 9110 §10.1.1: another expectation',
    `POST /p HTTP/1.1\r\n${H}Content-Length: 5\r\nExpect: 200-ok\r\n\r\n`,
    417,
  ],
  ['CONNECT without port', 'CONNECT svc.local HTTP/1.1\r\nHost: svc.local\r\n\r\n', 400],
  ['CONNECT to a path', `CONNECT /p HTTP/1.1\r\n${H}\r\n`, 400],
  ['CONNECT with a body', `CONNECT svc.local:80 HTTP/1.1\r\n${H}Content-Length: 5\r\n\r\n`, 400],
  ['CONNECT and another Host', 'CONNECT a:80 HTTP/1.1\r\nHost: b:80\r\n\r\n', 400],
  ['Connection of no tokens', `GET /p HTTP/1.1\r\n${H}Connection: a b\r\n\r\n`, 400],
];

describe('refuses', () => {
  it.each(refused)('%s', (_, text, status) => {
    expect(parse(text)).toEqual({ kind: 'refused', status });
  });
});

/** What is taken, and as what. */
const taken: readonly (readonly [string, string, Partial<ParsedRequest>])[] = [
  [
    'the plainest',
    `GET /p?q=1 HTTP/1.1\r\n${H}\r\n`,
    {
      method: 'GET',
      target: '/p?q=1',
      authority: 'svc.local',
      contentLength: 0,
      keepAlive: true,
      minorVersion: 1,
    },
  ],
  ['RFC 9112 §2.2: an empty line before', `\r\nGET /p HTTP/1.1\r\n${H}\r\n`, { target: '/p' }],
  [
    'Host in upper case with a port',
    'GET / HTTP/1.1\r\nHOST: SVC.Local:8080\r\n\r\n',
    { authority: 'svc.local:8080' },
  ],
  ['IPv6', 'GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n', { authority: '[::1]:80' }],
  [
    'a padded coding',
    `POST /p HTTP/1.1\r\n${H}Transfer-Encoding: Chunked \t \r\n\r\n`,
    { contentLength: undefined },
  ],
  [
    'RFC 9110 §8.6: leading zeros',
    `POST /p HTTP/1.1\r\n${H}Content-Length: 010\r\n\r\n`,
    { contentLength: 10 },
  ],
  ['GET with a body', `GET /p HTTP/1.1\r\n${H}Content-Length: 43\r\n\r\n`, { contentLength: 43 }],
  [
    'absolute form',
    `GET HTTP://SVC.local/p?x HTTP/1.1\r\n${H}\r\n`,
    { target: '/p?x', authority: 'svc.local', scheme: 'http' },
  ],
  [
    'absolute form with the default port',
    `GET http://svc.local:80 HTTP/1.1\r\n${H}\r\n`,
    { target: '/', authority: 'svc.local:80' },
  ],
  [
    'absolute form with a query only',
    `GET http://svc.local?x HTTP/1.1\r\n${H}\r\n`,
    { target: '/?x' },
  ],
  [
    'absolute form in HTTP/1.0',
    'GET http://svc.local/p HTTP/1.0\r\n\r\n',
    { target: '/p', authority: 'svc.local' },
  ],
  ['RFC 9112 §3.2.4: OPTIONS *', `OPTIONS * HTTP/1.1\r\n${H}\r\n`, { target: '*' }],
  ['OPTIONS without a path', `OPTIONS http://svc.local HTTP/1.1\r\n${H}\r\n`, { target: '*' }],
  [
    'CONNECT',
    'CONNECT svc.local:443 HTTP/1.1\r\nHost: svc.local\r\n\r\n',
    { method: 'CONNECT', target: '', authority: 'svc.local:443' },
  ],
  [
    'HTTP/1.0 never stays',
    `GET /p HTTP/1.0\r\n${H}Connection: keep-alive\r\n\r\n`,
    { minorVersion: 0, keepAlive: false },
  ],
  [
    'Connection: close',
    `GET /p HTTP/1.1\r\n${H}Connection: x, Close\r\n\r\n`,
    { keepAlive: false },
  ],
  [
    'an expectation',
    `POST /p HTTP/1.1\r\n${H}Content-Length: 5\r\nExpect: 100-Continue\r\n\r\n`,
    { expectsContinue: true },
  ],
  [
    'an expectation without a body',
    `GET /p HTTP/1.1\r\n${H}Expect: 100-continue\r\n\r\n`,
    { expectsContinue: false },
  ],
  [
    'an upgrade',
    `GET /p HTTP/1.1\r\n${H}Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n${KEY}\r\n`,
    { upgrade: 'websocket' },
  ],
  [
    'no WebSocket without a key',
    `GET /p HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: k\r\n\r\n`,
    { upgrade: undefined },
  ],
  [
    'an upgrade that Connection does not name',
    `GET /p HTTP/1.1\r\n${H}Upgrade: websocket\r\n\r\n`,
    { upgrade: undefined },
  ],
  [
    'RFC 9113 §3.1: h2c is not an upgrade',
    `GET /p HTTP/1.1\r\n${H}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\n`,
    { upgrade: undefined },
  ],
  [
    'an upgrade of a request with a body',
    `POST /p HTTP/1.1\r\n${H}Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 1\r\n\r\n`,
    { upgrade: undefined },
  ],
  ['100 fields', `GET /p HTTP/1.1\r\n${H}${'a: b\r\n'.repeat(99)}\r\n`, { target: '/p' }],
  [
    'trailers taken',
    `GET /p HTTP/1.1\r\n${H}TE: deflate, trailers\r\n\r\n`,
    { takesTrailers: true },
  ],
];

describe('takes', () => {
  it.each(taken)('%s', (_, text, expected) => {
    expect(request(`${text}REST`)).toMatchObject(expected);
    expect(parse(`${text}REST`)).toMatchObject({ kind: 'request', rest: 'REST' });
  });
});

it('RFC 9110 §7.6.1: drops what Connection lists and what is for one hop', () => {
  const { fields } = request(
    `GET / HTTP/1.1\r\n${H}Connection: keep-alive, X-Secret , te\r\nX-Secret: 1\r\nKeep-Alive: 5\r\n` +
      'Proxy-Connection: keep-alive\r\nTE: trailers, deflate\r\nTrailer: x\r\nUpgrade: a\r\n' +
      'Proxy-Authorization: Basic x\r\nHTTP2-Settings: A\r\nExpect: 100-continue\r\nAccept: a\r\n\r\n',
  );
  expect([...fields]).toEqual([
    ['Accept', 'a'],
    ['te', 'trailers'],
  ]);
});

it('CVE-2025-48865: Connection cannot strip identity, host or framing', () => {
  const head = request(
    `POST / HTTP/1.1\r\n${H}Connection: host, content-length, x-leno-peer, authorization, x-forwarded-for\r\n` +
      'Content-Length: 3\r\nX-Leno-Peer: a\r\nAuthorization: b\r\nX-Forwarded-For: c\r\n\r\n',
  );
  expect([...head.fields].map(([name]) => name)).toEqual([
    'X-Leno-Peer',
    'Authorization',
    'X-Forwarded-For',
  ]);
  expect([head.contentLength, head.authority]).toEqual([3, 'svc.local']);
});

it('names of Object.prototype are fields like others', () => {
  const { fields } = request(`GET / HTTP/1.1\r\n${H}constructor: y\r\ntoString: z\r\n\r\n`);
  expect([fields.get('constructor'), fields.get('tostring'), fields.get('valueof')]).toEqual([
    'y',
    'z',
    undefined,
  ]);
});

it('takes a head of exactly the limit, and not one octet more', () => {
  const text = (length: number) => {
    const around = `GET / HTTP/1.1\r\n${H}X: \r\n\r\n`.length;
    return `GET / HTTP/1.1\r\n${H}X: ${'a'.repeat(length - around)}\r\n\r\n`;
  };
  expect(parse(text(messageLimits.headByteCountMax)).kind).toBe('request');
  expect(parse(text(messageLimits.headByteCountMax + 1))).toEqual({ kind: 'refused', status: 431 });
});

describe('laws', () => {
  const texts = [...refused.map(([, text]) => text), ...taken.map(([, text]) => `${text}REST`)];

  it('gives the same however the bytes are split', () => {
    const example = fc
      .constantFrom(...texts)
      .chain((text) =>
        fc.tuple(
          fc.constant(text),
          fc.array(fc.nat({ max: Math.min(text.length, 700) }), { maxLength: 8 }),
        ),
      );
    fc.assert(
      fc.property(example, ([text, cuts]) => {
        expect(comparable(parse(text, cuts))).toEqual(comparable(parse(text)));
      }),
      { numRuns: 600 },
    );
  });

  it('gives the same octet by octet', () => {
    for (const text of texts.filter((each) => each.length < 1_000)) {
      const cuts = Array.from({ length: text.length }, (_, index) => index);
      expect(comparable(parse(text, cuts))).toEqual(comparable(parse(text)));
    }
  });

  it('a head of octets one by one costs linear time', () => {
    const text = `GET / HTTP/1.1\r\n${H}X: ${'a'.repeat(50_000)}\r\n\r\n`;
    const cuts = Array.from({ length: text.length }, (_, index) => index);
    expect(parse(text, cuts).kind).toBe('request');
  });

  it('parsing what was written gives what was written', () => {
    const token = fc.stringMatching(/^[a-z][a-z0-9-]{0,12}$/).filter((name) => !hopNames.has(name));
    const value = fc.stringMatching(/^([!-~\x80-\xff]([ -~\x80-\xff]{0,20}[!-~\x80-\xff])?)?$/);
    const fields = fc.array(fc.tuple(token, value), { maxLength: 20 });
    const target = fc.stringMatching(/^\/[a-z0-9%/?&=._~-]{0,30}$/);
    const length = fc.option(fc.nat({ max: 1_000_000 }), { nil: undefined });
    fc.assert(
      fc.property(fields, target, length, (pairs, path, contentLength) => {
        const lines = pairs.map(([name, text]) => `${name}:${text}\r\n`).join('');
        const framing =
          contentLength === undefined
            ? 'transfer-encoding: chunked'
            : `content-length: ${contentLength}`;
        const first = request(`POST ${path} HTTP/1.1\r\n${lines}${H}${framing}\r\n\r\n`);
        const again = request(requestHead(first));
        expect(comparable({ kind: 'request', request: again, rest: '' })).toEqual(
          comparable({ kind: 'request', request: first, rest: '' }),
        );
        expect([...again.fields]).toEqual(pairs);
      }),
    );
  });
});

const hopNames = new Set([
  'te',
  'host',
  'expect',
  'upgrade',
  'trailer',
  'connection',
  'keep-alive',
  'content-type',
  'authorization',
]);

function comparable(outcome: Outcome): unknown {
  if (outcome.kind !== 'request') return outcome;
  return { ...outcome, request: { ...outcome.request, fields: [...outcome.request.fields] } };
}
