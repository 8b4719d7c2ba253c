import { type CallEnding, retry as ourRetry, pipeline, systemPorts } from '@leno/resilience';
import { type Backoff, type BackoffFactory, ConstantBackoff } from './backoff.ts';
import { Emitter } from './emitter.ts';
import type { ExecutablePolicy, FailureReason, PolicyFunction } from './executable-policy.ts';
import type { HandledEndings } from './handled-endings.ts';
import { Runner } from './runner.ts';
import { neverAborted, unheldPorts } from './signals.ts';
import { unwrap } from './unwrap.ts';

/** The longest that timers can wait. */
const TIMER_MAX_MS = 2 ** 31 - 1;

const immediately = new ConstantBackoff(0);

interface RetryContext {
  readonly attempt: number;
  readonly signal: AbortSignal;
  readonly result: FailureReason;
}

interface RetryOptions {
  readonly maxAttempts?: number;
  readonly backoff?: BackoffFactory<RetryContext>;
  readonly unref?: boolean;
}

/** Each call has a policy of its own, since the steps of a back-off belong to one call. */
export class RetryPolicy implements ExecutablePolicy {
  readonly #options: RetryOptions;
  readonly #runner: Runner;
  readonly #retry = new Emitter<
    FailureReason & { readonly delay: number; readonly attempt: number }
  >();
  readonly #giveUp = new Emitter<FailureReason>();
  readonly onRetry = this.#retry.event;
  readonly onGiveUp = this.#giveUp.event;

  constructor(options: RetryOptions, runner: Runner) {
    this.#options = options;
    this.#runner = runner;
  }

  get onSuccess(): Runner['onSuccess'] {
    return this.#runner.onSuccess;
  }

  get onFailure(): Runner['onFailure'] {
    return this.#runner.onFailure;
  }

  dangerouslyUnref(): RetryPolicy {
    return new RetryPolicy({ ...this.#options, unref: true }, this.#runner);
  }

  async execute<T>(fn: PolicyFunction<T>, signal: AbortSignal = neverAborted): Promise<T> {
    const { errorFilter, resultFilter } = this.#runner.filters;
    const policy = ourRetry({
      retryCountMax: Math.min(this.#options.maxAttempts ?? Infinity, Number.MAX_SAFE_INTEGER),
      baseMs: 0,
      maxMs: TIMER_MAX_MS,
      isRetryable: errorFilter,
      isRetryableResult: resultFilter,
      retryAfterMs: this.#delays(signal),
    });
    const ports = this.#options.unref === true ? unheldPorts : systemPorts;
    const calls = pipeline(policy).with({ ports });
    const settled = await calls.settle(
      // cockatiel counts from 0.
      (context) => this.#runner.run(fn, { signal: context.signal, attempt: context.attempt - 1 }),
      { signal },
    );
    if (settled.kind === 'returned' && resultFilter(settled.value)) {
      this.#giveUp.emit({ value: settled.value });
    } else if (settled.kind === 'failed' && errorFilter(settled.error)) {
      this.#giveUp.emit({ error: settled.error });
    }
    return unwrap(settled);
  }

  #delays(signal: AbortSignal): (ending: CallEnding) => number {
    let step: Backoff<RetryContext> | undefined;
    let attempt = 0;
    return (ending) => {
      const result: FailureReason =
        ending.kind === 'returned' ? { value: ending.value } : { error: ending.thrown };
      attempt += 1;
      const context = { attempt, signal, result };
      step = (step ?? this.#options.backoff ?? immediately).next(context);
      const told = { ...result, delay: step.duration, attempt };
      // Once the timer is set: their tests move time on from within the event.
      void Promise.resolve().then(() => this.#retry.emit(told));
      return step.duration;
    };
  }
}

export function retry(endings: HandledEndings, options: RetryOptions): RetryPolicy {
  return new RetryPolicy(options, new Runner(endings.options));
}
