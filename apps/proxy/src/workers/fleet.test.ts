import type { Applied, PushedView } from '@leno/dataplane';
import type { Identity } from '@leno/dataplane/node';
import { Watch } from '@leno/std';
import { JsonLogger } from '@leno/std/node';
import { createMeshMetrics, MetricStore, parsePrometheus } from '@leno/telemetry';
import { expect, test } from 'vitest';
import { readSettings } from '../env.ts';
import { FakeWorkers, ManualTimers, settled } from '../testing/fake-workers.ts';
import { Fleet } from './fleet.ts';
import { RESTART_MS, RESTART_MS_MAX, SILENCE_MS_MAX, STEADY_MS } from './member.ts';
import { ANSWER_MS_MAX, VIEW_MS_PER_MIB } from './remote-worker.ts';

const settings = readSettings(
  {
    LENO_CONTROL_PLANE: '127.0.0.1:9902',
    LENO_SERVICE: 'web',
    LENO_TRUST_PIN: `sha256:${'a'.repeat(64)}`,
    LENO_STATE_DIR: 'state',
    LENO_WORKERS: '2',
  },
  [],
);

const applied: Applied = { status: 'applied', errors: [] };
const fault = { type: 'route', name: 'r', version: 1, code: 'X', path: '', msg: 'no' };

/** A beat with nothing in it. */
const nothing = { edges: [], proxy: { rssMiB: 0, cpuRatio: 0 }, faults: [] };

/** A view of these resources, each a bundle of its own. */
function viewOf(version: number, names: readonly string[] = ['mesh']): PushedView {
  const resources = names.map((name) => ({
    type: name === 'mesh' ? 'telemetry' : 'route',
    name,
    bundle: name,
    version,
    hash: 'h',
    body: {},
  }));
  return { epoch: 1, version, digest: `d${version}`, resources } as unknown as PushedView;
}

function make() {
  const workers = new FakeWorkers();
  const timers = new ManualTimers();
  const identity = new Watch<Identity | undefined>(undefined);
  const lines: string[] = [];
  const fleet = new Fleet({
    settings,
    identity,
    log: new JsonLogger({ level: 'debug', write: (line) => lines.push(line) }),
    at: {
      outbound: { host: '127.0.0.1', port: 0 },
      inbound: { host: '127.0.0.1', port: 0 },
      tcp: [{ host: '127.0.0.1', port: 0, authority: 'db:5432' }],
    },
    spawn: workers.spawn,
    probe: () => Promise.resolve(),
    timers,
    cost: { take: () => ({ rssMiB: 1, cpuRatio: 0.5 }) },
  });
  return { fleet, workers, timers, identity, lines };
}

/** The same, which serves. */
async function serving() {
  const made = make();
  await made.fleet.open();
  await made.fleet.apply(viewOf(1));
  await made.fleet.listen();
  return made;
}

test('the first finds the ports, the others listen where it does; nobody before it has a view', async () => {
  const { fleet, workers } = make();
  await fleet.open();
  expect(fleet.inForce).toEqual({ version: 0, digest: '', isConfigured: false });
  expect(await fleet.apply(viewOf(1))).toEqual(applied);
  expect(fleet.serving.value).toBe(false);
  const bound = {
    outbound: { address: '127.0.0.1', port: 4_001 },
    inbound: { address: '127.0.0.1', port: 4_002 },
    tcp: [{ host: '127.0.0.1', port: 4_003, authority: 'db:5432' }],
  };
  expect(await fleet.listen()).toEqual(bound);
  expect(fleet.serving.value).toBe(true);
  expect(fleet.inForce).toEqual({ version: 1, digest: 'd1', isConfigured: true });
  const ports = workers.all.map(({ orders }) => orders.find(({ kind }) => kind === 'listen'));
  expect(ports).toMatchObject([
    { at: { outbound: { port: 0 } } },
    { at: { outbound: { port: 4_001 }, inbound: { port: 4_002 }, tcp: [{ port: 4_003 }] } },
  ]);
  for (const { kinds } of workers.all) {
    expect(kinds).toEqual(['start', 'identity', 'identity', 'prepare', 'commit', 'listen']);
  }
});

const partial: Applied = { status: 'partial', errors: [fault] };
const rejected: Applied = { status: 'rejected', errors: [fault] };

test.each([
  { name: 'all take it', verdicts: [applied, applied], verdict: applied },
  { name: 'all take a part', verdicts: [partial, partial], verdict: partial },
  { name: 'all refuse', verdicts: [rejected, rejected], verdict: rejected },
  { name: 'one refuses', verdicts: [applied, rejected], verdict: rejected },
  { name: 'one takes only a part', verdicts: [partial, applied], verdict: rejected },
] as const)('a view: $name', async ({ verdicts, verdict }) => {
  const { fleet, workers } = await serving();
  for (const [index, one] of verdicts.entries()) workers.at(index).verdict = one;
  expect(await fleet.apply(viewOf(2))).toEqual(verdict);
  const isTaken = verdict.status !== 'rejected';
  expect(fleet.inForce.version).toBe(isTaken ? 2 : 1);
  for (const { kinds } of workers.all) {
    expect(kinds.slice(6)).toEqual(isTaken ? ['prepare', 'commit'] : ['prepare']);
  }
});

test('whoever comes after a view taken in part is told what is in force', async () => {
  const { fleet, workers, timers } = await serving();
  await fleet.apply(viewOf(2, ['mesh', 'r']));
  for (const worker of workers.all) worker.verdict = partial;
  await fleet.apply(viewOf(3, ['mesh', 'r', 's']));
  workers.at(1).end();
  await settled();
  await timers.advance(RESTART_MS);
  const order = workers.at(1).orders.find(({ kind }) => kind === 'prepare');
  if (order?.kind !== 'prepare') throw new Error('not told');
  const told = order.view.resources.map(({ name, version }) => `${name}@${version}`);
  expect(told.toSorted()).toEqual(['mesh@3', 'r@2', 's@3']);
});

test('whoever comes later is told which bundles were refused with nothing to fall back on', async () => {
  const { fleet, workers, timers } = await serving();
  for (const worker of workers.all) worker.verdict = partial;
  await fleet.apply(viewOf(2, ['mesh', 'r']));
  await fleet.apply(viewOf(3));
  const told = async () => {
    workers.at(1).end();
    await settled();
    await timers.advance(10 * RESTART_MS);
    const order = workers.at(1).orders.find(({ kind }) => kind === 'prepare');
    return order?.kind === 'prepare' ? order.view.lostBundles : undefined;
  };
  expect(await told()).toEqual(['r']);
  for (const index of [0, 1]) workers.at(index).verdict = applied;
  await fleet.apply(viewOf(4, ['mesh', 'r']));
  expect(await told()).toEqual([]);
});

test('one that does not answer is ended, and the view is in force with the others', async () => {
  const { fleet, workers, timers } = await serving();
  const stuck = workers.at(1);
  stuck.mute.add('prepare');
  const verdict = fleet.apply(viewOf(2));
  await settled();
  for (let seconds = 0; seconds < ANSWER_MS_MAX / 1_000; seconds += 1) {
    await timers.advance(1_000);
    for (const worker of workers.all) {
      if (!worker.hasEnded) worker.beat(nothing);
    }
  }
  expect(await verdict).toEqual(applied);
  expect(stuck.hasEnded).toBe(true);
  await timers.advance(RESTART_MS);
  expect(workers.at(1)).not.toBe(stuck);
  expect(workers.at(1).kinds).toEqual(['start', 'identity', 'prepare', 'commit', 'listen']);
});

test.each(['prepare', 'commit'] as const)(
  'a view has 2 s more for each MiB, in which its worker need not beat: %s',
  async (kind) => {
    const { fleet, workers, timers } = await serving();
    const [large, alive] = [workers.at(1), workers.at(0)];
    large.mute.add(kind);
    const name = 'x'.repeat(1_048_576);
    const resources = Array.from({ length: 10 }, () => ({ name, bundle: 'x' }));
    const view = { ...viewOf(2), resources } as unknown as PushedView;
    const verdict = fleet.apply(view);
    await settled();
    const withinMs = ANSWER_MS_MAX + 10 * VIEW_MS_PER_MIB;
    for (let ms = 0; ms < withinMs; ms += 1_000) {
      expect(large.hasEnded).toBe(false);
      alive.beat(nothing);
      await timers.advance(1_000);
    }
    await timers.advance(1_000);
    expect(await verdict).toEqual(applied);
    expect([large.hasEnded, alive.hasEnded]).toEqual([true, false]);
  },
);

test('one that ends instead of answering holds nobody up', async () => {
  const { fleet, workers } = await serving();
  workers.at(1).mute.add('prepare');
  const verdict = fleet.apply(viewOf(2));
  await settled();
  workers.at(1).end();
  expect(await verdict).toEqual(applied);
});

test('the verdict is given when all have done it, not before', async () => {
  const { fleet, workers } = await serving();
  workers.at(1).mute.add('commit');
  let verdict: Applied | undefined;
  void fleet.apply(viewOf(2)).then((it) => (verdict = it));
  await settled();
  expect(workers.at(1).kinds.at(-1)).toBe('commit');
  expect(verdict).toBeUndefined();
  workers.at(1).end();
  await settled();
  expect(verdict).toEqual(applied);
});

test('one that ends between its word and the deed is followed by one that has done it', async () => {
  const { fleet, workers, timers } = await serving();
  workers.at(0).failing.add('commit');
  expect(await fleet.apply(viewOf(2))).toEqual(applied);
  await settled();
  await timers.advance(RESTART_MS);
  expect(workers.at(0).orders).toMatchObject([
    { kind: 'start' },
    { kind: 'identity' },
    { kind: 'prepare', view: { version: 2 } },
    { kind: 'commit' },
    { kind: 'listen', at: { outbound: { port: 4_001 } } },
  ]);
});

test('with nobody there a view waits, and so do the others in the registry', async () => {
  const { fleet, workers, timers } = await serving();
  for (const worker of [...workers.all]) worker.end();
  await settled();
  expect(fleet.serving.value).toBe(false);
  expect(fleet.faults()).toEqual(['worker 0 is down', 'worker 1 is down']);
  let verdict: Applied | undefined;
  void fleet.apply(viewOf(2)).then((it) => (verdict = it));
  await settled();
  expect(verdict).toBeUndefined();
  await timers.advance(RESTART_MS);
  expect(verdict).toEqual(applied);
  expect(fleet.serving.value).toBe(true);
  expect(fleet.faults()).toEqual([]);
});

test('a worker that ends again and again is started ever more seldom, and anew after it was steady', async () => {
  const { workers, timers, fleet } = await serving();
  const waits: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    const count = workers.all.length;
    workers.at(0).end();
    await settled();
    let waitedMs = 0;
    for (; workers.all.length === count; waitedMs += 100) {
      workers.at(1).beat(nothing);
      await timers.advance(100);
    }
    waits.push(waitedMs);
  }
  expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000, 10_000]);
  expect(waits.at(-1)).toBe(RESTART_MS_MAX);
  const { workerRestarts } = fleet.families;
  expect(workerRestarts.value(workerRestarts.handle('0'))).toBe(10);

  for (let ms = 0; ms <= STEADY_MS; ms += 1_000) {
    for (const index of [0, 1]) {
      workers.at(index).beat(nothing);
    }
    await timers.advance(1_000);
  }
  const count = workers.all.length;
  workers.at(0).end();
  await settled();
  await timers.advance(RESTART_MS);
  expect(workers.all).toHaveLength(count + 1);
});

test('a worker that cannot be started is started again', async () => {
  const { workers, timers, fleet } = await serving();
  workers.prepare = (worker) => void worker.failing.add('listen');
  workers.at(0).end();
  await settled();
  await timers.advance(RESTART_MS);
  expect(workers.all).toHaveLength(3);
  expect(fleet.faults()).toEqual(['worker 0 is down']);
  workers.prepare = () => undefined;
  await timers.advance(2 * RESTART_MS);
  expect(workers.all).toHaveLength(4);
  expect(fleet.faults()).toEqual([]);
});

test('a worker that does not beat is stuck, and is ended', async () => {
  const { workers, timers } = await serving();
  const [silent, alive] = [workers.at(0), workers.at(1)];
  for (let ms = 0; ms < SILENCE_MS_MAX; ms += 1_000) {
    expect(silent.hasEnded).toBe(false);
    alive.beat(nothing);
    await timers.advance(1_000);
  }
  expect([silent.hasEnded, alive.hasEnded]).toEqual([true, false]);
});

test('a supervisor that was stopped for a while ends nobody for that', async () => {
  const { fleet, workers, timers } = await serving();
  workers.at(0).mute.add('prepare');
  const verdict = fleet.apply(viewOf(2));
  await settled();
  // All that was due fires at once, before what came meanwhile is read.
  timers.leap(ANSWER_MS_MAX + SILENCE_MS_MAX);
  workers.at(0).answer('prepare');
  for (const worker of workers.all) worker.beat(nothing);
  await settled();
  await timers.advance(1_000);
  expect(await verdict).toEqual(applied);
  expect(workers.all.map(({ hasEnded }) => hasEnded)).toEqual([false, false]);
});

test('a process that the system does not give is asked for again', async () => {
  const { workers, timers, fleet } = await serving();
  workers.prepare = () => {
    throw new Error('spawn ENOMEM');
  };
  workers.at(0).end();
  await settled();
  await timers.advance(RESTART_MS);
  expect(fleet.faults()).toEqual(['worker 0 is down']);
  workers.prepare = () => undefined;
  await timers.advance(2 * RESTART_MS);
  expect(fleet.faults()).toEqual([]);
});

test('counters never go back when a worker ends, gauges go with it', async () => {
  const { fleet, workers, timers } = await serving();
  const shown = (requests: number) => {
    const store = new MetricStore();
    const { routeNotFound, activeRequests } = createMeshMetrics(store);
    routeNotFound.add(routeNotFound.handle('outbound'), requests);
    activeRequests.set(activeRequests.handle('outbound', 'a'), 5);
    return store.snapshot();
  };
  const read = async () => {
    const parsed = parsePrometheus(await fleet.exposition());
    const value = (name: string): number =>
      parsed.ok
        ? parsed.value.filter((it) => it.name === name).reduce((sum, it) => sum + it.value, 0)
        : Number.NaN;
    return ['leno_route_not_found_total', 'leno_active_requests', 'leno_worker_up'].map(value);
  };
  workers.at(0).metrics = shown(3);
  workers.at(1).metrics = shown(4);
  expect(await read()).toEqual([7, 10, 2]);
  workers.at(0).end();
  await settled();
  expect(await read()).toEqual([7, 5, 1]);
  await timers.advance(RESTART_MS);
  workers.at(0).metrics = shown(1);
  expect(await read()).toEqual([8, 10, 2]);
});

test('a scrape does not wait for who is stuck: what it showed last is shown again', async () => {
  const { fleet, workers, timers } = await serving();
  const store = new MetricStore();
  const { routeNotFound } = createMeshMetrics(store);
  routeNotFound.add(routeNotFound.handle('outbound'), 3);
  workers.at(0).metrics = store.snapshot();
  await fleet.exposition();
  workers.at(0).mute.add('metrics');
  const text = fleet.exposition();
  await timers.advance(2_000);
  expect(await text).toContain('leno_route_not_found_total{dir="outbound"} 3\n');
});

test('the identity and the log level reach all, at once and whoever comes later', async () => {
  const { fleet, workers, timers, identity } = await serving();
  const own = { serial: 'one' } as unknown as Identity;
  identity.set(own);
  fleet.setLogLevel('debug');
  await settled();
  for (const { orders } of workers.all) {
    expect(orders.slice(-2)).toEqual([
      { kind: 'identity', identity: own },
      { kind: 'logLevel', level: 'debug' },
    ]);
  }
  workers.at(1).end();
  await settled();
  await timers.advance(RESTART_MS);
  expect(workers.at(1).orders.slice(0, 2)).toMatchObject([
    { kind: 'start', index: 1, logLevel: 'debug' },
    { kind: 'identity', identity: own },
  ]);
});

test('reports add up what beats have brought', async () => {
  const { fleet, workers } = await serving();
  const edge = {
    direction: 'outbound',
    peer: 'a',
    version: '',
    ok: 2,
    failed: 1,
    mtls: 3,
    retries: 0,
    durations: [5, 3],
  } as const;
  for (const worker of workers.all) {
    worker.beat({ ...nothing, edges: [edge], proxy: { rssMiB: 10, cpuRatio: 0.25 } });
  }
  expect(fleet.takeReport()).toMatchObject({
    requests: [{ peer: 'a', direction: 'outbound', ok: 4, failed: 2, mtls: 6 }],
    proxy: { rssMiB: 21, cpuRatio: 1 },
  });
  expect(fleet.takeReport().requests).toEqual([]);
});

test('once it drains nobody is started again; closing waits for the last to end', async () => {
  const { fleet, workers, timers } = await serving();
  await fleet.drain('inbound', 500);
  workers.at(0).end();
  await settled();
  await timers.advance(60_000);
  expect(workers.all).toHaveLength(2);
  const { workerRestarts } = fleet.families;
  expect(workerRestarts.seriesCount).toBe(0);
  await fleet.close();
  expect(workers.all.every(({ hasEnded }) => hasEnded)).toBe(true);
  await expect(fleet.apply(viewOf(2))).rejects.toMatchObject({ code: 'LENO_WORKER' });
});

test.each(['start', 'prepare', 'listen'] as const)(
  'one that comes anew and is at %s when a drain begins does not begin to serve',
  async (kind) => {
    const { fleet, workers, timers } = await serving();
    workers.at(0).end();
    await settled();
    workers.prepare = (worker) => void worker.mute.add(kind);
    await timers.advance(RESTART_MS);
    const late = workers.at(0);
    expect(late.kinds.at(-1)).toBe(kind);
    await fleet.drain('inbound', 500);
    expect(late.hasEnded).toBe(true);
    await settled();
    expect(fleet.faults()).toEqual(['worker 0 is down']);
    await fleet.close();
  },
);

test('who does not close is ended', async () => {
  const { fleet, workers, timers } = await serving();
  workers.at(0).mute.add('close');
  workers.at(0).take = () => undefined;
  const closed = fleet.close();
  await settled();
  await timers.advance(1_000);
  await closed;
  expect(workers.at(0).hasEnded).toBe(true);
});

test('a start that fails is the end of it, not the first of many', async () => {
  const { fleet, workers } = make();
  workers.prepare = (worker) => void worker.failing.add('start');
  await expect(fleet.open()).rejects.toMatchObject({ code: 'LENO_WORKER' });
});

test('one that ends before the last has come is a start that fails', async () => {
  const { fleet, workers } = make();
  workers.prepare = (worker) => {
    if (worker.index === 1) worker.mute.add('start');
  };
  const opened = fleet.open();
  await settled();
  workers.at(0).end();
  await settled();
  workers.at(1).answer('start');
  await expect(opened).rejects.toThrow('worker 0 is down');
});
