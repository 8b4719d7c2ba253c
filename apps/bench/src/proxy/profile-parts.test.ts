import { expect, test } from 'vitest';
import { parseSamples, parseSystemCalls, partOf, sharesOf, topSymbols } from './profile-parts.ts';

test.each([
  ['tcp_sendmsg', '[kernel.kallsyms]', 'system calls'],
  ['_aesni_ctr32_ghash_6x', 'node', 'TLS'],
  ['SSL_write', 'node', 'TLS'],
  ['v8::internal::Scavenger::Process(v8::JobDelegate*)', 'node', 'garbage collection'],
  [
    'JS:*#scan file:///a/packages/http/src/h2/hpack.ts:1:2',
    'perf-1.map',
    'HTTP codecs and connections',
  ],
  ['JS:*enter file:///a/packages/dataplane/src/call.ts:1:2', 'perf-1.map', 'mesh work'],
  ['JS:*onread node:internal/stream_base_commons:1:2', 'perf-1.map', 'JavaScript of Node'],
  ['uv__read', 'node', 'native code of Node and V8'],
] as const)('%s belongs where it does', (symbol, object, part) => {
  expect(partOf({ symbol, object })).toBe(part);
});

test('samples are read line by line, and shares are of all of them', () => {
  const samples = parseSamples(
    '    ffff81 tcp_sendmsg ([kernel.kallsyms])\n  7f12 uv__read (node)\n\nnonsense\n' +
      '  7f12 JS:*f file:///a/packages/http/src/wire.ts:3:4 (perf-1.map)\n  7f13 uv__read (node)\n',
  );
  expect(samples).toHaveLength(4);
  expect(sharesOf(samples).slice(0, 2)).toEqual([
    ['native code of Node and V8', 0.5],
    ['system calls', 0.25],
  ]);
  expect(topSymbols(samples, 1)).toEqual([['uv__read', 0.5]]);
  expect(topSymbols(samples, 9)).toContainEqual(['JS:*f wire.ts:3:4', 0.25]);
});

test('the table of strace is read with and without errors in it', () => {
  const calls = parseSystemCalls(
    '% time     seconds  usecs/call     calls    errors syscall\n------ ----\n' +
      ' 50.00    0.1          10      1000           epoll_wait\n' +
      ' 25.00    0.1          10       500        12 read\n' +
      '100.00    0.2                  1500        12 total\n',
  );
  expect([...calls]).toEqual([
    ['epoll_wait', 1_000],
    ['read', 500],
  ]);
});
