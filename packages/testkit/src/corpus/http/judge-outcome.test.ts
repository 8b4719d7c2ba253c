import { expect, test } from 'vitest';
import type { Outcome } from './http1-responses-format.ts';
import { judgeOutcome } from './judge-outcome.ts';
import { type ConnectionEnd, readReplies } from './reply-reader.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const bad: Outcome = { outcome: 'BAD_GATEWAY' };
const abort: Outcome = { outcome: 'ABORT' };
const deliver: Outcome = { outcome: 'DELIVER', status: 200, body: 'ok' };

function judge(text: string, end: ConnectionEnd, oneOf: readonly Outcome[], maxInterim?: number) {
  const replies = readReplies(Buffer.from(text), ['GET'], end);
  return judgeOutcome(replies, end, { oneOf, maxInterim }, '127.0.0.2');
}

test.each<[string, string, ConnectionEnd, readonly Outcome[]]>([
  ['delivered', ok, 'open', [deliver]],
  ['refused', 'HTTP/1.1 502 X\r\nContent-Length: 0\r\n\r\n', 'open', [bad]],
  ['broken off', ok.slice(0, -1), 'reset', [bad, abort]],
  ['ended too early', ok.slice(0, -1), 'ended', [abort]],
])('passes: %s', (_, text, end, oneOf) => {
  expect(judge(text, end, oneOf)).toBeUndefined();
});

test.each<[string, string, ConnectionEnd, readonly Outcome[], RegExp]>([
  ['503', 'HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n', 'open', [bad], /status 503/],
  ['a clean end', ok, 'ended', [abort], /not ABORT/],
  ['still open', ok.slice(0, -1), 'open', [abort], /not ABORT/],
  ['no head', '', 'reset', [bad, abort], /no reply/],
  ['another body', ok.replace(/ok$/, 'no'), 'open', [deliver], /body "no"/],
  ['another framing', ok, 'open', [{ ...deliver, framing: 'chunked' }], /framed by length/],
  ['a second reply', ok + ok, 'open', [deliver], /2 replies/],
])('fails: %s', (...row) => {
  const [, text, end, oneOf, problem] = row;
  expect(judge(text, end, oneOf)).toMatch(problem);
});

test('interim replies are bounded', () => {
  const text = `HTTP/1.1 103 X\r\n\r\n${ok}`;
  expect(judge(text, 'open', [deliver], 1)).toBeUndefined();
  expect(judge(text, 'open', [deliver], 0)).toBe('1 interim replies');
});
