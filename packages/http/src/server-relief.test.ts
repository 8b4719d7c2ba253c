import { afterEach, expect, it } from 'vitest';
import { ConnectionCap } from './connection-cap.ts';
import type { ServerExchange } from './exchange.ts';
import { createHttpServer } from './server.ts';
import { rawClient } from './testing/raw.ts';
import { get, reply, serve, turn } from './testing/server-bed.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});

it('saves: replies end their connections, and idle ones are closed after a second', async () => {
  const bed = await serve((exchange) => reply(exchange, 'x'));
  const [idle, busy] = [bed.client(), bed.client()];
  for (const client of [idle, busy]) {
    client.send(get('/'));
    await client.read('200 OK');
  }
  bed.server.relieve('save');
  busy.send(get('/'));
  expect(await busy.end()).toMatch(/connection: close/);
  expect(idle.hasEnded).toBe(false);
  bed.time.advance(3_000);
  await idle.end();
  expect(bed.server.stats).toMatchObject({ shedIdleCount: 1, idleTimeoutCount: 0 });
  bed.server.relieve('none');
  const later = bed.client();
  later.send(get('/'));
  expect(await later.read('200 OK')).not.toMatch(/connection: close/);
});

it('is deaf to new connections, while what is under way goes on', async () => {
  let exchange: ServerExchange | undefined;
  const bed = await serve((each) => (exchange = each));
  const client = bed.client();
  client.send(get('/'));
  while (exchange === undefined) await turn();
  bed.server.relieve('deaf');
  const refused = bed.client();
  expect(await refused.end()).toMatch(/^HTTP\/1.1 503 /);
  refused.socket.end();
  reply(exchange, 'TAKEN');
  expect(await client.end()).toContain('TAKEN');
  expect(bed.server.stats).toMatchObject({ shedConnectionCount: 1, overloadedCount: 0 });
  expect(bed.rejections).toMatchObject([{ reason: 'overloaded', status: 503 }]);
});

it('answers only so many of those whom it turns away', async () => {
  const bed = await serve((exchange) => reply(exchange, 'x'));
  bed.server.relieve('deaf');
  const clients = Array.from({ length: 80 }, () => bed.client());
  const texts = await Promise.all(clients.map((client) => client.end()));
  expect(texts.filter((text) => text.startsWith('HTTP/1.1 503'))).toHaveLength(64);
  expect(texts.filter((text) => text === '')).toHaveLength(16);
  // Who does not go by himself is closed.
  bed.time.advance(500);
  for (let round = 0; round < 3; round += 1) await turn();
  expect(await bed.client().end()).toMatch(/^HTTP\/1.1 503 /);
  expect(bed.server.stats).toMatchObject({ shedConnectionCount: 81, connectionCount: 0 });
});

it('shares a cap with other servers, and gives back what it took', async () => {
  const cap = new ConnectionCap(2);
  const handler = (exchange: ServerExchange): void => reply(exchange, 'x');
  const servers = [createHttpServer({ handler, cap }), createHttpServer({ handler, cap })] as const;
  open.push(...servers);
  const [one, two] = servers;
  const ports = [await one.listen(0, '127.0.0.1'), await two.listen(0, '127.0.0.1')] as const;
  const client = (index: 0 | 1) => {
    const peer = rawClient(ports[index].port);
    open.push({ close: () => peer.socket.destroy() });
    peer.send(get('/'));
    return peer;
  };
  const first = client(0);
  await first.read('200 OK');
  await client(1).read('200 OK');
  expect(cap).toMatchObject({ count: 2, isReached: true });
  expect(await client(0).end()).toMatch(/^HTTP\/1.1 503 /);
  expect(await client(1).end()).toMatch(/^HTTP\/1.1 503 /);
  expect(one.stats).toMatchObject({ totalOverloadedCount: 1, overloadedCount: 0 });
  expect(two.stats).toMatchObject({ totalOverloadedCount: 1, connectionCount: 1 });
  first.socket.destroy();
  while (cap.count > 1) await turn();
  expect(await client(1).read('200 OK')).toContain('200 OK');
});
