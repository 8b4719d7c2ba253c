/** A bound on how long a call, or what is further in, may take. */
import { OptionProblems, withDefaults } from '@leno/std';
import { InvalidOptionError } from '../invalid-option-error.ts';
import { type DeadlineEntry, DeadlineList } from './deadline-list.ts';
import { type Frame, type Lane, PolicyFrame, type Stage, type Upper } from './frame.ts';
import { Policy, type PolicyDescription } from './policy.ts';
import { DELAY_MAX_MS, type Ports } from './ports.ts';
import type { FailureKind } from './settled.ts';
import { TimedOutError } from './timed-out-error.ts';

/** Options of `timeout`. */
export interface TimeoutOptions {
  /** At most this long; 0 is no bound. Up to 2 147 483 647, the longest that timers can wait. */
  readonly timeoutMs: number;
  /**
   * `hard`, the default, ends the call at that time, heed its signal who will. `cooperative` aborts
   * the signal at that time and waits: what then still returns counts, what throws has timed out,
   * with what it threw as `cause`.
   */
  readonly mode?: 'hard' | 'cooperative' | undefined;
}

/**
 * Ends what is further in after that time, with `TimedOutError`. The caller's own abort is no
 * timeout. Nothing is left behind: no timer that keeps the process alive, no listener, no signal
 * unless somebody read it.
 */
export function timeout(options: number | TimeoutOptions): Policy {
  // Whatever is no object is meant as the time, so that the error names what was given.
  return new TimeoutPolicy(typeof options === 'object' ? options : { timeoutMs: options });
}

class TimeoutPolicy extends Policy {
  readonly timeoutMs: number;
  readonly isHard: boolean;

  constructor(given: TimeoutOptions) {
    super();
    const { timeoutMs, mode } = withDefaults(
      { mode: 'hard', ...given },
      { timeoutMs: 0, mode: 'hard' },
    );
    const problems = new OptionProblems();
    problems.range('timeoutMs', given.timeoutMs, 0, DELAY_MAX_MS);
    problems.check(
      mode === 'hard' || mode === 'cooperative',
      'mode',
      mode,
      'be hard or cooperative',
    );
    problems.throwIfAny(InvalidOptionError);
    this.timeoutMs = timeoutMs;
    this.isHard = mode === 'hard';
  }

  stage(next: Stage, { clock, timers }: Ports): Stage {
    if (this.timeoutMs === 0) return next;
    const deadlines = new DeadlineList(this.timeoutMs, clock, timers);
    const shared: Shared = { policy: this, deadlines, next };
    return (up, lane) => new TimeoutFrame(up, lane, shared);
  }

  describe(): readonly PolicyDescription[] {
    const { timeoutMs } = this;
    const mode = this.isHard ? 'hard' : 'cooperative';
    return [{ policy: 'timeout', options: { timeoutMs, mode } }];
  }
}

/** What the frames of one timeout in one pipeline share. */
interface Shared {
  readonly policy: TimeoutPolicy;
  readonly deadlines: DeadlineList;
  readonly next: Stage;
}

class TimeoutFrame extends PolicyFrame implements DeadlineEntry {
  readonly up: Upper;
  readonly lane: Lane;
  isDone: boolean;
  child: Frame | undefined;
  untilMs: number;
  later: DeadlineEntry | undefined;
  earlier: DeadlineEntry | undefined;
  readonly #shared: Shared;
  #isListed: boolean;
  /** What a cooperative call was told, which is waited for. */
  #expired: TimedOutError | undefined;

  constructor(up: Upper, lane: Lane, shared: Shared) {
    super();
    this.up = up;
    this.lane = lane;
    this.isDone = false;
    this.child = undefined;
    this.untilMs = Number.NaN;
    this.later = undefined;
    this.earlier = undefined;
    this.#shared = shared;
    this.#isListed = false;
    this.#expired = undefined;
  }

  override get deadlineMs(): number {
    return Math.min(this.up.deadlineMs, this.untilMs);
  }

  begin(): void {
    const { lane } = this;
    this.#isListed = true;
    this.#shared.deadlines.add(this, lane.call.nowMs());
    const child = this.#shared.next(this, lane);
    this.child = child;
    child.begin();
  }

  returned(value: unknown): void {
    if (this.isDone) {
      this.lane.call.discard(value);
      return;
    }
    this.isDone = true;
    this.close();
    this.up.returned(value, this);
  }

  expire(): void {
    const { call } = this.lane;
    this.#isListed = false;
    call.touch();
    const { timeoutMs, isHard } = this.#shared.policy;
    const error = new TimedOutError(timeoutMs);
    try {
      if (isHard) {
        this.isDone = true;
        this.child?.cancel('timed-out', error);
        this.up.ended('timed-out', error, this);
      } else {
        this.#expired = error;
        this.warn(error);
      }
    } catch (thrown) {
      call.crash(thrown);
    }
  }

  override ended(kind: FailureKind, error: unknown, from: Frame): void {
    const expired = this.#expired;
    if (expired === undefined) super.ended(kind, error, from);
    else super.ended('timed-out', error === expired ? error : late(expired, error), from);
  }

  close(): void {
    if (this.#isListed) this.#shared.deadlines.remove(this);
    this.#isListed = false;
  }
}

function late({ timeoutMs }: TimedOutError, cause: unknown): TimedOutError {
  return new TimedOutError(timeoutMs, { cause });
}
