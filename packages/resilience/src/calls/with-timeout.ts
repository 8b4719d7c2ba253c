/** A bound on how long a call may take. */
import type { Timers } from '@leno/std';
import { systemPorts } from './ports.ts';
import { TimedOutError } from './timed-out-error.ts';

/** What the call is given. */
export interface TimeoutContext {
  /** Aborts at the timeout and when the caller aborts. Made when first read; one for each call. */
  readonly signal: AbortSignal;
}

/** Options of `withTimeout`. */
export interface WithTimeoutOptions {
  /** The caller's own; when it aborts, the call rejects with its reason, not with a timeout. */
  readonly signal?: AbortSignal;
  readonly timers?: Timers;
}

/**
 * Calls `fn` and gives what it gives; rejects with `TimedOutError` after `timeoutMs` whether or not
 * `fn` heeds its signal. 0 and below, or `Infinity`, is no timeout. Nothing is left behind: no
 * timer, no listener.
 */
export async function withTimeout<T>(
  fn: (context: TimeoutContext) => T | PromiseLike<T>,
  timeoutMs: number,
  options: WithTimeoutOptions = {},
): Promise<T> {
  const { signal: outer, timers = systemPorts.timers } = options;
  outer?.throwIfAborted();
  const context = new LazySignal();
  let finish = (): void => {};
  const stopped = new Promise<typeof STOPPED>((resolve) => {
    // The race is decided before `fn` hears of it, or it could settle with something else first.
    const stop = (reason: unknown): void => {
      resolve(STOPPED);
      context.abort(reason);
    };
    const onAbort = (): void => stop(outer?.reason);
    const onTime = (): void => stop(new TimedOutError(timeoutMs));
    const isBounded = timeoutMs > 0 && timeoutMs !== Number.POSITIVE_INFINITY;
    const timer = isBounded ? timers.after(timeoutMs, onTime) : undefined;
    outer?.addEventListener('abort', onAbort, { once: true });
    finish = () => {
      timer?.cancel();
      outer?.removeEventListener('abort', onAbort);
    };
  });
  try {
    const first = await Promise.race([settle(fn, context), stopped]);
    if (first !== STOPPED) return first;
  } finally {
    finish();
  }
  throw context.reason;
}

const STOPPED = Symbol('stopped');

/** Turns a synchronous throw into a rejection. */
async function settle<T>(
  fn: (context: TimeoutContext) => T | PromiseLike<T>,
  context: TimeoutContext,
): Promise<T> {
  return await fn(context);
}

/** An AbortSignal that costs nothing until somebody looks at it. */
class LazySignal implements TimeoutContext {
  #controller: AbortController | undefined;
  #aborted: { readonly reason: unknown } | undefined;

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#aborted !== undefined) this.#controller.abort(this.#aborted.reason);
    }
    return this.#controller.signal;
  }

  /** What `abort` was called with. */
  get reason(): unknown {
    return this.#aborted?.reason;
  }

  abort(reason: unknown): void {
    this.#aborted = { reason };
    this.#controller?.abort(reason);
  }
}
