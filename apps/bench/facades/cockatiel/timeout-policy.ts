import {
  timeout as ourTimeout,
  type Pipeline,
  pipeline,
  systemPorts,
  TimedOutError,
} from '@leno/resilience';
import { Emitter } from './emitter.ts';
import type { ExecutablePolicy, PolicyFunction } from './executable-policy.ts';
import { Runner } from './runner.ts';
import { unheldPorts } from './signals.ts';
import { unwrap } from './unwrap.ts';

export const TimeoutStrategy = { Cooperative: 'optimistic', Aggressive: 'aggressive' } as const;
export type TimeoutStrategy = (typeof TimeoutStrategy)[keyof typeof TimeoutStrategy];

/** A signal aborts when the call is given up; `abortOnReturn` is left out. */
export class TimeoutPolicy implements ExecutablePolicy {
  readonly #durationMs: number;
  readonly #strategy: TimeoutStrategy;
  readonly #runner = new Runner();
  readonly #timeout = new Emitter<void>();
  readonly #calls: Pipeline;
  readonly onTimeout = this.#timeout.event;
  readonly onSuccess = this.#runner.onSuccess;
  readonly onFailure = this.#runner.onFailure;

  constructor(durationMs: number, strategy: TimeoutStrategy, ports = systemPorts) {
    this.#durationMs = durationMs;
    this.#strategy = strategy;
    const mode = strategy === TimeoutStrategy.Cooperative ? 'cooperative' : 'hard';
    this.#calls = pipeline(ourTimeout({ timeoutMs: durationMs, mode })).with({ ports });
  }

  dangerouslyUnref(): TimeoutPolicy {
    return new TimeoutPolicy(this.#durationMs, this.#strategy, unheldPorts);
  }

  async execute<T>(fn: PolicyFunction<T>, signal?: AbortSignal): Promise<T> {
    const startMs = performance.now();
    const settled = await this.#calls.settle(
      (context) => {
        const inner = context.signal;
        inner.addEventListener('abort', () => {
          if (inner.reason instanceof TimedOutError) this.#timeout.emit();
        });
        return fn({ signal: inner }, inner);
      },
      { signal },
    );
    this.#runner.report(settled, performance.now() - startMs);
    return unwrap(settled);
  }
}

export function timeout(
  durationMs: number,
  options: TimeoutStrategy | { readonly strategy: TimeoutStrategy },
): TimeoutPolicy {
  const strategy = typeof options === 'string' ? options : options.strategy;
  return new TimeoutPolicy(durationMs, strategy);
}
