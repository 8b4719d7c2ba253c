import { describe, expect, it } from 'vitest';
import type { ServerExchange } from './exchange.ts';
import { createHttpServer } from './server.ts';
import { deferred } from './testing/deferred.ts';
import { get, noFields, post, reply, serve, turn } from './testing/server-bed.ts';
import { CollectingSink } from './testing/sinks.ts';

// Time
it('a head that drips in is refused', async () => {
  const bed = await serve((exchange) => reply(exchange, 'x'), { headTimeoutMs: 1_000 });
  const client = bed.client();
  client.send(`${get('/')}GET / HT`);
  await client.read('200 OK');
  bed.time.advance(800);
  client.send('T');
  bed.time.advance(300);
  expect(await client.end()).toContain('HTTP/1.1 408 Request Timeout');
  expect(bed.server.stats.headTimeoutCount).toBe(1);
});

it('an idle connection is closed', async () => {
  const bed = await serve((exchange) => reply(exchange, 'x'), { idleTimeoutMs: 1_000 });
  const client = bed.client();
  client.send(get('/'));
  await client.read('200 OK');
  bed.time.advance(900);
  expect(client.hasEnded).toBe(false);
  bed.time.advance(600);
  await client.end();
  expect(bed.server.stats).toMatchObject({ idleTimeoutCount: 1, headTimeoutCount: 0 });
});

it('a body that stalls is given up, but not while the handler is the slow one', async () => {
  const sink = new CollectingSink();
  let exchange: ServerExchange | undefined;
  const bed = await serve((each) => (exchange = each), {
    stallTimeoutMs: 1_000,
    idleTimeoutMs: 1_000,
  });
  const client = bed.client();
  client.send(`${post(10)}hello`);
  while (exchange === undefined) await turn();
  bed.time.advance(60_000);
  exchange.readBody(sink);
  bed.time.advance(2_000);
  expect(await client.end()).toContain('408');
  expect(await sink.outcome).toBe('abort');
  expect(bed.server.stats.stallTimeoutCount).toBe(1);
});

it('a client that does not take its reply is cut off', async () => {
  const gone = deferred<string>();
  const bed = await serve(
    (exchange) => {
      exchange.onClose = gone.resolve;
      exchange
        .respond({ status: 200, fields: noFields, contentLength: undefined })
        .write(Buffer.alloc(20_000_000));
    },
    { stallTimeoutMs: 1_000 },
  );
  const client = bed.client();
  client.socket.pause();
  client.send(get('/'));
  while (bed.server.stats.activeRequestCount === 0) await turn();
  for (let round = 0; round < 20; round += 1) await turn();
  bed.time.advance(3_000);
  expect(await gone.promise).toBe('client-gone');
  expect(bed.server.stats.stallTimeoutCount).toBe(1);
});

it('a quiet tunnel is closed', async () => {
  const sink = new CollectingSink();
  const bed = await serve((exchange) => void exchange.tunnel(undefined, sink), {
    tunnelIdleTimeoutMs: 1_000,
  });
  const client = bed.client();
  client.send(get('/', 'Connection: Upgrade\r\nUpgrade: x\r\n'));
  await client.read('101');
  bed.time.advance(3_000);
  await client.close();
  expect(await sink.outcome).toBe('abort');
  expect(bed.server.stats.tunnelTimeoutCount).toBe(1);
});

it('leaves no timer behind', async () => {
  const bed = await serve((exchange) => reply(exchange, 'x'));
  const client = bed.client();
  client.send(get('/', 'Connection: close\r\n'));
  await client.end();
  client.socket.destroy();
  while (bed.server.stats.connectionCount > 0) await turn();
  expect(bed.time.timerCount).toBe(0);
});

describe('bounds and endings', () => {
  it('turns connections beyond the limit away, with a word', async () => {
    const bed = await serve((exchange) => reply(exchange, 'x'), { connectionCountMax: 1 });
    const first = bed.client();
    first.send(get('/'));
    await first.read('200 OK');
    const second = bed.client();
    second.send(get('/'));
    const text = await second.end();
    expect(text).toMatch(/^HTTP\/1.1 503 .*x-leno-reason: overloaded.*retry-after: 1/s);
    second.socket.end();
    await second.close();
    expect(bed.server.stats).toMatchObject({ overloadedCount: 1, connectionCount: 1 });
    // It was read to its end, so that nothing waits to close it: what is left is the sweep.
    while (bed.time.timerCount > 1) await turn();
    expect(bed.rejections).toMatchObject([{ reason: 'overloaded', status: 503 }]);
  });

  it('drains: idle connections at once, replies in flight to their end', async () => {
    let exchange: ServerExchange | undefined;
    const bed = await serve((each) => {
      if (each.head.target === '/slow') exchange = each;
      else reply(each, 'x');
    });
    const [idle, busy] = [bed.client(), bed.client()];
    idle.send(get('/'));
    await idle.read('200 OK');
    busy.send(get('/slow'));
    while (exchange === undefined) await turn();
    let isDrained = false;
    const drained = bed.server.drain(30_000).then(() => (isDrained = true));
    await idle.end();
    idle.socket.end();
    expect(isDrained).toBe(false);
    reply(exchange, 'SLOW');
    expect(await busy.end()).toMatch(/connection: close\r\n.*SLOW$/s);
    busy.socket.end();
    await drained;
    const late = bed.client();
    await late.close();
    expect(late.text).toBe('');
  });

  it('cuts off what a drain cannot wait for', async () => {
    const bed = await serve(() => undefined);
    const client = bed.client();
    client.send(get('/'));
    while (bed.server.stats.activeRequestCount === 0) await turn();
    const drained = bed.server.drain(5_000);
    bed.time.advance(5_000);
    await drained;
    expect(bed.server.stats.drainAbortCount).toBe(1);
    await client.end();
  });

  it('says which port is taken', async () => {
    const bed = await serve(() => undefined);
    const other = createHttpServer({ handler: () => undefined });
    await expect(other.listen(bed.port, '127.0.0.1')).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
