/** Against undici itself, and a server of node:http. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Agent, type Dispatcher, fetch, request } from 'undici';
import { afterEach, expect, test } from 'vitest';
import { consecutive } from '../breaker/trigger.ts';
import { bulkhead } from '../calls/bulkhead.ts';
import { createBreaker } from '../calls/call-breaker.ts';
import { pipeline } from '../calls/pipeline.ts';
import type { Policy } from '../calls/policy.ts';
import { retry } from '../calls/retry.ts';
import { timeout } from '../calls/timeout.ts';
import { type ResilientDispatchOptions, resilience } from './resilient-dispatch.ts';

const closers: (() => Promise<void> | void)[] = [];

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

type Answer = number | 'hang' | 'reset' | 'long';

/** Answers as told, then 200; the body says which request it was, and repeats what it was sent. */
async function serviceOf(...answers: readonly Answer[]) {
  const seen: string[] = [];
  const answer = async (message: IncomingMessage, reply: ServerResponse): Promise<void> => {
    const what = answers[seen.length] ?? 200;
    let body = '';
    for await (const chunk of message) body += String(chunk);
    seen.push(`${message.method ?? ''} ${body}`);
    if (what === 'reset') message.socket.destroy();
    else if (what === 'long') reply.end('x'.repeat(3_000_000));
    else if (what !== 'hang') reply.writeHead(what).end(`${seen.length}: ${body}`);
  };
  const server = createServer((message, reply) => void answer(message, reply).catch(() => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, seen };
}

function agentOf(policy: Policy, options?: ResilientDispatchOptions): Dispatcher {
  const agent = new Agent();
  closers.push(() => agent.destroy());
  return agent.compose(resilience(policy, options));
}

test.each<{
  name: string;
  answers: Answer[];
  method?: Dispatcher.HttpMethod;
  headers?: Record<string, string>;
  status: number;
  text: string;
  seenCount: number;
}>([
  { name: 'a good reply passes', answers: [], status: 200, text: '1: hello', seenCount: 1 },
  {
    name: 'bad ones are tried again',
    answers: [503, 502],
    status: 200,
    text: '3: hello',
    seenCount: 3,
  },
  {
    name: 'the last one is given out',
    answers: [503, 503, 504],
    status: 504,
    text: '3: hello',
    seenCount: 3,
  },
  {
    name: 'broken connections, too',
    answers: ['reset'],
    status: 200,
    text: '2: hello',
    seenCount: 2,
  },
  {
    name: 'POST is not',
    answers: [503],
    method: 'POST',
    status: 503,
    text: '1: hello',
    seenCount: 1,
  },
  {
    name: 'POST with a key is',
    answers: [503],
    method: 'POST',
    headers: { 'Idempotency-Key': '7' },
    status: 200,
    text: '2: hello',
    seenCount: 2,
  },
])('$name', async ({ answers, method = 'PUT', headers = {}, status, text, seenCount }) => {
  const { origin, seen } = await serviceOf(...answers);
  const dispatcher = agentOf(retry({ baseMs: 1 }));
  const reply = await request(origin, { dispatcher, method, headers, body: 'hello' });
  expect([reply.statusCode, await reply.body.text(), seen.length]).toEqual([
    status,
    text,
    seenCount,
  ]);
});

test('an error of undici passes unchanged', async () => {
  const { origin, seen } = await serviceOf('reset', 'reset');
  const dispatcher = agentOf(retry({ baseMs: 1, retryCountMax: 1 }));
  await expect(request(origin, { dispatcher })).rejects.toMatchObject({ code: 'UND_ERR_SOCKET' });
  expect(seen).toHaveLength(2);
});

test('a long body flows, with its backpressure', async () => {
  const { origin } = await serviceOf('long');
  const reply = await request(origin, { dispatcher: agentOf(pipeline(timeout(5_000), retry())) });
  let byteCount = 0;
  for await (const chunk of reply.body) {
    byteCount += (chunk as Buffer).length;
    if (byteCount < 200_000) await new Promise((resolve) => setImmediate(resolve));
  }
  expect(byteCount).toBe(3_000_000);
});

test('its fetch goes through it, too', async () => {
  const { origin } = await serviceOf(503);
  const reply = await fetch(origin, { dispatcher: agentOf(retry({ baseMs: 1 })) });
  expect([reply.status, await reply.text()]).toEqual([200, '2: ']);
});

test('timeouts and refusals are errors of the request', async () => {
  const { origin } = await serviceOf('hang', 500, 500);
  const breaker = createBreaker({ trip: consecutive(2) });
  const dispatcher = agentOf(pipeline(breaker, timeout(30)));
  await expect(request(origin, { dispatcher })).rejects.toMatchObject({ code: 'LENO_TIMED_OUT' });
  const bad = await request(origin, { dispatcher });
  await bad.body.dump();
  expect(bad.statusCode).toBe(500);
  await expect(request(origin, { dispatcher })).rejects.toMatchObject({
    code: 'LENO_BREAKER_OPEN',
  });
});

test('a request that waits for its place can be aborted, and one under way', async () => {
  const { origin, seen } = await serviceOf('hang');
  const places = bulkhead({ limit: 1, queueCountMax: 1 });
  const dispatcher = agentOf(places);
  const [first, second] = [new AbortController(), new AbortController()];
  const underWay = request(origin, { dispatcher, signal: first.signal });
  const waiting = request(origin, { dispatcher, signal: second.signal });
  await expect.poll(() => [seen.length, places.queuedCount]).toEqual([1, 1]);
  second.abort(new Error('no longer'));
  await expect(waiting).rejects.toThrow('no longer');
  expect(places.queuedCount).toBe(0);
  first.abort(new Error('nor this'));
  await expect(underWay).rejects.toThrow('nor this');
  await expect.poll(() => places.activeCount).toBe(0);
});

test('a reply under way can be aborted', async () => {
  const { origin } = await serviceOf('long');
  const caller = new AbortController();
  const places = bulkhead({ limit: 1 });
  const reply = await request(origin, { dispatcher: agentOf(places), signal: caller.signal });
  caller.abort(new Error('enough'));
  await expect(reply.body.text()).rejects.toThrow('enough');
  expect(places.activeCount).toBe(0);
});
