import type { Hash64 } from '../hash/hash64.ts';

/** What a call is placed by: its key's hash, and which attempt of the call this is, from 0. */
export interface PickKey {
  readonly hash: Hash64;
  readonly attempt: number;
}
