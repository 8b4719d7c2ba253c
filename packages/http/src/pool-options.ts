/** What a pool is told, and what it tells. */
import type { Clock, Rng, Timers, Watch } from '@leno/std';
import type { ClientTry, OutgoingRequest, TryEvents } from './exchange.ts';
import type { MessageLimits } from './limits.ts';
import type { TlsClientOptions } from './tls-options.ts';

/** Bounds towards one address; what exceeds them is refused with `overflow`, at once. */
export interface PoolLimits extends Partial<MessageLimits> {
  /** Connections, open or being opened. */
  readonly connectionCountMax: number;
  /** Requests that wait for a connection. */
  readonly pendingCountMax: number;
  /** Requests on connections and waiting, together. */
  readonly requestCountMax: number;
}

/** Where a pool leads, what it may hold, and how long it waits. */
export interface UpstreamPoolOptions {
  /** Host name, address, or `unix:/path` (then the port is ignored). */
  readonly address: string;
  readonly port: number;
  /** With it, connections are mutual TLS 1.3; a new value counts for new connections. */
  readonly tls?: Watch<TlsClientOptions> | undefined;
  readonly limits: PoolLimits;
  /** For the connection and its handshake together. */
  readonly connectTimeoutMs: number;
  /** An idle connection is closed after this; choose less than the upstream does. */
  readonly idleTimeoutMs: number;
  readonly clock: Clock;
  readonly timers: Timers;
  /** For the keys of WebSockets whose client speaks HTTP/2. Default: the runtime's. */
  readonly rng?: Rng;
}

/** Counters since the start, and gauges. A live view. */
export interface PoolStats {
  readonly connectionCount: number;
  readonly idleCount: number;
  readonly activeCount: number;
  readonly pendingCount: number;
  readonly requestCount: number;
  readonly reusedCount: number;
  readonly connectCount: number;
  readonly connectFailureCount: number;
  readonly connectTimeoutCount: number;
  /** Refused with `overflow` because `requestCountMax`, or because `pendingCountMax` was reached. */
  readonly requestOverflowCount: number;
  readonly pendingOverflowCount: number;
  readonly idleClosedCount: number;
  /** Connections that could not be used again after their request. */
  readonly discardedCount: number;
}

/** The connections to one upstream address, whatever they speak. */
export interface ClientPool {
  readonly stats: PoolStats;
  /** Bounds for requests from now on; what is over a lowered one lives on. */
  setLimits(limits: PoolLimits): void;
  /** Sends a request. What happens is told to `events`, never before this has returned. */
  request(outgoing: OutgoingRequest, events: TryEvents): ClientTry;
  /** Takes no new request; connections end when the requests on them have. */
  drain(): void;
  /** Closes everything; what is in flight fails. */
  close(): void;
}
