/** The way out of the mesh, through a real proxy whose resolver says what the test wants. */
import { connect } from 'node:net';
import { systemClock } from '@leno/std';
import { expect, test } from 'vitest';
import type { Call } from '../call.ts';
import { closing } from '../testing/closing.ts';
import { ask, openApplication, until } from '../testing/ends.ts';
import { openProxy, type ProxyBed } from '../testing/proxy-bed.ts';
import {
  ANSWER_COUNT_MAX,
  DESTINATION_COUNT_MAX,
  Egress,
  type Resolved,
  WAITING_COUNT_MAX,
} from './egress.ts';
import { isPublicAddress } from './public-address.ts';

interface World {
  readonly proxy: ProxyBed;
  /** Names that were asked for. */
  readonly asked: string[];
  /** Questions without an answer so far. */
  readonly held: ((resolved: Resolved) => void)[];
}

type Answers = Readonly<Record<string, readonly Resolved[]>>;
const addresses = (...list: readonly string[]): Resolved => {
  return { kind: 'addresses', addresses: list, ttlMs: 0 };
};

/** A name gives its answers one after the other, the last for ever. Loopback counts as public. */
async function world(answers: Answers, egress: 'deny' | 'passthrough' = 'passthrough') {
  const asked: string[] = [];
  const held: World['held'] = [];
  const proxy = closing(
    await openProxy('web', 1, {
      egress: {
        resolver: {
          resolve(host, done) {
            const all = answers[host] ?? [{ kind: 'failed', why: `there is no ${host}` }];
            const turn = asked.filter((it) => it === host).length;
            asked.push(host);
            const answer = all[Math.min(turn, all.length - 1)];
            if (answer === undefined) held.push(done);
            else setImmediate(() => done(answer));
          },
        },
        isLetOut: (address) => address === '127.0.0.1' || isPublicAddress(address),
      },
    }),
  );
  proxy.apply({ egress });
  return { proxy, asked, held } satisfies World;
}

async function reasonOf({ proxy }: World, host: string): Promise<string> {
  const { status, headers } = await ask(proxy.outboundPort, { host });
  return `${status} ${String(headers['x-leno-reason'])}`;
}

test('what is not in the mesh is dialled at the address that was judged, with its own Host', async () => {
  const app = closing(await openApplication());
  const it = await world({ 'api.example': [addresses('127.0.0.1')] });
  const host = `API.example.:${app.port}`;
  const reply = await ask(it.proxy.outboundPort, { host, path: '/x?y' });
  expect(reply).toMatchObject({ status: 200, body: '/x?y' });
  expect(app.seen[0]?.headers.host).toBe(host.toLowerCase());
  expect(it.asked).toEqual(['api.example']);
  expect((await ask(it.proxy.outboundPort, { host: `127.0.0.1:${app.port}` })).status).toBe(200);
  await until(() => it.proxy.leaks().length === 0);
});

test('closed, nothing is asked and nothing goes out', async () => {
  const it = await world({ 'api.example': [addresses('127.0.0.1')] }, 'deny');
  expect(await reasonOf(it, 'api.example')).toBe('404 no-route');
  expect(it.asked).toEqual([]);
});

test.each([
  ['127.0.0.2', 0],
  ['localhost', 0],
  ['a.localhost', 0],
  ['169.254.169.254', 0],
  ['[::1]', 0],
  ['[::ffff:127.0.0.2]', 0],
  ['0x7f.1', 0],
  ['2130706433', 0],
  ['0.0.0.0', 0],
  ['inside.example', 1],
  ['half.example', 1],
])('%s is not let out', async (host, askedCount) => {
  const it = await world({
    'inside.example': [addresses('10.0.0.1')],
    'half.example': [addresses('127.0.0.1', '10.0.0.1')],
  });
  expect(await reasonOf(it, host)).toBe('403 denied');
  expect(it.asked).toHaveLength(askedCount);
});

test('https is not let out as plain HTTP, and what the mesh says stays in it', async () => {
  const app = closing(await openApplication());
  const it = await world({ 'api.example': [addresses('127.0.0.1')] });
  const host = `api.example:${app.port}`;
  const path = `https://${host}/`;
  const refused = await ask(it.proxy.outboundPort, { host, path });
  expect([refused.status, refused.headers['x-leno-reason']]).toEqual([404, 'no-route']);
  expect([it.asked, app.seen]).toEqual([[], []]);
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const headers = { traceparent, tracestate: 'a=b', 'X-Leno-Thing': '1', 'x-own': '1' };
  const plain = await ask(it.proxy.outboundPort, { host, path: `http://${host}/`, headers });
  expect(plain.status).toBe(200);
  const seen = Object.keys(app.seen[0]?.headers ?? {});
  expect(seen).toContain('x-own');
  expect(seen.filter((name) => /^(x-leno-|trace)/.test(name))).toEqual([]);
});

test.each([
  ['8.8.4.4', 'denied'],
  ['8.8.8.8', 'let out'],
  ['2001:4860::1', 'denied'],
])('addresses of this machine are not let out: %s', (address, expected) => {
  const egress = new Egress(
    {
      resolver: { resolve: () => undefined },
      ownAddresses: ['8.8.4.4', '2001:4860:0::1', 'no address'],
    },
    systemClock,
    () => {
      throw new Error('let out');
    },
  );
  const said: string[] = [];
  const call = { ended: false, fail: (reason: string) => void said.push(reason) };
  const authority = address.includes(':') ? `[${address}]` : address;
  const look = () => egress.open(call as unknown as Call, authority, () => undefined);
  if (expected === 'denied') look();
  else expect(look).toThrow('let out');
  expect(said).toEqual(expected === 'denied' ? ['denied'] : []);
});

test('a name that turns inward is refused from then on', async () => {
  const app = closing(await openApplication());
  const it = await world({ 'turns.example': [addresses('127.0.0.1'), addresses('10.0.0.1')] });
  const host = `turns.example:${app.port}`;
  expect((await ask(it.proxy.outboundPort, { host })).status).toBe(200);
  // An answer is kept for a second at least.
  await expect.poll(() => reasonOf(it, host), { timeout: 5_000 }).toBe('403 denied');
  expect(app.seen.length).toBeGreaterThan(0);
});

test('a name that nobody knows is a 503', async () => {
  expect(await reasonOf(await world({}), 'no.example')).toBe('503 no-endpoint');
});

test('the longest unused destination makes way', async () => {
  const app = closing(await openApplication());
  const names = Array.from({ length: DESTINATION_COUNT_MAX + 1 }, (_, at) => `n${at}.example`);
  const answers = Object.fromEntries(names.map((name) => [name, [addresses('127.0.0.1')]]));
  const it = await world(answers);
  for (const name of names) {
    const reply = await ask(it.proxy.outboundPort, { host: `${name}:${app.port}` });
    expect(reply.status).toBe(200);
  }
  const { egress } = it.proxy.dataPlane.engine;
  expect(egress).toMatchObject({ destinationCount: DESTINATION_COUNT_MAX, evictedCount: 1 });
});

test('a destination in use does not make way', async () => {
  const app = closing(await openApplication(() => undefined));
  const names = Array.from({ length: DESTINATION_COUNT_MAX }, (_, at) => `n${at}.example`);
  const it = await world(
    Object.fromEntries([...names, 'last.example'].map((name) => [name, [addresses('127.0.0.1')]])),
  );
  const pending = names.map((name) =>
    ask(it.proxy.outboundPort, { host: `${name}:${app.port}` }).catch(() => undefined),
  );
  await until(() => app.seen.length === names.length);
  expect(await reasonOf(it, `last.example:${app.port}`)).toBe('503 overflow');
  app.close();
  await Promise.all(pending);
  expect(it.proxy.dataPlane.engine.egress?.overflowCount).toBe(1);
});

test('calls that wait for the resolver are bounded', async () => {
  const it = await world({ 'slow.example': [] });
  const waiting = Array.from({ length: WAITING_COUNT_MAX }, () =>
    ask(it.proxy.outboundPort, { host: 'slow.example' }).catch(() => undefined),
  );
  await until(() => it.proxy.dataPlane.engine.activeCount === WAITING_COUNT_MAX);
  expect(await reasonOf(it, 'other.example')).toBe('503 overflow');
  expect(it.asked).toEqual(['slow.example']);
  expect(it.proxy.dataPlane.engine.egress?.waitingOverflowCount).toBe(1);
  it.held[0]?.(addresses('10.0.0.1'));
  await Promise.all(waiting);
  expect(await reasonOf(it, 'other.example')).toBe('503 no-endpoint');
  await until(() => it.proxy.leaks().length === 0);
});

test('who went away while a name was looked up sends nothing any more', async () => {
  const app = closing(await openApplication());
  const it = await world({ 'slow.example': [] });
  const socket = connect(it.proxy.outboundPort, '127.0.0.1');
  socket.write(`GET /gone HTTP/1.1\r\nHost: slow.example:${app.port}\r\n\r\n`);
  await until(() => it.held.length === 1);
  socket.resetAndDestroy();
  await until(() => it.proxy.leaks().length === 0);
  it.held[0]?.(addresses('127.0.0.1'));
  const { status } = await ask(it.proxy.outboundPort, { host: `127.0.0.1:${app.port}` });
  expect(status).toBe(200);
  expect(app.seen).toHaveLength(1);
});

test('answers are kept for a minute at most, and so many at most', () => {
  let nowMs = 0;
  const asked: string[] = [];
  const failed: string[] = [];
  const egress = new Egress(
    {
      resolver: {
        resolve(host, done) {
          asked.push(host);
          done({ kind: 'addresses', addresses: ['10.0.0.1'], ttlMs: 86_400_000 });
        },
      },
    },
    { ...systemClock, nowMs: () => nowMs },
    () => {
      throw new Error('nothing is let out');
    },
  );
  const call = { ended: false, fail: (reason: string) => void failed.push(reason) };
  const look = (host: string): void => egress.open(call as unknown as Call, host, () => undefined);
  look('a.example');
  nowMs = 59_999;
  look('a.example');
  expect(asked).toHaveLength(1);
  nowMs = 60_000;
  look('a.example');
  expect(asked).toHaveLength(2);
  for (let count = 0; count < ANSWER_COUNT_MAX; count += 1) look(`n${count}.example`);
  look('a.example');
  expect(asked).toHaveLength(ANSWER_COUNT_MAX + 3);
  expect(egress.forgottenCount).toBe(1);
  expect(new Set(failed)).toEqual(new Set(['denied']));
});
