import type { Rng } from '@leno/std';
import type { PickKey } from './pick-key.ts';

/**
 * How a call ended, for what is learnt from it: `ignored` (cancelled, our own limit) says nothing.
 */
export type PickOutcome = 'success' | 'failure' | 'ignored';

/** Whether the endpoint at the index may be picked now. Must be pure. */
export type Admits = (index: number) => boolean;

/** What a picker thinks of one endpoint. */
export interface PickScore {
  readonly id: string;
  /** Its meaning is the kind's own, and said there. */
  readonly score: number;
}

/**
 * Chooses among the endpoints of a set. Indexes are those of the set and hold until its next
 * update; after one, ask `set.indexOf(id)` again, and report nothing of an endpoint that has left.
 * `pick` allocates nothing, however many endpoints there are.
 */
export interface Picker {
  /**
   * An index whose weight is above 0 and for which `admits` is true, or -1 if there is none; what
   * then (refuse, or panic and pick without `admits`) is the caller's to say. Without `admits` all
   * may be picked, which is the fastest. `key` says what the call is placed by, for the kinds that
   * place calls by a hash; the others leave it unread.
   */
  pick(nowMs: number, rng: Rng, admits?: Admits, key?: PickKey): number;
  /** A call leaves for the endpoint, whether it was picked or chosen otherwise. */
  started(index: number, nowMs: number): void;
  /**
   * A call that was told by `started` ended after `latencyMs` (to the head of its reply). From a
   * latency that is negative, infinite or NaN nothing is learnt.
   */
  ended(index: number, nowMs: number, latencyMs: number, outcome: PickOutcome): void;
  /** A score for each endpoint, in order. For people: it allocates. */
  explain(nowMs: number): readonly PickScore[];
}
