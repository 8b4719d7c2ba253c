/** What becomes of a client that ends its half while its reply is awaited. */
import { expect, it } from 'vitest';
import type { ServerExchange } from './exchange.ts';
import { deferred } from './testing/deferred.ts';
import { bytes, get, noFields, reply, serve, turn } from './testing/server-bed.ts';

const grace = { halfCloseGraceMs: 1_000 };

/** A request whose client has ended its half, and the exchange at the other side. */
async function halfClosed(more: { halfCloseGraceMs?: number } = grace) {
  const came = deferred<ServerExchange>();
  const left = deferred<string>();
  const bed = await serve(
    (exchange) => {
      exchange.onClose = left.resolve;
      came.resolve(exchange);
    },
    {},
    more,
  );
  const client = bed.client();
  client.send(get('/'));
  client.socket.end();
  const exchange = await came.promise;
  while (more.halfCloseGraceMs !== undefined && bed.time.timerCount < 2) await turn();
  return { ...bed, client, exchange, left: left.promise };
}

it('a reply that begins within it is sent', async () => {
  const { client, exchange, time } = await halfClosed();
  time.advance(999);
  reply(exchange, 'x');
  expect(await client.close()).toContain('200 OK');
  expect(client.text).toContain('x');
  // Nothing is left of it.
  expect(time.timerCount).toBe(0);
});

it('after it the client has gone', async () => {
  const { client, left, server, time } = await halfClosed();
  time.advance(1_000);
  expect(await left).toBe('client-gone');
  expect(await client.close()).toBe('');
  expect(server.stats.halfCloseGoneCount).toBe(1);
});

it('a reply that goes on lasts as long as it wants, but for a silence', async () => {
  const { client, exchange, left, time } = await halfClosed();
  const sink = exchange.respond({ status: 200, fields: noFields, contentLength: undefined });
  for (const piece of ['one', 'two', 'three']) {
    sink.write(bytes(piece));
    await client.read(piece);
    time.advance(1_000);
  }
  time.advance(1_000);
  expect(await left).toBe('client-gone');
});

it('a client that is slow to read is not silent', async () => {
  const { client, exchange, time, server } = await halfClosed();
  client.socket.pause();
  const size = 16 * 1_048_576;
  const sink = exchange.respond({ status: 200, fields: noFields, contentLength: undefined });
  sink.write(Buffer.alloc(size));
  // What the kernel takes has gone out; the rest waits for the client.
  for (let round = 0; round < 20; round += 1) await turn();
  for (let second = 0; second < 5; second += 1) time.advance(1_000);
  expect(server.stats.halfCloseGoneCount).toBe(0);
  client.socket.resume();
  sink.end();
  expect((await client.close()).length).toBeGreaterThan(size);
});

it('each of several requests has it for itself', async () => {
  const exchanges: ServerExchange[] = [];
  const bed = await serve((exchange) => exchanges.push(exchange), {}, grace);
  const client = bed.client();
  client.send(get('/1') + get('/2'));
  client.socket.end();
  for (let count = 1; count <= 2; count += 1) {
    while (exchanges.length < count) await turn();
    while (count === 2 && bed.time.timerCount < 2) await turn();
    bed.time.advance(900);
    reply(exchanges[count - 1] as ServerExchange, `reply ${count}`);
  }
  expect(await client.close()).toContain('reply 2');
});

it('is without end by default', async () => {
  const { client, exchange, time } = await halfClosed({});
  await turn();
  time.advance(3_600_000);
  reply(exchange, 'late');
  expect(await client.close()).toContain('late');
});
