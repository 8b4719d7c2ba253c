import { chmod, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GatewayBody, Resource } from '@leno/config';
import type { GatewayTable } from '@leno/dataplane';
import { createHttpServer, newServerStats, type PublicTlsOptions } from '@leno/http';
import { systemClock } from '@leno/std';
import { allocatePorts } from '@leno/std/node';
import { TestCa } from '@leno/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ManualTimers } from '../testing/fake-workers.ts';
import { CertificateStore } from './certificate-store.ts';
import { GatewayListeners } from './gateway-listeners.ts';
import { readCertificate } from './read-certificate.ts';

const ca = new TestCa();
const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
let directory = '';
const open: { close(): unknown }[] = [];

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'leno-certificates-'));
});

afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
  await rm(directory, { recursive: true, force: true });
});

/** Writes a pair; what is given stands instead of what is good. */
async function write(
  name: string,
  over: { key?: string; cert?: string; notAfterInMs?: number; mode?: number } = {},
): Promise<void> {
  const { notAfterInMs = 3_600_000, mode = 0o600 } = over;
  const leaf = ca.leaf('', { uris: [], dnsNames: [`${name}.test`], notAfterInMs });
  const file = join(directory, name);
  await writeFile(`${file}.new`, over.key ?? leaf.key);
  await chmod(`${file}.new`, mode);
  await rename(`${file}.new`, `${file}.key`);
  await writeFile(`${file}.crt`, over.cert ?? leaf.cert);
}

test.each([
  { name: 'a good pair', over: {}, is: undefined },
  { name: 'a key that others may read', over: { mode: 0o640 }, is: /mode 640/ },
  { name: 'the key of another', over: { key: ca.leaf().key }, is: /a\.crt.* not for .*a\.key/ },
  { name: 'a certificate that has ended', over: { notAfterInMs: -1_000 }, is: /it has ended on/ },
  { name: 'no certificate', over: { cert: 'hello' }, is: /a\.crt cannot be used/ },
  { name: 'no key', over: { key: 'hello' }, is: /a\.crt cannot be used/ },
  { name: 'too much', over: { cert: 'x'.repeat(65_537) }, is: /more than 65536 bytes/ },
])('a certificate file with $name', async ({ over, is }) => {
  await write('a', over);
  const reading = readCertificate(directory, 'a', systemClock.wallMs());
  if (is === undefined) expect((await reading).isFor('a.test')).toBe(true);
  else await expect(reading).rejects.toThrow(is);
});

test.each(['crt', 'key'])('a pair without its .%s is named', async (suffix) => {
  await write('a');
  await rm(join(directory, `a.${suffix}`));
  const reading = readCertificate(directory, 'a', systemClock.wallMs());
  await expect(reading).rejects.toThrow(`a.${suffix}`);
});

function newStore(changed: () => void = () => undefined) {
  const timers = new ManualTimers();
  const ports = { directory, clock: systemClock, timers, log: quiet, changed };
  const store = new CertificateStore(ports);
  open.push(store);
  return { store, timers };
}

/** Lets a second pass, and what then reads files come to its end. */
async function look(timers: ManualTimers, until: () => boolean): Promise<void> {
  await timers.advance(1_000);
  while (!until()) await new Promise((resolve) => setImmediate(resolve));
}

test('a certificate is read again when its files have changed, and only then', async () => {
  await write('a');
  let changeCount = 0;
  const { store, timers } = newStore(() => void (changeCount += 1));
  expect(await store.load('a')).toBeUndefined();
  const first = store.get('a');
  await look(timers, () => true);
  expect(store.get('a')).toBe(first);
  await write('a');
  await look(timers, () => changeCount === 1);
  expect(store.get('a')?.cert).not.toBe(first?.cert);
  expect([...store.ends()]).toEqual([['a', store.get('a')?.notAfterMs]]);
});

test('what cannot be used changes nothing but what is said of it', async () => {
  await write('a');
  let changeCount = 0;
  const { store, timers } = newStore(() => void (changeCount += 1));
  await store.load('a');
  const first = store.get('a');
  await write('a', { cert: 'broken' });
  await look(timers, () => store.faults().length === 1);
  expect(store.faults()).toEqual([expect.stringContaining('a.crt cannot be used')]);
  expect(store.get('a')).toBe(first);
  await write('a');
  await look(timers, () => changeCount === 1);
  expect(store.faults()).toEqual([]);
});

test('what nobody names any more is forgotten, and not looked at', async () => {
  await write('a');
  await write('b');
  const { store } = newStore();
  await Promise.all([store.load('a'), store.load('b')]);
  store.keep(new Set(['b']));
  expect([store.get('a'), store.get('b')?.isFor('b.test')]).toEqual([undefined, true]);
});

test('without a directory every name is a fault that says what to set', async () => {
  const ports = { clock: systemClock, timers: new ManualTimers(), log: quiet };
  const store = new CertificateStore({ ...ports, directory: undefined, changed: () => undefined });
  expect(await store.load('a')).toContain('LENO_CERTIFICATE_DIR');
});

type Listener = GatewayBody['listeners'][number];
const listener = (port: number, over: Partial<Listener> = {}): Listener => ({
  ...{ name: `at-${port}`, port, protocol: 'http', certificates: [], routesFrom: 'same' },
  ...over,
});

function bed() {
  const { store } = newStore(() => listeners.certificatesChanged());
  const made: { port: number; tls: PublicTlsOptions | undefined }[] = [];
  const listeners: GatewayListeners = new GatewayListeners({
    ...{ name: 'default/edge', host: '127.0.0.1', reusePort: false, certificates: store },
    createServer: (port, tls) => {
      made.push({ port, tls });
      return createHttpServer({
        handler: () => undefined,
        ...(tls === undefined ? {} : { tls }),
      });
    },
    ...{ noStats: newServerStats(), log: quiet },
  });
  open.push(listeners);
  /** Prepares, and puts in force unless it is refused; gives the fault. */
  const apply = async (...own: Listener[]): Promise<string | undefined> => {
    const body: GatewayBody = { namespace: 'default', name: 'edge', listeners: own };
    const resource: Resource = {
      ...{ type: 'listener', name: 'default/edge', version: 1, hash: 'h', bundle: 'b', body },
    };
    await listeners.prepare([resource]);
    const fault = listeners.check(body);
    if (fault !== undefined) return `${fault.code} ${fault.path} ${fault.msg}`;
    listeners.commit({ body } as GatewayTable);
    return undefined;
  };
  const ports = () => [...listeners.ports()].map(([port, isOpen]) => `${port} ${isOpen}`);
  return { listeners, made, apply, ports, store };
}

test('ports open before a gateway is in force, and go when none needs them', async () => {
  const [a = 0, b = 0] = await allocatePorts(2);
  const { apply, ports, made, listeners } = bed();
  expect(await apply(listener(a))).toBeUndefined();
  expect(await apply(listener(a), listener(b))).toBeUndefined();
  expect(ports()).toEqual([`${a} true`, `${b} true`]);
  expect(made.map(({ port }) => port)).toEqual([a, b]);
  await apply(listener(a, { hostname: 'a.test' }));
  expect(Object.keys(listeners.stats())).toEqual([`gateway:${a}`]);
  expect(made).toHaveLength(2);
});

test('a port that is taken is a fault, and what was opened beside it is closed', async () => {
  const [a = 0, b = 0, c = 0] = await allocatePorts(3);
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(b, '127.0.0.1', resolve));
  open.push(other);
  const { apply, listeners } = bed();
  await apply(listener(a));
  expect(await apply(listener(c), listener(b))).toMatch(
    /^LENO_LISTEN body\.listeners\[1\]\.port 127.0.0.1:\d+ is taken by another program/,
  );
  expect(Object.keys(listeners.stats())).toEqual([`gateway:${a}`]);
  expect(listeners.faults()).toHaveLength(1);
  expect(await apply(listener(a))).toBeUndefined();
  expect(listeners.faults()).toEqual([]);
});

test('a certificate that is not there is a fault; one that is there is shown for its hosts', async () => {
  const [a = 0] = await allocatePorts(1);
  const { apply, made } = bed();
  const https: Partial<Listener> = {
    ...{ protocol: 'https', hostname: 'a.test', certificates: ['a'] },
  };
  expect(await apply(listener(a, https))).toMatch(
    /^LENO_CERTIFICATE body\.listeners\[0\]\.certificates\[0\] .*a\.crt/,
  );
  await write('a');
  expect(await apply(listener(a, https))).toBeUndefined();
  expect(made[0]?.tls?.certificates).toMatchObject([{ hostname: 'a.test' }]);
});

test('a port that changes its protocol is opened anew', async () => {
  const [a = 0] = await allocatePorts(1);
  await write('a');
  const { apply, made, ports } = bed();
  await apply(listener(a));
  await apply(listener(a, { protocol: 'https', certificates: ['a'] }));
  expect(made.map(({ tls }) => tls === undefined)).toEqual([true, false]);
  while (ports()[0] !== `${a} true`) await new Promise((resolve) => setImmediate(resolve));
});

test('another gateway is none of its business; nothing opens while it goes', async () => {
  const [a = 0] = await allocatePorts(1);
  const { apply, listeners, made } = bed();
  const other = { namespace: 'default', name: 'other', listeners: [listener(a)] };
  expect(listeners.check(other)).toBeUndefined();
  await listeners.drain(0);
  await apply(listener(a));
  expect(made).toEqual([]);
});
