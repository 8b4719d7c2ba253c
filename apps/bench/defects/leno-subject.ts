import {
  backoffMs,
  bulkhead,
  type CallBreaker,
  type CallBreakerOptions,
  classifyCall,
  createBreaker,
  failureRate,
  fallback,
  lastMs,
  type Pipeline,
  type Policy,
  parseSnapshot,
  pipeline,
  restoreBreaker,
  retry,
  snapshotBreaker,
  timeout,
} from '@leno/resilience';
import { vi } from 'vitest';
import { FakeTime, settled } from './fake-time.ts';
import type { Action, StateName, Subject, SubjectBreaker, SubjectOptions } from './subject.ts';

const rng = (): number => 1;

/** Ours, on time of its own: nothing of it reads the clock of the runtime. */
export function lenoSubject(): Subject {
  const time = new FakeTime();
  const ports = { clock: time, timers: time, rng };
  return {
    name: 'leno',
    breaker: (options) => new LenoBreaker(options, time),
    retry({ delayMs, retryCountMax }, fn, signal) {
      const policy = retry({ retryCountMax, baseMs: delayMs, maxMs: delayMs });
      return pipeline(policy).with({ ports }).execute(fn, { signal });
    },
    backoffDelaysMs({ baseMs, factor }, delayCount) {
      const options = { baseMs, factor, maxMs: 60_000, jitter: 'none' } as const;
      return Array.from({ length: delayCount }, (_, index) => backoffMs(index + 1, options, rng));
    },
    async givenToFallback(fn) {
      let given: readonly unknown[] = [];
      const policy = fallback((failure) => {
        given = failure.kind === 'failed' ? [failure.error] : [];
      });
      await policy.execute(fn);
      return given;
    },
    nowMs: () => time.nowMs(),
    async advance(ms) {
      await time.advance(ms);
      await vi.advanceTimersByTimeAsync(ms);
      await settled();
    },
    // Those of the runtime too: ours must not get around its ports.
    timerCount: () => time.timerCount + vi.getTimerCount(),
  };
}

class LenoBreaker implements SubjectBreaker {
  readonly optionKeys: SubjectBreaker['optionKeys'];
  readonly #breaker: CallBreaker;
  readonly #calls: Pipeline;
  readonly #time: FakeTime;

  constructor(options: SubjectOptions, time: FakeTime) {
    const { isFailure = () => true, concurrencyMax: limit, timeoutMs } = options;
    const given: CallBreakerOptions = {
      trip: failureRate({
        over: lastMs(options.windowMs),
        requestCountMin: options.countMin,
        successRateMin: 1 - options.failureRatio,
      }),
      openMs: options.openMs,
      openMaxMs: options.openMs,
      openJitterRatio: 0,
      classify: (ending) =>
        ending.kind === 'thrown' && !isFailure(ending.thrown) ? 'ignored' : classifyCall(ending),
      clock: time,
      rng,
    };
    const before = Object.keys(given);
    this.#breaker = createBreaker(given);
    if (options.saved !== undefined) {
      restoreBreaker(this.#breaker, parseSnapshot(options.saved), time.nowMs());
    }
    this.optionKeys = { before, after: Object.keys(given) };
    const inner: Policy[] = [];
    if (timeoutMs !== undefined) inner.push(timeout(timeoutMs));
    if (limit !== undefined) inner.push(bulkhead({ limit }));
    const ports = { clock: time, timers: time, rng };
    this.#calls = pipeline(this.#breaker, ...inner).with({ ports });
    this.#time = time;
  }

  call<T>(action: Action<T>, signal?: AbortSignal): Promise<T> {
    return this.#calls.execute((context) => action(context.signal), { signal });
  }

  state(): StateName {
    return this.#breaker.stateAt(this.#time.nowMs());
  }

  save(): unknown {
    return JSON.parse(
      JSON.stringify(snapshotBreaker(this.#breaker, this.#time.nowMs())),
    ) as unknown;
  }
}
