import { expect, test } from 'vitest';
import { readReplies } from '../http/reply-reader.ts';
import type { RequestExpectation } from '../http/seen-format.ts';
import { judgeBackend } from './judge-backend.ts';

const get = (target: string) => ({ method: 'GET', target });
const two: RequestExpectation = { verdict: 'ACCEPT', forwarded: [get('/a'), get('/b')] };
const none: RequestExpectation = { verdict: 'REJECT', status: [400] };
const reply = (body: string, more = '') =>
  `HTTP/1.1 200 OK\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;

function judge(
  seen: readonly string[],
  text: string,
  expectation: RequestExpectation,
  notesWholeOnly = true,
) {
  const replies = readReplies(Buffer.from(text), ['GET', 'GET'], 'open');
  return judgeBackend({ seen, replies, firstLine: 'POST /p' }, expectation, notesWholeOnly);
}

test.each<[string, readonly string[], string, RequestExpectation]>([
  ['all', ['GET /a', 'GET /b'], reply('seen GET /a') + reply('seen GET /b'), two],
  ['what a server refuses', ['GET /b'], reply('seen GET /b'), two],
  ['nothing', [], 'HTTP/1.1 400 X\r\nContent-Length: 0\r\n\r\n', none],
  ['said in a field', ['GET /a'], reply('404', 'X-Seen: seen GET /a\r\n'), two],
])('passes: %s', (_, seen, text, expectation) => {
  expect(judge(seen, text, expectation)).toBeUndefined();
});

test.each<[string, readonly string[], string, RequestExpectation, RegExp]>([
  ['smuggled', ['GET /a', 'GET /smuggled'], '', two, /saw GET \/a, GET \/smuggled/],
  ['twice', ['GET /a', 'GET /a'], '', two, /saw GET \/a, GET \/a/],
  ['another order', ['GET /b', 'GET /a'], '', two, /saw/],
  ['refused, and seen', ['POST /p'], '', none, /saw POST \/p/],
  ['the reply to another', ['GET /a'], reply('seen GET /b'), two, /a reply is .*GET \/b/],
  ['no HTTP', [], 'what\r\n\r\n', none, /not HTTP/],
])('fails: %s', (...row) => {
  const [, seen, text, expectation, problem] = row;
  expect(judge(seen, text, expectation)).toMatch(problem);
});

test('a server that notes heads may note the first, and nothing else', () => {
  expect(judge(['POST /p'], '', none, false)).toBeUndefined();
  expect(judge(['POST /p', 'GET /smuggled'], '', none, false)).toMatch(/smuggled/);
});
