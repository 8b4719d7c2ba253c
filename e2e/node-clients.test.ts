/** The HTTP clients and the WebSockets of Node's own world, unchanged, each through two sidecars. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type IncomingMessage, Agent as NodeAgent, request as nodeRequest } from 'node:http';
import { Agent, buildConnector, Client, ProxyAgent, fetch as undiciFetch } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { hashOfOctets, octets } from './support/depot.ts';
import { type DepotMesh, startDepotMesh } from './support/depot-mesh.ts';
import { until } from './support/until.ts';

let bed: DepotMesh;
/** Every name leads to the sidecar. */
let dispatcher: Agent;

beforeAll(async () => {
  bed = await startDepotMesh();
  const { hostname, port } = new URL(`http://${bed.web.outbound}`);
  const connector = buildConnector({});
  dispatcher = new Agent({
    connect: (options, callback) => connector({ ...options, hostname, port }, callback),
  });
});

afterAll(async () => {
  await dispatcher?.destroy();
  await bed?.stop();
});

const headers = { host: 'depot' };
const url = (path: string): string => `http://${bed.web.outbound}${path}`;

test('undici: sixteen requests in a row without an answer between, in their order', async () => {
  const client = new Client(`http://${bed.web.outbound}`, { pipelining: 16 });
  const replies = await Promise.all(
    Array.from({ length: 64 }, async (_, index) => {
      const reply = await client.request({ path: `/row/${index}`, method: 'GET', headers });
      return ((await reply.body.json()) as { url: string }).url;
    }),
  );
  expect(replies).toEqual(Array.from({ length: 64 }, (_, index) => `/row/${index}`));
  await client.close();
});

test('undici: a body that goes out while its echo comes back', async () => {
  // One piece at a time: the next is made only when the echo of the last has come.
  let turn: (piece: Uint8Array | undefined) => void = () => undefined;
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      turn = (piece) => (piece === undefined ? controller.close() : controller.enqueue(piece));
    },
  });
  const asked = undiciFetch('http://depot/echo/duplex', {
    method: 'POST',
    body: source,
    duplex: 'half',
    dispatcher,
  });
  turn(Buffer.from('piece 0')); // The head goes out with it.
  const reply = await asked;
  expect(reply.status).toBe(200);
  const reader = reply.body?.getReader();
  for (let index = 0; index < 20; index += 1) {
    expect(String(Buffer.from((await reader?.read())?.value ?? ''))).toBe(`piece ${index}`);
    turn(index === 19 ? undefined : Buffer.from(`piece ${index + 1}`));
  }
  expect(await reader?.read()).toMatchObject({ done: true });
});

test.each(['hang', 'drip'])('undici: an abort reaches the application amid /%s', async (word) => {
  const path = `/${word}/abort`;
  const controller = new AbortController();
  const { signal } = controller;
  const asked = undiciFetch(`http://depot${path}`, { signal, dispatcher }).then((reply) =>
    reply.text(),
  );
  const failed = asked.catch((error: unknown) => (error instanceof Error ? error.name : error));
  await until(() => bed.depot.visit(path).came === 1, 'it arrives');
  controller.abort();
  expect(await failed).toBe('AbortError');
  await until(() => bed.depot.visit(path).gone === 1, 'the application hears of it', 3_000);
});

test('undici: a long reply to fetch is whole', async () => {
  const reply = await undiciFetch('http://depot/octets/20000000', { dispatcher });
  const hash = createHash('sha256');
  for await (const piece of reply.body ?? []) hash.update(piece as Uint8Array);
  expect(hash.digest('hex')).toBe(hashOfOctets(20_000_000));
});

test('undici: a proxy agent, with and without a tunnel', async () => {
  for (const proxyTunnel of [true, false]) {
    const agent = new ProxyAgent({ uri: `http://${bed.web.outbound}`, proxyTunnel });
    const reply = await undiciFetch('http://depot/a', { dispatcher: agent });
    expect(await reply.json()).toMatchObject({ url: '/a', headers: { host: 'depot' } });
    await agent.close();
  }
});

test('node:http: an agent keeps its two connections over a thousand requests', async () => {
  const agent = new NodeAgent({ keepAlive: true, maxSockets: 2 });
  const ports = new Set<number>();
  const one = (index: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const body = Buffer.concat([...octets(index, 2 * index)]);
      const sent = nodeRequest(
        url('/hash/kept'),
        { agent, method: 'POST', headers },
        (incoming) => {
          let text = '';
          incoming.on('data', (chunk) => (text += String(chunk)));
          incoming.on('end', () => resolve((JSON.parse(text) as { hash: string }).hash));
        },
      );
      sent.on('socket', (socket) => ports.add(socket.localPort ?? 0));
      sent.on('error', reject);
      // Half of them chunked.
      if (index % 2 === 0) sent.end(body);
      else sent.write(body, () => sent.end());
    });
  const hashes = await Promise.all(Array.from({ length: 1_000 }, (_, index) => one(index)));
  const expected = hashes.map((_, index) =>
    createHash('sha256')
      .update(Buffer.concat([...octets(index, 2 * index)]))
      .digest('hex'),
  );
  expect(hashes).toEqual(expected);
  expect(ports.size).toBeLessThanOrEqual(3); // A socket that does not stand yet has no port.
  agent.destroy();
});

test('node:http: trailers of a reply', async () => {
  const sent = nodeRequest(url('/trailers'), { headers: { ...headers, te: 'trailers' } });
  sent.end();
  const [incoming] = (await once(sent, 'response')) as [IncomingMessage];
  incoming.resume();
  await once(incoming, 'end');
  expect(incoming.trailers).toEqual({ 'x-sum': '42' });
});

/** Opens a WebSocket to the application. */
async function open(path = '/ws'): Promise<WebSocket> {
  const socket = new WebSocket(`ws://${bed.web.outbound}${path}`, { headers });
  await once(socket, 'open');
  return socket;
}

test('ws: a hundred sockets, a hundred messages each, all unchanged and in order', async () => {
  const message = (socket: number, index: number): Buffer =>
    Buffer.concat([...octets(socket * 100 + index, socket * 100 + index * 7)]);
  const echoes = await Promise.all(
    Array.from({ length: 100 }, async (_, number) => {
      const socket = await open(`/ws/${number}`);
      const got = createHash('sha256');
      const want = createHash('sha256');
      let count = 0;
      const all = new Promise<void>((resolve) => {
        socket.on('message', (data: Buffer, isBinary) => {
          got.update(`${isBinary}`).update(data);
          count += 1;
          if (count === 100) resolve();
        });
      });
      for (let index = 0; index < 100; index += 1) {
        const isBinary = index % 3 !== 0;
        const data = isBinary ? message(number, index) : Buffer.from(`text ${index} ${number}`);
        want.update(`${isBinary}`).update(data);
        socket.send(data, { binary: isBinary });
      }
      await all;
      socket.close(1000, `bye ${number}`);
      await once(socket, 'close');
      return got.digest('hex') === want.digest('hex');
    }),
  );
  expect(echoes.every(Boolean)).toBe(true);
  const byes = (): string[] => bed.depot.goodbyes.filter((it) => it.startsWith('1000 bye '));
  await until(() => new Set(byes()).size === 100, 'the application is told', 3_000);
});

test('ws: pings, fragments, messages of 1 MiB, and codes of closing', async () => {
  const socket = await open();
  const pong = once(socket, 'pong');
  socket.ping('are you there');
  expect(String((await pong)[0])).toBe('are you there');
  const echo = once(socket, 'message');
  socket.send('one ', { fin: false });
  socket.send('and ', { fin: false });
  socket.ping();
  socket.send('two', { fin: true });
  expect(String((await echo)[0])).toBe('one and two');
  for (let index = 0; index < 8; index += 1) {
    const large = once(socket, 'message');
    socket.send(Buffer.concat([...octets(index, index + 1_048_576)]));
    const [data] = (await large) as [Buffer];
    expect(data.equals(Buffer.concat([...octets(index, index + 1_048_576)]))).toBe(true);
  }
  const closed = once(socket, 'close');
  socket.close(4321, 'for a reason');
  expect((await closed)[0]).toBe(4321);
  await until(() => bed.depot.goodbyes.includes('4321 for a reason'), 'the application is told');
  const rude = await open();
  rude.terminate();
  await until(() => bed.depot.goodbyes.includes('1006 '), 'the application is told', 3_000);
});
