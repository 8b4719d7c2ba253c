/**
 * The hardening runner against a real proxy: it passes what holds, and, as important, it fails what
 * does not. Each case here is one of the corpora's forms with a right and a wrong expectation.
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { startProcess } from '@leno/std/node';
import { afterAll, beforeAll, expect, test } from 'vitest';

const main = resolve(import.meta.dirname, '../packages/testkit/src/hardening-main.ts');
const source = ['a rule'];
const get = 'GET /p HTTP/1.1\r\nHost: svc.local\r\n\r\n';
const forwarded = [{ method: 'GET', target: '/p' }];
let directory: string;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'leno-e2e-hardening-'));
});

afterAll(async () => {
  await rm(directory, { recursive: true, force: true });
});

/** Runs one file with these cases; gives verdict and reason by id, the last line and the code. */
async function run(corpus: string, cases: readonly object[], more: object = {}) {
  const file = join(directory, `${corpus}.json`);
  await writeFile(file, JSON.stringify({ corpus, schemaVersion: 1, ...more, cases }));
  const lines: string[] = [];
  const report = join(directory, 'report.json');
  const running = startProcess({
    command: process.execPath,
    args: ['--conditions=@leno/source', main, file, '--report', report],
    onLine: (line) => lines.push(line),
  });
  const { code } = await running.exited;
  const written = JSON.parse(await readFile(report, 'utf8')) as { results: object[] };
  expect(written.results).toHaveLength(cases.length);
  return { code, lines };
}

test('requests: what is forwarded, refused and never seen', async () => {
  const { code, lines } = await run(
    'http1-requests',
    [
      { id: 'T01', expect: { verdict: 'ACCEPT', forwarded } },
      { id: 'T02', expect: { verdict: 'REJECT', status: [400] } },
      { id: 'T03', expect: { verdict: 'ACCEPT', forwarded: [{ method: 'GET', target: '/q' }] } },
      { id: 'T04', expect: { verdict: 'ACCEPT', forwarded, neverUpstream: ['HOST: SVC'] } },
      { id: 'T05', expect: { verdict: 'EITHER', status: [400], forwarded, neverStatus: [200] } },
      { id: 'T06', expect: { verdict: 'ACCEPT', forwarded, closed: true } },
      { id: 'T07', expect: { verdict: 'ACCEPT', forwarded }, raw: get.replace('svc', 'SVC') },
      {
        id: 'T08',
        expect: { verdict: 'ACCEPT', forwarded: [{ ...forwarded[0], upstream: 'other' }] },
        raw: get.replace('svc.local', 'other.local:8123'),
      },
      {
        id: 'T09',
        expect: { verdict: 'REJECT', status: [400] },
        raw: get.replace('Host:', 'Host :'),
      },
      {
        id: 'T10',
        expect: { verdict: 'ACCEPT', forwarded: [{ ...forwarded[0], headers: { 'x-a': '2' } }] },
        raw: get.replace('\r\n\r\n', '\r\nX-A: 1\r\n\r\n'),
      },
    ].map((it) => ({ class: 'test', raw: get, source, ...it })),
  );
  expect(lines).toEqual([
    'PASS T01',
    'FAIL T02: GET /p came upstream',
    'FAIL T03: request 1 upstream: target /p, not /q',
    'FAIL T04: "HOST: SVC" came upstream',
    'FAIL T05: the client got 200',
    'FAIL T06: the connection stays open',
    'PASS T07',
    'PASS T08',
    'PASS T09',
    'FAIL T10: request 1 upstream: header x-a is ["1"], not once 2',
    '4 passed, 6 failed, 0 skipped',
  ]);
  expect(code).toBe(1);
});

test('responses: delivered, refused and broken off', async () => {
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nok';
  const deliver = { outcome: 'DELIVER', status: 200, body: 'ok' };
  const { code, lines } = await run(
    'http1-responses',
    [
      { id: 'U01', raw: ok, expect: { oneOf: [deliver], upstreamConnection: 'any' } },
      { id: 'U02', raw: ok, expect: { oneOf: [deliver], upstreamConnection: 'discard' } },
      {
        id: 'U03',
        raw: ok,
        expect: { oneOf: [{ ...deliver, absentHeaders: ['x-a'] }], upstreamConnection: 'any' },
      },
      {
        id: 'U04',
        raw: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok',
        halfClose: true,
        expect: { oneOf: [{ outcome: 'ABORT' }], upstreamConnection: 'discard' },
      },
      {
        id: 'U05',
        raw: 'junk\r\n\r\n',
        expect: { oneOf: [{ outcome: 'BAD_GATEWAY' }], upstreamConnection: 'discard' },
      },
    ].map((it) => ({ class: 'test', source, ...it })),
  );
  expect(lines).toEqual([
    'PASS U01',
    expect.stringMatching(/^FAIL U02: .*no reply within 1000 ms/),
    'FAIL U03: header x-a is there',
    'PASS U04',
    'PASS U05',
    '3 passed, 2 failed, 0 skipped',
  ]);
  expect(code).toBe(1);
});

test('frames: accepted, refused, and what it may cost', async () => {
  const open = [{ do: 'preface' }, { do: 'frame', type: 'SETTINGS', stream: 0, payload: '' }];
  const headers = [
    [':method', 'GET'],
    [':scheme', 'http'],
    [':path', '/p'],
    [':authority', 'svc.local'],
  ];
  const flags = ['END_STREAM', 'END_HEADERS'];
  const ask = { do: 'frame', type: 'HEADERS', flags, stream: 1, headers };
  const bad = { ...ask, headers: [...headers, ['X-Upper', '1']] };
  const { code, lines } = await run(
    'http2-frames',
    [
      { id: '2-01', actions: [...open, ask], expect: { verdict: 'ACCEPT', forwarded } },
      {
        id: '2-02',
        actions: [...open, ask],
        expect: { verdict: 'STREAM_REJECT', deadlineMs: 500 },
      },
      { id: '2-03', actions: [...open, bad], expect: { verdict: 'STREAM_REJECT', codes: [1] } },
      {
        id: '2-04',
        actions: [...open, bad],
        expect: { verdict: 'STREAM_REJECT', codes: [7], deadlineMs: 300 },
      },
      {
        id: '2-05',
        actions: [...open, ask],
        expect: { verdict: 'ACCEPT', forwarded, limits: { rssMiB: -1_000 } },
      },
      {
        id: '2-06',
        actions: [...open, { do: 'expect', frame: 'GOAWAY', withinMs: 200 }],
        expect: { verdict: 'CONNECTION_REJECT' },
      },
    ].map((it) => ({ title: 'x', class: 'test', source, ...it })),
  );
  expect(lines).toEqual([
    'PASS 2-01',
    'FAIL 2-02: stream 1 is answered 200, not refused; the connection goes on',
    'PASS 2-03',
    'FAIL 2-04: RST_STREAM with code 1, not 7',
    expect.stringMatching(/^FAIL 2-05: memory grew by -?\d+ MiB, at most -1000$/),
    'FAIL 2-06: no GOAWAY within 200 ms',
    '2 passed, 4 failed, 0 skipped',
  ]);
  expect(code).toBe(1);
});

test('paths: played where there is no policy, skipped where there is one', async () => {
  const policySets = {
    none: [],
    some: [{ name: 'some', action: 'DENY', rules: [{ to: { paths: [{ prefix: '/p' }] } }] }],
  };
  const expected = { verdict: 'EITHER', status: [403], forwarded };
  const { code, lines } = await run(
    'path-authz',
    [
      { id: 'A01', policySets: ['none'], expect: expected },
      { id: 'A02', policySets: ['some'], expect: expected },
      { id: 'A03', policySets: ['none'], expect: { verdict: 'DENY', status: [403] } },
      { id: 'A04', policySets: ['what'], expect: expected },
    ].map((it) => ({ kind: 'path', title: 'x', raw: get, source, ...it })),
    { policySets },
  );
  expect(lines).toEqual([
    'PASS A01',
    'SKIP A02: feature absent: authorization policies',
    'FAIL A03: GET /p came upstream',
    'FAIL A04: no policy set what',
    '1 passed, 2 failed, 1 skipped',
  ]);
  expect(code).toBe(1);
});
