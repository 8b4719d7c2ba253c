import { Resource } from '@leno/config';
import * as z from 'zod';

/**
 * A resource as it travels. The type is any word here: one that the receiver does not know rejects
 * its bundle only, not the message (push protocol P8).
 */
export const WireResource = Resource.extend({ type: z.string().min(1).max(64) });
export type WireResource = z.output<typeof WireResource>;

/**
 * Says that a resource belongs to the view although its body does not travel: the proxy has refused
 * this very bundle on this session and keeps what it had of it.
 */
export const HeldResource = WireResource.pick({
  type: true,
  name: true,
  version: true,
  bundle: true,
});
export type HeldResource = z.output<typeof HeldResource>;

/** Everything that one proxy is to hold at a revision. `digest` is `viewDigest(resources)`. */
export interface View {
  readonly epoch: number;
  readonly version: number;
  readonly digest: string;
  readonly resources: readonly Resource[];
}

/** Why a resource was refused: the resource, the path inside of its body, and words for people. */
export const ApplyError = z.strictObject({
  /** Empty, like `name`, if the fault lies in no single resource. */
  type: z.string().max(64),
  name: z.string().max(512),
  version: z.int().min(0),
  /** Stable and in capitals, such as `INVALID_BODY`. */
  code: z.string().min(1).max(64),
  path: z.string().max(512),
  msg: z.string().max(2_000),
});
export type ApplyError = z.output<typeof ApplyError>;

/**
 * What became of a view. `partial`: the bundles that the errors name keep their last good content,
 * the rest is in force. `rejected`: nothing has changed.
 */
export interface ApplyResult {
  readonly status: 'applied' | 'partial' | 'rejected';
  readonly errors: readonly ApplyError[];
}
