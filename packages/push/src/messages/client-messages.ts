import * as z from 'zod';
import { LeaseDrop, LeaseRegister, LeaseRenew } from './lease.ts';
import { WireNode } from './node-info.ts';
import { Have } from './revision.ts';
import { ApplyError } from './view.ts';

const Id = z.string().min(1).max(256);

/** The first message of a session that holds a certificate. */
export const Hello = z.strictObject({
  t: z.literal('hello'),
  proto: z.literal(1),
  node: WireNode,
  /** What the proxy runs; null if nothing. */
  have: Have.nullable(),
  sub: z.array(Id).max(1_024),
  caps: z.array(Id).max(64),
  /** How old the last-known-good is that runs, 0 if it came over a session of this process. */
  lkgAgeMs: z.number().min(0),
});
export type Hello = z.output<typeof Hello>;

/**
 * The verdict on one config message. `epoch`, `version` and `digest` say what the proxy runs from
 * now on; after `rejected` that is what it ran before.
 */
export const Ack = z.strictObject({
  t: z.literal('ack'),
  nonce: z.int().min(1),
  epoch: z.int().min(0),
  version: z.int().min(0),
  digest: z.string().min(1).max(128),
  status: z.enum(['applied', 'partial', 'rejected']),
  errors: z.array(ApplyError).max(256),
  applyMs: z.number().min(0),
});
export type Ack = z.output<typeof Ack>;

/** What arrived does not add up: the whole view is asked for again. */
export const Resync = z.strictObject({
  t: z.literal('resync'),
  nonce: z.int().min(1),
  reason: z.enum(['base', 'digest', 'decode', 'patch']),
  have: Have.nullable(),
});
export type Resync = z.output<typeof Resync>;

/** Asks for a certificate. Names in the request are ignored; the attested identity is written. */
export const Csr = z.strictObject({
  t: z.literal('csr'),
  id: Id,
  pem: z.string().min(1).max(16_384),
});
export type Csr = z.output<typeof Csr>;

/** Figures since the last one; not answered. */
export const Stat = z.strictObject({
  t: z.literal('stat'),
  body: z.record(z.string(), z.unknown()),
});
export type Stat = z.output<typeof Stat>;

/** The instance goes: nobody may be sent to it any more before `left` answers (P9). */
export const Leave = z.strictObject({ t: z.literal('leave'), instance: Id });
export type Leave = z.output<typeof Leave>;

/** Everything that a proxy may say. */
export const ClientMessage = z.union([
  Hello,
  Ack,
  Resync,
  LeaseRegister,
  LeaseRenew,
  LeaseDrop,
  Csr,
  Stat,
  Leave,
]);
export type ClientMessage = z.output<typeof ClientMessage>;
