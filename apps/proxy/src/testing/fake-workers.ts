/** Worker processes that are none: they answer what they are told to, and end when they are told. */
import { setImmediate } from 'node:timers/promises';
import type { Applied } from '@leno/dataplane';
import type { TimerHandle, Timers } from '@leno/std';
import type { FamilySnapshot } from '@leno/telemetry';
import type { Beat, NumberedOrder, Order, WorkerMessage } from '../workers/protocol.ts';
import type { SpawnWorker } from '../workers/remote-worker.ts';

/** Timers that fire when time is told to go on. */
export class ManualTimers implements Timers {
  #nowMs = 0;
  #timers: { atMs: number; fire: () => void }[] = [];

  after(delayMs: number, fire: () => void): TimerHandle {
    const timer = { atMs: this.#nowMs + delayMs, fire };
    this.#timers.push(timer);
    return { cancel: () => (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  /** Time has passed all at once: what was due fires, and nothing happens in between. */
  leap(byMs: number): void {
    this.#nowMs += byMs;
    const due = this.#timers.filter(({ atMs }) => atMs <= this.#nowMs);
    this.#timers = this.#timers.filter((timer) => !due.includes(timer));
    for (const { fire } of due) fire();
  }

  /** Lets time pass, and lets everything that follows from each timer happen before the next. */
  async advance(byMs: number): Promise<void> {
    const untilMs = this.#nowMs + byMs;
    for (;;) {
      const [next] = this.#timers.toSorted((a, b) => a.atMs - b.atMs);
      if (next === undefined || next.atMs > untilMs) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.#nowMs = next.atMs;
      next.fire();
      await settled();
    }
    this.#nowMs = untilMs;
  }
}

/** Everything that has been set off has happened. */
export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await setImmediate();
}

/** One process, from its start to its end. */
export class FakeWorker {
  readonly index: number;
  readonly orders: Order[] = [];
  verdict: Applied = { status: 'applied', errors: [] };
  metrics: readonly FamilySnapshot[] = [];
  page: unknown = [];
  /** Orders of these kinds get no answer, as if it were stuck. */
  readonly mute = new Set<Order['kind']>();
  /** Orders of these kinds fail. */
  readonly failing = new Set<Order['kind']>();
  hasEnded = false;
  readonly #unanswered: NumberedOrder[] = [];
  readonly #on: Parameters<SpawnWorker>[1];

  constructor(index: number, on: Parameters<SpawnWorker>[1]) {
    this.index = index;
    this.#on = on;
  }

  /** The kinds of what it was told, in order. */
  get kinds(): readonly string[] {
    return this.orders.map(({ kind }) => kind);
  }

  /** Answers at last what it was mute about. */
  answer(kind: Order['kind']): void {
    const asked = this.#unanswered.findLast(({ order }) => order.kind === kind);
    if (asked === undefined) throw new Error(`nothing of ${kind} waits`);
    this.#reply(asked);
  }

  take(asked: NumberedOrder): void {
    const { kind } = asked.order;
    this.orders.push(asked.order);
    if (this.hasEnded) return;
    if (this.mute.has(kind)) this.#unanswered.push(asked);
    else this.#reply(asked);
  }

  #reply({ id, order }: NumberedOrder): void {
    const message: WorkerMessage = this.failing.has(order.kind)
      ? { kind: 'failed', id, why: 'told to fail' }
      : { kind: 'answer', id, answer: this.#answer(order) };
    queueMicrotask(() => {
      if (!this.hasEnded) this.#on.message(message);
      if (order.kind === 'close') this.end('has ended with code 0');
    });
  }

  beat(beat: Beat): void {
    this.#on.message({ kind: 'beat', beat });
  }

  end(how = 'has ended with SIGKILL'): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    queueMicrotask(() => this.#on.ended(how));
  }

  #answer(order: Order): unknown {
    switch (order.kind) {
      case 'prepare':
        return this.verdict;
      case 'listen': {
        const { outbound, inbound, tcp } = order.at;
        const bound = ({ host, port } = { host: '127.0.0.1', port: 0 }, free = 1) => ({
          address: host,
          port: port === 0 ? free : port,
        });
        return {
          outbound: bound(outbound, 4_001),
          inbound: bound(inbound, 4_002),
          tcp: tcp.map((it) => ({ ...it, port: it.port === 0 ? 4_003 : it.port })),
        };
      }
      case 'metrics':
        return this.metrics;
      case 'page':
        return this.page;
      default:
        return undefined;
    }
  }
}

/** Every process that was ever started, the newest last. */
export class FakeWorkers {
  readonly all: FakeWorker[] = [];
  /** What is done to each as it is started. */
  prepare: (worker: FakeWorker) => void = () => undefined;

  readonly spawn: SpawnWorker = (index, on) => {
    const worker = new FakeWorker(index, on);
    this.prepare(worker);
    this.all.push(worker);
    return {
      pid: 1_000 + this.all.length,
      send: (message) => worker.take(message),
      kill: () => worker.end(),
    };
  };

  /** The newest at a place. */
  at(index: number): FakeWorker {
    const found = this.all.findLast((it) => it.index === index);
    if (found === undefined) throw new Error(`worker ${index} was never started`);
    return found;
  }
}
