import type { Resource } from '@leno/config';
import type { Clock, Result, Rng, Timers } from '@leno/std';
import type { ClientStatus } from '../client/client-state.ts';
import type { NodeInfo } from '../messages/node-info.ts';
import type { Have } from '../messages/revision.ts';
import type { Left, Refusal, Svid } from '../messages/server-messages.ts';
import type { ApplyResult, View } from '../messages/view.ts';

/** What the proxy runs before its first session, from its last-known-good. */
export interface Held extends Have {
  /** How old it is; 0 if absent. */
  readonly ageMs?: number;
  /** Its content, so that refused bundles can keep their last good state across a restart. */
  readonly resources?: readonly Resource[];
}

/** What one connection is made with; asked for anew at each attempt, so that renewed keys are used. */
export interface ClientTls {
  /**
   * PEM roots. Empty before the first certificate: then the chain is not verified by TLS, and
   * `checkServer` alone decides.
   */
  readonly ca?: readonly string[] | undefined;
  /** PEM; with `cert`. Absent before the first certificate: then `join` is sent. */
  readonly key?: string | undefined;
  readonly cert?: string | undefined;
  /**
   * Looks at the server's certificate, and at the chain that it sent (leaf first), before one byte
   * of the upgrade leaves, the token included. An error ends the attempt.
   */
  checkServer(der: Uint8Array, chain: readonly Uint8Array[]): Result<unknown, string>;
}

/** What the client tells its owner; each is called synchronously and must not throw. */
export interface PushClientListeners {
  /** Whenever the status changes. */
  state?(status: ClientStatus): void;
  /**
   * The view that is in force now, refused bundles in their last good state: what is to be kept as
   * last-known-good.
   */
  running?(view: View): void;
  svid?(svid: Svid): void;
  left?(left: Left & { readonly instance: string }): void;
  /** The server refused a request, such as `{ref: 'lease:cart-1', code: 'DENIED'}`. */
  error?(refusal: Refusal & { readonly ref: string }): void;
}

/** What a `PushClient` is made of. */
export interface PushClientOptions {
  /** `wss://host:port/v1/push`. */
  readonly url: string;
  tls(): ClientTls;
  /** The join token, sent as long as `tls()` has no certificate. */
  readonly join?: string | undefined;
  readonly node: NodeInfo;
  /** Asked once, at `start()`. */
  have(): Held | null;
  /** Puts a view in force, or says what is wrong with it. Throwing counts as `rejected`. */
  apply(view: View): ApplyResult | Promise<ApplyResult>;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  readonly on?: PushClientListeners;
  readonly limits?: Partial<PushClientLimits>;
}

/** Bounds and times of a client; all have defaults. */
export interface PushClientLimits {
  /** Of one message, both ways. Default 16 MiB. */
  readonly messageBytesMax: number;
  /** Bytes that may wait for the socket before the connection is given up. Default 8 MiB. */
  readonly bufferedBytesMax: number;
  /** Instances this client keeps registered. Default 64. */
  readonly leaseCountMax: number;
  /** `csr` and `leave` that may be unanswered. Default 8. */
  readonly requestCountMax: number;
  /** TCP, TLS, upgrade and welcome together. Default 5 s. */
  readonly connectTimeoutMs: number;
  /** How long a `csr` or a `leave` waits for its answer. Default 60 s. */
  readonly requestTimeoutMs: number;
  /** Interval of pings before ±20 % jitter, until the server names its own. Default 10 s. */
  readonly heartbeatMs: number;
}
