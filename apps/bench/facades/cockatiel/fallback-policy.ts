import {
  type CallFailure,
  fallback as ourFallback,
  type Pipeline,
  pipeline,
} from '@leno/resilience';
import type { PolicyFunction } from './executable-policy.ts';
import type { HandledEndings } from './handled-endings.ts';
import { Runner } from './runner.ts';
import { unwrap } from './unwrap.ts';

export class FallbackPolicy<R> {
  readonly #runner: Runner;
  readonly #calls: Pipeline<R>;

  constructor(instead: (failure: CallFailure) => R | PromiseLike<R>, runner: Runner) {
    const { errorFilter } = runner.filters;
    const handles = (failure: CallFailure): boolean =>
      failure.kind !== 'aborted' && isHandled(failure.error, errorFilter);
    this.#calls = pipeline(ourFallback(instead, { handles }));
    this.#runner = runner;
  }

  get onSuccess(): Runner['onSuccess'] {
    return this.#runner.onSuccess;
  }

  get onFailure(): Runner['onFailure'] {
    return this.#runner.onFailure;
  }

  async execute<T>(fn: PolicyFunction<T>, signal?: AbortSignal): Promise<T | R> {
    const { resultFilter } = this.#runner.filters;
    const settled = await this.#calls.settle(
      async ({ signal: inner }) => {
        const value = await this.#runner.run(fn, { signal: inner });
        if (resultFilter(value)) throw new HandledResult('a result that counts as a failure');
        return value;
      },
      { signal },
    );
    return unwrap(settled);
  }
}

/** A result that counts as a failure, on its way to the fallback. */
class HandledResult extends Error {
  override readonly name = 'HandledResult';
}

function isHandled(error: unknown, errorFilter: (error: unknown) => boolean): boolean {
  return error instanceof HandledResult || errorFilter(error);
}

export function fallback<R>(endings: HandledEndings, instead: R | (() => R)): FallbackPolicy<R> {
  const factory =
    typeof instead === 'function' ? (instead as (error: unknown) => R) : () => instead;
  return new FallbackPolicy(factory, new Runner(endings.options));
}
