import { once } from 'node:events';
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { AppWatch } from './app-watch.ts';
import { loadView, saveView } from './last-known-good.ts';

const view = (version: number) => ({ epoch: 1, version, digest: `d${version}`, resources: [] });

test('of two generations the newest whole one is read, and a damaged one is kept aside', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'leno-lkg-'));
  await saveView(directory, view(1));
  await saveView(directory, { ...view(2), lostBundles: ['default/shop'] });
  expect((await loadView(directory)).view).toMatchObject({
    version: 2,
    lostBundles: ['default/shop'],
  });

  const file = join(directory, 'config.json');
  const text = await readFile(file, 'utf8');
  await writeFile(file, text.slice(0, text.length / 2));
  const loaded = await loadView(directory);
  expect(loaded.view).toMatchObject({ version: 1 });
  expect(loaded.setAside).toHaveLength(1);
  expect(loaded.setAside[0]?.why).toContain('checksum');
  expect((await readdir(directory)).some((name) => name.includes('corrupt'))).toBe(true);
});

test('an empty directory holds no view, and that is not an error', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'leno-lkg-'));
  expect(await loadView(directory)).toEqual({ view: undefined, setAside: [] });
});

function nextChange(watch: AppWatch, wanted: boolean): Promise<void> {
  return new Promise((resolve) => {
    const stop = watch.up.subscribe((up) => {
      if (up !== wanted) return;
      queueMicrotask(() => stop());
      resolve();
    });
  });
}

test('the death of an application is seen by the end of one idle connection', async () => {
  const sockets = new Set<Socket>();
  const listen = async (port: number): Promise<Server> => {
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
    });
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
    return server;
  };
  const first = await listen(0);
  const address = first.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const watch = new AppWatch({
    address: { kind: 'tcp', host: '127.0.0.1', port: address.port },
    steadyMs: 20,
  });
  watch.start();
  await nextChange(watch, true);
  first.close();
  for (const socket of sockets) socket.destroy();
  await nextChange(watch, false);
  const second = await listen(address.port);
  await nextChange(watch, true);
  expect(watch.up.value).toBe(true);
  watch.stop();
  for (const socket of sockets) socket.destroy();
  second.close();
});
