import {
  CircuitState,
  ConstantBackoff,
  circuitBreaker,
  ExponentialBackoff,
  fallback,
  handleAll,
  handleWhen,
  type ICircuitBreakerOptions,
  type IPolicy,
  noJitterGenerator,
  retry,
  SamplingBreaker,
} from 'cockatiel';
import { vi } from 'vitest';
import { settled } from './fake-time.ts';
import type {
  Action,
  BackoffOfSubject,
  RetryOfSubject,
  StateName,
  Subject,
  SubjectBreaker,
  SubjectOptions,
} from './subject.ts';

/** cockatiel, on the fake timers of the test. */
export function cockatielSubject(): Subject {
  return {
    name: 'cockatiel',
    breaker: (options) => new CockatielBreaker(options),
    retry({ delayMs, retryCountMax }: RetryOfSubject, fn, signal) {
      const backoff = new ConstantBackoff(delayMs);
      return retry(handleAll, { maxAttempts: retryCountMax, backoff }).execute(fn, signal);
    },
    backoffDelaysMs({ baseMs, factor }: BackoffOfSubject, delayCount) {
      const generator = noJitterGenerator;
      let step = new ExponentialBackoff({
        generator,
        initialDelay: baseMs,
        exponent: factor,
      }).next();
      return Array.from({ length: delayCount }, () => {
        const delayMs = step.duration;
        step = step.next(undefined);
        return delayMs;
      });
    },
    async givenToFallback(fn) {
      let given: readonly unknown[] = [];
      const instead = (...args: readonly unknown[]): void => {
        given = args;
      };
      await fallback(handleAll, instead).execute(fn);
      return given;
    },
    nowMs: () => Date.now(),
    async advance(ms) {
      await vi.advanceTimersByTimeAsync(ms);
      await settled();
    },
    timerCount: () => vi.getTimerCount(),
  };
}

class CockatielBreaker implements SubjectBreaker {
  readonly optionKeys: SubjectBreaker['optionKeys'];
  readonly #policy: IPolicy & {
    readonly state: CircuitState;
    toJSON(): unknown;
  };

  constructor(options: SubjectOptions) {
    const given: ICircuitBreakerOptions = {
      halfOpenAfter: options.openMs,
      breaker: new SamplingBreaker({
        threshold: options.failureRatio,
        duration: options.windowMs,
        minimumRps: (options.countMin * 1_000) / options.windowMs,
      }),
    };
    if (options.saved !== undefined) given.initialState = options.saved;
    const before = Object.keys(given);
    const isHandled = options.isFailure;
    this.#policy = circuitBreaker(
      isHandled === undefined ? handleAll : handleWhen(isHandled),
      given,
    );
    this.optionKeys = { before, after: Object.keys(given) };
  }

  call<T>(action: Action<T>, signal?: AbortSignal): Promise<T> {
    return this.#policy.execute(({ signal: inner }) => action(inner), signal);
  }

  state(): StateName {
    const state = this.#policy.state;
    if (state === CircuitState.Closed) return 'closed';
    return state === CircuitState.HalfOpen ? 'half-open' : 'open';
  }

  save(): unknown {
    return this.#policy.toJSON();
  }
}
