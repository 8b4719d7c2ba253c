import { expect, test } from 'vitest';
import { explainBreaker } from '../breaker/explain-breaker.ts';
import { consecutive } from '../breaker/trigger.ts';
import { breakerPolicy } from '../calls/breaker-policy.ts';
import { createBreaker } from '../calls/call-breaker.ts';
import { hedge } from '../calls/hedge.ts';
import { pipeline } from '../calls/pipeline.ts';
import type { Policy } from '../calls/policy.ts';
import { retry } from '../calls/retry.ts';
import { timeout } from '../calls/timeout.ts';
import { follow, settled, VirtualTime } from '../testing/virtual-time.ts';
import { type ResilientFetchOptions, resilientFetch } from './resilient-fetch.ts';

const refused = Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNREFUSED' } });
const reset = Object.assign(new TypeError('fetch failed'), { cause: { code: 'ECONNRESET' } });
refused.cause = Object.assign(new Error('connect'), { code: 'ECONNREFUSED' });
reset.cause = Object.assign(new Error('read'), { code: 'ECONNRESET' });

type Step = number | Error | 'hang';

/** A service that answers as told, one step an attempt, then 200; and what became of its replies. */
function serviceOf(...steps: readonly Step[]) {
  const time = new VirtualTime();
  const cancelled: number[] = [];
  const signals: (AbortSignal | null | undefined)[] = [];
  const atMs: number[] = [];
  const send = (_input: unknown, init?: RequestInit): Promise<Response> => {
    const index = atMs.length;
    const step = steps[index] ?? 200;
    atMs.push(time.nowMs());
    signals.push(init?.signal);
    if (step instanceof Error) return Promise.reject(step);
    if (step === 'hang') {
      return new Promise((_, reject) => {
        init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
      });
    }
    const body = new ReadableStream({ cancel: () => void cancelled.push(index) });
    const headers = step === 429 ? { 'retry-after': '1' } : {};
    return Promise.resolve(new Response(body, { status: step, headers }));
  };
  const through = (policies: readonly Policy[], options: ResilientFetchOptions = {}) => {
    const ports = { clock: time, timers: time, rng: () => 0.5 };
    return resilientFetch(pipeline(...policies).with({ ports }), { fetch: send, ...options });
  };
  return { time, cancelled, signals, atMs, through };
}

const URL = 'http://stock/beans';

test.each<{
  name: string;
  steps: Step[];
  init?: RequestInit;
  options?: ResilientFetchOptions;
  attempts: number;
  end: number | Error;
}>([
  { name: 'a good reply is the reply', steps: [201], attempts: 1, end: 201 },
  { name: 'a client’s error is not the service’s', steps: [404], attempts: 1, end: 404 },
  { name: 'GET: a gateway error is tried again', steps: [503, 502], attempts: 3, end: 200 },
  { name: 'the last bad reply is given out', steps: [503, 503, 504], attempts: 3, end: 504 },
  { name: 'a 500 is a failure, and final', steps: [500], attempts: 1, end: 500 },
  { name: 'a broken connection is tried again', steps: [reset], attempts: 2, end: 200 },
  { name: 'errors of fetch pass unchanged', steps: [reset, reset, reset], attempts: 3, end: reset },
  {
    name: 'POST: nothing is sent twice',
    steps: [503],
    init: { method: 'POST', body: 'x' },
    attempts: 1,
    end: 503,
  },
  {
    name: 'POST: not after a broken connection',
    steps: [reset],
    init: { method: 'POST' },
    attempts: 1,
    end: reset,
  },
  {
    name: 'POST: but where there was no connection',
    steps: [refused],
    init: { method: 'post', body: 'x' },
    attempts: 2,
    end: 200,
  },
  {
    name: 'POST: or with an Idempotency-Key',
    steps: [503],
    init: { method: 'POST', headers: { 'Idempotency-Key': '7' } },
    attempts: 2,
    end: 200,
  },
  {
    name: 'POST: or where the options say so',
    steps: [503],
    init: { method: 'POST' },
    options: { anyMethod: true },
    attempts: 2,
    end: 200,
  },
  {
    name: 'a stream is sent once, whatever',
    steps: [refused],
    init: { method: 'PUT', body: new ReadableStream(), duplex: 'half' },
    attempts: 1,
    end: refused,
  },
  {
    name: 'statuses of the options are tried again',
    steps: [429],
    options: { retryStatuses: [429] },
    attempts: 2,
    end: 200,
  },
])('$name', async ({ steps, init, options, attempts, end }) => {
  const { time, atMs, cancelled, through } = serviceOf(...steps);
  const call = follow(through([retry()], options)(URL, init));
  await time.advance(2_000);
  if (end instanceof Error) expect(call.thrown).toBe(end);
  else expect(call.value?.status).toBe(end);
  expect(atMs).toHaveLength(attempts);
  const badIndexes = steps.flatMap((step, index) => (typeof step === 'number' ? [index] : []));
  // Bodies that nobody gets are cancelled; that which is given out is not.
  expect(cancelled).toEqual(badIndexes.filter((index) => index < attempts - 1));
});

test('a POST that times out by itself is not sent again, a GET is', async () => {
  for (const [method, attempts] of [
    ['POST', 1],
    ['GET', 3],
  ] as const) {
    const { time, atMs, through } = serviceOf('hang', 'hang', 'hang');
    const call = follow(through([retry(), timeout(50)])(URL, { method }));
    await time.advance(1_000);
    expect(call.thrown).toMatchObject({ code: 'LENO_TIMED_OUT' });
    expect(atMs).toHaveLength(attempts);
  }
});

test('a POST is never hedged', async () => {
  const { time, atMs, through } = serviceOf('hang', 200);
  const call = follow(through([timeout(90), hedge({ delay: 10 })])(URL, { method: 'POST' }));
  await time.advance(100);
  expect([atMs, call.thrown]).toEqual([[0], expect.objectContaining({ timeoutMs: 90 })]);
});

test('Retry-After is waited for, up to the cap', async () => {
  const { time, atMs, through } = serviceOf(429, 429);
  const options = { retryStatuses: [429] };
  const call = follow(through([retry({ maxMs: 5_000 })], options)(URL));
  await time.advance(10_000);
  expect([call.value?.status, atMs]).toEqual([200, [0, 1_000, 2_000]]);
});

test('bad statuses open the breaker, 429 only lowers the rate', async () => {
  const breaker = createBreaker();
  const { through } = serviceOf(500, 503, 429, 404, 200);
  const call = resilientFetchOf(breaker, through);
  for (let index = 0; index < 5; index += 1) await call(URL);
  expect(explainBreaker(breaker, 0)).toMatchObject({
    rates: [{ failureCount: 3, successCount: 2 }],
  });
});

function resilientFetchOf(
  breaker: ReturnType<typeof createBreaker>,
  through: ReturnType<typeof serviceOf>['through'],
) {
  return through([pipeline(breaker)]);
}

test.each([
  { step: 503, message: 'a reply of status 503 that is a failure' },
  { step: reset, message: 'an attempt that is a failure' },
])('an open breaker says what opened it: $message', async ({ step, message }) => {
  const breaker = createBreaker({ trip: consecutive(1) });
  const get = serviceOf(step).through([breakerPolicy(breaker)]);
  await get(URL).catch(() => {});
  const cause: unknown = expect.objectContaining({ message });
  await expect(get(URL)).rejects.toMatchObject({ code: 'LENO_BREAKER_OPEN', cause });
});

test('the caller’s abort ends the call, and later the body', async () => {
  const { time, signals, through } = serviceOf('hang', 200);
  const caller = new AbortController();
  const hung = follow(through([retry()])(URL, { signal: caller.signal }));
  await settled();
  caller.abort('gone');
  await settled();
  expect([hung.thrown, signals[0]?.aborted, time.timerCount]).toEqual(['gone', true, 0]);
  const later = new AbortController();
  await through([retry()])(new Request(URL, { signal: later.signal }));
  expect(signals[1]?.aborted).toBe(false);
  later.abort();
  expect(signals[1]?.aborted).toBe(true);
});

test('the loser’s reply is cancelled, too late or bad', async () => {
  const { time, cancelled, through } = serviceOf('hang', 200);
  const call = follow(through([hedge({ delay: 10 })])(URL));
  await time.advance(20);
  expect([call.value?.status, cancelled]).toEqual([200, []]);
});

test('a stream that times out is not sent again, whatever the method', async () => {
  const { time, atMs, through } = serviceOf('hang');
  const init: RequestInit = { method: 'PUT', body: new ReadableStream(), duplex: 'half' };
  const call = follow(through([retry(), timeout(50)])(URL, init));
  await time.advance(1_000);
  expect([call.thrown, atMs]).toEqual([expect.objectContaining({ timeoutMs: 50 }), [0]]);
});

test('a bad reply lets go of its connection before the next try', async () => {
  const { time, cancelled, through } = serviceOf(503, 'hang');
  const call = follow(through([retry()])(URL));
  await time.advance(100);
  expect([call, cancelled]).toEqual([{}, [0]]);
});

/** As that of a library: none of the runtime's own classes. */
function foreignFetch(...statuses: number[]) {
  const sent: unknown[] = [];
  const send = (input: unknown): Promise<Response> => {
    sent.push(input);
    const status = statuses.shift() ?? 200;
    const reply = { status, headers: new Headers(), body: null };
    return Promise.resolve(reply as unknown as Response);
  };
  const call = resilientFetch(retry({ baseMs: 0, maxMs: 0 }), { fetch: send });
  return { sent, call };
}

test('a fetch of a library: its replies are replies', async () => {
  const { call } = foreignFetch(500);
  expect((await call(URL)).status).toBe(500);
});

test('a fetch of a library: its requests are requests, and a POST is not sent twice', async () => {
  const { call, sent } = foreignFetch(503, 503);
  const headers = new Headers();
  const request = { method: 'POST', url: URL, headers, body: null, signal: null };
  expect((await call(request as unknown as Request)).status).toBe(503);
  expect(sent).toEqual([request]);
});

test('a signal of null frees the call from that of its Request', async () => {
  const { through } = serviceOf(200);
  const signal = AbortSignal.abort('gone');
  const request = new Request(URL, { signal });
  await expect(through([retry()])(request)).rejects.toBe('gone');
  expect((await through([retry()])(request, { signal: null })).status).toBe(200);
});

test('a classifier that throws ends the call, and the body', async () => {
  const { through, cancelled } = serviceOf(200);
  const classify = (): never => {
    throw reset;
  };
  await expect(through([timeout(10)], { classify })(URL)).rejects.toBe(reset);
  expect(cancelled).toEqual([0]);
});
