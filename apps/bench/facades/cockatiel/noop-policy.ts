import { pipeline } from '@leno/resilience';
import type { ExecutablePolicy, PolicyFunction } from './executable-policy.ts';
import { Runner } from './runner.ts';
import { unwrap } from './unwrap.ts';

export class NoopPolicy implements ExecutablePolicy {
  readonly #runner = new Runner();
  readonly #calls = pipeline();
  readonly onSuccess = this.#runner.onSuccess;
  readonly onFailure = this.#runner.onFailure;

  async execute<T>(fn: PolicyFunction<T>, signal?: AbortSignal): Promise<T> {
    return unwrap(await this.#calls.settle(this.#runner.running(fn), { signal }));
  }
}

export const noop = new NoopPolicy();
