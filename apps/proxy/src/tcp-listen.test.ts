import { connect } from 'node:net';
import type { Engine } from '@leno/dataplane';
import { ConnectionCap } from '@leno/http';
import { expect, test } from 'vitest';
import { renderTcpListen, TcpListeners } from './tcp-listen.ts';

const at = (port: number) => ({ host: '127.0.0.1', port, authority: 'db:5432' });
/** Nobody comes to these listeners. */
const nobody = { tcp: {} } as unknown as Engine;

test('a port that is taken is named with its setting, and nothing is left open', async () => {
  const first = new TcpListeners(nobody, {});
  const [bound = at(0)] = await first.listen([at(0)], {});
  expect(renderTcpListen(bound)).toBe(`127.0.0.1:${bound.port}=db:5432`);
  const second = new TcpListeners(nobody, {});
  await expect(second.listen([at(0), at(bound.port)], {})).rejects.toThrow(
    `127.0.0.1:${bound.port} is taken by another program: choose another by LENO_TCP_LISTEN`,
  );
  await first.close();
  // Free again: those of the attempt that failed are, too, or this would not be.
  expect(await second.listen([at(bound.port)], {})).toEqual([bound]);
  second.stopListening();
  await second.close();
});

test('workers listen on the same port', async () => {
  const [first, second] = [new TcpListeners(nobody, {}), new TcpListeners(nobody, {})];
  const bound = await first.listen([at(0)], { reusePort: true });
  expect(await second.listen(bound, { reusePort: true })).toEqual(bound);
  await Promise.all([first.close(), second.close()]);
});

test('all share their bounds, are relieved together, and are counted as one', async () => {
  const told: string[] = [];
  const tcp = {
    dialled: () => undefined,
    overloaded: (authority: string, _peer: unknown, detail: string) =>
      void told.push(`${authority}: ${detail}`),
  };
  const cap = new ConnectionCap(3);
  const all = new TcpListeners({ tcp } as unknown as Engine, {
    connectionCountMax: 2,
    cap,
  });
  const [one = at(0), two = at(0)] = await all.listen([at(0), at(0)], {});
  const sockets = [one, one, one, two, two].map(({ port }) => connect(port, '127.0.0.1'));
  for (const socket of sockets) socket.on('error', () => undefined);
  await expect.poll(() => all.stats.acceptedCount).toBe(5);
  expect(all.stats).toMatchObject({ connectionCount: 3 });
  expect(all.stats.overloadedCount + all.stats.totalOverloadedCount).toBe(2);
  expect(cap.count).toBe(3);
  all.relieve('deaf');
  const [late = at(0)] = await all.listen([at(0)], {});
  for (const { port } of [one, late]) connect(port, '127.0.0.1').on('error', () => undefined);
  await expect.poll(() => all.stats.shedConnectionCount).toBe(2);
  expect(
    told.filter((it) => it === 'db:5432: no connection is taken for want of memory or time'),
  ).toHaveLength(2);
  await all.close();
  for (const socket of sockets) socket.destroy();
});
