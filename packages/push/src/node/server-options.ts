import type { Server } from 'node:https';
import type { Clock, Result, Rng, Timers } from '@leno/std';
import type { Ack } from '../messages/client-messages.ts';
import type { LeaseCommand } from '../messages/lease.ts';
import type { NodeInfo } from '../messages/node-info.ts';
import type { Have, Revision } from '../messages/revision.ts';
import type { Left, Refusal, Svid } from '../messages/server-messages.ts';
import type { ApplyError, View } from '../messages/view.ts';

/** What is known of a caller before its upgrade is answered. */
export interface UpgradeInfo {
  /** The join token; only from a caller without certificate. */
  readonly token?: string | undefined;
  /** The leaf, whose chain TLS has verified against the server's roots. */
  readonly peerDer?: Uint8Array | undefined;
  readonly remoteAddress: string;
}

/** Who a caller is. */
export interface Caller {
  /** `joining` may send nothing but `csr`. */
  readonly kind: 'joining' | 'member';
  /** The SPIFFE id. */
  readonly identity: string;
  /** When the certificate ends, milliseconds since 1970; the session is closed then (4401). */
  readonly expiresAtMs?: number | undefined;
}

/** One session, as it stands; a copy that does not change. */
export interface SessionInfo {
  readonly id: string;
  readonly kind: 'joining' | 'member';
  readonly identity: string;
  readonly remoteAddress: string;
  /** Known from `hello` on. */
  readonly node: NodeInfo | undefined;
  readonly caps: readonly string[];
  readonly subs: readonly string[];
  /** Milliseconds since 1970. */
  readonly connectedAtMs: number;
  readonly phase: 'joining' | 'greeting' | 'deciding' | 'hold' | 'live' | 'closed';
  /** What the proxy runs, by its own word. */
  readonly acked: Have | null;
  /**
   * Up to which revision the proxy has given its verdict, counting revisions that changed nothing
   * in its scope.
   */
  readonly settled: Revision | null;
  readonly verdict: 'none' | 'applied' | 'partial' | 'rejected';
  /** Of the last verdict. */
  readonly errors: readonly ApplyError[];
  /** How long the last apply took in the proxy; 0 before the first. */
  readonly applyMs: number;
  /** Milliseconds since 1970 of the last verdict; 0 before the first. */
  readonly ackedAtMs: number;
  /** Ids of the instances that this session keeps. */
  readonly leases: readonly string[];
}

/** Why and how a session ended. */
export interface SessionEnd {
  /** Of the close frame; 1006 if the connection broke without one. */
  readonly code: number;
  readonly reason: string;
  /**
   * The proxy lives and comes back at once: it said so, its certificate had ended, or it is this
   * server that stops. Let its instances run to the end of their lease.
   */
  readonly isReturning: boolean;
}

/** What the server asks and tells its owner. */
export interface PushServerListeners {
  /** A member introduces itself; an error refuses it: `error`, then 4401. Absent: all may. */
  hello?(session: SessionInfo): Result<unknown, Refusal>;
  ack?(session: SessionInfo, ack: Ack): void;
  /** An error is told to the proxy, nothing else happens. */
  lease?(session: SessionInfo, lease: LeaseCommand): Result<unknown, Refusal> | undefined;
  csr?(session: SessionInfo, pem: string): Promise<Result<Svid, Refusal>>;
  stat?(session: SessionInfo, body: Readonly<Record<string, unknown>>): void;
  leave?(session: SessionInfo, instance: string): Promise<Left>;
  /** Once for every session that was opened; its `leases` are without a keeper from now on. */
  closed?(session: SessionInfo, end: SessionEnd): void;
  /** A proxy has seen a higher epoch: this server must take no writes any more (R8). */
  fence?(epoch: number): void;
}

/** What a `PushServer` is made of. */
export interface PushServerOptions {
  /** The caller owns it: listening, certificates (`requestCert: true, rejectUnauthorized: false`). */
  readonly server: Server;
  /** Name of this server, told to proxies. Default `control-plane`. */
  readonly name?: string | undefined;
  /** Default `/v1/push`. Other paths are answered 404 unless somebody else listens for upgrades. */
  readonly path?: string | undefined;
  /** An error answers the upgrade 401; its text is not sent. */
  authenticate(info: UpgradeInfo): Result<Caller, string> | Promise<Result<Caller, string>>;
  /** What this session is to hold; undefined if that is not known yet, which holds the session. */
  viewFor(session: SessionInfo): View | undefined;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly rng: Rng;
  readonly on?: PushServerListeners;
  readonly limits?: Partial<PushServerLimits>;
}

/** Bounds and times of a server; all have defaults. */
export interface PushServerLimits {
  /** Open sessions; further upgrades are answered 503. Default 10,000. */
  readonly sessionCountMax: number;
  /** Upgrades let in per second, with as many again in a burst; others are answered 429. Default 150. */
  readonly upgradesPerSecond: number;
  /** Of one message from a proxy; more closes with 1009. Default 1 MiB. */
  readonly receiveBytesMax: number;
  /** Of one message to a proxy; more closes with 4413. Default 16 MiB. */
  readonly sendBytesMax: number;
  /** Bytes that may wait for one socket beside a config message. Default 8 MiB. */
  readonly bufferedBytesMax: number;
  /** `csr` and `leave` of one session that may be unanswered. Default 8. */
  readonly requestCountMax: number;
  /** Instances of one session. Default 64. */
  readonly leaseCountMax: number;
  /** Sustained `stat` per second and session, with five times as many in a burst. Default 2. */
  readonly statsPerSecond: number;
  readonly heartbeatMs: number;
  readonly ackTimeoutMs: number;
}
