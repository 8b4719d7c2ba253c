/** A worker's end of the channel to its supervisor: does what it is told, in the order it is told. */
import type { Applied, Prepared, PushedView } from '@leno/dataplane';
import type { Identity } from '@leno/dataplane/node';
import { assert, messageOf, type Timers, unreachable, Watch } from '@leno/std';
import { JsonLogger } from '@leno/std/node';
import { ProcessStats } from '../process-stats.ts';
import { createWorker, type Worker } from '../worker-app.ts';
import { BEAT_MS, type NumberedOrder, type Order, type WorkerMessage } from './protocol.ts';

/** The channel, and what to do when all is over. */
export interface OrderPorts {
  readonly timers: Timers;
  send(message: WorkerMessage): void;
  /** The last answer is on its way. */
  closed(): void;
}

export class OrderServer {
  readonly #ports: OrderPorts;
  readonly #identity = new Watch<Identity | undefined>(undefined);
  readonly #cost = new ProcessStats();
  #log: JsonLogger | undefined;
  #worker: Worker | undefined;
  #prepared: Prepared | undefined;

  constructor(ports: OrderPorts) {
    this.#ports = ports;
  }

  /** Does one order and answers it; never rejects. */
  async take({ id, order }: NumberedOrder): Promise<void> {
    try {
      const answer = await this.#obey(order);
      this.#ports.send({ kind: 'answer', id, answer });
    } catch (thrown) {
      this.#ports.send({ kind: 'failed', id, why: messageOf(thrown) });
    }
    if (order.kind === 'close') this.#ports.closed();
  }

  #obey(order: Order): unknown {
    switch (order.kind) {
      case 'start':
        this.#start(order);
        return undefined;
      case 'identity':
        this.#identity.set(order.identity);
        return undefined;
      case 'prepare':
        return this.#prepare(order.view);
      case 'commit':
        this.#prepared?.commit();
        this.#prepared = undefined;
        return undefined;
      case 'listen':
        return this.#own.listen(order.at, { reusePort: true });
      case 'metrics':
        return this.#own.store.snapshot();
      case 'page':
        return plain(this.#own.pages[order.name](order.argument));
      case 'logLevel':
        if (this.#log !== undefined) this.#log.level = order.level;
        return undefined;
      case 'drain':
        return this.#own.drain(order.listener, order.withinMs);
      case 'close':
        this.#own.close();
        return undefined;
      default:
        return unreachable(order);
    }
  }

  async #prepare(view: PushedView): Promise<Applied> {
    this.#prepared = undefined;
    this.#prepared = await this.#own.prepare(view);
    return this.#prepared.applied;
  }

  get #own(): Worker {
    assert(this.#worker !== undefined, 'a worker is started first');
    return this.#worker;
  }

  #start({ index, settings, logLevel }: Extract<Order, { kind: 'start' }>): void {
    const fields = { program: 'leno-proxy', service: settings.LENO_SERVICE, worker: index };
    this.#log = new JsonLogger({ level: logLevel, fields });
    this.#worker = createWorker(settings, { identity: this.#identity, log: this.#log });
    this.#beat();
  }

  #beat(): void {
    this.#ports.timers.after(BEAT_MS, () => {
      const edges = this.#own.dataPlane.engine.metrics.edges.takeDeltas();
      const faults = this.#own.faults();
      this.#ports.send({ kind: 'beat', beat: { edges, proxy: this.#cost.take(), faults } });
      this.#beat();
    });
  }
}

/** Pages are made for JSON: views with getters and functions among them, which a clone cannot carry. */
function plain(page: unknown): unknown {
  return page === undefined ? undefined : JSON.parse(JSON.stringify(page));
}
