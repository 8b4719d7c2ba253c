import { type Bulkhead, bulkhead as ourBulkhead, type Pipeline, pipeline } from '@leno/resilience';
import { Emitter } from './emitter.ts';
import { BulkheadRejectedError } from './errors.ts';
import type { ExecutablePolicy, PolicyFunction } from './executable-policy.ts';
import { Runner } from './runner.ts';
import { unwrap } from './unwrap.ts';

export class BulkheadPolicy implements ExecutablePolicy {
  readonly #bulkhead: Bulkhead;
  readonly #calls: Pipeline;
  readonly #limit: number;
  readonly #queueCountMax: number;
  readonly #runner = new Runner();
  readonly #reject = new Emitter<void>();
  readonly onReject = this.#reject.event;
  readonly onSuccess = this.#runner.onSuccess;
  readonly onFailure = this.#runner.onFailure;

  constructor(limit: number, queueCountMax: number) {
    this.#limit = limit;
    this.#queueCountMax = Math.min(queueCountMax, Number.MAX_SAFE_INTEGER);
    this.#bulkhead = ourBulkhead({ limit, queueCountMax: this.#queueCountMax });
    this.#calls = pipeline(this.#bulkhead);
  }

  get executionSlots(): number {
    return this.#limit - this.#bulkhead.activeCount;
  }

  get queueSlots(): number {
    return this.#queueCountMax - this.#bulkhead.queuedCount;
  }

  async execute<T>(fn: PolicyFunction<T>, signal?: AbortSignal): Promise<T> {
    const settled = await this.#calls.settle(
      (context) => fn({ signal: context.signal }, context.signal),
      { signal },
    );
    if (settled.kind !== 'refused') return unwrap(settled);
    this.#reject.emit();
    throw new BulkheadRejectedError(this.#limit, this.#queueCountMax, settled.error);
  }
}

export function bulkhead(limit: number, queueCountMax = 0): BulkheadPolicy {
  return new BulkheadPolicy(limit, queueCountMax);
}
