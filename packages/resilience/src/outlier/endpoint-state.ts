import type { OutlierReason } from './outlier-options.ts';
import type { OutlierEndpoint, OutlierEndpointReport } from './outlier-report.ts';

/** Outcomes of one origin within the running interval. */
export class IntervalCounts {
  successCount = 0;
  totalCount = 0;

  add(isSuccess: boolean): void {
    this.totalCount += 1;
    if (isSuccess) this.successCount += 1;
  }

  reset(): void {
    this.successCount = 0;
    this.totalCount = 0;
  }
}

/** What a detector keeps of one endpoint; only the detector looks inside. */
export class EndpointState implements OutlierEndpoint {
  readonly name: string;
  /** False once it is removed, or from the start where there are too many. */
  isWatched = true;
  /** Stays true until the detector has taken it back, even when its time is over. */
  isOut = false;
  untilMs = Number.NEGATIVE_INFINITY;
  reason: OutlierReason | undefined;
  errorsInRow = 0;
  gatewayErrorsInRow = 0;
  localFailuresInRow = 0;
  /** What it answered, and whether it was reached. */
  readonly external = new IntervalCounts();
  readonly local = new IntervalCounts();
  /** The next ejection lasts one more of the base time than this. */
  #factor = 0;
  #restoredAtMs = Number.NEGATIVE_INFINITY;

  constructor(name: string) {
    this.name = name;
  }

  /** Lengthens the next ejection, up to the maximum, and says how long this one is. */
  nextEjectionMs(baseMs: number, maxMs: number): number {
    if (this.#factor * baseMs < maxMs + baseMs) this.#factor += 1;
    return Math.min(this.#factor * baseMs, maxMs);
  }

  /** It is in again; what was in a row before says nothing any more. */
  restore(atMs: number): void {
    this.isOut = false;
    this.#restoredAtMs = atMs;
    this.errorsInRow = 0;
    this.gatewayErrorsInRow = 0;
    this.localFailuresInRow = 0;
  }

  /**
   * `count` intervals have ended, the first at `firstMs`: each at whose end it had been in for an
   * interval shortens the next ejection.
   */
  decay(firstMs: number, count: number, intervalMs: number): void {
    if (this.isOut || this.#factor === 0) return;
    const early = Math.ceil((this.#restoredAtMs + intervalMs - firstMs) / intervalMs);
    this.#factor = Math.max(0, this.#factor - Math.max(0, count - Math.max(0, early)));
  }

  endInterval(): void {
    this.external.reset();
    this.local.reset();
  }

  report(nowMs: number): OutlierEndpointReport {
    const isEjected = this.isOut && nowMs < this.untilMs;
    return {
      name: this.name,
      isEjected,
      retryAfterMs: isEjected ? this.untilMs - nowMs : 0,
      reason: this.reason,
      ejectionFactor: this.#factor,
      consecutiveErrorCount: this.errorsInRow,
      consecutiveGatewayErrorCount: this.gatewayErrorsInRow,
      consecutiveLocalFailureCount: this.localFailuresInRow,
      requestCount: this.external.totalCount,
      successCount: this.external.successCount,
    };
  }
}
