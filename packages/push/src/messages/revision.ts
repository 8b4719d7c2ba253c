import * as z from 'zod';

/**
 * A point of the log: `epoch` grows when the store is restored or reset, `version` by one for each
 * committed transaction. The order is lexicographic (push protocol §1).
 */
export const Revision = z.strictObject({
  epoch: z.int().min(0),
  version: z.int().min(0),
});
export type Revision = z.output<typeof Revision>;

/** A revision, and the digest of the view that was held there. */
export const Have = z.strictObject({
  epoch: z.int().min(0),
  version: z.int().min(0),
  digest: z.string().min(1).max(128),
});
export type Have = z.output<typeof Have>;

/** Below 0 if `left` is older than `right`, above 0 if it is newer, 0 if they are the same. */
export function compareRevisions(left: Revision, right: Revision): number {
  return left.epoch - right.epoch || left.version - right.version;
}
