import { expect, test } from 'vitest';
import { type ConnectionEnd, readReplies } from './reply-reader.ts';

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';
const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n';

function read(text: string, methods: readonly string[] = [], end: ConnectionEnd = 'open') {
  const { finals, interims, problem } = readReplies(Buffer.from(text, 'latin1'), methods, end);
  const said = finals.map(({ status, body, framing, isWhole }) =>
    [status, body.toString('latin1'), framing, ...(isWhole ? [] : ['cut'])].join(' '),
  );
  return { said, interims, problem };
}

test.each([
  { name: 'two by length', text: ok + ok, said: ['200 ok length', '200 ok length'] },
  { name: 'chunks', text: `${chunked}1\r\no\r\n1\r\nk\r\n0\r\n\r\n`, said: ['200 ok chunked'] },
  {
    name: 'trailers',
    text: `${chunked}0\r\nX: 1\r\n\r\n${ok}`,
    said: ['200  chunked', '200 ok length'],
  },
  { name: 'a length that is not reached', text: ok.slice(0, -1), said: ['200 o length cut'] },
  {
    name: 'chunks without their last',
    text: `${chunked}2\r\nok\r\n`,
    said: ['200 ok chunked cut'],
  },
  { name: 'half a head', text: 'HTTP/1.1 200 O', said: [] },
  { name: '204', text: 'HTTP/1.1 204 X\r\n\r\n', said: ['204  none'] },
])('reads $name', ({ text, said }) => {
  expect(read(text)).toEqual({ said, interims: [], problem: undefined });
});

test('a reply to HEAD has no body, whatever its length says', () => {
  const head = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n';
  expect(read(head + ok, ['HEAD', 'GET']).said).toEqual(['200  none', '200 ok length']);
});

test('interim replies are counted apart', () => {
  expect(read(`HTTP/1.1 103 X\r\n\r\n${ok}`)).toMatchObject({
    said: ['200 ok length'],
    interims: [103],
  });
});

test.each<[ConnectionEnd, string]>([
  ['open', '200 ok close cut'],
  ['reset', '200 ok close cut'],
  ['ended', '200 ok close'],
])('a body until the close, connection %s', (end, said) => {
  expect(read('HTTP/1.1 200 OK\r\n\r\nok', [], end).said).toEqual([said]);
});

test.each([
  'HTTP/1.0 200 OK\r\n\r\n',
  'HTTP/1.1 2000 OK\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX : a\r\n\r\n',
  'HTTP/1.1 200 OK\r\nX: a\nb\r\n\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na',
  'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\na',
  `${chunked}1;x\r\na\r\n0\r\n\r\n`,
  `${chunked}1\r\naXX0\r\n\r\n`,
  `${ok}GARBAGE\r\n\r\n`,
])('%j is no reply', (text) => {
  expect(read(text).problem).toBeDefined();
});
