/**
 * Visitors who arrive at a constant rate whether or not the shop keeps up (an open loop). The first
 * step of a journey is timed from the moment at which it was due, not from that at which it could be
 * sent, so that a stall shows in the latencies of all who had to wait (no coordinated omission).
 * Bounded: beyond `journeyCountMax` at once an arrival is turned away, and counts as a failure.
 */
import type { Clock, Rng, TimerHandle, Timers } from '@leno/std';
import { LogLinearHistogram } from '@leno/telemetry';
import { type Journey, pickJourney, type Step } from './journeys.ts';

/** Sends one step; gives the status, 0 if there was no reply. Must not reject. */
export type SendStep = (step: Step, visitor: Visitor) => Promise<number>;

/** Who makes a journey. */
export interface Visitor {
  readonly session: string;
  /** Begins with `load.`, which is how the apps know them apart. */
  readonly requestId: string;
}

/** What the generator needs. */
export interface LoadOptions {
  readonly journeys: readonly Journey[];
  readonly journeysPerSecond: number;
  readonly send: SendStep;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  /** Default 400. */
  readonly journeyCountMax?: number;
}

/** What happened so far. */
export interface LoadCounts {
  /** Steps sent, and arrivals turned away. */
  readonly requests: number;
  /** No reply, a status from 400 on, or turned away. */
  readonly failures: number;
  /** Arrivals turned away. */
  readonly shed: number;
  readonly underWay: number;
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byJourney: Readonly<
    Record<string, { readonly started: number; readonly failed: number }>
  >;
  /** By `METHOD /first-segment`. */
  readonly byStep: Readonly<Record<string, number>>;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** An open-loop load generator. */
export class LoadGenerator {
  readonly #options: LoadOptions;
  readonly #journeyCountMax: number;
  readonly #latencies = new LogLinearHistogram();
  readonly #byStatus = new Map<string, number>();
  readonly #byStep = new Map<string, number>();
  readonly #byJourney = new Map<string, { started: number; failed: number }>();
  #startedAtMs = 0;
  #arrivalCount = 0;
  #requestCount = 0;
  #failureCount = 0;
  #shedCount = 0;
  #underWay = 0;
  #timer: TimerHandle | undefined;
  #onIdle: (() => void) | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
    this.#journeyCountMax = options.journeyCountMax ?? 400;
  }

  start(): void {
    this.#startedAtMs = this.#options.clock.nowMs();
    this.#arrivalCount = 0;
    this.#arrive();
  }

  /** Ends the arrivals and resolves when those who are inside have left. */
  stop(): Promise<void> {
    this.#timer?.cancel();
    this.#timer = undefined;
    return new Promise((resolve) => {
      if (this.#underWay === 0) resolve();
      else this.#onIdle = resolve;
    });
  }

  counts(): LoadCounts {
    return {
      requests: this.#requestCount,
      failures: this.#failureCount,
      shed: this.#shedCount,
      underWay: this.#underWay,
      byStatus: Object.fromEntries(this.#byStatus),
      byJourney: Object.fromEntries([...this.#byJourney].map(([name, it]) => [name, { ...it }])),
      byStep: Object.fromEntries(this.#byStep),
      p50Ms: this.#latencies.quantile(0.5),
      p99Ms: this.#latencies.quantile(0.99),
    };
  }

  /** Lets in everybody who is due, however late this is called, and comes back for the next. */
  #arrive(): void {
    const { clock, timers } = this.#options;
    const nowMs = clock.nowMs();
    while (this.#dueAtMs() <= nowMs) {
      this.#admit(this.#dueAtMs());
      this.#arrivalCount += 1;
    }
    this.#timer = timers.after(Math.max(0, this.#dueAtMs() - nowMs), () => this.#arrive());
  }

  #dueAtMs(): number {
    return this.#startedAtMs + (this.#arrivalCount * 1_000) / this.#options.journeysPerSecond;
  }

  #admit(dueAtMs: number): void {
    const journey = pickJourney(this.#options.journeys, this.#options.rng);
    if (journey === undefined) return;
    const tally = this.#byJourney.get(journey.name) ?? { started: 0, failed: 0 };
    this.#byJourney.set(journey.name, tally);
    tally.started += 1;
    if (this.#underWay >= this.#journeyCountMax) {
      this.#shedCount += 1;
      this.#requestCount += 1;
      this.#failureCount += 1;
      tally.failed += 1;
      return;
    }
    this.#underWay += 1;
    void this.#travel(journey, dueAtMs).then((succeeded) => {
      if (!succeeded) tally.failed += 1;
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#onIdle?.();
    });
  }

  /** A visitor for whom a step fails leaves. */
  async #travel(journey: Journey, dueAtMs: number): Promise<boolean> {
    const { clock, rng, send } = this.#options;
    const id = `load.${this.#arrivalCount}`;
    const visitor = { session: id, requestId: id };
    let fromMs = dueAtMs;
    for (const step of journey.steps(rng)) {
      const status = await send(step, visitor);
      const nowMs = clock.nowMs();
      this.#settle(step, status, nowMs - fromMs);
      if (isFailure(status)) return false;
      fromMs = nowMs;
    }
    return true;
  }

  #settle(step: Step, status: number, latencyMs: number): void {
    this.#requestCount += 1;
    if (isFailure(status)) this.#failureCount += 1;
    this.#latencies.record(latencyMs);
    count(this.#byStatus, String(status));
    count(this.#byStep, `${step.method} /${step.path.split('/')[1] ?? ''}`);
  }
}

/** Visitors do nothing that deserves a 4xx, so that one is the shop's fault too. */
function isFailure(status: number): boolean {
  return status === 0 || status >= 400;
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
