import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { canShareReads, shareReads, stopSharing } from './shared-read.ts';

let server: Server | undefined;
const sockets: Socket[] = [];

afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.close();
});

/** Both ends of a connection on loopback: who has connected, and who has accepted. */
async function ends(): Promise<readonly [Socket, Socket]> {
  const pair = await new Promise<readonly [Socket, Socket]>((resolve) => {
    let client: Socket;
    const listener = createServer({ allowHalfOpen: true }, (it) => resolve([client, it]));
    server = listener;
    listener.listen(0, '127.0.0.1', () => {
      const { port } = listener.address() as AddressInfo;
      client = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    });
  });
  sockets.push(...pair);
  return pair;
}

/** What a socket reads, as text, and the memory that it came in; `until` waits for some of it. */
function listen(socket: Socket) {
  const seen = { text: '', memory: new Set<ArrayBufferLike>() };
  let told: () => void = () => undefined;
  const isShared = shareReads(socket, (chunk) => {
    seen.text += chunk.toString('latin1');
    seen.memory.add(chunk.buffer);
    told();
  });
  const until = (text: string): Promise<void> =>
    new Promise((resolve) => {
      told = () => {
        if (seen.text === text) resolve();
      };
      told();
    });
  return { seen, isShared, until };
}

test('this runtime can', () => {
  expect(canShareReads()).toBe(true);
});

test('both ends read into the same memory, each its own octets', async () => {
  const [client, accepted] = await ends();
  const [one, other] = [listen(client), listen(accepted)];
  expect([one.isShared, other.isShared]).toEqual([true, true]);
  client.write('from the client');
  await other.until('from the client');
  accepted.write('from the server, longer');
  await one.until('from the server, longer');
  client.write('!');
  await other.until('from the client!');
  expect(new Set([...one.seen.memory, ...other.seen.memory]).size).toBe(1);
});

test('a socket that is paused reads nothing, and everything when it goes on', async () => {
  const [client, accepted] = await ends();
  const { seen, until } = listen(accepted);
  const witness = listen(client);
  accepted.pause();
  client.write('held');
  // Whatever was sent before this answer would have been read by now.
  accepted.write('answer');
  await witness.until('answer');
  expect(seen.text).toBe('');
  accepted.resume();
  await until('held');
});

test('the end of the other side is told, after its last octets', async () => {
  const [client, accepted] = await ends();
  const { seen } = listen(accepted);
  const ended = new Promise<string>((resolve) => accepted.on('end', () => resolve(seen.text)));
  client.end('last');
  expect(await ended).toBe('last');
});

test('a socket that shares no more keeps what it reads to itself', async () => {
  const [client, accepted] = await ends();
  const shared = listen(accepted);
  client.write('shared');
  await shared.until('shared');
  accepted.pause();
  stopSharing(accepted);
  const kept: Buffer[] = [];
  const got = new Promise<void>((resolve) => {
    accepted.on('data', (chunk: Buffer) => {
      kept.push(chunk);
      if (Buffer.concat(kept).length >= 4) resolve();
    });
  });
  accepted.resume();
  client.write('kept');
  await got;
  const witness = listen(client);
  accepted.write('over what was read');
  await witness.until('over what was read');
  expect(Buffer.concat(kept).toString('latin1')).toBe('kept');
  expect(shared.seen.text).toBe('shared');
});

test.each([
  { name: 'was put back', prepare: (socket: Socket) => socket.unshift(Buffer.from('early')) },
  { name: 'nobody holds', prepare: (socket: Socket) => socket.destroy() },
])('a socket of which something $name is left as it is', async ({ prepare }) => {
  const [, accepted] = await ends();
  prepare(accepted);
  expect(listen(accepted).isShared).toBe(false);
});
