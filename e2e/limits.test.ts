/** What a proxy does when everything it has is taken: connections, descriptors. */
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { smallProcess } from '@leno/std/node';
import { afterEach, expect, test } from 'vitest';
import { type LoneProxy, startLoneProxy } from './support/lone-proxy.ts';
import { until } from './support/until.ts';

const open: LoneProxy[] = [];
afterEach(async () => {
  await Promise.all(open.splice(0).map((each) => each.stop()));
});

async function start(...options: Parameters<typeof startLoneProxy>): Promise<LoneProxy> {
  const proxy = await startLoneProxy(...options);
  open.push(proxy);
  return proxy;
}

const total = 'leno_limit_reached_total{listener="outbound",limit="total_connections"}';
const connections = 'leno_listener_connections{listener="outbound"}';

/** The head of the reply to a request on that connection. */
async function ask(socket: Socket): Promise<string> {
  const reply = once(socket, 'data') as Promise<[Buffer]>;
  socket.write('GET / HTTP/1.1\r\nHost: nobody\r\n\r\n');
  const [head] = await reply;
  return head.toString('latin1').split('\r\n', 1)[0] ?? '';
}

test('each listener has a cap, and both have one together; beyond it there is a 503', async () => {
  const proxy = await start({ LENO_CONNECTIONS_MAX: '20', LENO_INBOUND_CONNECTIONS_MAX: '3' });
  await proxy.dialMany('inbound', 5);
  const own = 'leno_limit_reached_total{listener="inbound",limit="connections"}';
  await until(async () => (await proxy.metric(own)) === 2, 'two are turned away inbound');
  await proxy.dialMany('outbound', 17);
  expect(await ask(await proxy.dial('outbound'))).toBe('HTTP/1.1 503 Service Unavailable');
  expect(await proxy.metric(total)).toBe(1);
});

test('connections are capped by the descriptors there are, and idle ones make room', async () => {
  // Half of what is beyond the 64 that are kept.
  const proxy = await start({ LENO_IDLE_TIMEOUT_MS: '3600000' }, { descriptorCountMax: 128 });
  await proxy.dialMany('outbound', 60);
  await until(async () => (await proxy.metric(total)) >= 28, 'those beyond 32 are turned away');
  // The admin interface answers, on a new connection too, and tells of it.
  const admin = await proxy.dial('admin');
  expect(await ask(admin)).toMatch(/^HTTP\/1.1 /);
  const shed = 'leno_overload_shed_total{listener="outbound",kind="idle"}';
  await until(async () => (await proxy.metric(shed)) >= 32, 'idle connections are closed');
  await until(async () => (await proxy.metric('leno_overload_state')) === 0, 'no overload');
  expect(await ask(await proxy.dial('outbound'))).toBe('HTTP/1.1 404 Not Found');
});

test('without a descriptor left it serves whom it has, and takes others when there is one', async () => {
  const proxy = await start({}, { descriptorCountMax: 110 });
  const early = await proxy.dial('outbound');
  expect(await proxy.metric('leno_overload_state')).toBe(0);
  // Scrapers without end: theirs is the one listener whose bound is beyond the descriptors.
  const flood = await proxy.dialMany('metrics', 150);
  const closed = () => flood.filter((socket) => socket.closed).length;
  await until(() => closed() >= 50, 'what cannot be had is closed');
  expect(await ask(early)).toBe('HTTP/1.1 404 Not Found');
  expect(await proxy.metric('leno_build_info')).toBe(0); // Answers, whatever the labels.
  for (const socket of flood) socket.destroy();
  await until(async () => {
    const socket = await proxy.dial('outbound');
    return !socket.destroyed && (await ask(socket)).startsWith('HTTP/1.1 404');
  }, 'new connections are served again');
});

test('an idle connection costs at most 12 KiB', async () => {
  const proxy = await start();
  const standing = (count: number) => async () => (await proxy.metric(connections)) === count;
  await proxy.dialMany('outbound', 300);
  await until(standing(300), 'the first stand');
  const before = await proxy.rssKiB();
  await proxy.dialMany('outbound', 2_000);
  await until(standing(2_300), 'all stand');
  expect(((await proxy.rssKiB()) - before) / 2_000).toBeLessThan(12);
});

test('the program as it is built takes at most 90 MiB when there is nothing to do', async () => {
  const proxy = await start({}, { isBuilt: true });
  expect(await proxy.metric('leno_listener_connections{listener="inbound"}')).toBe(0);
  expect((await proxy.rssKiB()) / 1_024).toBeLessThan(90);
});

test('pressure is what is used of what there is', async () => {
  const proxy = await start({
    NODE_OPTIONS: '--max-old-space-size=80 --max-semi-space-size=1',
    LENO_MEMORY_BYTES_MAX: String(512 * 1_048_576),
    LENO_CONNECTIONS_MAX: '40',
  });
  await proxy.dialMany('outbound', 10);
  const pressure = (resource: string) =>
    proxy.metric(`leno_overload_pressure_ratio{resource="${resource}"}`);
  await until(async () => (await pressure('connections')) === 0.25, 'a quarter of connections');
  const heap = await pressure('heap');
  expect(heap).toBeGreaterThan(0.1);
  expect(heap).toBeLessThan(0.7);
  const memory = await pressure('memory');
  expect(memory).toBeGreaterThan(0.1);
  expect(memory).toBeLessThan(((await proxy.rssKiB()) * 1.1) / 1_024 / 512);
});

test('workers of the built program count together', async () => {
  const proxy = await start({ LENO_WORKERS: '2' }, { isBuilt: true });
  await proxy.dialMany('outbound', 20);
  await until(async () => (await proxy.metric(connections)) === 20, 'all stand');
  expect(await proxy.metric('leno_overload_state')).toBe(0);
});

test('workers have the small heap for young objects, however it was started', async () => {
  const proxy = await start({ LENO_WORKERS: '2' });
  const { pid } = proxy.process;
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const commands = await Promise.all(
    children
      .trim()
      .split(' ')
      .map((child) => readFile(`/proc/${child}/cmdline`, 'utf8')),
  );
  const workers = commands.filter((command) => command.includes('worker-main'));
  expect(workers).toHaveLength(2);
  for (const command of workers)
    expect(command.split('\0')).toEqual(expect.arrayContaining([...smallProcess.args]));
});

test.each(['apps/proxy/src/main.ts', 'apps/proxy/dist/leno-proxy.js', 'infra/docker/bin/sidecar'])(
  '%s starts with the small heap for young objects',
  async (file) => {
    const text = await readFile(new URL(`../${file}`, import.meta.url), 'utf8');
    const start = /^(?:#!.*-S|exec) .*(node .*)/m.exec(text)?.[1] ?? '';
    expect(start.split(' ').slice(0, 2)).toEqual(['node', ...smallProcess.args]);
    for (const [name, value] of Object.entries(smallProcess.env)) {
      expect(text).toMatch(new RegExp(`\\b${name}=(?:${value}|.*:-${value}})`));
    }
  },
);
