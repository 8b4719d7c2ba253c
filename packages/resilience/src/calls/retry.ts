/** Retries for people: calls a function again while that may help. */
import { deadlineAfter } from '@leno/std';
import { retryDelayMs } from '../retry/backoff.ts';
import { defaultRetryPolicy } from '../retry/decide-retry.ts';
import type { RetryBudget } from '../retry/retry-budget.ts';
import { BreakerOpenError } from './breaker-open-error.ts';
import { type Ports, systemPorts } from './ports.ts';
import { sleep } from './sleep.ts';

/** Options of `retry`. */
export interface RetryOptions {
  /** Retries after the first try. Default 2. */
  readonly retryCountMax?: number;
  /** Upper bound of the first wait, which doubles from retry to retry. Default 25 ms. */
  readonly baseMs?: number;
  /** Upper bound of every wait, `Retry-After` included. Default 250 ms. */
  readonly maxMs?: number;
  /** No retry starts at or after this time since the call. 0, the default, is no bound. */
  readonly giveUpAfterMs?: number;
  /** Default: everything but aborts and refusals of a breaker. */
  readonly isRetryable?: (thrown: unknown) => boolean;
  /** What the service asked for, read from what was thrown. */
  readonly retryAfterMs?: (thrown: unknown) => number | undefined;
  /** Shared by all calls to one service; where it is exhausted, the first failure is final. */
  readonly budget?: RetryBudget;
  /** Ends the wait at once; the call itself is yours to abort. */
  readonly signal?: AbortSignal;
  readonly ports?: Ports;
}

/**
 * Calls `fn` with the number of the try, 1 first, and gives its first success; rejects with what
 * the last try threw, or with the signal's reason if it aborts before or between tries. Only for
 * what may be done twice.
 */
export async function retry<T>(
  fn: (tryIndex: number) => T | PromiseLike<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { budget, signal, ports = systemPorts } = options;
  const deadlineMs = deadlineAfter(ports.clock.nowMs(), options.giveUpAfterMs ?? 0);
  budget?.deposit(ports.clock.nowMs());
  activeCalls.change(budget, 1);
  let isWithdrawn = false;
  try {
    for (let tryIndex = 1; ; tryIndex += 1) {
      signal?.throwIfAborted();
      try {
        return await fn(tryIndex);
      } catch (thrown) {
        if (isWithdrawn) budget?.release();
        isWithdrawn = false;
        const delayMs = nextDelayMs(thrown, tryIndex, options, deadlineMs);
        if (delayMs === undefined) throw thrown;
        isWithdrawn = budget !== undefined;
        await sleep(delayMs, ports.timers, signal);
      }
    }
  } finally {
    if (isWithdrawn) budget?.release();
    activeCalls.change(budget, -1);
  }
}

/**
 * How long to wait before the next try, or undefined if there is none; takes from the budget last.
 */
function nextDelayMs(
  thrown: unknown,
  retryIndex: number,
  options: RetryOptions,
  deadlineMs: number,
): number | undefined {
  const { retryCountMax, baseMs, maxMs } = boundsOf(options);
  const { budget, isRetryable = isWorthRepeating, signal, ports = systemPorts } = options;
  if (retryIndex > retryCountMax || signal?.aborted === true || !isRetryable(thrown)) return;
  const askedMs = options.retryAfterMs?.(thrown);
  const delayMs = retryDelayMs(retryIndex, { baseMs, maxMs }, ports.rng, askedMs);
  const nowMs = ports.clock.nowMs();
  if (nowMs + delayMs >= deadlineMs) return;
  return budget?.tryWithdraw(nowMs, activeCalls.of(budget)) === false ? undefined : delayMs;
}

function boundsOf(options: RetryOptions): Required<Bounds> {
  // An undefined that slips through from untyped code must not mean "for ever".
  return {
    retryCountMax: options.retryCountMax ?? defaultRetryPolicy.retryCountMax,
    baseMs: options.baseMs ?? defaultRetryPolicy.baseMs,
    maxMs: options.maxMs ?? defaultRetryPolicy.maxMs,
  };
}

type Bounds = Pick<RetryOptions, 'retryCountMax' | 'baseMs' | 'maxMs'>;

function isWorthRepeating(thrown: unknown): boolean {
  if (thrown instanceof BreakerOpenError) return false;
  return !(thrown instanceof Error && thrown.name === 'AbortError');
}

/** How many calls of `retry` are under way for each budget: what its concurrency is measured by. */
const activeCalls = {
  counts: new WeakMap<RetryBudget, number>(),
  of(budget: RetryBudget): number {
    return this.counts.get(budget) ?? 0;
  },
  change(budget: RetryBudget | undefined, by: number): void {
    if (budget !== undefined) this.counts.set(budget, this.of(budget) + by);
  },
};
