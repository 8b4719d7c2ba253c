import { Hono } from 'hono';
import { expect, test } from 'vitest';
import { consecutive } from '../breaker/trigger.ts';
import { bulkhead } from '../calls/bulkhead.ts';
import { createBreaker } from '../calls/call-breaker.ts';
import { pipeline } from '../calls/pipeline.ts';
import type { Policy } from '../calls/policy.ts';
import { rateLimit } from '../calls/rate-limit.ts';
import { timeout } from '../calls/timeout.ts';
import { TokenBucket } from '../limit/token-bucket.ts';
import { follow, settled, VirtualTime } from '../testing/virtual-time.ts';
import { type ResilienceVariables, resilience } from './resilient-hono.ts';

function appOf(policy: Policy) {
  const app = new Hono<{ Variables: ResilienceVariables }>();
  const signals: AbortSignal[] = [];
  app.use(resilience(policy, { keyOf: (c) => c.req.path }));
  app.onError((error, c) => c.text(`handled: ${error.message}`, 500));
  app.get('/ok', (c) => c.text('ok'));
  app.get('/boom', () => {
    throw new Error('boom');
  });
  app.get('/bad', (c) => c.text('bad', 502));
  app.get('/hang', (c) => {
    signals.push(c.get('resilience').signal);
    return new Promise(() => {});
  });
  const get = async (path: string, init: RequestInit = {}) => {
    const reply = await app.request(path, init);
    const type = reply.headers.get('content-type');
    const retryAfter = reply.headers.get('retry-after');
    return { status: reply.status, type, retryAfter, body: await reply.text() };
  };
  return { get, signals };
}

const PROBLEM = 'application/problem+json';

test.each([
  { path: '/ok', status: 200, body: 'ok' },
  { path: '/boom', status: 500, body: 'handled: boom' },
  { path: '/bad', status: 502, body: 'bad' },
  { path: '/none', status: 404, body: '404 Not Found' },
])('$path is answered as without it', async ({ path, status, body }) => {
  const { get } = appOf(timeout(1_000));
  expect(await get(path)).toMatchObject({ status, body });
});

test('a rate that is exceeded: 429, with the time to come back', async () => {
  const { get } = appOf(rateLimit(new TokenBucket({ permitCount: 1, periodMs: 90_000 })));
  expect((await get('/ok')).status).toBe(200);
  expect(await get('/ok')).toEqual({
    ...{ status: 429, type: PROBLEM, retryAfter: '90' },
    body: '{"title":"Too Many Requests","status":429,"code":"LENO_RATE_LIMITED"}',
  });
});

test('no place: 503; no answer in time: 504, and the handler is told to end', async () => {
  const time = new VirtualTime();
  const ports = { clock: time, timers: time, rng: () => 0 };
  const { get, signals } = appOf(pipeline(bulkhead({ limit: 1 }), timeout(50)).with({ ports }));
  const slow = follow(get('/hang'));
  await settled();
  expect(await get('/ok')).toMatchObject({ status: 503, type: PROBLEM, retryAfter: null });
  await time.advance(50);
  await settled();
  expect(slow.value).toMatchObject({ status: 504, type: PROBLEM });
  expect(signals[0]?.aborted).toBe(true);
});

test('errors and bad replies of handlers are failures', async () => {
  const breaker = createBreaker({ trip: consecutive(2) });
  const { get } = appOf(pipeline(breaker));
  await get('/boom');
  await get('/bad');
  expect(await get('/ok')).toMatchObject({ status: 503, retryAfter: expect.any(String) });
});

test('a client that leaves ends the request', async () => {
  const { get, signals } = appOf(timeout(1_000));
  const client = new AbortController();
  const gone = follow(get('/hang', { signal: client.signal }));
  await settled();
  client.abort();
  await settled();
  expect([gone.value?.status, signals[0]?.aborted]).toEqual([499, true]);
});

test('an error is a failure, whatever its handler makes of it', async () => {
  const breaker = createBreaker({ trip: consecutive(1) });
  const app = new Hono();
  app.use(resilience(pipeline(breaker)));
  app.onError((_, c) => c.text('never mind'));
  app.get('/', () => {
    throw new Error('boom');
  });
  expect((await app.request('/')).status).toBe(200);
  expect((await app.request('/')).status).toBe(503);
});
