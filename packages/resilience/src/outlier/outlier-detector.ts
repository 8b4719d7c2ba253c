/**
 * Outlier detection: takes endpoints of a set out that do worse than they should or than the others
 * do, for a time that grows from ejection to ejection.
 *
 *   in --errors in a row, or rates at the end of an interval--> ejected --time over, health check--> in
 *
 * After Envoy's detector, with these differences: an ejection ends when its time is over and not at
 * the next tick; the cap is Leno's (`EjectionCap`, shared with the breakers of the set), asked for
 * a place before an endpoint leaves, so what is out never exceeds it; where not all outliers may
 * leave, the worst do.
 *
 * No timer: intervals end with the first `record` or `tick` after them, and are judged as of their
 * end. Only what is left out of a pick costs anything: `isEjected` is a comparison. Detected and
 * enforced are counted apart, so that a trial run (`enforceRatios` of 0) shows what it would do.
 */
import { assert, type Rng, systemRng, unreachable } from '@leno/std';
import { defaultEjectionCapOptions, EjectionCap } from '../breaker/ejection-cap.ts';
import { EndpointState } from './endpoint-state.ts';
import { judgeRates, type Origin } from './judge-rates.ts';
import {
  type CompleteOutlierOptions,
  completeOutlierOptions,
  type OutlierOptions,
  type OutlierReason,
} from './outlier-options.ts';
import type {
  OutlierEndpoint,
  OutlierEvent,
  OutlierOutcome,
  OutlierReport,
  RateJudgement,
  RestoreReason,
} from './outlier-report.ts';

/** What a detector needs beside its options. */
export interface OutlierPorts {
  /** For enforcing shares and jitter. Default the runtime's own. */
  readonly rng?: Rng | undefined;
  /**
   * Shared with the breakers of the same endpoints; then whoever owns it tells it how many there
   * are. Default: one of its own with `defaultEjectionCapOptions`.
   */
  readonly cap?: EjectionCap | undefined;
}

/** One per endpoint set; see the top of this file. */
export class OutlierDetector {
  /**
   * Told of each ejection, of each that was spared, and of each return, once it is complete; it may
   * call the detector. What it throws, the caller gets.
   */
  onEvent: ((event: OutlierEvent) => void) | undefined;
  readonly #rng: Rng;
  readonly #cap: EjectionCap;
  readonly #ownsCap: boolean;
  readonly #endpoints = new Set<EndpointState>();
  readonly #detectedCounts = noCounts();
  readonly #enforcedCounts = noCounts();
  readonly #judgements: Record<Origin, RateJudgement | undefined> = {
    external: undefined,
    local: undefined,
  };
  #options: CompleteOutlierOptions;
  #intervalAtMs = Number.NEGATIVE_INFINITY;
  /** Nothing ends before it: neither the interval nor an ejection. */
  #dueMs = Number.NEGATIVE_INFINITY;
  #outCount = 0;
  #overCapCount = 0;
  #unwatchedCount = 0;

  constructor(options: OutlierOptions = {}, { rng, cap }: OutlierPorts = {}) {
    this.#options = completeOutlierOptions(options);
    this.#rng = rng ?? systemRng;
    this.#ownsCap = cap === undefined;
    this.#cap = cap ?? new EjectionCap(defaultEjectionCapOptions);
  }

  /** New options, from the next outcome on. Who is out stays out for as long as it was said. */
  update(options: OutlierOptions): void {
    this.#options = completeOutlierOptions(options);
    this.#setDue();
  }

  /** A new endpoint; `name` is for people. Beyond `endpointCountMax` it is not watched. */
  add(name: string): OutlierEndpoint {
    const endpoint = new EndpointState(name);
    if (this.#endpoints.size >= this.#options.endpointCountMax) {
      endpoint.isWatched = false;
      this.#unwatchedCount += 1;
      return endpoint;
    }
    this.#endpoints.add(endpoint);
    if (this.#ownsCap) this.#cap.setEndpointCount(this.#endpoints.size);
    return endpoint;
  }

  /** The endpoint is gone; if it was out, its place is free. What is still recorded is ignored. */
  remove(endpoint: OutlierEndpoint, nowMs: number): void {
    const state = stateOf(endpoint);
    if (!this.#endpoints.delete(state)) return;
    state.isWatched = false;
    if (this.#ownsCap) this.#cap.setEndpointCount(this.#endpoints.size);
    if (state.isOut) this.#restore(state, 'removed', nowMs);
    this.#makeRoom(nowMs);
  }

  /**
   * A call has ended. Says nothing while the endpoint is out, nor at a time that is not finite.
   * Allocates nothing.
   */
  record(endpoint: OutlierEndpoint, outcome: OutlierOutcome, nowMs: number): void {
    const state = stateOf(endpoint);
    if (!state.isWatched || !Number.isFinite(nowMs)) return;
    if (nowMs >= this.#dueMs) this.tick(nowMs);
    if (this.#outCount > 0) this.#makeRoom(nowMs);
    if (state.isOut) return;
    switch (outcome) {
      case 'success':
        this.#answered(state, true);
        break;
      case 'error':
        this.#failed(state, false, nowMs);
        break;
      case 'gateway-error':
        this.#failed(state, true, nowMs);
        break;
      case 'local-success':
        if (this.#options.splitLocalOrigin) this.#reached(state);
        break;
      case 'local-failure':
        if (this.#options.splitLocalOrigin) this.#missed(state, nowMs);
        else this.#failed(state, true, nowMs);
        break;
      default:
        unreachable(outcome);
    }
  }

  /** Whether the endpoint is out. Changes nothing, allocates nothing. */
  isEjected(endpoint: OutlierEndpoint, nowMs: number): boolean {
    const state = stateOf(endpoint);
    return state.isOut && nowMs < state.untilMs;
  }

  /** An active health check has passed: an endpoint that is out comes back at once. */
  healthCheckPassed(endpoint: OutlierEndpoint, nowMs: number): void {
    const state = stateOf(endpoint);
    if (state.isOut) this.#restore(state, 'health-check', nowMs);
  }

  /**
   * Ends what is due: judges the interval, and lets those back whose time is over. `record` does it
   * too; call it now and then where there may be no calls. Does nothing at a time that is not
   * finite.
   */
  tick(nowMs: number): void {
    if (!Number.isFinite(nowMs)) return;
    const { intervalMs } = this.#options;
    if (this.#intervalAtMs === Number.NEGATIVE_INFINITY) this.#intervalAtMs = nowMs;
    const count = Math.floor((nowMs - this.#intervalAtMs) / intervalMs);
    if (count >= 1) {
      const endMs = this.#intervalAtMs + intervalMs;
      this.#intervalAtMs += count * intervalMs;
      this.#restoreDue(endMs);
      for (const endpoint of this.#endpoints) endpoint.decay(endMs, 1, intervalMs);
      this.#judge(endMs);
      this.#restoreDue(nowMs);
      // The further intervals that have ended, of which nobody has seen anything.
      for (const endpoint of this.#endpoints) {
        endpoint.decay(endMs + intervalMs, count - 1, intervalMs);
      }
    } else {
      this.#restoreDue(nowMs);
    }
    this.#makeRoom(nowMs);
    this.#setDue();
  }

  /** How many are out, those whose time is over but who were not let back yet included. */
  get ejectedCount(): number {
    return this.#outCount;
  }

  /** For people who ask why. Changes nothing. */
  explain(nowMs: number): OutlierReport {
    const endpoints = [...this.#endpoints].map((it) => it.report(nowMs));
    return {
      ejectedCount: endpoints.filter((it) => it.isEjected).length,
      detectedCounts: { ...this.#detectedCounts },
      enforcedCounts: { ...this.#enforcedCounts },
      overCapCount: this.#overCapCount,
      unwatchedCount: this.#unwatchedCount,
      successRate: this.#judgements.external,
      localSuccessRate: this.#judgements.local,
      endpoints,
    };
  }

  /** An answer of either kind also shows that the endpoint was reached. */
  #answered(state: EndpointState, isSuccess: boolean): void {
    state.external.add(isSuccess);
    if (this.#options.splitLocalOrigin) this.#reached(state);
    if (!isSuccess) return;
    state.errorsInRow = 0;
    state.gatewayErrorsInRow = 0;
  }

  #reached(state: EndpointState): void {
    state.local.add(true);
    state.localFailuresInRow = 0;
  }

  #failed(state: EndpointState, isGateway: boolean, nowMs: number): void {
    const { consecutiveErrors, consecutiveGatewayErrors } = this.#options;
    this.#answered(state, false);
    state.gatewayErrorsInRow = isGateway ? state.gatewayErrorsInRow + 1 : 0;
    state.errorsInRow += 1;
    // Both are counted from 0 again, whether or not the endpoint leaves: detected every N.
    const isGatewayOutlier =
      consecutiveGatewayErrors > 0 && state.gatewayErrorsInRow >= consecutiveGatewayErrors;
    const isOutlier = consecutiveErrors > 0 && state.errorsInRow >= consecutiveErrors;
    if (isGatewayOutlier) state.gatewayErrorsInRow = 0;
    if (isOutlier) state.errorsInRow = 0;
    if (isGatewayOutlier) this.#detect(state, 'consecutive-gateway-errors', nowMs);
    if (isOutlier) this.#detect(state, 'consecutive-errors', nowMs);
  }

  #missed(state: EndpointState, nowMs: number): void {
    const { consecutiveLocalFailures } = this.#options;
    state.local.add(false);
    state.localFailuresInRow += 1;
    if (consecutiveLocalFailures === 0) return;
    if (state.localFailuresInRow < consecutiveLocalFailures) return;
    state.localFailuresInRow = 0;
    this.#detect(state, 'consecutive-local-failures', nowMs);
  }

  /** Judges the interval and begins the next, before anybody is told: a listener may throw. */
  #judge(atMs: number): void {
    const external = judgeRates(this.#endpoints, 'external', this.#options);
    const local = judgeRates(this.#endpoints, 'local', this.#options);
    this.#judgements.external = external.judgement;
    this.#judgements.local = local.judgement;
    for (const endpoint of this.#endpoints) endpoint.endInterval();
    for (const state of external.bySuccessRate) this.#detect(state, 'success-rate', atMs);
    for (const state of external.byFailureRatio) this.#detect(state, 'failure-ratio', atMs);
    for (const state of local.bySuccessRate) this.#detect(state, 'local-success-rate', atMs);
    for (const state of local.byFailureRatio) this.#detect(state, 'local-failure-ratio', atMs);
  }

  #detect(state: EndpointState, because: OutlierReason, atMs: number): void {
    // Another reason, or a listener, may have been faster.
    if (state.isOut || !state.isWatched) return;
    this.#detectedCounts[because] += 1;
    const ratio = this.#options.enforceRatios[because];
    const isEnforced = ratio === 1 || (ratio > 0 && this.#rng() < ratio);
    if (isEnforced && this.#cap.tryEject()) {
      this.#eject(state, because, atMs);
      return;
    }
    if (isEnforced) this.#overCapCount += 1;
    const by = isEnforced ? 'cap' : 'enforcement';
    this.onEvent?.({ kind: 'spared', endpoint: state, because, by, atMs });
  }

  #eject(state: EndpointState, because: OutlierReason, atMs: number): void {
    const { ejectionMs, ejectionMaxMs, ejectionJitterMs } = this.#options;
    const jitterMs = ejectionJitterMs > 0 ? this.#rng() * ejectionJitterMs : 0;
    state.isOut = true;
    state.reason = because;
    state.untilMs = atMs + state.nextEjectionMs(ejectionMs, ejectionMaxMs) + jitterMs;
    this.#outCount += 1;
    this.#enforcedCounts[because] += 1;
    this.#dueMs = Math.min(this.#dueMs, state.untilMs);
    const { untilMs } = state;
    this.onEvent?.({ kind: 'ejected', endpoint: state, because, atMs, untilMs });
  }

  #restore(state: EndpointState, because: RestoreReason, atMs: number): void {
    state.restore(atMs);
    this.#outCount -= 1;
    this.#cap.restore();
    this.onEvent?.({ kind: 'restored', endpoint: state, because, atMs });
  }

  #restoreDue(nowMs: number): void {
    if (this.#outCount === 0) return;
    for (const state of this.#endpoints) {
      // As of the end of its time, whenever that is noticed.
      if (state.isOut && state.untilMs <= nowMs) this.#restore(state, 'elapsed', state.untilMs);
    }
  }

  /** More are out than may be, since others have left: those come back whose time is over first. */
  #makeRoom(nowMs: number): void {
    while (this.#outCount > 0 && this.#cap.isExceeded) {
      let first: EndpointState | undefined;
      for (const state of this.#endpoints) {
        if (state.isOut && (first === undefined || state.untilMs < first.untilMs)) first = state;
      }
      if (first === undefined) return;
      this.#restore(first, 'over-cap', nowMs);
    }
  }

  #setDue(): void {
    let dueMs = this.#intervalAtMs + this.#options.intervalMs;
    if (this.#outCount > 0) {
      for (const state of this.#endpoints) if (state.isOut) dueMs = Math.min(dueMs, state.untilMs);
    }
    this.#dueMs = dueMs;
  }
}

function stateOf(endpoint: OutlierEndpoint): EndpointState {
  assert(endpoint instanceof EndpointState, 'an endpoint is made by add()');
  return endpoint;
}

function noCounts(): Record<OutlierReason, number> {
  return {
    'consecutive-errors': 0,
    'consecutive-gateway-errors': 0,
    'consecutive-local-failures': 0,
    'success-rate': 0,
    'failure-ratio': 0,
    'local-success-rate': 0,
    'local-failure-ratio': 0,
  };
}
