import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { codeOf } from '@leno/std';
import { afterEach, expect, test } from 'vitest';
import { resetSocket } from './reset-socket.ts';

const open: (() => unknown)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** A client, and what its server has heard of it. */
async function pair(): Promise<{ client: Socket; heard: Promise<string> }> {
  let tell: (what: string) => void = () => undefined;
  const heard = new Promise<string>((resolve) => (tell = resolve));
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    open.push(() => socket.destroy());
    socket.resume();
    socket.on('end', () => tell('end'));
    socket.on('error', (error) => tell(codeOf(error)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  open.push(() => server.close());
  const client = connect((server.address() as AddressInfo).port, '127.0.0.1');
  await once(client, 'connect');
  client.on('error', () => undefined);
  return { client, heard };
}

test.each<{ name: string; before: (client: Socket) => unknown; hears: string }>([
  { name: 'open', before: () => undefined, hears: 'ECONNRESET' },
  { name: 'with much that is queued', before: flood, hears: 'ECONNRESET' },
  { name: 'ended, with much that is queued', before: (it) => flood(it).end(), hears: 'ECONNRESET' },
  { name: 'whose end is on its way', before: (it) => it.end(), hears: 'end' },
])('a socket $name is closed, and the other side hears $hears', async ({ before, hears }) => {
  const { client, heard } = await pair();
  before(client);
  const closed = once(client, 'close');
  resetSocket(client);
  await closed;
  expect(await heard).toBe(hears);
});

function flood(client: Socket): Socket {
  client.write(Buffer.alloc(32_000_000));
  return client;
}
