/** What to give where a call has failed. */
import { OptionProblems } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { Attempt } from './attempt.ts';
import {
  type CallContext,
  type Frame,
  type Lane,
  PolicyFrame,
  type Stage,
  type Upper,
} from './frame.ts';
import { Policy, type PolicyDescription } from './policy.ts';
import { type CallFailure, type FailureKind, failureOf } from './settled.ts';
import type { TimedOutError } from './timed-out-error.ts';

/** Options of `fallback`. */
export interface FallbackOptions {
  /** For which failures. Default: all. */
  readonly handles?: ((failure: CallFailure) => boolean) | undefined;
}

/**
 * Gives what `give` gives, async or not, instead of a failure further in, which it is told: refusal
 * or timeout, or what was thrown. What `give` throws passes through. The caller's own abort is
 * nothing to fall back from, and ends a fallback under way like any other call.
 */
export function fallback<Added>(
  give: (failure: CallFailure, context: CallContext) => Added | PromiseLike<Added>,
  options: FallbackOptions = {},
): Policy<Added> {
  return new FallbackPolicy(give, options);
}

class FallbackPolicy<Added> extends Policy<Added> {
  readonly #shared: Omit<Shared, 'next'>;

  constructor(give: Shared['give'], { handles }: FallbackOptions) {
    super();
    const problems = new OptionProblems();
    problems.check(typeof give === 'function', 'give', give, 'be a function');
    problems.throwIfAny(InvalidOptionError);
    this.#shared = { give, handles };
  }

  stage(next: Stage): Stage {
    const shared: Shared = { ...this.#shared, next };
    return (up, lane) => new FallbackFrame(up, lane, shared);
  }

  describe(): readonly PolicyDescription[] {
    const handlesAll = this.#shared.handles === undefined;
    return [{ policy: 'fallback', options: { handlesAll } }];
  }
}

interface Shared {
  readonly next: Stage;
  readonly give: (failure: CallFailure, context: CallContext) => unknown;
  readonly handles: ((failure: CallFailure) => boolean) | undefined;
}

class FallbackFrame extends PolicyFrame {
  readonly up: Upper;
  readonly lane: Lane;
  isDone: boolean;
  child: Frame | undefined;
  readonly #shared: Shared;
  /** It is under way, or no longer wanted. */
  #isUsed: boolean;

  constructor(up: Upper, lane: Lane, shared: Shared) {
    super();
    this.up = up;
    this.lane = lane;
    this.isDone = false;
    this.child = undefined;
    this.#shared = shared;
    this.#isUsed = false;
  }

  begin(): void {
    const child = this.#shared.next(this, this.lane);
    this.child = child;
    child.begin();
  }

  returned(value: unknown): void {
    if (this.isDone) {
      this.lane.call.discard(value);
      return;
    }
    this.isDone = true;
    this.up.returned(value, this);
  }

  override ended(kind: FailureKind, error: unknown, from: Frame): void {
    const { give, handles } = this.#shared;
    const failure = failureOf(kind, error);
    if (this.#isUsed || handles?.(failure) === false) {
      super.ended(kind, error, from);
      return;
    }
    if (this.isDone) return; // `handles` has ended the call.
    this.#isUsed = true;
    const child = new Attempt(this, this.lane, (context) => give(failure, context));
    this.child = child;
    child.begin();
  }

  override warn(error: TimedOutError): void {
    this.#isUsed = true;
    super.warn(error);
  }

  close(): void {}
}
