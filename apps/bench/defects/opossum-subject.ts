import CircuitBreaker from 'opossum';
import { vi } from 'vitest';
import { settled } from './fake-time.ts';
import type { Action, StateName, Subject, SubjectBreaker, SubjectOptions } from './subject.ts';

/** opossum, on the fake timers of the test. */
export function opossumSubject(): Subject {
  return {
    name: 'opossum',
    breaker: (options) => new OpossumBreaker(options),
    retry: () => Promise.reject(new Error('opossum has no retry')),
    backoffDelaysMs: () => [],
    async givenToFallback(fn) {
      const breaker = new CircuitBreaker(fn);
      let given: readonly unknown[] = [];
      breaker.fallback((...args: readonly unknown[]) => {
        given = args;
      });
      await breaker.fire();
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

class OpossumBreaker implements SubjectBreaker {
  readonly optionKeys: SubjectBreaker['optionKeys'];
  readonly #breaker: CircuitBreaker;

  constructor(options: SubjectOptions) {
    const abortController = new AbortController();
    const given: CircuitBreaker.Options = {
      timeout: options.timeoutMs ?? false,
      errorThresholdPercentage: options.failureRatio * 100,
      volumeThreshold: options.countMin,
      rollingCountTimeout: options.windowMs,
      resetTimeout: options.openMs,
      rollingPercentilesEnabled: options.isLean !== true,
      abortController,
    };
    if (options.concurrencyMax !== undefined) given.capacity = options.concurrencyMax;
    if (options.isFailure !== undefined) given.errorFilter = not(options.isFailure);
    if (options.saved !== undefined) Object.assign(given, options.saved);
    const before = Object.keys(given);
    const action = (inner: Action<unknown>): unknown => inner(abortController.signal);
    this.#breaker = new CircuitBreaker(action, given);
    this.optionKeys = { before, after: Object.keys(given) };
  }

  async call<T>(action: Action<T>): Promise<T> {
    return (await this.#breaker.fire(action)) as T;
  }

  state(): StateName {
    if (this.#breaker.closed) return 'closed';
    return this.#breaker.halfOpen ? 'half-open' : 'open';
  }

  save(): unknown {
    return { state: this.#breaker.toJSON().state };
  }
}

function not(predicate: (error: unknown) => boolean): (error: unknown) => boolean {
  return (error) => !predicate(error);
}
