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
    return [{ policy: 'breaker', options: { name: this.breaker.name } }];
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
  #startedAtMs: number;

  constructor(up: Upper, lane: Lane, shared: Shared) {
    super();
    this.up = up;
    this.lane = lane;
    this.isDone = false;
    this.child = undefined;
    this.#shared = shared;
    this.#permit = NONE;
    this.#startedAtMs = Number.NaN;
  }

  begin(): void {
    const { breaker } = this.#shared;
    const nowMs = this.lane.call.nowMs();
    this.#permit = breaker.tryAcquire(nowMs);
    if (this.#permit < 0) {
      this.ended('refused', breaker.refusal(nowMs), this);
      return;
    }
    this.#startedAtMs = nowMs;
    const child = this.#shared.next(this, this.lane);
    this.child = child;
    child.begin();
  }

  returned(value: unknown): void {
    const permit = this.#permit;
    this.#permit = NONE; // It is settled even if the classifier throws.
    const nowMs = this.lane.call.nowMs();
    this.#shared.breaker.returned(permit, value, nowMs, nowMs - this.#startedAtMs);
    this.isDone = true;
    this.up.returned(value, this);
  }

  override ended(kind: FailureKind, error: unknown, from: Frame): void {
    this.#report({ kind: 'thrown', thrown: error });
    super.ended(kind, error, from);
  }

  override cancel(kind: CancelKind, reason: unknown): void {
    // A service that hangs must not look well because the timeout stands further out.
    if (kind === 'timed-out' && !this.isDone) this.#report({ kind: 'thrown', thrown: reason });
    super.cancel(kind, reason);
  }

  #report(ending: CallEnding): void {
    const permit = this.#permit;
    if (permit < 0) return;
    this.#permit = NONE; // Settled by `report` even if the classifier throws.
    const nowMs = this.lane.call.nowMs();
    this.#shared.breaker.report(permit, ending, nowMs, nowMs - this.#startedAtMs);
  }

  close(): void {
    if (this.#permit >= 0) this.#shared.breaker.release(this.#permit, this.lane.call.nowMs());
  }
}
