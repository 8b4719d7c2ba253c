/**
 * Reads how much of its resources the process has used up, several times a second, and has the
 * listeners and the engine give up what `Overload` says. The admin interfaces are not among them.
 */
import { totalmem } from 'node:os';
import { getHeapStatistics } from 'node:v8';
import {
  type Engine,
  Overload,
  type OverloadStep,
  overloadSteps,
  type Pressures,
  resources,
} from '@leno/dataplane';
import type { ConnectionCap, ServerRelief } from '@leno/http';
import type { Clock, TimerHandle, Timers } from '@leno/std';
import type { JsonLogger } from '@leno/std/node';
import type { MeshMetrics, MetricStore } from '@leno/telemetry';
import type { Relieved } from '../front.ts';
import { collectGarbage } from './collect-garbage.ts';

const SAMPLE_MS = 100;
/** From here on garbage is collected before a reading counts: what is free already is no pressure. */
const COLLECT_RATIO = 0.85;
/** But all of it in no more than a twentieth of the time: that takes the longer the larger the heap is. */
const COLLECT_SHARE = 20;
/** What a connection may cost beside the heap: the state of TLS, and buffers of sockets. */
const BYTES_PER_CONNECTION = 64 * 1024;

const reliefs: Readonly<Record<OverloadStep, ServerRelief>> = {
  none: 'none',
  save: 'save',
  refuse: 'save',
  deaf: 'deaf',
};

export interface OverloadWatchParts {
  /** Those that are open now. */
  readonly servers: () => Iterable<Relieved>;
  readonly engine: Engine;
  readonly cap: ConnectionCap;
  /** 0: what the control group allows. */
  readonly memoryBytesMax: number;
  /** How many processes share that memory. */
  readonly processCount: number;
  readonly loopDelayMsMax: number;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly log: JsonLogger;
}

export class OverloadWatch {
  readonly #parts: OverloadWatchParts;
  readonly #overload = new Overload();
  readonly #memoryBytesMax: number;
  /** What the process takes beside what its heap and its buffers say of themselves. */
  readonly #baseBytes: number;
  #pressures: Pressures = { heap: 0, memory: 0, connections: 0, loop_delay: 0 };
  #dueAtMs = 0;
  #collectFromMs = 0;
  #timer: TimerHandle | undefined = undefined;

  constructor(parts: OverloadWatchParts) {
    this.#parts = parts;
    const { memoryBytesMax, processCount } = parts;
    const bytes = memoryBytesMax > 0 ? memoryBytesMax : constrainedBytes();
    this.#memoryBytesMax = bytes / processCount;
    const { used_heap_size, external_memory } = getHeapStatistics();
    this.#baseBytes = process.memoryUsage.rss() - used_heap_size - external_memory;
  }

  /** What is given up now, and how much of everything is used up. */
  get state(): { readonly step: OverloadStep; readonly pressures: Pressures } {
    return { step: this.#overload.step, pressures: this.#pressures };
  }

  /** Why requests are refused; undefined while they are not. */
  get refusal(): string | undefined {
    const { step, worst } = this.#overload;
    if (step !== 'refuse' && step !== 'deaf') return undefined;
    return `relief from overload: ${worst} is used up to ${this.#pressures[worst].toFixed(2)}`;
  }

  start(): void {
    this.#dueAtMs = this.#parts.clock.nowMs() + SAMPLE_MS;
    this.#timer = this.#parts.timers.after(SAMPLE_MS, this.#sample);
  }

  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  /** Shows step and pressures. */
  collect({ metrics, store }: { metrics: MeshMetrics; store: MetricStore }): void {
    const { overloadPressure, overloadState } = metrics;
    store.onCollect(() => {
      overloadState.set(overloadState.handle(), overloadSteps.indexOf(this.#overload.step));
      for (const resource of resources) {
        overloadPressure.set(overloadPressure.handle(resource), this.#pressures[resource]);
      }
    });
  }

  readonly #sample = (): void => {
    const { clock, servers, engine, log } = this.#parts;
    const nowMs = clock.nowMs();
    this.#pressures = this.#read(nowMs);
    if (this.#isShort) {
      this.#collect(nowMs);
      this.#pressures = { ...this.#read(nowMs), loop_delay: this.#pressures.loop_delay };
    }
    const before = this.#overload.step;
    const step = this.#overload.judge(this.#pressures, nowMs);
    engine.refusedRatio = this.#overload.refusedRatio;
    if (step !== before) {
      for (const server of servers()) server.relieve(reliefs[step]);
      const { worst } = this.#overload;
      log.warn('overload', { step, before, worst, pressures: this.#pressures });
    }
    this.start();
  };

  get #isShort(): boolean {
    const { heap, memory } = this.#pressures;
    return this.#overload.step !== 'none' || Math.max(heap, memory) >= COLLECT_RATIO;
  }

  #collect(nowMs: number): void {
    if (nowMs < this.#collectFromMs) {
      collectGarbage('young');
      return;
    }
    const { clock } = this.#parts;
    const startedAtMs = clock.nowMs();
    collectGarbage('all');
    const endedAtMs = clock.nowMs();
    this.#collectFromMs = endedAtMs + (endedAtMs - startedAtMs) * COLLECT_SHARE;
  }

  #read(nowMs: number): Pressures {
    const { cap, loopDelayMsMax } = this.#parts;
    const { used_heap_size, heap_size_limit, external_memory } = getHeapStatistics();
    const explained =
      this.#baseBytes + used_heap_size + external_memory + cap.count * BYTES_PER_CONNECTION;
    // What was freed stays with the process for the next load to use; it is not what fills it up.
    const usedBytes =
      this.#memoryBytesMax === 0 ? 0 : Math.min(process.memoryUsage.rss(), explained);
    return {
      heap: used_heap_size / heap_size_limit,
      memory: this.#memoryBytesMax === 0 ? 0 : usedBytes / this.#memoryBytesMax,
      connections: cap.count / cap.countMax,
      loop_delay: Math.max(0, nowMs - this.#dueAtMs) / loopDelayMsMax,
    };
  }
}

/** What the control group allows; 0 if there is none that bounds memory. */
function constrainedBytes(): number {
  const bytes = process.constrainedMemory();
  return bytes < totalmem() ? bytes : 0;
}
