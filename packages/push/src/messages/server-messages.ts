import * as z from 'zod';
import { HeldResource, WireResource } from './view.ts';

const Id = z.string().min(1).max(256);
const Pem = z.string().min(1).max(16_384);

/** Answers `hello`. `hold`: the proxy is ahead of this server, which closes unless it catches up. */
export const Welcome = z.strictObject({
  t: z.literal('welcome'),
  session: Id,
  server: Id,
  epoch: z.int().min(0),
  head: z.int().min(0),
  mode: z.enum(['current', 'snapshot', 'hold']),
  heartbeatMs: z.int().min(1),
  ackTimeoutMs: z.int().min(1),
  /** 0 is no limit. */
  maxSessionMs: z.int().min(0),
});
export type Welcome = z.output<typeof Welcome>;

/** Replaces the view wholly. The digest is that of `resources` and `held` together. */
export const Snapshot = z.strictObject({
  t: z.literal('snapshot'),
  nonce: z.int().min(1),
  epoch: z.int().min(0),
  version: z.int().min(0),
  digest: z.string().min(1).max(128),
  resources: z.array(WireResource),
  /** What the proxy has refused and does not get again; absent if there is none. */
  held: z.array(HeldResource).optional(),
});
export type Snapshot = z.output<typeof Snapshot>;

/** Nothing in this proxy's scope has changed up to this version. Not acknowledged. */
export const Mark = z.strictObject({
  t: z.literal('mark'),
  epoch: z.int().min(0),
  version: z.int().min(0),
});
export type Mark = z.output<typeof Mark>;

/** Answers `csr`: the chain with the leaf first, and the roots to trust; PEM, one each. */
export const SvidMessage = z.strictObject({
  t: z.literal('svid'),
  id: Id,
  chain: z.array(Pem).min(1).max(8),
  bundle: z.array(Pem).min(1).max(64),
  /** Milliseconds since 1970. */
  notAfter: z.number().min(0),
});
export type SvidMessage = z.output<typeof SvidMessage>;

/** Answers `leave`: how many proxies no longer use the instance, and the ids of those that may. */
export const LeftMessage = z.strictObject({
  t: z.literal('left'),
  instance: Id,
  acked: z.int().min(0),
  late: z.array(Id).max(1_024),
});
export type LeftMessage = z.output<typeof LeftMessage>;

/** Answers a request that is refused. `ref` is `hello`, `lease:ID`, `csr:ID`, `leave:ID` or `message`. */
export const ErrorMessage = z.strictObject({
  t: z.literal('error'),
  ref: z.string().min(1).max(300),
  /** Stable and in capitals, such as `DENIED`. */
  code: z.string().min(1).max(64),
  msg: z.string().max(2_000),
});
export type ErrorMessage = z.output<typeof ErrorMessage>;

/** Everything that a control plane may say. */
export const ServerMessage = z.discriminatedUnion('t', [
  Welcome,
  Snapshot,
  Mark,
  SvidMessage,
  LeftMessage,
  ErrorMessage,
]);
export type ServerMessage = z.output<typeof ServerMessage>;

/** A certificate as programs see it: PEM texts, the leaf first; roots one each. */
export interface Svid {
  readonly chain: readonly string[];
  readonly bundle: readonly string[];
  /** Milliseconds since 1970. */
  readonly notAfterMs: number;
}

/** How a leave ended: `acked` sessions have let go, the nodes of `late` had not by the deadline. */
export interface Left {
  readonly acked: number;
  readonly late: readonly string[];
}

/** Why something was refused; `code` is stable and in capitals. */
export interface Refusal {
  readonly code: string;
  readonly msg: string;
}
