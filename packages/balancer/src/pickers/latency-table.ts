/**
 * What is expected of each endpoint's latency: a peak EWMA by slot. A latency above the estimate
 * replaces it at once, one below pulls it down with the weight 1 - e^(-Δt/decay), and idle time
 * lets it fade to 0, so that an endpoint that was slow is tried again.
 *
 * Fading alone would make a long-idle endpoint so cheap that a burst goes to it whole before its
 * first reply, which is the worst moment to learn that it hangs. So while calls are under way an
 * estimate does not count for less than it was when last measured, or than `initialMs` if that is
 * less: idle, it is worth one try, not all. Nor does it count for nothing then: calls that are too
 * short for the clock would make an endpoint free, whatever is under way to it.
 */
import type { Member, Roster } from '../roster.ts';
import { grown } from '../slot-table.ts';

/** What a call takes at least where others are under way. */
const BUSY_MS_MIN = 0.01;

/** The estimates, for every picker that chooses among the endpoints of one set. */
export class LatencyTable {
  /** Of the two endpoints that are compared. */
  readonly costs = new Float64Array(2);
  readonly #decayMs: number;
  readonly #initialMs: number;
  // By slot.
  #estimatesMs = new Float64Array(0);
  #measuredAtMs = new Float64Array(0);
  #stamps = new Float64Array(0);

  constructor(decayMs: number, initialMs: number) {
    this.#decayMs = decayMs;
    this.#initialMs = initialMs;
  }

  /**
   * Puts the cost of the endpoint in its place of `costs`: expected latency × (calls under way
   * + 1) ÷ weight. Returned, the double might be boxed on the heap.
   */
  weigh<M extends Member>(roster: Roster<M>, index: number, nowMs: number, place: 0 | 1): void {
    const slot = roster.slotAt(index);
    const inFlightCount = roster.table.inFlightOf(slot);
    const estimateMs = this.#estimatesMs[slot] ?? 0;
    const elapsedMs = nowMs - (this.#measuredAtMs[slot] ?? 0);
    const fadedMs = elapsedMs > 0 ? estimateMs * Math.exp(-elapsedMs / this.#decayMs) : estimateMs;
    const floorMs =
      inFlightCount > 0 ? Math.max(BUSY_MS_MIN, Math.min(estimateMs, this.#initialMs)) : 0;
    const expectedMs = Math.max(fadedMs, floorMs) * (inFlightCount + 1);
    const weight = roster.table.weightOf(slot) * roster.table.ratioOf(slot);
    this.costs[place] = expectedMs / weight;
  }

  /** A call took so long. A result from the past does not turn time back. */
  observe(slot: number, nowMs: number, latencyMs: number): void {
    if (slot < 0) return;
    const elapsedMs = Math.max(0, nowMs - (this.#measuredAtMs[slot] ?? 0));
    const weight = Math.exp(-elapsedMs / this.#decayMs);
    const estimateMs = this.#estimatesMs[slot] ?? 0;
    const isPeak = latencyMs > estimateMs * weight;
    this.#estimatesMs[slot] = isPeak ? latencyMs : latencyMs * (1 - weight) + estimateMs * weight;
    this.#measuredAtMs[slot] = Math.max(nowMs, this.#measuredAtMs[slot] ?? 0);
  }

  /** Takes note of endpoints that came into slots since. Allocates only if there are more. */
  follow<M extends Member>(roster: Roster<M>): void {
    if (this.#estimatesMs.length < roster.slotCount) {
      this.#estimatesMs = grown(this.#estimatesMs, roster.slotCount);
      this.#measuredAtMs = grown(this.#measuredAtMs, roster.slotCount);
      this.#stamps = grown(this.#stamps, roster.slotCount);
    }
    for (let index = 0; index < roster.length; index += 1) {
      const slot = roster.slotAt(index);
      const stamp = roster.stampOf(slot);
      if (this.#stamps[slot] === stamp) continue;
      this.#stamps[slot] = stamp;
      this.#estimatesMs[slot] = this.#initialMs;
      this.#measuredAtMs[slot] = roster.addedAtMsAt(index);
    }
  }
}
