import { expect, test } from 'vitest';
import type { Compiled } from './compile/compiled.ts';
import { grouped } from './grouped.ts';
import { type MeshObject, objectKey } from './mesh-object.ts';
import { type CompileInput, MeshState, type Urgency } from './mesh-state.ts';
import type { Instance } from './registry/instance.ts';
import { Registry } from './registry/registry.ts';
import { MemoryStore } from './store/memory-store.ts';
import type { Store } from './store/store.ts';
import { VirtualTime } from './testing/virtual-time.ts';

/** Names, not meaning: one resource for each object, one of endpoints for each service. */
function compileNames({ objects, instances, vacant }: CompileInput): Compiled[] {
  const made = objects.map(({ object }) => ({
    type: 'route' as const,
    name: objectKey(object),
    hash: JSON.stringify(object.spec),
  }));
  const services = grouped(instances, (it) => `default/${it.service}`);
  for (const name of vacant) services.set(name, []);
  for (const [name, own] of services) {
    const ready = own.filter((it) => it.health === 'ready').map((it) => it.id);
    made.push({ type: 'service' as 'route', name, hash: 's' });
    made.push({ type: 'endpoints' as 'route', name, hash: ready.join(',') });
  }
  return made.map((it) => ({ ...it, bundle: it.name, body: {} }));
}

function instanceOf(id: string, health: Instance['health'] = 'ready'): Instance {
  const service = 'cart';
  const address = '127.0.0.1';
  const common = { namespace: 'default', address, port: 1, weight: 1, labels: {} };
  return { id, service, health, transport: 'mtls', identity: 'x', ...common };
}
function route(name: string, spec: string): MeshObject {
  const common = { namespace: 'default', labels: {}, annotations: {} };
  return { apiVersion: 'v1', kind: 'HTTPRoute', name, spec, ...common };
}

async function open(store: Store = new MemoryStore(), time = new VirtualTime()) {
  const told: Urgency[] = [];
  const state = await MeshState.open({
    store,
    registry: new Registry(),
    compile: compileNames,
    digest: (resources) => resources.map((it) => `${it.type}/${it.name}@${it.version}`).join(' '),
    clock: time,
    timers: time,
    vacancyMs: 60_000,
    on: { headAdvanced: (urgency) => told.push(urgency) },
  });
  const put = (name: string, spec: string, resourceVersion?: number) =>
    state.commitObjects({
      changes: [{ kind: 'put', object: route(name, spec) }],
      expect: new Map(
        resourceVersion === undefined ? [] : [[`HTTPRoute/default/${name}`, resourceVersion]],
      ),
      author: 'test',
      reason: '',
    });
  const register = async (id: string, health?: Instance['health']) => {
    state.registry.register('s1', instanceOf(id, health), 15_000, time.nowMs());
    await state.registryChanged();
  };
  /** `version: type/name=content@version …` */
  const look = (): string => `${state.view.version}: ${state.view.digest}`;
  return { state, store, time, told, put, register, look };
}

test('a resource has the revision that last changed it, and a put of the same is none', async () => {
  const { put, look, told } = await open();
  await put('a', '1');
  await put('b', '1');
  await put('a', '1');
  expect(look()).toBe('2: route/HTTPRoute/default/a@1 route/HTTPRoute/default/b@2');
  await put('a', '2');
  expect(look()).toBe('3: route/HTTPRoute/default/a@3 route/HTTPRoute/default/b@2');
  expect(told).toEqual(['normal', 'normal', 'normal']);
});

test('an optimistic lock that is out of date changes nothing', async () => {
  const { put, look } = await open();
  await put('a', '1', 0);
  await put('a', '2', 1);
  expect(await put('a', '3', 1)).toMatchObject({ ok: false, error: { found: 2 } });
  expect(look()).toBe('2: route/HTTPRoute/default/a@2');
});

test('instances come, fall ill and go, each with its urgency', async () => {
  const { register, state, look, told } = await open();
  await register('c1');
  await register('c2');
  expect(look()).toBe('2: endpoints/default/cart@2 service/default/cart@1');
  await register('c1', 'notReady');
  state.registry.drop('s1', 'c2');
  await state.registryChanged();
  expect(look()).toBe('4: endpoints/default/cart@4 service/default/cart@1');
  expect(told).toEqual(['added', 'added', 'urgent', 'urgent']);
});

test('what happens while a commit is under way goes into the next one together', async () => {
  const store = new MemoryStore();
  const { state, time } = await open(store);
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const commit = store.commit.bind(store);
  store.commit = async (txn) => {
    await held;
    return commit(txn);
  };
  for (const id of ['a', 'b', 'c', 'd']) {
    state.registry.register('s1', instanceOf(id), 15_000, time.nowMs());
    void state.registryChanged();
    await Promise.resolve();
  }
  release();
  await state.registryChanged();
  expect(state.view.version).toBe(2);
  expect((await store.load()).rows.filter((it) => it.space === 'instance')).toHaveLength(4);
});

test('a commit that fails is tried again, and nothing is told before it is done', async () => {
  const store = new MemoryStore();
  const { state, time, told } = await open(store);
  const commit = store.commit.bind(store);
  let failures = 2;
  store.commit = (txn) => {
    failures -= 1;
    return failures >= 0 ? Promise.reject(new Error('disk full')) : commit(txn);
  };
  state.registry.register('s1', instanceOf('a'), 60_000, time.nowMs());
  const done = state.registryChanged();
  await time.pass(1_000);
  expect(told).toEqual([]);
  await time.pass(1_000);
  await done;
  expect([told, state.view.version]).toEqual([['added'], 1]);
});

test('a restart changes no version: suspects stand until their time is over', async () => {
  const store = new MemoryStore();
  const first = await open(store);
  await first.put('a', '1');
  await first.register('c1');
  await first.register('c2');
  const before = first.look();
  await first.state.close();

  const second = await open(store, new VirtualTime());
  expect(second.look()).toBe(before);
  expect(second.told).toEqual([]);
  await second.time.pass(20_000);
  await second.register('c1');
  expect(second.look()).toBe(before);
  await second.time.pass(10_000);
  expect(second.state.registry.entries().map((it) => it.instance.id)).toEqual(['c1']);
  expect(second.told).toEqual(['urgent']);
});

test('a service whose last instance went is there for a while, then not', async () => {
  const { register, state, time, look } = await open();
  await register('c1');
  state.registry.drop('s1', 'c1');
  await state.registryChanged();
  expect(look()).toBe('2: endpoints/default/cart@2 service/default/cart@1');
  await time.pass(59_000);
  expect(look()).toBe('2: endpoints/default/cart@2 service/default/cart@1');
  await time.pass(1_000);
  expect(look()).toBe('3: ');
});
