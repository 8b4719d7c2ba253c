/** A breaker as a policy. */

import type { CallBreaker } from './call-breaker.ts';
import type { CallEnding } from './call-ending.ts';
import {
  type CancelKind,
  type Frame,
  type Lane,
  PolicyFrame,
  type Stage,
  type Upper,
} from './frame.ts';
import { Policy, type PolicyDescription } from './policy.ts';
import type { FailureKind } from './settled.ts';

/**
 * Puts the breaker around what is further in: it counts every end, and refuses while it is open.
 * `pipeline` takes a breaker as it is; this is for where a policy is wanted. Of what a timeout
 * further out ends, `classify` sees the `TimedOutError`; what the caller aborted, and what lost
 * against a faster attempt, says nothing. On the clock of the pipeline.
 */
export function breakerPolicy(breaker: CallBreaker): Policy {
  return new BreakerPolicy(breaker);
}

class BreakerPolicy extends Policy {
  readonly breaker: CallBreaker;

  constructor(breaker: CallBreaker) {
    super();
    this.breaker = breaker;
  }

  stage(next: Stage): Stage {
    const shared: Shared = { next, breaker: this.breaker };
    return (up, lane) => new BreakerFrame(up, lane, shared);
  }

  describe(): readonly PolicyDescription[] {
    const { mode, openMs, openMaxMs, probeCount } = this.breaker['options'];
    const first = typeof openMs === 'number' ? { openMs } : {};
    const options = { name: this.breaker.name, mode, ...first, openMaxMs, probeCount };
    return [{ policy: 'breaker', options }];
  }
}

/** What `#permit` is while there is nothing to settle. */
const NONE = -1;

interface Shared {
  readonly next: Stage;
  readonly breaker: CallBreaker;
}

class BreakerFrame extends PolicyFrame {
  readonly up: Upper;
  readonly lane: Lane;
  isDone: boolean;
  child: Frame | undefined;
  readonly #shared: Shared;
  #permit: number;
  /** Absent where the breaker does not ask how long a call takes: a double takes a box. */
  #startedAtMs: number | undefined;

  constructor(up: Upper, lane: Lane, shared: Shared) {
    super();
    this.up = up;
    this.lane = lane;
    this.isDone = false;
    this.child = undefined;
    this.#shared = shared;
    this.#permit = NONE;
    this.#startedAtMs = undefined;
  }

  begin(): void {
    const { breaker } = this.#shared;
    // Reading the clock costs as much as the call of an async function.
    const isTimed = breaker.needsStartTime;
    const nowMs = isTimed ? this.lane.call.nowMs() : Number.NaN;
    this.#permit = breaker.tryAcquire(nowMs);
    if (this.isDone) {
      this.close(); // Its listener has ended the call.
      return;
    }
    if (this.#permit < 0) {
      this.ended('refused', breaker.refusal(nowMs), this);
      return;
    }
    if (isTimed) this.#startedAtMs = nowMs;
    const child = this.#shared.next(this, this.lane);
    this.child = child;
    child.begin();
  }

  returned(value: unknown): void {
    const { call } = this.lane;
    const permit = this.#permit;
    this.#permit = NONE; // It is settled even if the classifier throws.
    const nowMs = call.nowMs();
    this.#shared.breaker.returned(permit, value, nowMs, this.#tookMs(nowMs));
    if (this.isDone) {
      call.discard(value);
      return;
    }
    this.isDone = true;
    this.up.returned(value, this);
  }

  override ended(kind: FailureKind, error: unknown, from: Frame): void {
    this.#report({ kind: 'thrown', thrown: error });
    super.ended(kind, error, from);
  }

  override cancel(kind: CancelKind, reason: unknown): void {
    // A service that hangs must not look well because the timeout stands further out.
    try {
      if (kind === 'timed-out' && !this.isDone) this.#report({ kind: 'thrown', thrown: reason });
    } finally {
      super.cancel(kind, reason);
    }
  }

  #report(ending: CallEnding): void {
    const permit = this.#permit;
    if (permit < 0) return;
    this.#permit = NONE; // Settled by `report` even if the classifier throws.
    const nowMs = this.lane.call.nowMs();
    this.#shared.breaker.report(permit, ending, nowMs, this.#tookMs(nowMs));
  }

  #tookMs(nowMs: number): number {
    return this.#startedAtMs === undefined ? Number.NaN : nowMs - this.#startedAtMs;
  }

  close(): void {
    const permit = this.#permit;
    this.#permit = NONE;
    if (permit >= 0) this.#shared.breaker.release(permit, this.lane.call.nowMs());
  }
}
