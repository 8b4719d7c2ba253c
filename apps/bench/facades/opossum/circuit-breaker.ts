/**
 * Our breaker, timeout and bulkhead behind the API of opossum 10: for running its test suite
 * against them, and as a sketch of a migration. It maps, it does not mimic: where ours decides
 * otherwise on purpose (what is filtered counts for nothing, what ran too late is dropped, a place
 * is held until the action has ended), it stays otherwise. README.md lists what that comes to.
 */
import { EventEmitter } from 'node:events';
import {
  BreakerOpenError,
  type CallBreaker,
  forceOpenBreaker,
  type Settled,
  systemPorts,
} from '@leno/resilience';
import { createEngine, type Engine, type EngineStart } from './circuit-engine.ts';
import {
  type CircuitOptions,
  type CircuitState,
  type CompleteCircuitOptions,
  completeOptions,
} from './circuit-options.ts';
import { type CounterName, type Stats, Status, type StatusOptions } from './circuit-status.ts';

type Args = readonly unknown[];
type Action = (this: unknown, ...args: readonly never[]) => unknown;
type Fallback = (...args: Args) => unknown;

const { clock } = systemPorts;

/** Errors of the breaker, by opossum's codes. */
class CircuitError extends Error {
  readonly code: string;

  constructor(message: string, code: string) {
    super(message);
    this.code = code;
  }
}

/** Carries what `errorFilter` wants left out past the breaker, which ignores it. */
class FilteredError extends Error {
  readonly thrown: unknown;

  constructor(thrown: unknown) {
    super('filtered');
    this.thrown = thrown;
  }
}

export class CircuitBreaker extends EventEmitter {
  static isOurError(error: unknown): boolean {
    return error instanceof CircuitError;
  }

  static newStatus(options: StatusOptions): Status {
    return new Status(options, clock);
  }

  readonly options: CompleteCircuitOptions;
  readonly action: Action;
  readonly name: string;
  readonly group: string;
  readonly status: Status;
  readonly #warmUntilMs: number;
  #isWarming: boolean;
  #engine: Engine;
  #isEnabled: boolean;
  #isShutdown = false;
  #fallback: Fallback | undefined;
  #halfOpenTimer: ReturnType<typeof setTimeout> | undefined;
  #openedAtWallMs: number | undefined;

  constructor(action: unknown, given: CircuitOptions = {}) {
    super();
    if (action === undefined || action === null) {
      throw new TypeError('No action provided. A CircuitBreaker needs something to call.');
    }
    if (given.maxFailures !== undefined) warnOfMaxFailures();
    this.options = completeOptions(given);
    const { state = {}, status } = given;
    this.action = typeof action === 'function' ? (action as Action) : () => action;
    const actionName = typeof action === 'function' ? action.name : '';
    this.name = given.name ?? (actionName === '' ? crypto.randomUUID() : actionName);
    this.group = given.group ?? this.name;
    this.status =
      status instanceof Status
        ? status
        : new Status(status === undefined ? this.options : { stats: status }, clock);
    this.#isWarming = given.allowWarmUp === true || state.warmUp === true;
    this.#warmUntilMs = clock.nowMs() + this.options.rollingCountTimeout;
    this.#isEnabled = state.enabled ?? given.enabled !== false;
    this.#count();
    this.#engine = this.#start({});
    this.#prepare(state);
  }

  get #breaker(): CallBreaker {
    return this.#engine.breaker;
  }

  get closed(): boolean {
    return !this.#isShutdown && this.#breaker.stateAt(clock.nowMs()) === 'closed';
  }

  get opened(): boolean {
    return this.#breaker.stateAt(clock.nowMs()) === 'open';
  }

  get halfOpen(): boolean {
    return !this.#isShutdown && this.#breaker.stateAt(clock.nowMs()) === 'half-open';
  }

  /** Half-open, and the next call will be the probe. */
  get pendingClose(): boolean {
    return this.halfOpen && this.#breaker.admits(clock.nowMs());
  }

  get isShutdown(): boolean {
    return this.#isShutdown;
  }

  get enabled(): boolean {
    return this.#isEnabled;
  }

  get warmUp(): boolean {
    return this.#isWarming && clock.nowMs() < this.#warmUntilMs;
  }

  get volumeThreshold(): number {
    return this.options.volumeThreshold;
  }

  get stats(): Stats {
    return this.status.stats;
  }

  toJSON(): { readonly state: CircuitState; readonly status: Stats } {
    const { name, enabled, closed, opened, halfOpen, warmUp, isShutdown } = this;
    return {
      state: {
        ...{ name, enabled, closed, open: opened, halfOpen, warmUp, shutdown: isShutdown },
        lastTimerAt: this.#openedAtWallMs,
      },
      status: this.stats,
    };
  }

  fallback(fallback: Fallback | CircuitBreaker): this {
    this.#fallback =
      fallback instanceof CircuitBreaker ? (...args) => fallback.fire(...args) : fallback;
    return this;
  }

  fire(...args: Args): Promise<unknown> {
    return this.call(this.action, ...args);
  }

  call(context: unknown, ...args: Args): Promise<unknown> {
    if (this.#isShutdown) {
      return Promise.reject(new CircuitError('The circuit has been shutdown.', 'ESHUTDOWN'));
    }
    this.emit('fire', args);
    if (!this.#isEnabled) return this.#act(context, args);
    return this.#breaker.admits(clock.nowMs()) ? this.#guarded(context, args) : this.#refuse(args);
  }

  open(): void {
    if (this.opened) return;
    this.#endWarmUp();
    forceOpenBreaker(this.#breaker, this.options.resetTimeout, clock.nowMs());
  }

  close(): void {
    if (this.closed) return;
    this.#engine = this.#start({});
    this.#hasClosed();
  }

  enable(): void {
    this.#isEnabled = true;
  }

  disable(): void {
    this.#isEnabled = false;
  }

  shutdown(): void {
    this.emit('shutdown');
    this.disable();
    this.removeAllListeners();
    clearTimeout(this.#halfOpenTimer);
    this.#isShutdown = true;
  }

  /** Calls `check` at once and every `intervalMs`; a rejection opens. */
  healthCheck(check: () => Promise<unknown>, intervalMs = 5_000): void {
    if (typeof check !== 'function') {
      throw new TypeError('Health check function must be a function');
    }
    if (!Number.isFinite(intervalMs)) {
      throw new TypeError('Health check interval must be a number');
    }
    const run = (): void => {
      check.call(this).catch((error: unknown) => {
        this.emit('healthCheckFailed', error);
        this.open();
      });
    };
    setInterval(run, intervalMs).unref();
    run();
  }

  async #guarded(context: unknown, args: Args): Promise<unknown> {
    const startMs = clock.nowMs();
    if (this.#isWarming && !this.warmUp) this.#endWarmUp();
    const ending = await this.#engine.calls.settle(async () => {
      try {
        return await this.#act(context, args);
      } catch (error) {
        const isFiltered = Boolean(this.options.errorFilter(error, ...args));
        throw isFiltered ? new FilteredError(error) : error;
      }
    });
    return this.#report(ending, args, clock.nowMs() - startMs);
  }

  /** Until then the breaker observes. */
  #endWarmUp(): void {
    this.#isWarming = false;
    this.#breaker.update({ mode: 'enforce' });
  }

  async #refuse(args: Args): Promise<unknown> {
    const error = new CircuitError('Breaker is open', 'EOPENBREAKER');
    this.emit('reject', error);
    return await this.#instead(error, args);
  }

  async #act(context: unknown, args: Args): Promise<unknown> {
    return await (Reflect.apply(this.action, context, args) as unknown);
  }

  #report(ending: Settled<unknown>, args: Args, tookMs: number): unknown {
    switch (ending.kind) {
      case 'returned':
        this.emit('success', ending.value, tookMs);
        return ending.value;
      case 'failed':
        if (ending.error instanceof FilteredError) throw ending.error.thrown;
        return this.#fail(ending.error, args, tookMs);
      case 'timed-out': {
        const message = `Timed out after ${String(this.options.timeout)}ms`;
        const error = new CircuitError(message, 'ETIMEDOUT');
        this.emit('timeout', error, tookMs, args);
        return this.#fail(error, args, tookMs);
      }
      case 'refused': {
        if (ending.error instanceof BreakerOpenError) return this.#refuse(args);
        const error = new CircuitError('Semaphore locked', 'ESEMLOCKED');
        this.emit('semaphoreLocked', error, tookMs);
        return this.#fail(error, args, tookMs);
      }
      default:
        throw ending.reason;
    }
  }

  #fail(error: unknown, args: Args, tookMs: number): unknown {
    this.emit('failure', error, tookMs, args);
    return this.#instead(error, args);
  }

  #instead(error: unknown, args: Args): unknown {
    if (this.#fallback === undefined) throw error;
    const result = this.#fallback(...args, error);
    this.emit('fallback', result, error);
    return result;
  }

  #start(from: Pick<EngineStart, 'openForMs'>): Engine {
    const isFiltered = (error: unknown): boolean => error instanceof FilteredError;
    const engine = createEngine(this.options, isFiltered, {
      ...from,
      isObserving: this.#isWarming,
    });
    engine.breaker.onTransition = (_from, to) => {
      if (to === 'open') this.#hasOpened();
      else if (to === 'closed') this.#hasClosed();
    };
    return engine;
  }

  #hasOpened(): void {
    this.#openedAtWallMs = clock.wallMs();
    this.emit('open');
    this.#awaitHalfOpen(this.options.resetTimeout);
  }

  #hasClosed(): void {
    clearTimeout(this.#halfOpenTimer);
    this.emit('close');
  }

  /** The engine needs no timer to be half-open; only the event does. */
  #awaitHalfOpen(afterMs: number): void {
    clearTimeout(this.#halfOpenTimer);
    const timer = setTimeout(() => this.emit('halfOpen', this.options.resetTimeout), afterMs);
    this.#halfOpenTimer = timer.unref();
  }

  #prepare(state: CircuitState): void {
    if (state.shutdown === true) {
      this.shutdown();
      return;
    }
    if (state.closed !== false) return;
    const { resetTimeout } = this.options;
    const openAgeMs =
      state.lastTimerAt === undefined ? 0 : Math.max(0, clock.wallMs() - state.lastTimerAt);
    const openForMs = state.halfOpen === true ? 0 : Math.max(0, resetTimeout - openAgeMs);
    this.#engine = this.#start({ openForMs });
    this.#openedAtWallMs = state.lastTimerAt ?? clock.wallMs();
    this.#awaitHalfOpen(openForMs);
  }

  #count(): void {
    const counted: readonly (readonly [string, CounterName])[] = [
      ['success', 'successes'],
      ['failure', 'failures'],
      ['timeout', 'timeouts'],
      ['fallback', 'fallbacks'],
      ['fire', 'fires'],
      ['reject', 'rejects'],
      ['semaphoreLocked', 'semaphoreRejections'],
    ];
    const timed: readonly CounterName[] = ['successes', 'failures', 'timeouts'];
    for (const [event, name] of counted) {
      this.on(event, (_: unknown, tookMs: number) => {
        this.status.increment(name, timed.includes(name) ? tookMs : undefined);
      });
    }
    this.on('open', () => this.status.open());
    this.on('close', () => this.status.close());
  }
}

function warnOfMaxFailures(): void {
  console.error('options.maxFailures is deprecated. Please use options.errorThresholdPercentage');
}
