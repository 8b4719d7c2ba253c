/** How long calls of gRPC may take: their callers' deadlines, ours, and silence. */
import { renderPrometheus } from '@leno/telemetry';
import { expect, test } from 'vitest';
import { parseGrpcTimeout } from './grpc/grpc-timeout.ts';
import { until } from './testing/ends.ts';
import {
  begin,
  call,
  callAndWait,
  finish,
  message,
  reply,
  trailersOnly,
} from './testing/grpc-ends.ts';
import { type GrpcPair, openGrpcPair } from './testing/grpc-pair.ts';
import type { ProxyBed } from './testing/proxy-bed.ts';

/** `web` calls `shop` under `timeouts`; its application speaks h2c. */
function pair(
  serve?: Parameters<typeof openGrpcPair>[0],
  timeouts: object = {},
  retry: object = {},
): Promise<GrpcPair> {
  return openGrpcPair(serve, { timeouts, retry });
}

async function clean(...beds: ProxyBed[]): Promise<void> {
  await until(() => beds.every((bed) => bed.leaks().length === 0));
}

const ok = { 'grpc-status': '0' };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test.each([
  { given: '20S', ms: 20_000 },
  { given: '1H', ms: 3_600_000 },
  { given: '99999999S', ms: 99_999_999_000 },
  { given: '900m', ms: 900 },
  { given: '700000u', ms: 700 },
])('grpc-timeout $given goes on, less what it took so far', async ({ given, ms }) => {
  const { web, shop, app } = await pair();
  const headers = { 'grpc-timeout': given };
  expect((await callAndWait(web.outboundPort, { headers })).code).toBe('0');
  const said = String(app.seen[0]?.['grpc-timeout']);
  const left = parseGrpcTimeout(said) ?? Number.NaN;
  expect(left).toBeLessThan(ms);
  expect(left).toBeGreaterThan(ms * 0.2);
  await clean(web, shop);
});

test('without a deadline the application is told none: ours is for replies that begin', async () => {
  const { web, shop, app } = await pair();
  expect((await callAndWait(web.outboundPort)).code).toBe('0');
  const [seen = {}] = app.seen;
  expect([seen['grpc-timeout'], seen['x-leno-deadline']]).toEqual([undefined, undefined]);
  await clean(web, shop);
});

test('nor is it told one with a later try, which may become a stream', async () => {
  const { web, shop, app } = await pair(
    (stream) => {
      stream.resume();
      stream.on('end', () => {
        if (app.seen.length === 1) trailersOnly(stream, { 'grpc-status': '14' });
        else reply(stream, ok);
      });
    },
    {},
    { grpcStatuses: [14], backoffBaseMs: 1, backoffMaxMs: 1 },
  );
  expect((await callAndWait(web.outboundPort)).code).toBe('0');
  expect(app.seen.map((seen) => seen['x-leno-deadline'])).toEqual([undefined, undefined]);
  await clean(web, shop);
});

/** Where in a call its deadline comes; the application never ends it by itself. */
test.each([
  { name: 'before the reply', isOpen: false, begins: false },
  { name: 'before the reply, the request not ended', isOpen: true, begins: false },
  { name: 'in the middle of the reply', isOpen: false, begins: true },
  { name: 'in the middle of both', isOpen: true, begins: true },
])('a deadline $name ends the call', async ({ isOpen, begins }) => {
  const { web, shop, app } = await pair(
    (stream) => {
      stream.resume();
      if (begins) begin(stream, 'begun');
    },
    { requestMs: 10_000 },
  );
  const headers = { 'grpc-timeout': '500m' };
  const end = await callAndWait(web.outboundPort, { headers, isOpen });
  expect(end.code).toBe('4');
  const fields = begins ? end.trailers : end.headers;
  expect(fields).toMatchObject({ 'grpc-status': '4', 'x-leno-reason': 'request-timeout' });
  expect(end.body).toBe(begins ? message('begun').toString('latin1') : '');
  await until(() => app.resets.size === 1);
  await clean(web, shop);
  expect(renderPrometheus(web.metrics)).toMatch(/^leno_requests_total{.*grpc_status="4"} 1$/m);
});

test('a deadline that has passed is not sent on', async () => {
  const { web, app } = await pair();
  const end = await callAndWait(web.outboundPort, { headers: { 'grpc-timeout': '0n' } });
  expect([end.code, end.headers['x-leno-reason']]).toEqual(['4', 'request-timeout']);
  expect(app.seen).toHaveLength(0);
});

test('the shorter one counts: the time that the policy gives a unary call', async () => {
  const { web, shop } = await pair((stream) => void stream.resume(), { requestMs: 60 });
  const headers = { 'grpc-timeout': '60S' };
  const end = await callAndWait(web.outboundPort, { headers });
  expect([end.code, end.headers['x-leno-reason']]).toEqual(['4', 'request-timeout']);
  await clean(web, shop);
});

test('a request that goes on is a stream: only silence ends it', async () => {
  const { web, shop, app } = await pair((stream) => void stream.resume(), {
    requestMs: 40,
    idleMs: 600,
  });
  const stream = call(web.outboundPort, { isOpen: true });
  for (let count = 0; count < 8; count += 1) {
    await pause(30);
    stream.stream.write(message('more'));
  }
  expect(app.resets.size).toBe(0);
  const end = await stream.over;
  expect([end.code, end.headers['x-leno-reason']]).toEqual(['4', 'request-timeout']);
  expect(end.headers['grpc-message']).toContain('nothing has moved');
  await clean(web, shop);
});

test('the time of a call runs from the end of its request', async () => {
  const { web, shop } = await pair(
    (stream, headers) => {
      stream.resume();
      if (headers[':path'] === '/fast') stream.on('end', () => reply(stream, ok));
    },
    { requestMs: 400 },
  );
  const fast = call(web.outboundPort, { path: '/fast', isOpen: true });
  const slow = call(web.outboundPort, { path: '/slow', isOpen: true });
  await pause(450);
  fast.stream.end();
  slow.stream.end();
  const endedAtMs = performance.now();
  expect((await fast.over).code).toBe('0');
  expect((await slow.over).code).toBe('4');
  expect(performance.now() - endedAtMs).toBeGreaterThanOrEqual(390);
  await clean(web, shop);
});

test.each([
  { name: 'a reply that has begun', isOpen: false },
  { name: 'a reply that has begun before the request has ended', isOpen: true },
])('$name may go on', async ({ isOpen }) => {
  const { web, shop } = await pair(
    (stream) => {
      stream.resume();
      begin(stream, 'one');
      stream.on('end', () => void pause(600).then(() => finish(stream, ok)));
    },
    { requestMs: 400, idleMs: 5_000 },
  );
  const streaming = call(web.outboundPort, { isOpen });
  await until(() => streaming.body() !== '');
  streaming.stream.end();
  expect((await streaming.over).code).toBe('0');
  await clean(web, shop);
});

test('the time of one try is counted likewise, and another follows where the policy says so', async () => {
  let count = 0;
  const { web, shop, app } = await pair(
    (stream) => {
      stream.resume();
      count += 1;
      if (count > 1) stream.on('end', () => reply(stream, ok));
    },
    { requestMs: 10_000, perTryMs: 300 },
    { grpcStatuses: [4], backoffBaseMs: 1, backoffMaxMs: 1 },
  );
  const open = call(web.outboundPort, { isOpen: true });
  await pause(400);
  expect(app.resets.size).toBe(0);
  open.stream.end();
  expect((await open.over).code).toBe('0');
  expect(app.seen).toHaveLength(2);
  await clean(web, shop);
});

test('a client that does not read gets a reset, not trailers behind what it has not read', async () => {
  const { web, shop } = await pair((stream) => {
    begin(stream);
    const piece = Buffer.alloc(64 * 1024);
    const more = (): void => {
      while (!stream.destroyed && stream.write(piece));
    };
    stream.on('drain', more);
    more();
  });
  const lazy = call(web.outboundPort, { headers: { 'grpc-timeout': '500m' } });
  lazy.stream.pause();
  await clean(web, shop);
  lazy.stream.resume();
  const end = await lazy.over;
  expect(end.code).toBeUndefined();
  expect(end.rstCode).not.toBe(0);
});
