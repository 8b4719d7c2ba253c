/** Calls of gRPC through two sidecars: what passes, what is counted, what is sent again. */
import type { OutgoingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import { renderPrometheus } from '@leno/telemetry';
import { expect, test } from 'vitest';
import { closing } from './testing/closing.ts';
import { deadPort, until } from './testing/ends.ts';
import {
  begin,
  call,
  callAndWait,
  finish,
  message,
  openGrpcApplication,
  reply,
  trailersOnly,
} from './testing/grpc-ends.ts';
import { openGrpcPair } from './testing/grpc-pair.ts';
import { openProxy, type ProxyBed } from './testing/proxy-bed.ts';
import { endpoint } from './testing/views.ts';

async function clean(...beds: ProxyBed[]): Promise<void> {
  await until(() => beds.every((bed) => bed.leaks().length === 0));
}

/** The lines that count requests, without those of other families. */
function counted(bed: ProxyBed): string[] {
  const lines = renderPrometheus(bed.metrics).split('\n');
  return lines.filter((line) => line.startsWith('leno_requests_total{'));
}

const quick = { retry: { backoffBaseMs: 1, backoffMaxMs: 1 } };

/** How an application ends a call, what its caller gets, and what both sidecars make of it. */
interface Ending {
  readonly name: string;
  readonly act: (stream: ServerHttp2Stream) => void;
  readonly code: string | undefined;
  readonly label: string;
  readonly failed: boolean;
}

const details = { 'grpc-message': 'no %25', 'grpc-status-details-bin': 'CAUSAnNv', 'x-own': 'b' };

/** A reply whose head says what only trailers may. */
function withCodes(
  stream: ServerHttp2Stream,
  head: OutgoingHttpHeaders,
  trailers: OutgoingHttpHeaders,
): void {
  stream.respond({ 'content-type': 'application/grpc', ...head }, { waitForTrailers: true });
  stream.write(message('one'));
  finish(stream, trailers);
}

test.each<Ending>([
  {
    name: 'OK in trailers',
    act: (stream) => reply(stream, { 'grpc-status': '0' }, 'one', 'two'),
    code: '0',
    label: '0',
    failed: false,
  },
  ...[2, 4, 13, 14, 15].map((code) => ({
    name: `code ${code} in trailers`,
    act: (stream: ServerHttp2Stream) =>
      reply(stream, { 'grpc-status': String(code), ...details }, 'one'),
    code: String(code),
    label: String(code),
    failed: true,
  })),
  ...[1, 3, 5, 6, 7, 8, 9, 10, 11, 12, 16].map((code) => ({
    name: `code ${code} in trailers`,
    act: (stream: ServerHttp2Stream) => reply(stream, { 'grpc-status': String(code), ...details }),
    code: String(code),
    label: String(code),
    failed: false,
  })),
  {
    name: 'Trailers-Only NOT_FOUND',
    act: (stream) => trailersOnly(stream, { 'grpc-status': '5', ...details }),
    code: '5',
    label: '5',
    failed: false,
  },
  {
    name: 'Trailers-Only INTERNAL',
    act: (stream) => trailersOnly(stream, { 'grpc-status': '13', ...details }),
    code: '13',
    label: '13',
    failed: true,
  },
  {
    name: 'a code that there is not',
    act: (stream) => reply(stream, { 'grpc-status': '17' }),
    code: '17',
    label: 'unknown',
    failed: true,
  },
  {
    name: 'no code at all',
    act: (stream) => reply(stream, { 'x-own': 'b' }, 'one'),
    code: undefined,
    label: 'unknown',
    failed: true,
  },
  {
    name: 'a code in the head that the trailers do not repeat',
    act: (stream) => withCodes(stream, { 'grpc-status': '0' }, { 'grpc-status': '13' }),
    code: '13',
    label: '13',
    failed: true,
  },
  {
    name: 'a 404 of HTTP with a code of gRPC, which counts',
    act: (stream) => stream.respond({ ':status': 404, 'grpc-status': '5' }, { endStream: true }),
    code: '5',
    label: '5',
    failed: false,
  },
  {
    name: 'a 404 of HTTP',
    act: (stream) => stream.respond({ ':status': 404 }, { endStream: true }),
    code: undefined,
    label: '12',
    failed: false,
  },
  {
    name: 'a 500 of HTTP',
    act: (stream) => stream.respond({ ':status': 500 }, { endStream: true }),
    code: undefined,
    label: '2',
    failed: true,
  },
])('$name passes and is counted', async ({ act, code, label, failed }) => {
  const { web, shop, app } = await openGrpcPair((stream) => {
    stream.resume();
    stream.on('end', () => act(stream));
  });
  const id = 'call-1';
  const end = await callAndWait(web.outboundPort, { headers: { 'x-request-id': id } });
  expect(end.code).toBe(code);
  await clean(web, shop);
  for (const bed of [web, shop]) {
    expect(counted(bed)).toEqual([expect.stringMatching(`grpc_status="${label}"} 1$`)]);
    const { journal, metrics } = bed.dataPlane.engine;
    expect(metrics.edges.take()).toMatchObject([{ ok: failed ? 0 : 1, failed: failed ? 1 : 0 }]);
    const record = journal.recorder.find(id, 0);
    if (failed) {
      expect(record).toMatchObject({ outcome: 'failure', grpcStatus: label });
      expect(record?.attempts).toMatchObject([{ result: { kind: 'reply', grpcStatus: label } }]);
    }
  }
  expect(app.seen[0]).toMatchObject({ te: 'trailers', 'content-type': 'application/grpc+proto' });
});

test('Trailers-Only arrives as it was, and trailers after messages too', async () => {
  const { web, shop } = await openGrpcPair((stream, headers) => {
    const fields = { 'grpc-status': '9', ...details };
    if (headers[':path'] === '/only') trailersOnly(stream, fields);
    else reply(stream, fields, 'one');
  });
  const only = await callAndWait(web.outboundPort, { path: '/only' });
  expect(only).toMatchObject({ headers: { 'grpc-status': '9', ...details }, body: '' });
  // Said by the end of the stream alone, for a caller takes every field of it for metadata.
  expect(only.headers['content-length']).toBeUndefined();
  expect(only.trailers).toEqual({});
  const after = await callAndWait(web.outboundPort, { path: '/after' });
  expect(after.trailers).toEqual({ 'grpc-status': '9', ...details });
  expect(after.body).toBe(message('one').toString('latin1'));
  await clean(web, shop);
});

test('an application cannot speak for the mesh in its trailers', async () => {
  const claims = { 'x-leno-reason': 'denied', 'proxy-status': 'leno-shop; processed=?0' };
  const { web, shop } = await openGrpcPair((stream) =>
    reply(stream, { 'grpc-status': '5', ...claims }),
  );
  expect((await callAndWait(web.outboundPort)).trailers).toEqual({ 'grpc-status': '5' });
  await clean(web, shop);
});

/** What codes mean to a breaker that opens after three failures in a row. */
test.each([
  { code: 14, opens: true },
  { code: 13, opens: true },
  { code: 2, opens: true },
  { code: 12, opens: false },
  { code: 8, opens: false },
  { code: 1, opens: false },
])('code $code opens a breaker: $opens', async ({ code, opens }) => {
  const breaker = { consecutiveFailures: 3, failFast: true };
  const { web, app } = await openGrpcPair(
    (stream) => reply(stream, { 'grpc-status': String(code) }),
    {
      breaker,
    },
  );
  const codes: (string | undefined)[] = [];
  for (let count = 0; count < 4; count += 1) {
    codes.push((await callAndWait(web.outboundPort)).code);
  }
  const last = opens ? '14' : String(code);
  expect(codes).toEqual([String(code), String(code), String(code), last]);
  expect(app.seen).toHaveLength(opens ? 3 : 4);
});

/** What becomes of calls whose first try ends so. */
interface Retried {
  readonly name: string;
  readonly policy: object;
  readonly act: (stream: ServerHttp2Stream) => void;
  readonly tries: number;
  readonly endsWell?: boolean;
}

const only = (code: string) => (stream: ServerHttp2Stream) =>
  trailersOnly(stream, { 'grpc-status': code });
const naming = (...grpcStatuses: number[]) => ({ retry: { ...quick.retry, grpcStatuses } });
const REFUSED_STREAM = 7;
const INTERNAL_ERROR = 2;

test.each<Retried>([
  { name: 'UNAVAILABLE', policy: quick, act: only('14'), tries: 1 },
  { name: 'UNAVAILABLE by policy', policy: naming(14), act: only('14'), tries: 2 },
  { name: 'CANCELLED by policy', policy: naming(1, 14), act: only('1'), tries: 2 },
  { name: 'another code than the policy names', policy: naming(14), act: only('13'), tries: 1 },
  {
    name: 'a code after messages, by policy',
    policy: naming(14),
    act: (stream) => reply(stream, { 'grpc-status': '14' }, 'one'),
    tries: 1,
  },
  {
    name: 'a code in trailers without messages, by policy',
    policy: naming(14),
    act: (stream) => reply(stream, { 'grpc-status': '14' }),
    tries: 1,
  },
  {
    name: 'a code in the head of messages that end well',
    policy: naming(14),
    act: (stream) => withCodes(stream, { 'grpc-status': '14' }, { 'grpc-status': '0' }),
    tries: 1,
    endsWell: true,
  },
  {
    name: 'REFUSED_STREAM',
    policy: quick,
    act: (stream) => stream.close(REFUSED_STREAM),
    tries: 2,
  },
  { name: 'a reset', policy: quick, act: (stream) => stream.close(INTERNAL_ERROR), tries: 1 },
  {
    name: 'a reset where UNAVAILABLE may be repeated',
    policy: naming(14),
    act: (stream) => stream.close(INTERNAL_ERROR),
    tries: 2,
  },
  {
    name: 'a 503 of HTTP',
    policy: quick,
    act: (stream) => stream.respond({ ':status': 503 }, { endStream: true }),
    tries: 1,
  },
])('$name: $tries tries', async ({ policy, act, tries, endsWell }) => {
  // In the clear, so that it is this side which meets what the application does.
  let count = 0;
  const app = closing(
    await openGrpcApplication((stream) => {
      stream.resume();
      stream.on('end', () => {
        count += 1;
        if (count === 1) act(stream);
        else reply(stream, { 'grpc-status': '0' }, 'fine');
      });
    }),
  );
  const web = closing(await openProxy('web'));
  const services = { shop: [endpoint(app.port)] };
  web.apply({ services, protocols: { shop: ['grpc'] }, policies: { shop: policy } });
  const { code } = await callAndWait(web.outboundPort);
  expect(app.seen).toHaveLength(tries);
  expect(code === '0').toBe(tries === 2 || endsWell === true);
  await clean(web);
});

test('what the sidecar of the other side proves unprocessed is tried elsewhere', async () => {
  const app = closing(await openGrpcApplication());
  const parts = { applicationProtocol: 'h2c' } as const;
  const orphan = closing(await openProxy('shop', await deadPort(), parts));
  const whole = closing(await openProxy('shop', app.port, parts));
  for (const bed of [orphan, whole]) bed.apply({});
  const web = closing(await openProxy('web'));
  const endpoints = [endpoint(orphan.inboundPort, 'shop'), endpoint(whole.inboundPort, 'shop')];
  const policy = { ...quick, balancer: { kind: 'roundRobin' } };
  web.apply({ services: { shop: endpoints }, policies: { shop: policy } });
  for (let count = 0; count < 4; count += 1) {
    expect((await callAndWait(web.outboundPort)).code).toBe('0');
  }
  expect(app.seen).toHaveLength(4);
  await clean(web, orphan, whole);
});

/** Where the mesh itself answers, and how it says so. */
test.each([
  { name: 'a host that is nobody', host: 'nobody', code: '12', reason: 'no-route' },
  { name: 'nobody there', host: 'empty', code: '14', reason: 'no-endpoint' },
  { name: 'nobody listening', host: 'dead', code: '14', reason: 'connect-failed' },
  { name: 'a side that was never told', host: 'mute', code: '7', reason: 'denied' },
  {
    name: 'a malformed deadline',
    host: 'shop',
    headers: { 'grpc-timeout': '1 s' },
    code: '13',
    reason: 'bad-request',
  },
])('$name is told in gRPC', async ({ host, headers, code, reason }) => {
  const { web, shop } = await openGrpcPair();
  const mute = closing(await openProxy('mute'));
  web.apply({
    services: {
      shop: [endpoint(shop.inboundPort, 'shop')],
      empty: [],
      dead: [endpoint(await deadPort())],
      mute: [endpoint(mute.inboundPort, 'mute')],
    },
    policies: { dead: quick, mute: quick },
  });
  const end = await callAndWait(web.outboundPort, { host, headers: headers ?? {} });
  expect(end.headers).toMatchObject({
    ':status': 200,
    'content-type': 'application/grpc',
    'grpc-status': code,
    'x-leno-reason': reason,
  });
  // Which policy denies is for the operator alone.
  const said = reason === 'denied' ? /^[ -9;-~]+$/ : /^[ -~]+: [ -~]+$/;
  expect(end.headers['grpc-message']).toMatch(said);
  expect(end.headers['proxy-status']).toContain(`details="${reason}"; processed=?0`);
  expect([end.body, end.trailers]).toEqual(['', {}]);
  await clean(web, shop, mute);
  const [line] = counted(web).filter((it) => it.includes('status="200"'));
  expect(line).toContain(`flags="${host === 'mute' ? '-' : reason}"`);
  expect(line).toContain(`grpc_status="${code}"`);
});

test('a caller without an identity is told no more than the title', async () => {
  const parts = { applicationProtocol: 'h2c' } as const;
  const shop = closing(await openProxy('shop', await deadPort(), parts));
  shop.apply({ permissive: ['shop'] });
  const { headers } = await callAndWait(shop.inboundPort);
  expect(headers['grpc-message']).toBe('no connection could be made');
});

test('a client that cancels cancels at the application, at once, and no other call', async () => {
  const { web, shop, app } = await openGrpcPair((stream, headers) => {
    begin(stream, 'begun');
    if (headers[':path'] === '/other') stream.resume().on('end', () => finish(stream, ok));
  });
  const ok = { 'grpc-status': '0' };
  const other = call(web.outboundPort, { path: '/other', isOpen: true });
  const gone = call(web.outboundPort, { path: '/gone', isOpen: true });
  await until(() => gone.body() !== '' && other.body() !== '');
  const CANCEL = 8;
  gone.stream.close(CANCEL);
  await until(() => app.resets.has('/gone'));
  expect(app.resets.get('/gone')).toBe(CANCEL);
  other.stream.end();
  expect((await other.over).code).toBe('0');
  expect(app.sessions.size).toBe(1);
  await clean(web, shop);
  const line = counted(web).find((it) => it.includes('client-gone'));
  expect(line).toContain('grpc_status="1"');
});

test('an upstream that breaks off in the middle is UNAVAILABLE, in trailers', async () => {
  const { web, shop, app } = await openGrpcPair((stream) => begin(stream, 'begun'));
  const flying = call(web.outboundPort, { isOpen: true });
  await until(() => flying.body() !== '');
  for (const session of app.sessions) session.destroy();
  const end = await flying.over;
  expect(end.trailers).toMatchObject({ 'grpc-status': '14', 'x-leno-reason': 'upstream-reset' });
  await clean(web, shop);
  for (const bed of [web, shop]) expect(counted(bed)[0]).toContain('grpc_status="14"');
});

test('a client that takes no trailers gets a reset in their place', async () => {
  const { web, shop, app } = await openGrpcPair((stream) => begin(stream, 'begun'));
  const flying = call(web.outboundPort, { isOpen: true, headers: { te: undefined } });
  await until(() => flying.body() !== '');
  expect(app.seen[0]?.te).toBeUndefined();
  for (const session of app.sessions) session.destroy();
  const end = await flying.over;
  expect([end.code, end.rstCode]).toEqual([undefined, INTERNAL_ERROR]);
  await clean(web, shop);
});

test('GOAWAY lets what is in flight finish, and the next call goes elsewhere', async () => {
  const { web, shop, app } = await openGrpcPair((stream) => {
    begin(stream, 'begun');
    stream.resume().on('end', () => finish(stream, { 'grpc-status': '0' }));
  });
  const flying = call(web.outboundPort, { isOpen: true });
  await until(() => flying.body() !== '');
  const [first] = app.sessions;
  first?.goaway(0);
  const other = call(web.outboundPort);
  expect((await other.over).code).toBe('0');
  expect(first?.closed).toBe(false);
  flying.stream.end();
  expect((await flying.over).code).toBe('0');
  await clean(web, shop);
});

test('more calls at a time than the application takes on a connection open another', async () => {
  const held: ServerHttp2Stream[] = [];
  const app = closing(
    await openGrpcApplication((stream) => void held.push(stream), { streamCountMax: 2 }),
  );
  const shop = closing(await openProxy('shop', app.port, { applicationProtocol: 'h2c' }));
  shop.apply({});
  const web = closing(await openProxy('web'));
  web.apply({ services: { shop: [endpoint(shop.inboundPort, 'shop')] } });
  const calls = Array.from({ length: 5 }, () => callAndWait(web.outboundPort));
  await until(() => held.length === 5);
  expect(app.sessions.size).toBe(3);
  for (const stream of held) reply(stream, { 'grpc-status': '0' });
  expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(Array(5).fill('0'));
  await clean(web, shop);
});
