/**
 * Hedging: a second attempt beside one that is slow; the first to succeed counts.
 *
 *   attempt 0 --slower than the delay, or failed--> attempt 1 --...--> attempt hedgeCountMax
 *
 * Guarantees
 * - The first success ends the call and aborts the others, each by its own signal; their results go
 *   to `discard`.
 * - All have failed: the call ends as the last of them did. What is not worth repeating ends it at
 *   once; a refused hedge was never made, and ends nothing but further hedging.
 * - A budget that is exhausted ends the hedging, never the call.
 *
 * After Dean, Barroso, "The Tail at Scale" (CACM 2013); delays of 0 and Infinity as in Polly.
 */
import { OptionProblems, type TimerHandle } from '@leno/std';
import { HedgeDelay } from '../hedge/hedge-delay.ts';
import { InvalidOptionError } from '../invalid-option-error.ts';
import type { RetryBudget } from '../retry/retry-budget.ts';
import { type ActiveCalls, activeCallsOf, checkBudget } from './active-calls.ts';
import { checkPart } from './check-part.ts';
import {
  Branch,
  type CancelKind,
  type Frame,
  type Lane,
  PolicyFrame,
  type Stage,
  type Upper,
} from './frame.ts';
import { Policy, type PolicyDescription } from './policy.ts';
import { DELAY_MAX_MS } from './ports.ts';
import { isWorthRepeating } from './retry.ts';
import type { FailureKind } from './settled.ts';
import type { TimedOutError } from './timed-out-error.ts';

/**
 * What is asked of a delay that learns. It observes how long a first attempt took, or has run at
 * least if it lost against a hedge.
 */
type LearnedDelay = Pick<HedgeDelay, 'observe' | 'delayMs'>;

/** Options of `hedge`. */
export interface HedgeOptions {
  /**
   * How long an attempt may be alone: milliseconds, or a delay that learns from latencies. 0 makes
   * all attempts at once, `Infinity` the next one only when one has failed. Default: a `HedgeDelay`
   * of its own, the 95th percentile.
   */
  readonly delay?: number | LearnedDelay | undefined;
  /** Attempts beside the first. At least 1; default 1. */
  readonly hedgeCountMax?: number | undefined;
  /** Whether an attempt that threw is followed by another. Default as for `retry`. */
  readonly isHedgeable?: ((thrown: unknown) => boolean) | undefined;
  /** Shared with the retries to the same service. */
  readonly budget?: RetryBudget | undefined;
}

/** See the top of this file. Only for what may be done twice, at the same time. */
export function hedge(options: HedgeOptions = {}): Policy {
  return new HedgePolicy(options);
}

class HedgePolicy extends Policy {
  readonly #rules: Rules;

  constructor(options: HedgeOptions) {
    super();
    const { delay = new HedgeDelay(), hedgeCountMax = 1, isHedgeable, budget } = options;
    const problems = new OptionProblems();
    if (typeof delay !== 'number') {
      const must = 'be a number or a HedgeDelay';
      checkPart(problems, 'delay', { value: delay, method: 'delayMs', must });
    } else if (delay !== Number.POSITIVE_INFINITY) {
      problems.range('delay', delay, 0, DELAY_MAX_MS);
    }
    checkBudget(problems, budget);
    problems.count('hedgeCountMax', hedgeCountMax, 1);
    problems.throwIfAny(InvalidOptionError);
    this.#rules = {
      fixedMs: typeof delay === 'number' ? delay : undefined,
      learned: typeof delay === 'number' ? undefined : delay,
      hedgeCountMax,
      isHedgeable: isHedgeable ?? isWorthRepeating,
      budget,
      active: budget === undefined ? undefined : activeCallsOf(budget),
    };
  }

  stage(next: Stage): Stage {
    const shared: Shared = { next, rules: this.#rules };
    return (up, lane) => new HedgeFrame(up, lane, shared);
  }

  describe(): readonly PolicyDescription[] {
    const { fixedMs, hedgeCountMax, budget } = this.#rules;
    const delayMs = fixedMs ?? 'learned';
    return [
      { policy: 'hedge', options: { delayMs, hedgeCountMax, hasBudget: budget !== undefined } },
    ];
  }
}

interface Rules {
  readonly fixedMs: number | undefined;
  readonly learned: LearnedDelay | undefined;
  readonly hedgeCountMax: number;
  readonly isHedgeable: (thrown: unknown) => boolean;
  readonly budget: RetryBudget | undefined;
  readonly active: ActiveCalls | undefined;
}

interface Shared {
  readonly next: Stage;
  readonly rules: Rules;
}

interface Failed {
  readonly kind: FailureKind;
  readonly error: unknown;
}

class HedgeFrame extends PolicyFrame {
  readonly up: Upper;
  readonly lane: Lane;
  isDone: boolean;
  /** The first attempt while it runs; the others are in `#hedges`. */
  child: Frame | undefined;
  readonly #next: Stage;
  readonly #rules: Rules;
  #hedges: Frame[] | undefined;
  #hedgeCount: number;
  /** No further attempt shall begin. */
  #isFinal: boolean;
  #timer: TimerHandle | undefined;
  #startedAtMs: number;
  #last: Failed | undefined;
  /** Among the active calls of the budget; a retry with the same one may count the call already. */
  #isCounted: boolean;

  constructor(up: Upper, lane: Lane, { next, rules }: Shared) {
    super();
    this.up = up;
    this.lane = lane;
    this.isDone = false;
    this.child = undefined;
    this.#next = next;
    this.#rules = rules;
    this.#hedges = undefined;
    this.#hedgeCount = 0;
    this.#isFinal = !lane.call.isRepeatable;
    this.#timer = undefined;
    this.#startedAtMs = Number.NaN;
    this.#last = undefined;
    this.#isCounted = false;
  }

  begin(): void {
    const { call } = this.lane;
    const { budget, active } = this.#rules;
    if (active !== undefined) {
      if (call.countedIn !== budget) {
        active.count += 1;
        this.#isCounted = true;
        call.countedIn = budget;
      }
      if (call.depositedIn !== budget) budget?.deposit(call.nowMs());
      call.depositedIn = budget;
    }
    this.#startedAtMs = call.nowMs();
    const child = this.#next(this, this.lane);
    this.child = child;
    child.begin();
    this.#schedule();
  }

  /** Sets the time of the next attempt, or begins it where there is nothing to wait for. */
  #schedule(): void {
    const { fixedMs, learned, hedgeCountMax } = this.#rules;
    const { call } = this.lane;
    const delayMs = fixedMs ?? learned?.delayMs(call.nowMs()) ?? -1;
    while (!this.isDone && !this.#isFinal && this.#hedgeCount < hedgeCountMax) {
      if (delayMs < 0 || delayMs === Number.POSITIVE_INFINITY) return;
      if (delayMs > 0) {
        this.#timer ??= call.ports.timers.after(delayMs, () => this.#isSlow());
        return;
      }
      this.#beginHedge();
    }
  }

  #isSlow(): void {
    const { call } = this.lane;
    this.#timer = undefined;
    call.touch();
    try {
      this.#beginHedge();
      this.#schedule();
    } catch (thrown) {
      call.crash(thrown);
    }
  }

  /** False if there is none left, or none to be had. */
  #beginHedge(): boolean {
    const { hedgeCountMax, budget, active } = this.#rules;
    if (this.#isFinal || this.#hedgeCount >= hedgeCountMax) return false;
    const { lane } = this;
    if (active !== undefined && budget?.tryWithdraw(lane.call.nowMs(), active.count) === false) {
      this.#isFinal = true;
      return false;
    }
    this.#hedgeCount += 1;
    const child = this.#next(this, new Branch(lane, lane.attempt, this.#hedgeCount, lane.holder));
    this.#hedges ??= [];
    this.#hedges.push(child);
    child.begin();
    return true;
  }

  returned(value: unknown, from: Frame): void {
    this.#leave(from);
    if (this.isDone) {
      this.lane.call.discard(value);
      return;
    }
    this.#observe();
    this.isDone = true;
    this.close();
    this.#cancelAll('discarded', undefined);
    this.up.returned(value, this);
  }

  override ended(kind: FailureKind, error: unknown, from: Frame): void {
    const isFirst = from === this.child;
    const isWorthAnother = this.#rules.isHedgeable(error);
    if (this.isDone) return;
    this.#leave(from);
    if (kind === 'refused' && !isFirst) {
      this.#isFinal = true;
      this.#last ??= { kind, error };
    } else if (kind === 'refused' || !isWorthAnother) {
      this.#end(kind, error);
      return;
    } else {
      this.#last = { kind, error };
      this.#timer?.cancel();
      this.#timer = undefined;
      if (this.#beginHedge()) {
        this.#schedule();
        return;
      }
    }
    const isOver = this.child === undefined && (this.#hedges ?? []).length === 0;
    if (isOver && !this.isDone) this.#end(this.#last.kind, this.#last.error);
  }

  #end(kind: FailureKind, error: unknown): void {
    this.isDone = true;
    this.close();
    this.#cancelAll('discarded', undefined);
    this.up.ended(kind, error, this);
  }

  /** It runs no more. */
  #leave(attempt: Frame): void {
    if (attempt === this.child) {
      this.child = undefined;
      return;
    }
    const index = this.#hedges?.indexOf(attempt) ?? -1;
    if (index < 0) return;
    this.#hedges?.splice(index, 1);
    this.#rules.budget?.release();
  }

  /** Of the first attempt, or, if it has lost, for how long it has at least run. */
  #observe(): void {
    const { learned } = this.#rules;
    if (learned === undefined || this.#last !== undefined) return;
    const nowMs = this.lane.call.nowMs();
    learned.observe(nowMs - this.#startedAtMs, nowMs);
  }

  #cancelAll(kind: CancelKind, reason: unknown): void {
    const { child } = this;
    const hedges = this.#hedges;
    this.child = undefined;
    this.#hedges = undefined;
    child?.cancel(kind, reason);
    for (const it of hedges ?? []) {
      this.#rules.budget?.release();
      it.cancel(kind, reason);
    }
  }

  override cancel(kind: CancelKind, reason: unknown): void {
    if (this.isDone) return;
    this.isDone = true;
    this.close();
    this.#cancelAll(kind, reason);
  }

  override warn(error: TimedOutError): void {
    this.#isFinal = true;
    this.#timer?.cancel();
    this.child?.warn(error);
    for (const it of [...(this.#hedges ?? [])]) it.warn(error);
  }

  close(): void {
    this.#timer?.cancel();
    const { active } = this.#rules;
    if (active === undefined || !this.#isCounted) return;
    active.count -= 1;
    this.lane.call.countedIn = undefined;
  }
}
