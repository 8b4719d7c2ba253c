import type { CallEnding } from './call-ending.ts';
import {
  type CallState,
  type CancelKind,
  type Frame,
  type Lane,
  PolicyFrame,
  type Stage,
  type Upper,
} from './frame.ts';
import type { RefusedError } from './refused-error.ts';
import type { FailureKind } from './settled.ts';

/** Lets calls in, or not, and hears how they ended. */
export interface Guard {
  /** Undefined lets the call in; then `report` follows once. */
  enter(call: CallState): RefusedError | undefined;
  /** Undefined: it was given up in a way that says nothing of the service. */
  report(ending: CallEnding | undefined, tookMs: number, call: CallState): void;
}

/** What a guard and its place in one pipeline are. */
export interface GuardShared {
  readonly next: Stage;
  readonly guard: Guard;
}

/** A guard at work on one call. */
export class GuardFrame extends PolicyFrame {
  readonly up: Upper;
  readonly lane: Lane;
  isDone: boolean;
  child: Frame | undefined;
  readonly #shared: GuardShared;
  #isIn: boolean;
  #startedAtMs: number;

  constructor(up: Upper, lane: Lane, shared: GuardShared) {
    super();
    this.up = up;
    this.lane = lane;
    this.isDone = false;
    this.child = undefined;
    this.#shared = shared;
    this.#isIn = false;
    this.#startedAtMs = Number.NaN;
  }

  begin(): void {
    const { call } = this.lane;
    const refusal = this.#shared.guard.enter(call);
    if (refusal !== undefined) {
      super.ended('refused', refusal, this);
      return;
    }
    this.#isIn = true;
    this.#startedAtMs = call.nowMs();
    const child = this.#shared.next(this, this.lane);
    this.child = child;
    child.begin();
  }

  returned(value: unknown): void {
    this.#report({ kind: 'returned', value });
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

  #report(ending: CallEnding | undefined): void {
    if (!this.#isIn) return;
    this.#isIn = false;
    const { call } = this.lane;
    this.#shared.guard.report(ending, call.nowMs() - this.#startedAtMs, call);
  }

  close(): void {
    this.#report(undefined);
  }
}
