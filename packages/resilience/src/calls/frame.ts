/**
 * One policy at work on one call. The frames of a call form a chain, the outermost policy first:
 *
 *   Call -begin-> timeout -begin-> retry -begin-> breaker -begin-> Attempt: the function
 *        <-returned, ended- ...            (once, upwards)  <-'
 *        -cancel-> ...                     (once, downwards)
 *
 * Guarantees of each frame
 * - After `begin` it tells the one above exactly once how things ended, unless it was cancelled.
 * - `cancel` ends it without a word upwards; whatever it held is given back by then, but for places
 *   of work that still runs (`Holder`).
 * - `warn` aborts the signals below and lets it begin nothing new; what runs is waited for.
 *
 * Continuations rather than nested async functions: a call costs one promise however many policies
 * it goes through, and a sync end stays sync.
 */
import type { RetryBudget } from '../retry/retry-budget.ts';
import type { Ports } from './ports.ts';
import type { FailureKind } from './settled.ts';
import type { TimedOutError } from './timed-out-error.ts';

/** Makes the frame of a policy, or of the function itself, for one call. */
export type Stage = (up: Upper, lane: Lane) => Frame;

/** Why a frame is cancelled; `discarded`: another attempt was faster. */
export type CancelKind = 'aborted' | 'timed-out' | 'discarded';

/** What a function of a call is told. */
export interface CallContext {
  /**
   * Aborts when this attempt is given up: at a timeout, at the caller's abort, when another attempt
   * was faster. Made when first read, since it costs more than all policies together.
   */
  readonly signal: AbortSignal;
  /** 1 for the first try, 2 for the first retry. */
  readonly attempt: number;
  /** 0 for the first of the attempts that race, 1 for the first hedge. */
  readonly hedge: number;
  /** What the caller gave. */
  readonly key: string | undefined;
  /** When the timeouts around will have ended it, on the clock of the pipeline; else `Infinity`. */
  readonly deadlineMs: number;
}

/** A function that policies are put around. */
export type CallFunction<T> = (context: CallContext) => T | PromiseLike<T>;

/** What all frames of one call share. */
export interface CallState {
  readonly ports: Ports;
  readonly key: string | undefined;
  /** It may be done twice. */
  readonly isRepeatable: boolean;
  readonly fn: CallFunction<unknown>;
  /** The budget that knows of this call. */
  depositedIn: RetryBudget | undefined;
  /** How often functions of it were called. */
  attemptCount: number;
  /** The clock, read at most once between two `touch`. */
  nowMs(): number;
  /** Time may have passed. */
  touch(): void;
  /** A result that nobody gets. */
  discard(value: unknown): void;
  /** A function of a policy's options threw: ends the call as if the work had thrown it. */
  crash(thrown: unknown): void;
}

/** Holds something for as long as work runs, whether or not anybody still waits for the work. */
export interface Holder {
  workBegan(): void;
  workEnded(): void;
}

/** What the frames of one attempt share: one object, so that passing it down costs one read. */
export interface Lane {
  readonly call: CallState;
  /** 1 for the first try. */
  readonly attempt: number;
  /** 0 for the first of those that race. */
  readonly hedge: number;
  /** The nearest one around the work. */
  readonly holder: Holder | undefined;
}

/** A lane that leaves another: of a further try, a hedge, the holder of a place. */
export class Branch implements Lane {
  readonly call: CallState;
  readonly attempt: number;
  readonly hedge: number;
  readonly holder: Holder | undefined;

  constructor(from: Lane, attempt: number, hedge: number, holder: Holder | undefined) {
    this.call = from.call;
    this.attempt = attempt;
    this.hedge = hedge;
    this.holder = holder;
  }
}

/** What a frame sees of the one above: another frame, or the call itself. */
export interface Upper {
  /** By when this and what is around it will have ended the call. */
  readonly deadlineMs: number;
  /** What is below has returned. */
  returned(value: unknown, from: Frame): void;
  /** What is below has ended without a value. */
  ended(kind: FailureKind, error: unknown, from: Frame): void;
}

/** See the top of this file. */
export interface Frame {
  begin(): void;
  warn(error: TimedOutError): void;
  cancel(kind: CancelKind, reason: unknown): void;
}

/**
 * A frame between two others: passes on whatever it has no opinion about. Fields are declared here
 * and made by each class itself, and what every call runs through is written in each class anew:
 * code that several classes share sees objects of several shapes, which V8 makes slow.
 */
export abstract class PolicyFrame implements Frame, Upper {
  abstract readonly up: Upper;
  abstract readonly lane: Lane;
  abstract isDone: boolean;
  abstract child: Frame | undefined;

  get deadlineMs(): number {
    return this.up.deadlineMs;
  }

  abstract begin(): void;
  abstract returned(value: unknown, from: Frame): void;

  ended(kind: FailureKind, error: unknown, _from: Frame): void {
    this.isDone = true;
    this.close();
    this.up.ended(kind, error, this);
  }

  warn(error: TimedOutError): void {
    this.child?.warn(error);
  }

  cancel(kind: CancelKind, reason: unknown): void {
    if (this.isDone) return;
    this.isDone = true;
    try {
      this.close();
    } finally {
      this.child?.cancel(kind, reason);
    }
  }

  /** Gives back what the frame holds. Called once, at its end. */
  abstract close(): void;
}
