/** Calls of gRPC that end in every way at once: each is counted once, and nothing is left of any. */
import type { ServerHttp2Stream } from 'node:http2';
import { seededRng } from '@leno/std';
import { renderPrometheus } from '@leno/telemetry';
import { expect, test } from 'vitest';
import { closing } from './testing/closing.ts';
import { until } from './testing/ends.ts';
import {
  begin,
  call,
  finish,
  openGrpcApplication,
  reply,
  trailersOnly,
} from './testing/grpc-ends.ts';
import { openProxy, type ProxyBed } from './testing/proxy-bed.ts';
import { endpoint } from './testing/views.ts';

const CANCEL = 8;
const REFUSED_STREAM = 7;

/** What an application may do with a call, by number. */
const acts: readonly ((stream: ServerHttp2Stream) => void)[] = [
  (stream) => reply(stream, { 'grpc-status': '0' }, 'one'),
  (stream) => trailersOnly(stream, { 'grpc-status': '14' }),
  (stream) => reply(stream, { 'grpc-status': '13' }, 'one', 'two'),
  (stream) => begin(stream, 'begun'),
  (stream) => stream.close(REFUSED_STREAM),
  (stream) => stream.close(CANCEL),
  (stream) => {
    begin(stream, 'x'.repeat(200_000));
    stream.on('end', () => finish(stream, { 'grpc-status': '0' }));
  },
  () => undefined,
];

function countOf(bed: ProxyBed): number {
  const lines = renderPrometheus(bed.metrics).split('\n');
  const counts = lines.filter((line) => line.startsWith('leno_requests_total{'));
  return counts.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

test.each([1, 2, 3])('seed %i', async (seed) => {
  const rng = seededRng(seed);
  const any = (count: number): number => Math.floor(rng() * count);
  const app = closing(
    await openGrpcApplication((stream) => {
      stream.resume();
      acts[any(acts.length)]?.(stream);
    }),
  );
  const shop = closing(await openProxy('shop', app.port, { applicationProtocol: 'h2c' }));
  shop.apply({});
  const web = closing(await openProxy('web'));
  const retry = { grpcStatuses: [14], backoffBaseMs: 1, backoffMaxMs: 5 };
  const policy = { retry, timeouts: { requestMs: 200, idleMs: 400 } };
  web.apply({
    services: { shop: [endpoint(shop.inboundPort, 'shop')] },
    policies: { shop: policy },
  });
  const count = 120;
  const calls = Array.from({ length: count }, () => {
    const timeout = any(3) === 0 ? { 'grpc-timeout': `${any(150)}m` } : {};
    const one = call(web.outboundPort, { isOpen: any(2) === 0, headers: timeout });
    if (any(4) === 0) setTimeout(() => one.stream.close(CANCEL), any(60));
    else if (any(2) === 0) setTimeout(() => one.stream.end(), any(100));
    return one;
  });
  const ends = await Promise.all(calls.map((it) => it.over));
  await until(() => [web, shop].every((bed) => bed.leaks().length === 0));
  // A client that gave up before its head had left was never seen.
  expect(countOf(web)).toBeLessThanOrEqual(count);
  expect(countOf(web)).toBeGreaterThanOrEqual(count * 0.7);
  const { inbound } = shop;
  expect(inbound.stats.activeRequestCount).toBe(0);
  for (const { code } of ends) expect(code ?? '0').toMatch(/^(0|4|13|14)$/);
});
