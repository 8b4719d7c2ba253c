/**
 * The connections of a proxy: one pool per address, transport and expected identity, shared by the
 * clusters that the endpoint belongs to, and closed gracefully when the last of them lets go.
 */
import { defaults, type EndpointBody } from '@leno/config';
import {
  type ClientPool,
  type PoolLimits,
  type TlsClientOptions,
  UpstreamAlpnPool,
  UpstreamPool,
} from '@leno/http';
import type { Clock, Timers, Watch } from '@leno/std';
import { meshHttp2, meshSpread } from './mesh-http2.ts';

/** TLS towards one identity, for as long as somebody dials it. */
export interface TlsLease {
  /** Follows the rotation of the own certificate by itself. */
  readonly options: Watch<TlsClientOptions>;
  /** No connection will be made with it any more. */
  release(): void;
}

/** What pools need of their surroundings. */
export interface PoolPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** TLS towards whoever must show exactly `identity`; nobody is that if it is empty. */
  tlsFor(identity: string): TlsLease;
}

/** How connections are made and bounded. */
export interface PoolTerms {
  readonly limits: PoolLimits;
  readonly connectTimeoutMs: number;
}

interface SharedPool {
  readonly pool: ClientPool;
  readonly tls: TlsLease | undefined;
  userCount: number;
}

export class PoolRegistry {
  readonly #ports: PoolPorts;
  readonly #pools = new Map<string, SharedPool>();

  constructor(ports: PoolPorts) {
    this.#ports = ports;
  }

  get pools(): readonly ClientPool[] {
    return [...this.#pools.values()].map((shared) => shared.pool);
  }

  /** The pool towards the endpoint; pair each call with a `release`. */
  acquire(body: EndpointBody, terms: PoolTerms): ClientPool {
    const key = keyOf(body);
    const known = this.#pools.get(key);
    if (known !== undefined) {
      known.userCount += 1;
      return known.pool;
    }
    const tls = body.transport === 'mtls' ? this.#ports.tlsFor(body.identity ?? '') : undefined;
    const options = {
      address: body.address,
      port: body.port,
      ...terms,
      idleTimeoutMs: defaults.poolIdleMs,
      clock: this.#ports.clock,
      timers: this.#ports.timers,
    };
    const pool =
      tls === undefined
        ? new UpstreamPool(options)
        : new UpstreamAlpnPool({
            ...options,
            tls: tls.options,
            http2: meshHttp2,
            spread: meshSpread(body.labels),
          });
    this.#pools.set(key, { pool, tls, userCount: 1 });
    return pool;
  }

  /** Gives back what `acquire` gave; the last to do so drains the pool. */
  release(body: EndpointBody): void {
    const key = keyOf(body);
    const shared = this.#pools.get(key);
    if (shared === undefined) return;
    shared.userCount -= 1;
    if (shared.userCount > 0) return;
    this.#pools.delete(key);
    shared.pool.drain();
    shared.tls?.release();
  }

  /** Breaks off whatever is on any connection. */
  closeAll(): void {
    for (const { pool } of this.#pools.values()) pool.close();
  }
}

function keyOf(body: EndpointBody): string {
  return `${body.transport}|${body.address}|${body.port}|${body.identity ?? ''}`;
}
