/**
 * Several worker processes that are one proxy. Each listens on the same ports, and the kernel deals
 * out connections among them; each has its own pools, breakers and balancers. This end holds what
 * there is one of: it hands on the identity and the views, adds up what is counted, and starts again
 * whoever ends.
 *
 * A view is in force everywhere or nowhere: all prepare it, and only if all agree is it put in force.
 * A worker that does not do its part (it ends, it is late) is not waited for: it is ended, and its
 * successor is told what is in force before it listens. So a connection never meets a worker that
 * knows less than another.
 */
import { type Applied, EdgeStats, type PushedView, viewAfter } from '@leno/dataplane';
import type { Identity } from '@leno/dataplane/node';
import { messageOf, type Timers, Watch } from '@leno/std';
import type { JsonLogger, LogLevel } from '@leno/std/node';
import { createMeshMetrics, MetricMerge, MetricStore } from '@leno/telemetry';
import type { PageName } from '../admin/pages.ts';
import type { ListenAddress, Settings } from '../env.ts';
import type { ProcessStats } from '../process-stats.ts';
import { Member } from './member.ts';
import { mergePages } from './merge-pages.ts';
import { mergeVerdicts } from './merge-verdicts.ts';
import type { ProbePort } from './probe-port.ts';
import type { AnswerTo, Order, OrderKind, OrderOf } from './protocol.ts';
import { type RemoteWorker, type SpawnWorker, viewAnswerMs } from './remote-worker.ts';
import { WorkerError } from './worker-error.ts';
import type {
  BoundAddress,
  BoundAddresses,
  InForce,
  ListenerName,
  ListenPlan,
  Workers,
  WorkReport,
} from './workers.ts';

/** A scrape does not wait longer for a worker; what it showed last is shown again. */
const METRICS_MS_MAX = 2_000;
/** A drain has a bound of its own; beyond it a worker has so long to say that it is over. */
const DRAIN_GRACE_MS = 1_000;
const CLOSE_MS_MAX = 1_000;

export interface FleetOptions {
  readonly settings: Settings;
  readonly identity: Watch<Identity | undefined>;
  readonly log: JsonLogger;
  readonly at: ListenPlan;
  readonly spawn: SpawnWorker;
  readonly probe: ProbePort;
  readonly timers: Timers;
  /** What this process costs, beside its workers. */
  readonly cost: Pick<ProcessStats, 'take'>;
}

export class Fleet implements Workers {
  readonly store = new MetricStore();
  readonly families = createMeshMetrics(this.store);
  readonly serving = new Watch<boolean>(false);
  readonly #options: FleetOptions;
  readonly #members: readonly Member[];
  readonly #edges = new EdgeStats();
  readonly #ended: MetricMerge;
  /** What concerns all is done one after the other, so that who comes anew misses nothing. */
  #turn: Promise<unknown> = Promise.resolve();
  #view: PushedView | undefined;
  #bound: BoundAddresses | undefined;
  #isOpen = false;
  #isLeaving = false;
  readonly #onChange: (() => void)[] = [];
  #unsubscribe = (): void => undefined;

  constructor(options: FleetOptions) {
    this.#options = options;
    this.#ended = new MetricMerge(this.#specs);
    const { spawn, timers } = options;
    const events = {
      beat: ({ edges }: { edges: Parameters<EdgeStats['absorb']>[0] }) => this.#edges.absorb(edges),
      ended: (member: Member, how: string, wasServing: boolean) =>
        this.#lost(member, how, wasServing),
    };
    this.#members = Array.from(
      { length: options.settings.LENO_WORKERS },
      (_, index) => new Member(index, { spawn, timers, events }),
    );
    this.store.onCollect(() => this.#countUp());
  }

  get inForce(): InForce {
    const { version = 0, digest = '', resources = [] } = this.#view ?? {};
    const {
      LENO_MODE: mode,
      LENO_NAMESPACE: namespace,
      LENO_SERVICE: service,
    } = this.#options.settings;
    const has = (wanted: string): boolean =>
      resources.some(({ type, name }) => `${type}/${name}` === wanted);
    const isConfigured =
      has('telemetry/mesh') && (mode === 'sidecar' || has(`listener/${namespace}/${service}`));
    return { version, digest, isConfigured };
  }

  /** Each worker sheds for itself, and what it refuses may go to another: as a whole they serve. */
  get refusal(): undefined {
    return undefined;
  }

  faults(): readonly string[] {
    const down = this.#members.filter(({ isServing }) => !isServing);
    // Workers of a gateway have the same configuration, and mostly the same to say of it.
    const said = new Set(this.#members.flatMap((member) => member.faults));
    return [...down.map(({ index }) => `worker ${index} is down`), ...said];
  }

  async open(): Promise<void> {
    const { at, identity, probe } = this.#options;
    if (at.outbound !== undefined) await probe(at.outbound, 'LENO_OUTBOUND_LISTEN');
    if (at.inbound !== undefined) await probe(at.inbound, 'LENO_INBOUND_LISTEN');
    for (const listener of at.tcp) await probe(listener, 'LENO_TCP_LISTEN');
    await Promise.all(this.#members.map((member) => this.#introduce(member)));
    // One that was there before the last: nobody would start it again.
    const [fault] = this.faults();
    if (fault !== undefined) throw new WorkerError(`${fault}, as soon as it was started`);
    this.#isOpen = true;
    this.#unsubscribe = identity.subscribe((value) => {
      for (const { remote } of this.#members) {
        if (remote !== undefined) this.#insist(remote, { kind: 'identity', identity: value });
      }
    });
  }

  listen(): Promise<BoundAddresses> {
    return this.#inTurn(() => this.#listenAll());
  }

  /** Waits for a worker if there is none: a view that nobody has judged is neither good nor bad. */
  async apply(view: PushedView): Promise<Applied> {
    for (;;) {
      if (this.#isLeaving) throw new WorkerError('the proxy is going');
      const applied = await this.#inTurn(() => this.#applyToAll(view));
      if (applied !== undefined) return applied;
      await this.#change();
    }
  }

  async exposition(): Promise<string> {
    await Promise.all(this.#serving.map((member) => this.#look(member)));
    const merge = new MetricMerge(this.#specs);
    merge.add(this.store.snapshot());
    merge.add(this.#ended.snapshot());
    for (const { isServing, shown } of this.#members) if (isServing) merge.add(shown);
    return merge.render();
  }

  async page(name: PageName, argument: string): Promise<unknown> {
    const pages = await Promise.all(
      this.#serving.map(async ({ index, remote }) => {
        const page = remote?.call({ kind: 'page', name, argument });
        // Who ends meanwhile has nothing to show.
        return { worker: index, page: await page?.catch(() => undefined) };
      }),
    );
    return mergePages(name, pages);
  }

  takeReport(): WorkReport {
    const proxy = { ...this.#options.cost.take() };
    for (const { cost } of this.#members) {
      proxy.rssMiB += cost.rssMiB;
      proxy.cpuRatio += cost.cpuRatio;
    }
    return { requests: this.#edges.take(), proxy };
  }

  setLogLevel(level: LogLevel): void {
    this.#options.log.level = level;
    for (const { remote } of this.#members) {
      if (remote !== undefined) this.#insist(remote, { kind: 'logLevel', level });
    }
  }

  async drain(listener: ListenerName, withinMs: number): Promise<void> {
    this.#isLeaving = true;
    this.#changed();
    // One that is being told all would begin to listen now.
    for (const { isServing, remote } of this.#members) if (!isServing) remote?.kill();
    await Promise.allSettled(
      this.#serving.map(async ({ remote }) => {
        await remote?.call({ kind: 'drain', listener, withinMs }, withinMs + DRAIN_GRACE_MS);
      }),
    );
  }

  async close(): Promise<void> {
    this.#isLeaving = true;
    this.#unsubscribe();
    const remotes = this.#members.flatMap(({ remote }) => remote ?? []);
    for (const remote of remotes) this.#insist(remote, { kind: 'close' });
    const late = this.#options.timers.after(CLOSE_MS_MAX, () => {
      for (const remote of remotes) remote.kill();
    });
    // Their last lines come through here, and are out when they have ended.
    while (this.#members.some(({ remote }) => remote !== undefined)) await this.#change();
    late.cancel();
  }

  get #specs() {
    return this.store.specs;
  }

  get #serving(): readonly Member[] {
    return this.#members.filter(({ isServing }) => isServing);
  }

  /** Starts a process and tells it all that those beside it know; then it counts. */
  async #introduce(member: Member): Promise<void> {
    const { settings, log } = this.#options;
    const { index } = member;
    const remote = member.spawn();
    await remote.call({ kind: 'start', index, settings, logLevel: log.level });
    await this.#inTurn(async () => {
      await remote.call({ kind: 'identity', identity: this.#options.identity.value });
      const view = this.#view;
      if (view !== undefined) {
        const withinMs = viewAnswerMs(view);
        const { status } = await remote.call({ kind: 'prepare', view }, withinMs);
        if (status !== 'applied') throw new WorkerError(`worker ${index}: what runs is ${status}`);
        await remote.call({ kind: 'commit' }, withinMs);
      }
      const bound = this.#bound;
      if (bound !== undefined) await remote.call({ kind: 'listen', at: asked(bound) });
      member.serve();
      this.#changed();
      log.info('worker serves', { worker: index, pid: remote.pid });
      if (bound !== undefined) this.serving.set(true);
    });
  }

  async #restart(member: Member): Promise<void> {
    try {
      await this.#introduce(member);
    } catch (thrown) {
      this.#options.log.error('worker not started', { why: messageOf(thrown) });
      // Its end leads to the next attempt.
      member.remote?.kill();
    }
  }

  #lost(member: Member, how: string, wasServing: boolean): void {
    const { log, timers } = this.#options;
    const { index } = member;
    this.#ended.addEnded(member.shown);
    member.shown = [];
    if (this.#serving.length === 0) this.serving.set(false);
    this.#changed();
    if (this.#isLeaving || !this.#isOpen) return;
    const restartMs = member.restartMs();
    log.error('worker ended', { worker: index, how, wasServing, restartMs });
    const { workerRestarts } = this.families;
    workerRestarts.add(workerRestarts.handle(String(index)));
    timers.after(restartMs, () => {
      if (!this.#isLeaving) void this.#restart(member);
    });
  }

  /** Undefined if there is nobody, or nobody is left, who could say. */
  async #applyToAll(view: PushedView): Promise<Applied | undefined> {
    const withinMs = viewAnswerMs(view);
    const judged = await Promise.all(
      this.#serving.map(async ({ remote }) => {
        const applied = await this.#orEnd(remote, { kind: 'prepare', view }, withinMs);
        return remote === undefined || applied === undefined ? undefined : { remote, applied };
      }),
    );
    const present = judged.filter((it) => it !== undefined);
    const [first, ...others] = present.map(({ applied }) => applied);
    if (first === undefined) return undefined;
    const verdict = mergeVerdicts([first, ...others]);
    if (verdict.status === 'rejected') return verdict;
    // What is in force is said first: who comes after a worker that ends here takes the new one.
    this.#view = viewAfter(view, this.#view, verdict.errors);
    await Promise.all(
      present.map(({ remote }) => this.#orEnd(remote, { kind: 'commit' }, withinMs)),
    );
    return verdict;
  }

  /** A free port is found by the first; the others listen where it does. */
  async #listenAll(): Promise<BoundAddresses> {
    const [first, ...others] = this.#serving.map(({ remote }) => remote);
    if (first === undefined) throw new WorkerError('no worker is left to listen');
    const bound = await first.call({ kind: 'listen', at: this.#options.at });
    this.#bound = bound;
    const at = asked(bound);
    await Promise.all(
      others.map(async (remote) => {
        await remote?.call({ kind: 'listen', at });
      }),
    );
    this.serving.set(this.#serving.length > 0);
    return bound;
  }

  /** Brings up to date what a member has shown, if it answers. */
  async #look(member: Member): Promise<void> {
    const { remote } = member;
    const shown = await remote?.call({ kind: 'metrics' }, METRICS_MS_MAX).catch(() => undefined);
    if (shown !== undefined && member.remote === remote) member.shown = shown;
  }

  #countUp(): void {
    const { telemetryDropped, workerUp } = this.families;
    for (const { index, isServing } of this.#members) {
      workerUp.set(workerUp.handle(String(index)), isServing ? 1 : 0);
    }
    const dropped = telemetryDropped.handle('merged_series');
    const seen = telemetryDropped.value(dropped);
    telemetryDropped.add(dropped, this.#ended.overflowCount - seen);
  }

  /** Does what must be done; a worker that does not is in doubt, and another takes its place. */
  #insist(remote: RemoteWorker, order: Order): void {
    void this.#orEnd(remote, order);
  }

  async #orEnd<Kind extends OrderKind>(
    remote: RemoteWorker | undefined,
    order: OrderOf<Kind>,
    withinMs?: number,
  ): Promise<AnswerTo<Kind> | undefined> {
    try {
      return await remote?.call(order, withinMs);
    } catch (thrown) {
      this.#options.log.error('worker in doubt', { order: order.kind, why: messageOf(thrown) });
      remote?.kill();
      return undefined;
    }
  }

  #inTurn<T>(act: () => Promise<T>): Promise<T> {
    const result = this.#turn.then(act);
    this.#turn = result.catch(() => undefined);
    return result;
  }

  /** Resolves when a worker has come or gone, or the proxy begins to go. */
  #change(): Promise<void> {
    return new Promise((resolve) => this.#onChange.push(resolve));
  }

  #changed(): void {
    for (const resolve of this.#onChange.splice(0)) resolve();
  }
}

/** The addresses that were found, as those that are asked for. */
function asked(bound: BoundAddresses): ListenPlan {
  const at = ({ address, port }: BoundAddress): ListenAddress => ({ host: address, port });
  return {
    ...(bound.outbound && { outbound: at(bound.outbound) }),
    ...(bound.inbound && { inbound: at(bound.inbound) }),
    tcp: bound.tcp,
  };
}
