import type { Applied, PushedView } from '@leno/dataplane';
import { Watch } from '@leno/std';
import type { JsonLogger, LogLevel } from '@leno/std/node';
import { type MeshMetrics, type MetricStore, renderPrometheus } from '@leno/telemetry';
import type { PageName } from '../admin/pages.ts';
import { ProcessStats } from '../process-stats.ts';
import type { Worker } from '../worker-app.ts';
import type {
  BoundAddresses,
  InForce,
  ListenerName,
  ListenPlan,
  Workers,
  WorkReport,
} from './workers.ts';

/** The one data plane of a proxy, in the process of everything else: no copies, no waiting. */
export class InProcess implements Workers {
  readonly serving = new Watch<boolean>(false);
  readonly #worker: Worker;
  readonly #at: ListenPlan;
  readonly #log: JsonLogger;
  readonly #cost = new ProcessStats();

  constructor(worker: Worker, at: ListenPlan, log: JsonLogger) {
    this.#worker = worker;
    this.#at = at;
    this.#log = log;
  }

  get store(): MetricStore {
    return this.#worker.store;
  }

  get families(): MeshMetrics {
    return this.#worker.families;
  }

  get inForce(): InForce {
    const { version, digest } = this.#worker.dataPlane.engine.table;
    return { version, digest, isConfigured: this.#worker.isConfigured() };
  }

  get refusal(): string | undefined {
    return this.#worker.overload.refusal;
  }

  faults(): readonly string[] {
    return this.#worker.faults();
  }

  open(): Promise<void> {
    return Promise.resolve();
  }

  async listen(): Promise<BoundAddresses> {
    const bound = await this.#worker.listen(this.#at, {});
    this.serving.set(true);
    return bound;
  }

  async apply(view: PushedView): Promise<Applied> {
    const prepared = await this.#worker.prepare(view);
    prepared.commit();
    return prepared.applied;
  }

  exposition(): Promise<string> {
    return Promise.resolve(renderPrometheus(this.#worker.store));
  }

  page(name: PageName, argument: string): Promise<unknown> {
    return Promise.resolve(this.#worker.pages[name](argument));
  }

  takeReport(): WorkReport {
    const requests = this.#worker.dataPlane.engine.metrics.edges.take();
    return { requests, proxy: this.#cost.take() };
  }

  setLogLevel(level: LogLevel): void {
    this.#log.level = level;
  }

  drain(listener: ListenerName, withinMs: number): Promise<void> {
    return this.#worker.drain(listener, withinMs);
  }

  close(): Promise<void> {
    this.#worker.close();
    return Promise.resolve();
  }
}
