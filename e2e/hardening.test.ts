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

const web = 'spiffe://mesh.local/ns/prod/sa/web';
const onlyWeb = [{ name: 'only-web', action: 'ALLOW', rules: [{ from: { principals: [web] } }] }];
const nobody = [{ name: 'nobody', action: 'DENY', rules: [{}] }];
const request = { method: 'GET', path: '/p' };

test('paths: under each set of policies, refused or forwarded', async () => {
  const policySets = {
    none: [],
    some: [{ name: 'some', action: 'DENY', rules: [{ to: { paths: [{ prefix: '/p' }] } }] }],
    odd: [{ name: 'odd', action: 'DENY', rules: [{ notTo: {} }] }],
  };
  const either = { verdict: 'EITHER', status: [403], forwarded };
  const denied = { verdict: 'DENY', status: [403] };
  const { code, lines } = await run(
    'path-authz',
    [
      { id: 'A01', policySets: ['none', 'some'], expect: either },
      { id: 'A02', policySets: ['some'], expect: denied },
      { id: 'A03', policySets: ['some', 'none'], expect: denied },
      { id: 'A04', policySets: ['what'], expect: either },
      { id: 'A05', policySets: ['some'], expect: { ...denied, status: [404] } },
      { id: 'A06', policySets: ['odd'], expect: denied },
    ].map((it) => ({ kind: 'path', title: 'x', raw: get, source, ...it })),
    { policySets },
  );
  expect(lines).toEqual([
    'PASS A01',
    'PASS A02',
    'FAIL A03: under none: GET /p came upstream',
    'FAIL A04: no policy set what',
    'FAIL A05: under some: status 403, not 404',
    expect.stringMatching(/^FAIL A06: under odd: LN0101 spec\.rules\[0\]\.notTo/),
    '2 passed, 4 failed, 0 skipped',
  ]);
  expect(code).toBe(1);
});

test('decisions and configurations: by the engine, by a proxy, and kept when refused', async () => {
  const allowed = { peer: web, request, decision: 'allow' };
  const denied = { peer: `${web}-evil`, request, decision: 'deny' };
  const overTcp = { peer: web, connection: 'tcp', decision: 'allow' };
  const get = [{ name: 'get', action: 'ALLOW', rules: [{ to: { methods: ['GET'] } }] }];
  const decision = (id: string, level: string, ...checks: object[]): object => {
    return { id, kind: 'decision', level, policies: onlyWeb, checks };
  };
  const config = (id: string, ...steps: object[]): object => ({ id, kind: 'config', steps });
  const unknown = [{ ...onlyWeb[0], rules: [{ from: { principals: [web] }, notFrom: {} }] }];
  const apply = (policies: object[], expected: string) => ({
    apply: { policies },
    expect: expected,
  });
  const { lines } = await run(
    'path-authz',
    [
      decision('Z01', 'engine', allowed, denied, {
        ...allowed,
        request: undefined,
        connection: 'tcp',
      }),
      decision('Z02', 'engine', { ...allowed, decision: 'deny' }),
      decision('Z03', 'proxy', allowed, denied, { ...denied, policies: [], decision: 'allow' }),
      decision('Z04', 'proxy', { ...denied, decision: 'allow' }),
      decision('Z05', 'proxy', overTcp, { ...overTcp, peer: `${web}-evil`, decision: 'deny' }),
      decision('Z10', 'proxy', { ...overTcp, decision: 'deny' }),
      decision('Z11', 'proxy', { ...overTcp, peer: `${web}-evil` }),
      decision('Z12', 'proxy', { ...overTcp, policies: get, decision: 'deny' }),
      config('Z06', apply(onlyWeb, 'ACK'), apply(unknown, 'NACK'), { check: denied }),
      config('Z07', apply(unknown, 'ACK')),
      config('Z08', apply(onlyWeb, 'NACK')),
      config('Z09', apply(onlyWeb, 'ACK'), {
        check: { ...denied, decision: 'any', withinMs: 900 },
      }),
    ].map((it) => ({ title: 'x', source, ...it })),
  );
  expect(lines).toEqual([
    'PASS Z01',
    `FAIL Z02: ${web} GET /p: allow, not deny`,
    'PASS Z03',
    `FAIL Z04: ${web}-evil GET /p: deny, not allow`,
    'PASS Z05',
    `FAIL Z10: ${web} tcp: allow, not deny`,
    `FAIL Z11: ${web}-evil tcp: deny, not allow`,
    'PASS Z12',
    'PASS Z06',
    expect.stringMatching(/^FAIL Z07: refused: LN0101 spec\.rules\[0\]\.notFrom/),
    'FAIL Z08: taken, not refused',
    'PASS Z09',
    '6 passed, 6 failed, 0 skipped',
  ]);
});

test('streams: end when their peer is denied, and not before', async () => {
  const variants = ['http2-stream', 'websocket'];
  const ends = { openedWith: [200, 101], endedWithinSeconds: 2, newRequest: 'deny' };
  const stays = { openedWith: [200, 101], staysOpenSeconds: 0.3, newRequest: 'allow' };
  const { lines } = await run(
    'path-authz',
    [
      { id: 'Z01', after: nobody, expect: ends },
      { id: 'Z02', after: onlyWeb, expect: stays },
      { id: 'Z03', after: onlyWeb, expect: { ...ends, endedWithinSeconds: 0.3 } },
      { id: 'Z04', variants: ['websocket'], after: nobody, expect: stays },
      { id: 'Z05', before: nobody, after: nobody, expect: stays },
      { id: 'Z06', after: nobody, expect: { ...ends, newRequest: 'allow' } },
    ].map((it) => ({
      ...{ kind: 'live', title: 'x', source, peer: web, before: onlyWeb, variants },
      ...it,
    })),
  );
  expect(lines).toEqual([
    'PASS Z01',
    'PASS Z02',
    'FAIL Z03: http2-stream: still open 0.3 s later',
    'FAIL Z04: websocket: it was ended',
    'FAIL Z05: http2-stream: opened with 403, not 200 or 101',
    `FAIL Z06: http2-stream: ${web} GET /after: deny, not allow`,
    '2 passed, 4 failed, 0 skipped',
  ]);
});

test('passing through: nobody is connected to whose address is not public', async () => {
  const refused = { status: [403, 503], connectedTo: 'none' };
  const { lines } = await run(
    'path-authz',
    [
      {
        id: 'Z01',
        targets: [
          { host: '127.0.0.1' },
          { host: 'in.example', resolves: ['10.0.0.1'] },
          { host: 'turns.example', resolves: ['203.0.113.7'], thenResolves: ['::1'] },
          { host: 'nobody.example' },
        ],
        expect: refused,
      },
      { id: 'Z02', targets: [{ host: 'localhost' }], expect: { ...refused, status: [404] } },
    ].map((it) => ({ kind: 'egress', title: 'x', source, ...it })),
  );
  expect(lines).toEqual([
    'PASS Z01',
    'FAIL Z02: localhost: status 403, not 404',
    '1 passed, 1 failed, 0 skipped',
  ]);
});
