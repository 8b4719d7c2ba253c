import type { Hash64 } from '../hash/hash64.ts';
import type { Member, Roster } from '../roster.ts';
import type { Picker } from './picker.ts';

/**
 * A way to pick, as a value: what `roundRobin()`, `peakEwma({ … })` and the others give. Options
 * are checked where they are given.
 */
export interface Policy {
  readonly kind: string;
  /**
   * Pickers for one set: for all of it, and for the endpoints of one priority or zone. What is
   * learnt of an endpoint is shared by the pickers that one call makes.
   */
  pickersOf<M extends Member>(): (roster: Roster<M>) => Picker;
  /** How a call's key is hashed, in the kinds that place calls by it. */
  readonly hash?: (key: string, into: Hash64) => void;
}
