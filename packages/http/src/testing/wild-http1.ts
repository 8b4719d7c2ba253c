/** HTTP/1.1 as it must not be, and nearly is: arbitrary messages out of right and wrong pieces. */
import * as fc from 'fast-check';

interface Choice {
  readonly right: readonly string[];
  readonly wrong: readonly string[];
}

/** Nine times of ten something right. */
const pick = ({ right, wrong }: Choice): fc.Arbitrary<string> =>
  fc.oneof(
    { arbitrary: fc.constantFrom(...right), weight: 9 },
    { arbitrary: fc.constantFrom(...wrong), weight: 1 },
  );

const eol = pick({ right: ['\r\n'], wrong: ['\n', '\r', '\r\r\n', '\0\r\n'] });
const method = pick({
  right: ['GET', 'POST', 'PUT', 'OPTIONS', 'DELETE'],
  wrong: ['get', '', 'G E', 'HEAD', 'X'.repeat(40), 'CONNECT', '\x16\x03'],
});
const target = pick({
  right: ['/', '/a?b=c', '/a%20b', 'http://svc.local/abs'],
  wrong: ['', '*', 'a', '/a b', '/\t', '/\xe9', '/\0', '//x', 'svc.local:80', 'http:///', '/#f'],
});
const space = pick({ right: [' '], wrong: ['  ', '\t', '', '\x0b'] });
const version = pick({
  right: ['HTTP/1.1'],
  wrong: ['HTTP/1.0', 'HTTP/1.2', 'http/1.1', 'HTTP/2', 'HTTP/1.1 ', 'HTTP/01.1', ''],
});
const colon = pick({ right: [': ', ':'], wrong: [' : ', ':\t', ':\0', '', ':\x0b'] });
const framing = fc.oneof(
  fc.constantFrom('Content-Length', 'content-length').map((name) => [name, '5'] as const),
  fc.constant(['Transfer-Encoding', 'chunked'] as const),
  fc
    .constantFrom('0', '05', '+5', '-5', '5 ', '5, 5', '5,6', '0x5', '1e1', '', '99999999999999999')
    .map((value) => ['Content-Length', value] as const),
  fc
    .constantFrom('Chunked', 'chunked, chunked', 'gzip, chunked', 'chunked, gzip', ' chunked', 'x')
    .map((value) => ['Transfer-Encoding', value] as const),
);
const plain = fc.constantFrom(
  ['Host', 'svc.local'] as const,
  ['X-A', 'b'] as const,
  ['Connection', 'close'] as const,
  ['Connection', 'keep-alive, X-A'] as const,
  ['Expect', '100-continue'] as const,
  ['X-Utf', '\xe9'] as const,
  ['X A', 'b'] as const,
  [' Folded', 'b'] as const,
  ['', 'b'] as const,
);
const field = fc
  .tuple(fc.oneof({ arbitrary: framing, weight: 2 }, plain), colon, eol)
  .map(([[name, value], between, end]) => `${name}${between}${value}${end}`);
const chunkSize = pick({
  right: ['5', '5;a=b', '05', '5;a="b"'],
  wrong: ['', '6', '4', '0x5', '5 ', ' 5', '-5', '100000000000000005', 'g', '5;a=\n', '5\t'],
});
const chunk = fc.tuple(chunkSize, eol, eol).map(([size, one, two]) => `${size}${one}hello${two}`);
const lastChunk = pick({
  right: ['0\r\n\r\n', '0\r\nX-T: 1\r\n\r\n'],
  wrong: ['0\r\n', '0\n\n', '0\r\n\r', '0\r\nContent-Length: 5\r\n\r\n', ''],
});
const body = fc.oneof(
  fc.constantFrom('', 'hello', 'hello', 'hell', 'hello!'),
  fc
    .tuple(fc.array(chunk, { maxLength: 3 }), lastChunk)
    .map(([chunks, last]) => chunks.join('') + last),
);

const next = 'GET /next HTTP/1.1\r\nHost: svc.local\r\n\r\n';
const host = fc.constantFrom('Host: svc.local\r\n', 'Host: svc.local\r\n', '');

/** Framing and the body that it announces. */
const fitting = fc.constantFrom(
  ['Content-Length: 5\r\n', 'hello'],
  ['Transfer-Encoding: chunked\r\n', '5\r\nhello\r\n0\r\n\r\n'],
  ['', ''],
);

const wildMessage = fc
  .tuple(host, fc.array(field, { maxLength: 4 }), eol, body)
  .map(([name, fields, end, rest]) => name + fields.join('') + end + rest);
const fittingMessage = fc
  .tuple(fc.array(pick({ right: ['X-A: b\r\n', 'X-B:\r\n'], wrong: ['X A: b\r\n'] })), fitting)
  .map(([fields, [framed, rest]]) => `Host: svc.local\r\n${fields.join('')}${framed}\r\n${rest}`);

const wholeRequest = fc
  .tuple(
    fc.tuple(method, space, target, space, version, eol),
    fc.oneof({ arbitrary: fittingMessage, weight: 2 }, wildMessage),
  )
  .map(([line, rest]) => line.join('') + rest);

const status = pick({
  right: ['HTTP/1.1 200 OK', 'HTTP/1.1 404 ', 'HTTP/1.0 200 OK'],
  wrong: ['HTTP/1.1 20', 'HTTP/1.1 2000 X', 'HTTP/1.1 200', 'HTTP/2 200 OK', 'x', 'HTTP/1.1  200 '],
});
const wholeResponse = fc
  .tuple(status, eol, fc.array(field, { maxLength: 4 }), eol, body)
  .map(([line, one, fields, two, rest]) => line + one + fields.join('') + two + rest);
const fittingResponse = fc
  .tuple(status, fitting)
  .map(([line, [framed, rest]]) => `${line}\r\n${framed}\r\n${rest}`);

/** A few octets lost, doubled or changed anywhere. */
function damaged(text: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const edit = fc.tuple(
    fc.nat(),
    fc.nat({ max: 3 }),
    fc.constantFrom('', '\r', '\n', '\0', ' ', ':'),
  );
  const edits = fc.oneof(
    { arbitrary: fc.constant([]), weight: 3 },
    { arbitrary: fc.array(edit, { minLength: 1, maxLength: 3 }), weight: 1 },
  );
  return fc.tuple(text, edits).map(([whole, list]) =>
    list.reduce((now, [at, count, put]) => {
      const start = now.length === 0 ? 0 : at % now.length;
      return now.slice(0, start) + put + now.slice(start + count);
    }, whole),
  );
}

/** Octets that a client may send on one connection; another request may follow the first. */
export const wildRequest: fc.Arbitrary<string> = fc
  .tuple(damaged(wholeRequest), fc.constantFrom('', next))
  .map(([first, more]) => first + more);

/** Octets that an upstream may send in answer to one request. */
export const wildResponse: fc.Arbitrary<string> = damaged(fc.oneof(wholeResponse, fittingResponse));
