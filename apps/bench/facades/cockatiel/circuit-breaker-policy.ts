/** Our breaker behind cockatiel's `CircuitBreakerPolicy`. */
import {
  BreakerOpenError,
  type BreakerSnapshot,
  type BreakerState,
  type CallBreaker,
  type CallEnding,
  type CallOutcome,
  createBreaker,
  explainBreaker,
  isolateBreaker,
  type Pipeline,
  pipeline,
  restoreBreaker,
  snapshotBreaker,
  systemPorts,
} from '@leno/resilience';
import { type Backoff, type BackoffFactory, ConstantBackoff } from './backoff.ts';
import { type Disposable, Emitter } from './emitter.ts';
import { BrokenCircuitError, HydratingCircuitError, IsolatedCircuitError } from './errors.ts';
import type { FailureReason, PolicyFunction } from './executable-policy.ts';
import type { HandledEndings } from './handled-endings.ts';
import { Runner } from './runner.ts';
import { neverAborted } from './signals.ts';
import { CircuitState, type TriggeredBreaker } from './triggered-breaker.ts';
import { unwrap } from './unwrap.ts';

interface OpenContext {
  readonly attempt: number;
  readonly result: FailureReason;
  readonly signal: AbortSignal;
}

export interface CircuitBreakerOptions {
  readonly breaker: TriggeredBreaker;
  readonly halfOpenAfter: number | BackoffFactory<OpenContext>;
  readonly halfOpenSampling?: { readonly calls: number; readonly threshold: number };
  readonly initialState?: unknown;
}

const openMaxMs = Number.MAX_SAFE_INTEGER;

export class CircuitBreakerPolicy {
  readonly #runner: Runner;
  readonly #break = new Emitter<FailureReason | { readonly isolated: true }>();
  readonly #reset = new Emitter<void>();
  readonly #halfOpen = new Emitter<void>();
  readonly #stateChange = new Emitter<CircuitState>();
  readonly onBreak = this.#break.event;
  readonly onReset = this.#reset.event;
  readonly onHalfOpen = this.#halfOpen.event;
  readonly onStateChange = this.#stateChange.event;
  readonly #factory: BackoffFactory<OpenContext>;
  readonly #breaker: CallBreaker;
  readonly #calls: Pipeline;
  #backoff: Backoff<OpenContext> | undefined;
  #lastFailure: FailureReason | undefined;

  constructor(options: CircuitBreakerOptions, runner: Runner) {
    const { halfOpenAfter, initialState } = options;
    this.#runner = runner;
    this.#factory =
      typeof halfOpenAfter === 'number' ? new ConstantBackoff(halfOpenAfter) : halfOpenAfter;
    const saved = initialState as { readonly breaker: BreakerSnapshot } | undefined;
    this.#breaker = createBreaker({
      trip: options.breaker.trigger,
      openMs: (openingIndex) => this.#openMs(openingIndex),
      openMaxMs,
      openJitterRatio: 0,
      ...probes(options.halfOpenSampling),
      classify: (ending) => this.#classify(ending),
    });
    if (saved !== undefined) {
      restoreBreaker(this.#breaker, saved.breaker, systemPorts.clock.nowMs());
    }
    this.#replay(saved?.breaker.openingCount ?? 0);
    this.#breaker.onTransition = (from, to) => this.#told(from, to);
    this.#calls = pipeline(this.#breaker);
  }

  get onSuccess(): Runner['onSuccess'] {
    return this.#runner.onSuccess;
  }

  get onFailure(): Runner['onFailure'] {
    return this.#runner.onFailure;
  }

  get lastFailure(): FailureReason | undefined {
    return this.#lastFailure;
  }

  get state(): CircuitState {
    const { state, holds } = explainBreaker(this.#breaker, systemPorts.clock.nowMs());
    return holds.length > 0 ? CircuitState.Isolated : stateOf(state);
  }

  async execute<T>(fn: PolicyFunction<T>, signal?: AbortSignal): Promise<T> {
    const isIsolated = this.state === CircuitState.Isolated;
    const settled = await this.#calls.settle(this.#runner.running(fn), {
      signal,
    });
    if (settled.kind === 'refused' && settled.error instanceof BreakerOpenError) {
      const Refusal = isIsolated ? IsolatedCircuitError : BrokenCircuitError;
      throw new Refusal(undefined, settled.error);
    }
    return unwrap(settled);
  }

  isolate(): Disposable {
    const isFirst = this.state !== CircuitState.Isolated;
    const hold = isolateBreaker(this.#breaker, 'isolated');
    if (isFirst) {
      this.#break.emit({ isolated: true });
      this.#stateChange.emit(CircuitState.Isolated);
    }
    let isDisposed = false;
    return {
      dispose: () => {
        if (isDisposed) return;
        isDisposed = true;
        hold.release();
        if (this.state === CircuitState.Isolated) return;
        this.#reset.emit();
        this.#stateChange.emit(this.state);
      },
    };
  }

  toJSON(): unknown {
    return { breaker: snapshotBreaker(this.#breaker, systemPorts.clock.nowMs()) };
  }

  #classify(ending: CallEnding): CallOutcome {
    const { errorFilter, resultFilter } = this.#runner.filters;
    if (ending.kind === 'returned') {
      if (!resultFilter(ending.value)) return 'success';
      this.#lastFailure = { value: ending.value };
      return 'failure';
    }
    if (!errorFilter(ending.thrown)) return 'ignored';
    this.#lastFailure = { error: ending.thrown };
    return 'failure';
  }

  /** Each opening in a row is the next step of the back-off; the first starts it anew. */
  #openMs(openingIndex: number): number {
    const result = this.#lastFailure ?? { error: new HydratingCircuitError() };
    const context = { attempt: openingIndex + 1, result, signal: neverAborted };
    const from = openingIndex === 0 ? this.#factory : (this.#backoff ?? this.#factory);
    this.#backoff = from.next(context);
    return this.#backoff.duration;
  }

  /** Brings the back-off to where it was when the state was saved. */
  #replay(openingCount: number): void {
    for (let index = 0; index < openingCount; index += 1) this.#openMs(index);
  }

  #told(_from: BreakerState, to: BreakerState): void {
    if (to === 'open') this.#break.emit(this.#lastFailure ?? { error: undefined });
    else if (to === 'half-open') this.#halfOpen.emit();
    else this.#reset.emit();
    this.#stateChange.emit(stateOf(to));
  }
}

function stateOf(state: BreakerState): CircuitState {
  if (state === 'closed') return CircuitState.Closed;
  return state === 'open' ? CircuitState.Open : CircuitState.HalfOpen;
}

/** Reopens when more than `threshold` of the calls fail: so many must succeed. */
function probes(sampling: CircuitBreakerOptions['halfOpenSampling']): {
  readonly probeCount?: number;
  readonly probeSuccessCountMin?: number;
} {
  if (sampling === undefined) return {};
  const { calls, threshold } = sampling;
  if (!Number.isSafeInteger(calls) || calls < 1) throw new RangeError(`calls is ${calls}`);
  if (!(threshold >= 0 && threshold < 1)) throw new RangeError(`threshold is ${threshold}`);
  return { probeCount: calls, probeSuccessCountMin: calls - Math.floor(threshold * calls) };
}

export function circuitBreaker(
  endings: HandledEndings,
  options: CircuitBreakerOptions,
): CircuitBreakerPolicy {
  return new CircuitBreakerPolicy(options, new Runner(endings.options));
}
