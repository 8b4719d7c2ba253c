/**
 * Circuit breaker: from the outcomes of past calls, decides whether the next may leave.
 *
 *   closed --a trigger trips--> open --its time is over--> half-open
 *      ^                         ^                          |    |
 *      |                         '---- too many probes fail-'    |
 *      '------------- enough probes succeed ---------------------'
 *
 * Guarantees, and where others decide otherwise
 * - A permit is an integer that carries the generation it was given in. An outcome from an earlier
 *   generation is dropped and counted (`lateCount`): a straggler can neither trip, nor close, nor
 *   prolong anything (opossum, cockatiel and Polly count it into the present state).
 * - Thresholds are reached at `>=`, times too (opossum and cockatiel: `>`). Shares are judged on
 *   successes as well as on failures (opossum, cockatiel, Polly, gobreaker: on failures only).
 * - Half-open admits `probeCount` calls and refuses others at once (cockatiel lets them wait). It
 *   decides as soon as the outcome is certain. A probe that says nothing is neutral, and another may
 *   leave (elsewhere it is a success). Those not heard of for `probeWaitMaxMs` are lost, and others
 *   take their places: a wedged breaker cannot be (resilience4j opens again or closes).
 * - Closing forgets the windows; each opening in a row lasts longer; a recovery starts afresh.
 * - Reading changes nothing. Asking and settling allocate nothing and cost the same at any traffic.
 *
 * Sans-IO: `nowMs` comes in, and there is no timer; time that runs backwards is the present. Not a
 * rate limiter: 429 is the `rateOnly` outcome, which counts in the failure rate, resets nothing and
 * never recovers a probe. Over all of this lie the mode and the holds of `isolate`, which neither
 * change the state beneath nor are told to `onTransition`.
 *
 * After linkerd2-proxy (consecutive or success rate), sony/gobreaker (generations), resilience4j
 * (three outcomes, modes, slow calls, a wait for probes), failsafe-go (the earliest verdict).
 */
import type { Rng } from '@leno/std';
import {
  type BreakerEngineOptions,
  type BreakerOptions,
  type CompleteBreakerOptions,
  completeBreakerOptions,
  engineDefaults,
} from './breaker-options.ts';
import type { BreakerPorts } from './breaker-ports.ts';
import type {
  BreakerHold,
  BreakerListener,
  BreakerReason,
  BreakerState,
  CallOutcome,
  TripReason,
} from './breaker-report.ts';
import type { EjectionCap } from './ejection-cap.ts';
import type { Gauge } from './rate-gauge.ts';

const NEVER = Number.NEGATIVE_INFINITY;

/** The breaker of one endpoint or dependency; see the top of this file for what it guarantees. */
export class Breaker {
  /** Called after each change of state. One listener; set and replaced freely. */
  onTransition: BreakerListener | undefined;
  /**
   * Called when a threshold is reached that the mode `observe` or the cap keeps from tripping: once
   * until the breaker is below all thresholds again. One listener; set and replaced freely.
   */
  onWouldTrip: ((reason: TripReason, nowMs: number) => void) | undefined;
  // What follows is not `#private`: the functions for operators (`explainBreaker` and the others)
  // reach in from files of their own, which a bundle that does not call them leaves out.
  readonly #rng: Rng;
  protected cap: EjectionCap | undefined;
  protected options: CompleteBreakerOptions;
  protected gauge: Gauge | undefined;
  protected holds: readonly BreakerHold[] = [];
  protected status: BreakerState = 'closed';
  /** See `#overlayMs`: what mode and holds make of it. */
  #fixedMs = NEVER;
  /** Whether calls simply pass: closed, and nothing lies over it. */
  #isPassing = true;
  /** Grows with each change of state and each round of probes: tells late outcomes from present. */
  protected generation = 1;
  // Times start as doubles: V8 then updates them in place instead of boxing each new one.
  /** Until when a success changes nothing but `quietCount`. */
  protected quietUntilMs = NEVER;
  /** Successes that the windows have not been told of. All belong to their present buckets. */
  protected quietCount = 0;
  protected failureRow = 0;
  protected openingCount = 0;
  /** Probes under way, those that have ended well, and those that have not. */
  protected probeCount = 0;
  #goodCount = 0;
  #badCount = 0;
  /** As long and longer is slow, to any trigger. */
  #slowMs = Number.POSITIVE_INFINITY;
  protected heldBy: 'cap' | 'observe' | undefined;
  protected refusedCount = 0;
  protected lateCount = 0;
  protected reason: BreakerReason | undefined;
  protected changedAtMs = NEVER;
  /** Until when it is open, or when the probes under way are lost. */
  protected untilMs = NEVER;

  constructor(options: BreakerEngineOptions, ports: BreakerPorts) {
    this.#rng = ports.rng;
    this.cap = ports.cap;
    this.options = { ...engineDefaults, trip: options.trip };
    this.update(options);
  }

  /**
   * Asks leave for one call. A permit (>= 0) must come back once through `success`, `failure` or
   * `release`; -1 is a refusal, and `retryAfterMs` says until when.
   */
  tryAcquire(nowMs: number): number {
    return this.#isPassing ? this.generation : this.#ask(nowMs);
  }

  /**
   * The call did what it should. `tookMs` is for `slowRate`; without it the outcome says nothing
   * there.
   */
  success(permit: number, nowMs: number, tookMs?: number): void {
    // What nearly every call does, in few enough steps to be compiled into the caller.
    if (permit === this.generation && nowMs < this.quietUntilMs) this.quietCount += 1;
    else this.record('success', permit, nowMs, tookMs);
  }

  /** The call failed. `rateOnly` (a 429) counts in the rate only; as a probe, either kind fails. */
  failure(
    permit: number,
    nowMs: number,
    kind: 'failure' | 'rateOnly' = 'failure',
    tookMs?: number,
  ): void {
    this.record(kind, permit, nowMs, tookMs);
  }

  /**
   * The call ended in a way that says nothing (cancelled, our own limit): another probe may leave.
   */
  release(permit: number, nowMs: number): void {
    this.record('ignored', permit, nowMs);
  }

  /** What `success`, `failure` and `release` do, with the outcome as a value. */
  record(outcome: CallOutcome, permit: number, nowMs: number, tookMs = Number.NaN): void {
    if (permit !== this.generation) {
      if (permit > UNCOUNTED) this.lateCount += 1;
    } else if (this.status !== 'closed') {
      this.#endProbe(outcome === 'success' && tookMs >= this.#slowMs ? 'failure' : outcome, nowMs);
    } else if (outcome !== 'ignored') {
      if (outcome === 'success') this.failureRow = 0;
      else if (outcome === 'failure') this.failureRow += 1;
      this.#count(outcome === 'success', nowMs, tookMs);
    }
  }

  /** Whether `tryAcquire` would give a permit at that time. */
  admits(nowMs: number): boolean {
    return this.retryAfterMs(nowMs) === 0;
  }

  /**
   * How long the next call is refused from that time on; 0 if it is admitted, `Infinity` while the
   * breaker is forced open or isolated.
   */
  retryAfterMs(nowMs: number): number {
    const overlayMs = this.#overlayMs;
    if (overlayMs >= 0) return overlayMs;
    // Where none is under way nothing could end the round: one may leave even if options shrank.
    const isFull =
      this.probeCount > 0 &&
      this.probeCount + this.#goodCount + this.#badCount >= this.options.probeCount;
    return isFull || this.status === 'open' ? Math.max(0, this.untilMs - nowMs) : 0;
  }

  /** Whether a call has to know when it starts, to be admitted or for how long it takes. */
  get needsStartTime(): boolean {
    return !this.#isPassing || this.#slowMs < Number.POSITIVE_INFINITY;
  }

  /** The state in which a call at that time would find the breaker. */
  stateAt(nowMs: number): BreakerState {
    const overlayMs = this.#overlayMs;
    if (overlayMs === 0) return 'closed';
    const isHalfOpen = overlayMs < 0 && (this.status !== 'open' || nowMs >= this.untilMs);
    return isHalfOpen ? 'half-open' : 'open';
  }

  /**
   * New values for the options given, from the next outcome on; the others stay. State stays, and
   * so does each window, unless its size or what it counts has changed. After a change of mode,
   * outcomes of calls from before it are dropped.
   */
  update(options: BreakerOptions): void {
    const next = completeBreakerOptions(options, this.options);
    if (next.mode !== this.options.mode) this.forgetCalls();
    this.flush();
    this.options = next;
    this.gauge = next.trip.gauge?.(this.gauge);
    this.lookOver();
  }

  /** Gives its place under the cap back, as the endpoint leaves. Outcomes are dropped. */
  dispose(nowMs: number): void {
    if (this.status === 'closed') this.generation += 1;
    else this.close('disposed', nowMs);
    this.cap = undefined;
  }

  /**
   * For how long everything is refused whatever the state beneath: for ever, not at all, or
   * (negative) as the state says.
   */
  get #overlayMs(): number {
    // Healthy endpoints have left the cluster, and what is left may not refuse everything.
    return this.#fixedMs < 0 && this.cap?.isExceeded ? 0 : this.#fixedMs;
  }

  #ask(nowMs: number): number {
    const { mode } = this.options;
    if (this.retryAfterMs(nowMs) > 0) {
      this.refusedCount += 1;
      return REFUSED;
    }
    if (mode === 'disabled') return UNCOUNTED;
    if (this.#overlayMs === 0) {
      this.close(mode === 'observe' ? 'observed' : 'over-cap', nowMs);
      return this.generation;
    }
    if (this.probeCount === 0 || nowMs >= this.untilMs) {
      // A new round: lost probes must not count any more.
      this.generation += 1;
      this.probeCount = 0;
      this.untilMs = nowMs + this.options.probeWaitMaxMs;
    }
    this.probeCount += 1;
    // A listener that calls must not take this permit.
    const permit = this.generation;
    if (this.status === 'open') this.#enter('half-open', 'open-elapsed', nowMs);
    return permit;
  }

  /** What is under way will count for nothing, so that nothing may wait for it. */
  protected forgetCalls(): void {
    this.generation += 1;
    this.probeCount = this.#goodCount = this.#badCount = 0;
    this.heldBy = undefined;
  }

  /** An outcome while closed. */
  #count(succeeded: boolean, nowMs: number, tookMs: number): void {
    const isRow = !succeeded && this.failureRow >= this.options.trip.consecutiveFailures;
    let reason: TripReason | undefined = isRow ? 'consecutive-failures' : undefined;
    let quietUntilMs = this.failureRow > 0 ? NEVER : Number.POSITIVE_INFINITY;
    this.flush();
    const { gauge } = this;
    if (gauge) {
      const share = gauge.record(succeeded, nowMs, tookMs);
      reason ??= share;
      quietUntilMs = Math.min(quietUntilMs, gauge.quietUntilMs);
    }
    const before = this.heldBy;
    this.heldBy = undefined;
    this.quietUntilMs = reason ? NEVER : quietUntilMs;
    if (reason && !this.isHeld()) this.#trip(reason, nowMs);
    else if (reason && !before) this.onWouldTrip?.(reason, nowMs);
  }

  /** Tells the windows of the quiet successes. */
  protected flush(): void {
    if (this.quietCount === 0) return;
    this.gauge?.flush(this.quietCount);
    this.quietCount = 0;
  }

  /** Takes a place under the cap, or notes what keeps the breaker closed. */
  protected isHeld(): boolean {
    const { mode } = this.options;
    if (mode === 'observe') this.heldBy = mode;
    else if (this.cap?.tryEject() === false) this.heldBy = 'cap';
    return this.heldBy !== undefined;
  }

  /** A probe has ended, or said nothing. */
  #endProbe(outcome: CallOutcome, nowMs: number): void {
    const { probeCount, probeSuccessCountMin } = this.options;
    const goodCountMin = probeSuccessCountMin || probeCount;
    this.probeCount -= 1;
    if (outcome === 'success') this.#goodCount += 1;
    else if (outcome !== 'ignored') this.#badCount += 1;
    if (this.#goodCount >= goodCountMin) this.close('probe-succeeded', nowMs);
    else if (this.#badCount > probeCount - goodCountMin) this.#trip('probe-failed', nowMs);
    // Nobody holds a permit of this generation any more: one that comes twice is late.
    else if (this.probeCount === 0) this.generation += 1;
  }

  #trip(reason: BreakerReason, nowMs: number): void {
    const { openMs, openGrowth, openMaxMs, openJitterRatio } = this.options;
    const index = this.openingCount;
    // After a thousand openings this is Infinity, which the bound holds like everything else.
    const baseMs = typeof openMs === 'number' ? openMs * openGrowth ** index : openMs(index);
    this.openingCount += 1;
    this.open(reason, Math.min(openMaxMs, baseMs * (1 + openJitterRatio * this.#rng())), nowMs);
  }

  protected open(reason: BreakerReason, forMs: number, nowMs: number): void {
    // What is no time must not fall open.
    this.untilMs = nowMs + (forMs >= 0 ? forMs : this.options.openMaxMs);
    this.forgetCalls();
    this.#enter('open', reason, nowMs);
  }

  protected close(reason: BreakerReason, nowMs: number): void {
    this.cap?.restore();
    this.forgetCalls();
    this.forgetPast();
    this.#enter('closed', reason, nowMs);
  }

  protected forgetPast(): void {
    this.gauge?.reset();
    this.quietCount = this.failureRow = this.openingCount = 0;
  }

  #enter(state: BreakerState, reason: BreakerReason, nowMs: number): void {
    const from = this.status;
    this.status = state;
    this.reason = reason;
    this.changedAtMs = nowMs;
    this.lookOver();
    if (from !== state) this.onTransition?.(from, state, reason, nowMs);
  }

  protected lookOver(): void {
    const { mode } = this.options;
    const isClosed = this.status === 'closed';
    this.flush();
    this.#fixedMs = isClosed || mode !== 'enforce' ? 0 : NEVER;
    if (mode === 'forcedOpen' || this.holds.length > 0) this.#fixedMs = Number.POSITIVE_INFINITY;
    this.#isPassing = isClosed && this.#fixedMs === 0 && mode !== 'disabled';
    const isQuiet = this.#isPassing && !this.gauge && this.failureRow === 0 && !this.heldBy;
    this.quietUntilMs = isQuiet ? Number.POSITIVE_INFINITY : NEVER;
    this.#slowMs = this.gauge?.slowMs ?? Number.POSITIVE_INFINITY;
  }
}

/** What `tryAcquire` gives instead of a permit. */
const REFUSED = -1;
/** The permit of a disabled breaker. No generation has this number. */
const UNCOUNTED = 0;
