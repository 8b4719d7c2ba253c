import type { RetryBudget } from '../retry/retry-budget.ts';
import type { CallFunction, CallState, Frame, Lane, Stage, Upper } from './frame.ts';
import type { Ports } from './ports.ts';
import { type FailureKind, failureOf, type Settled } from './settled.ts';

/** What a caller may say of one call. */
export interface CallOptions<T = unknown> {
  /** Ends the call at once when it aborts, wherever the call stands, with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
  /** Whatever tells calls apart; handed to the function and to the observer. */
  readonly key?: string | undefined;
  /**
   * Whether it may be done twice though nobody knows what became of the first time. Default true.
   * False: no hedge, and a retry only where a `JudgedError` says that nothing was done.
   */
  readonly repeatable?: boolean | undefined;
  /**
   * Gets each result that nobody will: of the slower of two attempts, of a try that is made again,
   * of one that came after its timeout. For closing what must be closed.
   */
  readonly discard?: ((value: T) => void) | undefined;
}

/** What the observer of a pipeline is told of each call, once. */
export interface ObservedCall {
  readonly settled: Settled<unknown>;
  readonly key: string | undefined;
  /** From the call to its end. */
  readonly tookMs: number;
  /** How often functions were called, hedges and fallbacks included; 0 if refused at once. */
  readonly attemptCount: number;
}

/** What all calls of one pipeline have in common. */
export interface Surroundings {
  readonly ports: Ports;
  readonly onEnding: ((observed: ObservedCall) => void) | undefined;
}

/** What it takes to begin a call. */
export interface Compiled extends Surroundings {
  /** The outermost policy. */
  readonly stage: Stage;
}

/** One call, from its first policy to its promise: the top of the chain of frames. */
export class Call implements CallState, Lane, Upper {
  readonly call: CallState;
  readonly attempt: number;
  readonly hedge: number;
  readonly holder: undefined;
  readonly fn: CallFunction<unknown>;
  depositedIn: RetryBudget | undefined;
  attemptCount: number;
  readonly #compiled: Compiled;
  readonly #options: CallOptions<never> | undefined;
  #resolve: ((value: unknown) => void) | undefined;
  /** Stays absent where failures are values, too. */
  #reject: ((error: unknown) => void) | undefined;
  #child: Frame | undefined;
  #isBeginning: boolean;
  #isDone: boolean;
  /** Whether `#nowMs` is the time. */
  #isFresh: boolean;
  #nowMs: number;
  /** Of observed calls. */
  #startedAtMs: number | undefined;

  constructor(
    fn: CallFunction<unknown>,
    options: CallOptions<never> | undefined,
    compiled: Compiled,
  ) {
    this.call = this;
    this.attempt = 1;
    this.hedge = 0;
    this.holder = undefined;
    this.fn = fn;
    this.depositedIn = undefined;
    this.attemptCount = 0;
    this.#compiled = compiled;
    this.#options = options;
    this.#resolve = undefined;
    this.#reject = undefined;
    this.#child = undefined;
    this.#isBeginning = true;
    this.#isDone = false;
    this.#isFresh = false;
    this.#nowMs = Number.NaN; // A double from the start, so that V8 keeps it in place.
    this.#startedAtMs = undefined;
  }

  get deadlineMs(): number {
    return Number.POSITIVE_INFINITY;
  }

  get ports(): Ports {
    return this.#compiled.ports;
  }

  get isRepeatable(): boolean {
    return this.#options?.repeatable !== false;
  }

  get key(): string | undefined {
    return this.#options?.key;
  }

  /** Once. Without `reject`, `resolve` gets the `Settled`. */
  begin(resolve: (value: unknown) => void, reject: ((error: unknown) => void) | undefined): void {
    this.#resolve = resolve;
    this.#reject = reject;
    const signal = this.#options?.signal;
    if (this.#compiled.onEnding !== undefined) this.#startedAtMs = this.nowMs();
    if (signal?.aborted === true) {
      this.#end('aborted', signal.reason);
      return;
    }
    signal?.addEventListener('abort', this);
    const child = this.#compiled.stage(this, this);
    this.#child = child;
    try {
      child.begin();
    } catch (thrown) {
      this.crash(thrown);
    }
    this.#isBeginning = false;
  }

  /** The caller's signal has aborted. */
  handleEvent(): void {
    this.#cancel('aborted', this.#options?.signal?.reason);
  }

  crash(thrown: unknown): void {
    this.#cancel('failed', thrown);
  }

  #cancel(kind: 'aborted' | 'failed', reason: unknown): void {
    if (this.#isDone) return;
    this.#isDone = true; // First: nothing that follows from it may end the call otherwise.
    this.touch();
    try {
      this.#child?.cancel('aborted', reason);
    } finally {
      this.#end(kind, reason);
    }
  }

  returned(value: unknown): void {
    if (this.#isDone) return;
    this.#close();
    try {
      if (this.#compiled.onEnding !== undefined) this.#observe({ kind: 'returned', value });
    } finally {
      this.#resolve?.(this.#reject === undefined ? { kind: 'returned', value } : value);
    }
  }

  ended(kind: FailureKind, error: unknown): void {
    if (!this.#isDone) this.#end(kind, error);
  }

  #end(kind: FailureKind, error: unknown): void {
    this.#close();
    try {
      if (this.#compiled.onEnding !== undefined) this.#observe(failureOf(kind, error));
    } finally {
      if (this.#reject === undefined) this.#resolve?.(failureOf(kind, error));
      else if (this.#isBeginning) rejectLater(this.#reject, error);
      else this.#reject(error);
    }
  }

  #close(): void {
    this.#isDone = true;
    this.#options?.signal?.removeEventListener('abort', this);
  }

  #observe(settled: Settled<unknown>): void {
    const nowMs = this.nowMs();
    const tookMs = nowMs - (this.#startedAtMs ?? nowMs);
    const { key, attemptCount } = this;
    this.#compiled.onEnding?.({ settled, key, tookMs, attemptCount });
  }

  nowMs(): number {
    if (!this.#isFresh) {
      this.#nowMs = this.#compiled.ports.clock.nowMs();
      this.#isFresh = true;
    }
    return this.#nowMs;
  }

  touch(): void {
    this.#isFresh = false;
  }

  discard(value: unknown): void {
    // The caller gave the function and this one together: what the former gives, the latter takes.
    this.#options?.discard?.(value as never);
  }
}

/**
 * Once the caller has had time to listen: else the runtime notes an unhandled rejection and takes
 * it back, which costs more than all the rest of a refusal.
 */
function rejectLater(reject: (error: unknown) => void, error: unknown): void {
  queueMicrotask(() => reject(error));
}
