import { BoundedQueue } from '@leno/std';
import type { DecisionRecord } from './decision-record.ts';

/** How much a flight recorder keeps. */
export interface FlightRecorderOptions {
  /** The most recent requests of any outcome. Default 1,024. */
  readonly recentCountMax?: number;
  /** Failures beyond those. Default 4,096. */
  readonly failureCountMax?: number;
  /** How long a failure is kept. Default 15 minutes. */
  readonly failureAgeMaxMs?: number;
}

interface Kept {
  readonly record: DecisionRecord;
  readonly atMs: number;
}

/** The last requests and the failures of a quarter of an hour, in bounded memory. */
export class FlightRecorder {
  readonly #recent: BoundedQueue<DecisionRecord>;
  readonly #failures: BoundedQueue<Kept>;
  readonly #failureAgeMaxMs: number;
  #evictedFailureCount = 0;

  constructor(options: FlightRecorderOptions = {}) {
    this.#recent = new BoundedQueue(options.recentCountMax ?? 1_024);
    this.#failures = new BoundedQueue(options.failureCountMax ?? 4_096);
    this.#failureAgeMaxMs = options.failureAgeMaxMs ?? 15 * 60_000;
  }

  /** Failures that had to leave before their time: the metric of the bound. */
  get evictedFailureCount(): number {
    return this.#evictedFailureCount;
  }

  record(record: DecisionRecord, nowMs: number): void {
    this.#recent.pushEvicting(record);
    if (record.outcome === 'success') return;
    const evicted = this.#failures.pushEvicting({ record, atMs: nowMs });
    if (evicted !== undefined && !this.#isOld(evicted, nowMs)) this.#evictedFailureCount += 1;
  }

  /** The newest first: everything recent, then older failures. */
  *records(nowMs: number): Generator<DecisionRecord> {
    const recent = [...this.#recent].reverse();
    const shown = new Set(recent);
    yield* recent;
    for (const kept of [...this.#failures].reverse()) {
      if (!this.#isOld(kept, nowMs) && !shown.has(kept.record)) yield kept.record;
    }
  }

  /** The newest record of this request id or trace id. */
  find(id: string, nowMs: number): DecisionRecord | undefined {
    for (const record of this.records(nowMs)) {
      if (record.requestId === id || record.traceId === id) return record;
    }
    return undefined;
  }

  #isOld(kept: Kept, nowMs: number): boolean {
    return nowMs - kept.atMs > this.#failureAgeMaxMs;
  }
}
