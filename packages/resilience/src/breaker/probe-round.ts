/**
 * Half-open: the calls that try a service out after an opening, and what they have said so far.
 * Those that are not heard of in time are lost, and others may take their places; what the others
 * said stays.
 */
import type { CallOutcome } from './breaker-report.ts';

/** How many probes there are, how many must succeed, and how long they may take. */
export interface ProbeOptions {
  readonly probeCount: number;
  /** 0 is all of them. */
  readonly probeSuccessCountMin: number;
  readonly probeWaitMaxMs: number;
}

export class ProbeRound {
  #underWayCount = 0;
  #goodCount = 0;
  #badCount = 0;
  #lostAtMs = Number.NEGATIVE_INFINITY;

  /** Forgets all of it. */
  begin(): void {
    this.#underWayCount = this.#goodCount = this.#badCount = 0;
  }

  /** How many are under way and not lost. */
  underWayCountAt(nowMs: number): number {
    return nowMs < this.#lostAtMs ? this.#underWayCount : 0;
  }

  /** How long until one may leave; 0 if one may now. */
  waitMs(nowMs: number, { probeCount }: ProbeOptions): number {
    const underWayCount = this.underWayCountAt(nowMs);
    // Where none is under way nothing could end the round: one may leave even if options shrank.
    const hasRoom =
      underWayCount === 0 || underWayCount + this.#goodCount + this.#badCount < probeCount;
    return hasRoom ? 0 : this.#lostAtMs - nowMs;
  }

  /** One leaves. True if those under way are lost, so that their permits must not count any more. */
  take(nowMs: number, { probeWaitMaxMs }: ProbeOptions): boolean {
    const isLost = this.#underWayCount > 0 && nowMs >= this.#lostAtMs;
    if (isLost) this.#underWayCount = 0;
    if (this.#underWayCount === 0) this.#lostAtMs = nowMs + probeWaitMaxMs;
    this.#underWayCount += 1;
    return isLost;
  }

  /** One has ended. True if none is under way any more. */
  end(outcome: CallOutcome): boolean {
    this.#underWayCount -= 1;
    if (outcome === 'success') this.#goodCount += 1;
    else if (outcome !== 'ignored') this.#badCount += 1;
    return this.#underWayCount === 0;
  }

  /** Whether the service is well; undefined while that is not certain. */
  verdict({ probeCount, probeSuccessCountMin }: ProbeOptions): boolean | undefined {
    const goodCountMin = probeSuccessCountMin || probeCount;
    if (this.#goodCount >= goodCountMin) return true;
    return this.#badCount > probeCount - goodCountMin ? false : undefined;
  }
}
