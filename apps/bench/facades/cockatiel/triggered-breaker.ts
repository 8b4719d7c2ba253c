/** When to trip, as cockatiel says it, on our triggers. */
import {
  Breaker,
  type BreakerSnapshot,
  consecutive,
  failureRate,
  lastCalls,
  lastMs,
  restoreBreaker,
  snapshotBreaker,
  systemPorts,
  type Trigger,
  type WindowSize,
} from '@leno/resilience';

/** cockatiel's enumeration of states, as an object. */
export const CircuitState = { Closed: 0, Open: 1, HalfOpen: 2, Isolated: 3 } as const;
export type CircuitState = (typeof CircuitState)[keyof typeof CircuitState];

/** Asked by itself, it answers as cockatiel's does; in a policy, only its trigger counts. */
export abstract class TriggeredBreaker {
  readonly trigger: Trigger;
  #engine: Breaker;

  constructor(trigger: Trigger) {
    this.trigger = trigger;
    this.#engine = inRange(() => this.#fresh());
  }

  get state(): BreakerSnapshot {
    return snapshotBreaker(this.#engine, systemPorts.clock.nowMs());
  }

  set state(saved: BreakerSnapshot) {
    this.#engine = this.#fresh();
    restoreBreaker(this.#engine, saved, systemPorts.clock.nowMs());
  }

  success(state: CircuitState = CircuitState.Closed): void {
    const nowMs = systemPorts.clock.nowMs();
    if (state === CircuitState.HalfOpen || this.#isTripped(nowMs)) this.#engine = this.#fresh();
    this.#engine.success(this.#engine.tryAcquire(nowMs), nowMs);
  }

  /** Whether that trips. */
  failure(_state: CircuitState = CircuitState.Closed): boolean {
    const nowMs = systemPorts.clock.nowMs();
    this.#engine.failure(this.#engine.tryAcquire(nowMs), nowMs);
    return this.#isTripped(nowMs);
  }

  #isTripped(nowMs: number): boolean {
    return this.#engine.stateAt(nowMs) !== 'closed';
  }

  #fresh(): Breaker {
    const openMs = 3_600_000;
    return new Breaker({ trip: this.trigger, openMs, openMaxMs: openMs }, { rng: () => 0 });
  }
}

export class ConsecutiveBreaker extends TriggeredBreaker {
  constructor(threshold: number) {
    super(consecutive(threshold));
  }
}

export interface CountBreakerOptions {
  readonly threshold: number;
  readonly size: number;
  readonly minimumNumberOfCalls?: number;
}

export class CountBreaker extends TriggeredBreaker {
  constructor({ threshold, size, minimumNumberOfCalls = size }: CountBreakerOptions) {
    super(ratio(threshold, () => lastCalls(size), minimumNumberOfCalls));
  }
}

export interface SamplingBreakerOptions {
  readonly threshold: number;
  readonly duration: number;
  readonly minimumRps?: number;
}

export class SamplingBreaker extends TriggeredBreaker {
  constructor({ threshold, duration, minimumRps }: SamplingBreakerOptions) {
    // Where nothing is said, five failures a second are needed.
    const perSecondMin = minimumRps ?? 5 / threshold;
    const countMin = Math.max(1, Math.ceil((duration * perSecondMin) / 1_000));
    super(ratio(threshold, () => lastMs(duration), countMin));
  }
}

/** More failures than `threshold` are fewer successes than the rest. */
function ratio(threshold: number, over: () => WindowSize, requestCountMin: number): Trigger {
  if (!(threshold > 0 && threshold < 1)) throw new RangeError(`threshold is ${threshold}`);
  return inRange(() => {
    return failureRate({ over: over(), successRateMin: 1 - threshold, requestCountMin });
  });
}

/** cockatiel throws RangeErrors, without saying all that is wrong. */
function inRange<T>(make: () => T): T {
  try {
    return make();
  } catch (cause) {
    throw new RangeError(String(cause), { cause });
  }
}
