import { expect, test } from 'vitest';
import { EventLog } from './event-log.ts';
import { MeshState } from './mesh-state.ts';
import { Observatory } from './observatory.ts';
import { ProxyBook } from './proxies/proxy-book.ts';
import type { ProxySession } from './proxies/proxy-session.ts';
import { Registry } from './registry/registry.ts';
import { type RegisteredInstance, SessionDesk } from './session-desk.ts';
import { MemoryStore } from './store/memory-store.ts';
import { VirtualTime } from './testing/virtual-time.ts';
import { Traffic } from './traffic/traffic.ts';

function lease(service: string, health: 'ready' | 'draining' = 'ready'): RegisteredInstance {
  const address = { ns: 'default', address: '127.0.0.1', port: 1, weight: 1 };
  // The label tries to take another service's traffic.
  const labels = { app: 'payments', version: 'v1' };
  return { id: `${service}-1`, service, health, transport: 'mtls', labels, ...address };
}

async function open() {
  const time = new VirtualTime();
  const sessions: ProxySession[] = [];
  const [book, traffic, events] = [
    new ProxyBook({ offlineCountMax: 2 }),
    new Traffic(),
    new EventLog(),
  ];
  const late: { observatory?: Observatory } = {};
  const state = await MeshState.open({
    store: new MemoryStore(),
    registry: new Registry(),
    compile: ({ instances }) => [
      {
        type: 'endpoints',
        name: 'all',
        bundle: 'all',
        body: {},
        hash: instances
          .filter((it) => it.health === 'ready')
          .map((it) => it.id)
          .join(),
      },
    ],
    digest: (resources) => resources.map((it) => `${it.name}@${it.version}`).join(),
    clock: time,
    timers: time,
    on: { headAdvanced: () => late.observatory?.headMoved() },
  });
  const parts = {
    state,
    book,
    traffic,
    events,
    sessions: () => sessions,
    clock: time,
    timers: time,
  };
  const observatory = new Observatory(parts);
  late.observatory = observatory;
  const desk = new SessionDesk(parts);
  /** A live session of a service's proxy, which has acked `version` of the view (default: the head). */
  const connect = (service: string, version = state.view.version): ProxySession => {
    const { epoch, digest } = state.view;
    const session: ProxySession = {
      id: `s-${service}`,
      kind: 'member',
      identity: `spiffe://mesh.local/ns/default/sa/${service}`,
      node: { id: service, service, namespace: 'default', labels: {}, build: '1' },
      connectedAtMs: time.wallMs(),
      acked: { epoch, version, digest: version === state.view.version ? digest : 'old' },
      settled: { epoch, version },
      verdict: 'applied',
      errors: [],
      ackedAtMs: time.wallMs(),
      leases: [],
    };
    const before = sessions.findIndex((it) => it.id === session.id);
    sessions.splice(before === -1 ? sessions.length : before, 1, session);
    return session;
  };
  const disconnect = (session: ProxySession, code: number, isReturning = false) => {
    sessions.splice(sessions.indexOf(session), 1);
    desk.closed(session, { code, reason: '', isReturning });
  };
  return { time, sessions, state, desk, traffic, events, observatory, connect, disconnect };
}

test('nobody registers, reports or greets for another service than its certificate names', async () => {
  const { desk, connect, state } = await open();
  const web = connect('web');
  expect(
    desk.lease(web, { kind: 'register', instance: lease('cart'), ttlMs: 9_000 }),
  ).toMatchObject({
    error: { code: 'DENIED' },
  });
  const liar = {
    ...web,
    node: {
      ...connect('cart').node,
      service: 'cart',
      id: 'x',
      namespace: 'default',
      labels: {},
      build: '',
    },
  };
  expect(desk.hello(liar)).toMatchObject({ error: { code: 'DENIED' } });
  const stat = {
    service: 'default/cart',
    version: 'v1',
    requests: [],
    proxy: { rssMiB: 1, cpuRatio: 0 },
  };
  desk.stat(web, stat);
  desk.stat(web, { ...stat, service: 'default/web', extra: 1 });
  expect(desk.malformedStatCount).toBe(2);
  expect(state.registry.size).toBe(0);
});

test('the label app is the service, whatever the proxy says', async () => {
  const { desk, connect, state } = await open();
  desk.lease(connect('web'), { kind: 'register', instance: lease('web'), ttlMs: 9_000 });
  expect(state.registry.entries()[0]?.instance.labels).toEqual({ app: 'web', version: 'v1' });
});

test.each([
  { name: 'cut off', code: 1_006, isReturning: false, goneAfterMs: 0 },
  { name: 'stopping without leave', code: 1_000, isReturning: false, goneAfterMs: 0 },
  {
    name: 'coming back with a new certificate',
    code: 1_000,
    isReturning: true,
    goneAfterMs: 5_000,
  },
  { name: 'sent away by the server', code: 4_408, isReturning: false, goneAfterMs: 5_000 },
])(
  'a proxy that is $name loses its instances after $goneAfterMs ms',
  async ({ code, isReturning, goneAfterMs }) => {
    const { desk, connect, disconnect, state, time } = await open();
    const web = connect('web');
    desk.lease(web, { kind: 'register', instance: lease('web'), ttlMs: 9_000 });
    await state.registryChanged();
    disconnect(web, code, isReturning);
    await time.pass(Math.max(0, goneAfterMs - 1));
    expect(state.registry.size).toBe(goneAfterMs === 0 ? 0 : 1);
    await time.pass(1);
    expect(state.registry.size).toBe(0);
  },
);

test('leave answers when the others have settled, and names who is late at the deadline', async () => {
  const { desk, connect, state, time } = await open();
  const web = connect('web');
  desk.lease(web, { kind: 'register', instance: lease('web'), ttlMs: 9_000 });
  await state.registryChanged();
  connect('cart');
  connect('stock');
  const left = desk.leave(web, 'web-1');
  await time.pass(100);
  expect(state.registry.size).toBe(0);
  connect('cart');
  await time.pass(5_000);
  expect(await left).toEqual({ acked: 1, late: ['stock'] });
});

test('a proxy is pending from the first revision that it lacks, rejected with reasons, then offline', async () => {
  const { desk, connect, disconnect, state, time, observatory, sessions } = await open();
  connect('web');
  const cart = connect('cart');
  const look = () => observatory.proxies().map((it) => [it.id, it.sync]);
  await time.pass(1_000);
  desk.lease(cart, { kind: 'register', instance: lease('cart'), ttlMs: 60_000 });
  await state.registryChanged();
  await time.pass(2_000);
  expect(observatory.status()).toMatchObject({ converged: false, proxies: { pending: 2 } });
  const fresh = connect('cart');
  const web = sessions[0];
  if (web === undefined) throw new Error('web is connected');
  const errors = [{ type: 'route', name: 'x', version: 2, code: 'LN0401', path: '', msg: 'bad' }];
  const { epoch, version } = state.view;
  const refused = {
    ...web,
    settled: { epoch, version },
    verdict: 'rejected' as const,
    errors,
    ackedAtMs: time.wallMs(),
  };
  sessions[0] = refused;
  expect(look()).toEqual([
    ['cart', { kind: 'synced', ageMs: 0 }],
    ['web', { kind: 'rejected', version: 2, ageMs: 0, errors }],
  ]);
  disconnect(refused, 1_006);
  disconnect(fresh, 1_006);
  await time.pass(3_000);
  expect(look()).toEqual([
    ['cart', { kind: 'offline', ageMs: 3_000 }],
    ['web', { kind: 'offline', ageMs: 3_000 }],
  ]);
  disconnect(connect('stock'), 1_006);
  expect(look().map(([id]) => id)).toEqual(['cart', 'stock']);
  await time.pass(600_000);
  expect(look()).toEqual([]);
});

test('convergence is timed from the commit to the last word', async () => {
  const { desk, connect, state, time, observatory } = await open();
  const cart = connect('cart');
  connect('web');
  desk.lease(cart, { kind: 'register', instance: lease('cart'), ttlMs: 60_000 });
  await state.registryChanged();
  await time.pass(30);
  connect('cart');
  observatory.acked();
  expect(observatory.status().convergence).toBeNull();
  await time.pass(12);
  connect('web');
  observatory.acked();
  expect(observatory.status().convergence).toEqual({ lastMs: 42 });
});

test('events keep the newest, count what had to go, and are numbered', () => {
  const events = new EventLog(2);
  for (const subject of ['a', 'b', 'c']) {
    events.add({ atMs: 0, kind: 'store', severity: 'info', subject, message: '' });
  }
  expect(events.after(0, 10).map((it) => [it.seq, it.subject])).toEqual([
    [2, 'b'],
    [3, 'c'],
  ]);
  expect(events.after(2, 10).map((it) => it.subject)).toEqual(['c']);
  expect([events.evictedCount, events.nextSeq]).toEqual([1, 4]);
});
