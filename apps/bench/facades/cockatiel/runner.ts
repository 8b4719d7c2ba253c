import type { CallContext, Settled } from '@leno/resilience';
import { Emitter } from './emitter.ts';
import type {
  FailureEvent,
  FailureReason,
  Filters,
  PolicyContext,
  PolicyFunction,
} from './executable-policy.ts';

/** Runs functions as policies are asked to, and tells how each run ended. */
export class Runner {
  readonly filters: Filters;
  readonly #success = new Emitter<{ readonly duration: number }>();
  readonly #failure = new Emitter<FailureEvent>();
  readonly onSuccess = this.#success.event;
  readonly onFailure = this.#failure.event;

  constructor(filters: Filters = { errorFilter: () => false, resultFilter: () => false }) {
    this.filters = filters;
  }

  async run<T>(fn: PolicyFunction<T>, context: PolicyContext): Promise<T> {
    const startMs = performance.now();
    const failed = (handled: boolean, reason: FailureReason): void => {
      this.#failure.emit({ duration: performance.now() - startMs, handled, reason });
    };
    let value: T;
    try {
      value = await fn(context, context.signal);
    } catch (error) {
      failed(this.filters.errorFilter(error), { error });
      throw error;
    }
    if (this.filters.resultFilter(value)) failed(true, { value });
    else this.#success.emit({ duration: performance.now() - startMs });
    return value;
  }

  /** What ours is given to call. Reads the signal, since a context of cockatiel always has one. */
  running<T>(fn: PolicyFunction<T>): (context: CallContext) => Promise<T> {
    return ({ signal }) => this.run(fn, { signal });
  }

  /** Tells of the call as a whole. */
  report(settled: Settled<unknown>, duration: number): void {
    if (settled.kind === 'returned') this.#success.emit({ duration });
    else if (settled.kind === 'failed' || settled.kind === 'timed-out') {
      this.#failure.emit({ duration, handled: false, reason: { error: settled.error } });
    }
  }
}
