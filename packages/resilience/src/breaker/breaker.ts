/**
 * Circuit breaker: from the outcomes of past calls, decides whether the next may leave.
 *
 *   closed --failures in a row, or too few successes--> open --its time is over--> half-open
 *      ^                                                 ^                          |    |
 *      |                                                 '------- probe fails ------'    |
 *      '----------------------------- probe succeeds ------------------------------------'
 *
 * Guarantees
 * - A permit is an integer that carries the generation it was given in. An outcome from an earlier
 *   generation is dropped: a straggler can neither trip, nor close, nor prolong anything.
 * - Half-open lets one real call through, the probe. A probe that is not heard of for
 *   `probeWaitMaxMs` is lost: the next call takes its place, and a wedged breaker cannot be.
 * - Thresholds are reached at `>=`, times too; the share is judged on successes as well as on
 *   failures; closing forgets the window; each opening in a row lasts longer, and a recovery starts
 *   afresh.
 * - Reading changes nothing. Asking and settling allocate nothing.
 *
 * Sans-IO: `nowMs` comes in, never runs backwards, and there is no timer. Not a rate limiter: 429
 * is the `rateOnly` outcome, which lowers the share, resets nothing and never recovers a probe.
 *
 * After linkerd2-proxy (outbound http breaker: consecutive or success rate, one probe),
 * sony/gobreaker (generations), resilience4j (three outcomes, a maximum wait for probes).
 */
import { type Rng, TimeWindow } from '@leno/std';
import {
  type BreakerOptions,
  type CompleteBreakerOptions,
  completeBreakerOptions,
} from './breaker-options.ts';
import type {
  BreakerListener,
  BreakerReason,
  BreakerReport,
  BreakerState,
} from './breaker-report.ts';
import type { EjectionCap } from './ejection-cap.ts';

/** What a breaker needs besides its options. */
export interface BreakerPorts {
  readonly rng: Rng;
  /** Shared by the breakers of one cluster; without it, each may open as it likes. */
  readonly cap?: EjectionCap | undefined;
}

/** What `tryAcquire` gives instead of a permit. */
const REFUSED = -1;
const NEVER = Number.NEGATIVE_INFINITY;

/** The breaker of one endpoint or dependency; see the top of this file for what it guarantees. */
export class Breaker {
  /** Called after each change of state. One listener; set and replaced freely. */
  onTransition: BreakerListener | undefined;
  readonly #rng: Rng;
  #cap: EjectionCap | undefined;
  #options: CompleteBreakerOptions;
  #window: TimeWindow;
  #state: BreakerState = 'closed';
  // Grows with each change of state and each probe: tells late outcomes from present ones.
  #generation = 0;
  #failureCountInRow = 0;
  #openingCount = 0;
  #isHeldByCap = false;
  #reason: BreakerReason | undefined;
  // Times start as doubles: V8 then updates them in place instead of boxing each new one.
  #changedAtMs = NEVER;
  #openUntilMs = NEVER;
  #probeUntilMs = NEVER;

  constructor(options: BreakerOptions, ports: BreakerPorts) {
    this.#options = completeBreakerOptions(options);
    this.#window = new TimeWindow(this.#options.windowMs);
    this.#rng = ports.rng;
    this.#cap = ports.cap;
  }

  /**
   * Asks leave for one call. A permit (>= 0) must come back once through `success`, `failure` or
   * `release`; -1 is a refusal, and `retryAfterMs` says until when.
   */
  tryAcquire(nowMs: number): number {
    if (this.#state === 'closed') return this.#generation;
    if (this.#cap?.isExceeded === true) {
      // Healthy endpoints have left the cluster, and what is left may not refuse everything.
      this.#close('over-cap', nowMs);
      return this.#generation;
    }
    if (this.#state === 'half-open') {
      if (nowMs < this.#probeUntilMs) return REFUSED;
      this.#probeUntilMs = nowMs + this.#options.probeWaitMaxMs;
      this.#generation += 1;
      return this.#generation;
    }
    if (nowMs < this.#openUntilMs) return REFUSED;
    this.#probeUntilMs = nowMs + this.#options.probeWaitMaxMs;
    const permit = this.#generation + 1;
    this.#enter('half-open', 'open-elapsed', nowMs);
    return permit;
  }

  /** The call did what it should. */
  success(permit: number, nowMs: number): void {
    if (permit !== this.#generation) return;
    if (this.#state === 'half-open') {
      this.#close('probe-succeeded', nowMs);
      return;
    }
    this.#failureCountInRow = 0;
    this.#window.record(true, nowMs);
    this.#evaluate(nowMs);
  }

  /**
   * The call failed. `rateOnly` (a 429) counts in the share only; as a probe, either kind fails.
   */
  failure(permit: number, nowMs: number, kind: 'failure' | 'rateOnly' = 'failure'): void {
    if (permit !== this.#generation) return;
    if (this.#state === 'half-open') {
      this.#open('probe-failed', nowMs);
      return;
    }
    if (kind === 'failure') this.#failureCountInRow += 1;
    this.#window.record(false, nowMs);
    this.#evaluate(nowMs);
  }

  /**
   * The call ended in a way that says nothing (cancelled, our own limit): another probe may leave.
   */
  release(permit: number, _nowMs: number): void {
    if (permit !== this.#generation || this.#state !== 'half-open') return;
    this.#generation += 1;
    this.#probeUntilMs = NEVER;
  }

  /** Whether `tryAcquire` would give a permit at that time. */
  admits(nowMs: number): boolean {
    return this.retryAfterMs(nowMs) === 0;
  }

  /** How long the next call is refused from that time on; 0 if it is admitted. */
  retryAfterMs(nowMs: number): number {
    if (this.#state === 'closed' || this.#cap?.isExceeded === true) return 0;
    const untilMs = this.#state === 'open' ? this.#openUntilMs : this.#probeUntilMs;
    return nowMs < untilMs ? untilMs - nowMs : 0;
  }

  /** The state in which a call at that time would find the breaker. */
  stateAt(nowMs: number): BreakerState {
    if (this.#state === 'closed' || this.#cap?.isExceeded === true) return 'closed';
    return this.#state === 'open' && nowMs < this.#openUntilMs ? 'open' : 'half-open';
  }

  /** Everything it knows, at `nowMs`, which must not be ahead of the calls that follow. */
  explain(nowMs: number): BreakerReport {
    const window = this.#window;
    // An empty window is left alone: rolling would fix the origin of its buckets.
    if (window.totalCount > 0) window.roll(nowMs);
    const isChanged = this.#reason !== undefined;
    return {
      state: this.stateAt(nowMs),
      reason: this.#reason,
      changedAtMs: isChanged ? this.#changedAtMs : undefined,
      consecutiveFailureCount: this.#failureCountInRow,
      successCount: window.successCount,
      failureCount: window.failureCount,
      successRate: window.totalCount > 0 ? window.successCount / window.totalCount : undefined,
      openingCount: this.#openingCount,
      retryAfterMs: this.retryAfterMs(nowMs),
      isHeldByCap: this.#isHeldByCap,
      isProbing: this.#state === 'half-open' && nowMs < this.#probeUntilMs,
    };
  }

  /**
   * New options, from the next outcome on. State is kept; the window too, unless its length
   * changes.
   */
  update(options: BreakerOptions): void {
    const next = completeBreakerOptions(options);
    if (next.windowMs !== this.#options.windowMs) this.#window = new TimeWindow(next.windowMs);
    this.#options = next;
  }

  /**
   * Gives its place under the cap back, as the endpoint leaves the cluster. Outcomes are dropped.
   */
  dispose(nowMs: number): void {
    if (this.#state === 'closed') this.#generation += 1;
    else this.#close('disposed', nowMs);
    this.#cap = undefined;
  }

  #evaluate(nowMs: number): void {
    const reason = this.#tripReason();
    this.#isHeldByCap = reason !== undefined && this.#cap?.tryEject() === false;
    if (reason !== undefined && !this.#isHeldByCap) this.#open(reason, nowMs);
  }

  #tripReason(): 'consecutive-failures' | 'success-rate' | undefined {
    const { consecutiveFailures, requestCountMin, successRateMin } = this.#options;
    if (consecutiveFailures > 0 && this.#failureCountInRow >= consecutiveFailures) {
      return 'consecutive-failures';
    }
    const totalCount = this.#window.totalCount;
    if (totalCount < requestCountMin) return undefined;
    return this.#window.successCount / totalCount < successRateMin ? 'success-rate' : undefined;
  }

  #open(reason: BreakerReason, nowMs: number): void {
    const { openMs, openMaxMs, openJitterRatio } = this.#options;
    // After a thousand openings this is Infinity, which the cap bounds like everything else.
    const grownMs = openMs * 2 ** this.#openingCount;
    const jitteredMs = grownMs * (1 + openJitterRatio * this.#rng());
    this.#openingCount += 1;
    this.#openUntilMs = nowMs + Math.min(openMaxMs, jitteredMs);
    this.#enter('open', reason, nowMs);
  }

  #close(reason: BreakerReason, nowMs: number): void {
    this.#cap?.restore();
    this.#window.reset();
    this.#failureCountInRow = 0;
    this.#openingCount = 0;
    this.#enter('closed', reason, nowMs);
  }

  #enter(state: BreakerState, reason: BreakerReason, nowMs: number): void {
    const from = this.#state;
    this.#state = state;
    this.#generation += 1;
    this.#reason = reason;
    this.#changedAtMs = nowMs;
    this.onTransition?.(from, state, reason, nowMs);
  }
}
