/** Waits as cockatiel chains them, computed by ours. */
import { backoffMs, systemPorts } from '@leno/resilience';

export interface BackoffFactory<Context> {
  next(context: Context): Backoff<Context>;
}

export interface Backoff<Context> extends BackoffFactory<Context> {
  readonly duration: number;
}

export class ConstantBackoff implements BackoffFactory<unknown> {
  readonly #durationMs: number;

  constructor(durationMs: number) {
    this.#durationMs = durationMs;
  }

  next(): Backoff<unknown> {
    return { duration: this.#durationMs, next: () => this.next() };
  }
}

/** The last one stays. */
export class IterableBackoff implements BackoffFactory<unknown> {
  readonly #durationsMs: readonly number[];

  constructor(durationsMs: readonly number[]) {
    this.#durationsMs = durationsMs;
  }

  next(): Backoff<unknown> {
    return this.#step(0);
  }

  #step(index: number): Backoff<unknown> {
    const duration = this.#durationsMs[index] ?? 0;
    const next = Math.min(index + 1, this.#durationsMs.length - 1);
    return { duration, next: () => this.#step(next) };
  }
}

type Delegated<State> = number | { readonly delay: number; readonly state: State };

export class DelegateBackoff<Context, State = void> implements BackoffFactory<Context> {
  readonly #fn: (context: Context, state?: State) => Delegated<State>;

  constructor(fn: (context: Context, state?: State) => Delegated<State>) {
    this.#fn = fn;
  }

  next(context: Context): Backoff<Context> {
    return this.#step(context, undefined);
  }

  #step(context: Context, state: State | undefined): Backoff<Context> {
    const given = this.#fn(context, state);
    const isNumber = typeof given === 'number';
    const following = isNumber ? state : given.state;
    return {
      duration: isNumber ? given : given.delay,
      next: (nextContext) => this.#step(nextContext, following),
    };
  }
}

export interface ExponentialOptions {
  readonly generator: Generator;
  readonly maxDelay: number;
  readonly exponent: number;
  readonly initialDelay: number;
}

interface Step {
  readonly retryIndex: number;
  readonly previousMs: number;
}

/** The wait and the state for the next one. */
type Generator = (state: Step | undefined, options: ExponentialOptions) => readonly [number, Step];

export const noJitterGenerator: Generator = generator('none');
export const fullJitterGenerator: Generator = generator('full');
export const halfJitterGenerator: Generator = generator('equal');
export const decorrelatedJitterGenerator: Generator = generator('decorrelated');

function generator(jitter: 'none' | 'full' | 'equal' | 'decorrelated'): Generator {
  return (state, { initialDelay, maxDelay, exponent }) => {
    const retryIndex = (state?.retryIndex ?? 0) + 1;
    const options = { baseMs: initialDelay, maxMs: maxDelay, factor: exponent, jitter };
    const delayMs = backoffMs(retryIndex, options, systemPorts.rng, state?.previousMs);
    return [delayMs, { retryIndex, previousMs: delayMs }];
  };
}

export class ExponentialBackoff implements BackoffFactory<unknown> {
  readonly #options: ExponentialOptions;

  constructor(options: Partial<ExponentialOptions> = {}) {
    const generator = decorrelatedJitterGenerator;
    const defaults = { generator, maxDelay: 30_000, exponent: 2, initialDelay: 128 };
    this.#options = { ...defaults, ...options };
  }

  next(): Backoff<unknown> {
    return this.#step(undefined);
  }

  #step(state: Step | undefined): Backoff<unknown> {
    const [duration, next] = this.#options.generator(state, this.#options);
    return { duration, next: () => this.#step(next) };
  }
}
