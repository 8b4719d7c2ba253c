/**
 * One place among the workers of a proxy, and the process that fills it:
 *
 *   starting --all said--> serving --ended, stuck or in doubt--> waiting --restartMs--> starting
 *
 * The wait doubles with each process that did not serve for `STEADY_MS`, up to `RESTART_MS_MAX`.
 */
import { messageOf, type Timers } from '@leno/std';
import type { FamilySnapshot } from '@leno/telemetry';
import { BEAT_MS, type Beat, type WorkerMessage } from './protocol.ts';
import { RemoteWorker, type SpawnWorker, type WorkerProcess } from './remote-worker.ts';

/** Before a worker that has ended is started again, the first time and at most. */
export const RESTART_MS = 100;
export const RESTART_MS_MAX = 10_000;
/** Who has served so long has not failed because of how it was started. */
export const STEADY_MS = 60_000;
/** Beats without a sign of a worker without a view in hand, after which it is stuck, and is ended. */
const MISSED_COUNT_MAX = 10;
export const SILENCE_MS_MAX = MISSED_COUNT_MAX * BEAT_MS;

/** What a member tells of itself. */
export interface MemberEvents {
  beat(beat: Beat): void;
  /** The process has ended; `wasServing` tells whether it was one of those that count. */
  ended(member: Member, how: string, wasServing: boolean): void;
}

export interface MemberPorts {
  readonly spawn: SpawnWorker;
  readonly timers: Timers;
  readonly events: MemberEvents;
}

export class Member {
  readonly index: number;
  /** The process that is there, from its start to its end. */
  remote: RemoteWorker | undefined;
  /** Whether it has been told all, and takes part in whatever is told to all. */
  isServing = false;
  /** What it showed last, for when it does not answer and for when it has ended. */
  shown: readonly FamilySnapshot[] = [];
  cost: Beat['proxy'] = { rssMiB: 0, cpuRatio: 0 };
  /** What it has said last that is not as it should be. */
  faults: readonly string[] = [];
  readonly #ports: MemberPorts;
  #failureCount = 0;
  #missedCount = 0;
  #silence = { cancel: (): void => undefined };
  #steady = { cancel: (): void => undefined };

  constructor(index: number, ports: MemberPorts) {
    this.index = index;
    this.#ports = ports;
  }

  /** Starts a process; the one before has ended. */
  spawn(): RemoteWorker {
    const { spawn, timers } = this.#ports;
    const remote = new RemoteWorker(this.index, this.#start(spawn), timers);
    this.remote = remote;
    this.#listenForBeats();
    return remote;
  }

  /** A process that the system does not give ends at once, like one that fails in its first moment. */
  #start(spawn: SpawnWorker): WorkerProcess {
    const ended = (how: string): void => this.#ended(how);
    try {
      return spawn(this.index, { message: (message) => this.#take(message), ended });
    } catch (thrown) {
      queueMicrotask(() => ended(messageOf(thrown)));
      return { pid: undefined, send: () => undefined, kill: () => undefined };
    }
  }

  /** From now on it counts. */
  serve(): void {
    this.isServing = true;
    this.#steady = this.#ports.timers.after(STEADY_MS, () => {
      this.#failureCount = 0;
    });
  }

  /** How long to wait before it is started again. Each asking counts as a failure. */
  restartMs(): number {
    const delayMs = Math.min(RESTART_MS_MAX, RESTART_MS * 2 ** Math.min(this.#failureCount, 20));
    this.#failureCount += 1;
    return delayMs;
  }

  #take(message: WorkerMessage): void {
    if (message.kind !== 'beat') {
      this.remote?.take(message);
      return;
    }
    this.#listenForBeats();
    this.cost = message.beat.proxy;
    this.faults = message.beat.faults;
    this.#ports.events.beat(message.beat);
  }

  #listenForBeats(): void {
    this.#silence.cancel();
    this.#missedCount = 0;
    this.#awaitBeat();
  }

  /**
   * One beat after the other: who was stopped itself for a while (a frozen container, a debugger) finds
   * its timers due before it has read what came meanwhile, and would end workers that are well.
   */
  #awaitBeat(): void {
    this.#silence = this.#ports.timers.after(BEAT_MS, () => {
      this.#missedCount += 1;
      const isStuck = this.#missedCount >= MISSED_COUNT_MAX && this.remote?.hasView !== true;
      if (isStuck) this.remote?.kill();
      else this.#awaitBeat();
    });
  }

  #ended(how: string): void {
    const { remote, isServing } = this;
    this.#silence.cancel();
    this.#steady.cancel();
    this.remote = undefined;
    this.isServing = false;
    this.cost = { rssMiB: 0, cpuRatio: 0 };
    this.faults = [];
    remote?.end(how);
    this.#ports.events.ended(this, how, isServing);
  }
}
