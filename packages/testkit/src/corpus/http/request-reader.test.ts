import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RequestReader, type WholeRequest } from './request-reader.ts';

const host = 'Host: svc.local\r\n';
const post = (fields: string, rest: string) => `POST /p HTTP/1.1\r\n${host}${fields}\r\n${rest}`;
const chunked = (rest: string) => post('Transfer-Encoding: chunked\r\n', rest);

/** Reads it, in these pieces, answering each request at once where `answers`. */
function read(pieces: readonly string[], answers = true) {
  const requests: WholeRequest[] = [];
  const problems: string[] = [];
  const reader = new RequestReader({
    onHead: () => undefined,
    onRequest: (request) => requests.push(request),
    onProblem: (problem) => problems.push(problem),
  });
  for (const piece of pieces) {
    reader.take(Buffer.from(piece, 'latin1'));
    if (answers) reader.answered();
  }
  return { requests, problems, isAmidst: reader.isAmidst };
}

test.each([
  { name: 'a head alone', text: `GET /p HTTP/1.1\r\n${host}\r\n`, body: '', trailers: [] },
  { name: 'a length', text: post('Content-Length: 2\r\n', 'ab'), body: 'ab', trailers: [] },
  {
    name: 'chunks',
    text: chunked('2\r\nab\r\nA\r\n0123456789\r\n0\r\n\r\n'),
    body: 'ab0123456789',
  },
  { name: 'trailers', text: chunked('0\r\nX-T: 1\r\n\r\n'), body: '', trailers: [['X-T', '1']] },
  { name: 'a name and value at the edge', text: post('!~9: \t\x80\xff!\r\n', ''), body: '' },
])('takes $name, whole or octet by octet', ({ text, body, trailers = [] }) => {
  for (const pieces of [[text], Array.from(text)]) {
    const { requests, problems } = read(pieces);
    expect(problems).toEqual([]);
    expect(requests).toHaveLength(1);
    expect(requests[0]?.body.toString('latin1')).toBe(body);
    expect(requests[0]?.trailers).toEqual(trailers);
  }
});

test.each([
  { name: 'two blanks', text: `GET  /p HTTP/1.1\r\n${host}\r\n` },
  { name: 'another version', text: `GET /p HTTP/1.0\r\n${host}\r\n` },
  { name: '#', text: `GET /p#x HTTP/1.1\r\n${host}\r\n` },
  { name: 'backslash', text: `GET /p\\x HTTP/1.1\r\n${host}\r\n` },
  { name: 'an octet above 0x7E', text: `GET /p\x7f HTTP/1.1\r\n${host}\r\n` },
  { name: 'bare LF', text: `GET /p HTTP/1.1\n${host}\r\n` },
  { name: 'bare LF alone', text: 'GET /p HTTP/1.1\nHost: a\n\n' },
  { name: 'bare CR', text: post('X: a\rb\r\n', '') },
  { name: 'NUL', text: post('X: a\0b\r\n', '') },
  { name: 'a blank before the colon', text: post('X : a\r\n', '') },
  { name: 'a fold', text: post('X: a\r\n b\r\n', '') },
  { name: 'a control character', text: post('X: a\x01\r\n', '') },
  { name: 'no Host', text: 'GET /p HTTP/1.1\r\n\r\n' },
  { name: 'two Hosts', text: post(host, '') },
  { name: 'two lengths', text: post('Content-Length: 0\r\nContent-Length: 0\r\n', '') },
  { name: 'a signed length', text: post('Content-Length: +1\r\n', 'a') },
  { name: 'a leading zero', text: post('Content-Length: 01\r\n', 'a') },
  { name: 'another coding', text: post('Transfer-Encoding: Chunked\r\n', '0\r\n\r\n') },
  { name: 'both', text: post('Content-Length: 0\r\nTransfer-Encoding: chunked\r\n', '') },
  { name: 'a chunk extension', text: chunked('1;x\r\na\r\n0\r\n\r\n') },
  { name: 'a chunk too long', text: chunked('1\r\nab\r\n0\r\n\r\n') },
  { name: 'a bare LF after a size', text: chunked('1\na\r\n0\r\n\r\n') },
  { name: 'a forbidden trailer', text: chunked('0\r\nHost: x\r\n\r\n') },
  { name: 'an option of Connection', text: post('Connection: x-a\r\n', '') },
  { name: 'Keep-Alive', text: post('Keep-Alive: 1\r\n', '') },
  { name: 'TE', text: post('TE: trailers, gzip\r\n', '') },
])('reports $name', ({ text }) => {
  const { requests, problems } = read([text]);
  expect(requests).toEqual([]);
  expect(problems).toHaveLength(1);
});

test('reports a request that begins before the one before was answered', () => {
  const get = `GET /p HTTP/1.1\r\n${host}\r\n`;
  expect(read([get, get]).problems).toEqual([]);
  expect(read([get, get], false).problems).toHaveLength(1);
  expect(read([get + get]).problems).toHaveLength(1);
});

test.each([
  { text: '', isAmidst: false },
  { text: 'G', isAmidst: true },
  { text: post('Content-Length: 2\r\n', 'a'), isAmidst: true },
  { text: post('Content-Length: 2\r\n', 'ab'), isAmidst: false },
])('knows whether it is amid a request: $isAmidst', ({ text, isAmidst }) => {
  expect(read([text], false).isAmidst).toBe(isAmidst);
});

test('property: how the octets are cut changes nothing', () => {
  const element = fc.constantFrom('\r\n', '\n', 'GET /p HTTP/1.1', 'Host: a', ': ', '1', '0', 'x');
  const texts = fc.array(element, { maxLength: 20 }).map((parts) => parts.join(''));
  const started = texts.map((text) => `POST /p HTTP/1.1\r\n${host}${text}\r\n\r\n`);
  fc.assert(
    fc.property(started, fc.nat(), (text, seed) => {
      const at = seed % text.length;
      const whole = read([text], false);
      const cut = read([text.slice(0, at), text.slice(at)], false);
      return whole.problems.length === cut.problems.length
        ? JSON.stringify(whole.requests) === JSON.stringify(cut.requests)
        : false;
    }),
  );
});
