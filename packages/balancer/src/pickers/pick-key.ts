import type { Hash64 } from '../hash/hash64.ts';

/** What a call is placed by: the hash of its key, and how many tries of it went before. */
export interface PickKey {
  readonly hash: Hash64;
  readonly attempt: number;
}
