import type { Engine } from '@leno/dataplane';
import { expect, test } from 'vitest';
import { renderTcpListen, TcpListeners } from './tcp-listen.ts';

const at = (port: number) => ({ host: '127.0.0.1', port, authority: 'db:5432' });
/** Nobody comes to these listeners. */
const nobody = { tcp: {} } as unknown as Engine;

test('a port that is taken is named with its setting, and nothing is left open', async () => {
  const first = new TcpListeners(nobody);
  const [bound = at(0)] = await first.listen([at(0)], {});
  expect(renderTcpListen(bound)).toBe(`127.0.0.1:${bound.port}=db:5432`);
  const second = new TcpListeners(nobody);
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
  const [first, second] = [new TcpListeners(nobody), new TcpListeners(nobody)];
  const bound = await first.listen([at(0)], { reusePort: true });
  expect(await second.listen(bound, { reusePort: true })).toEqual(bound);
  await Promise.all([first.close(), second.close()]);
});
