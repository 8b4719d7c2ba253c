/**
 * The connections of a proxy: one pool per address, transport and expected identity, shared by the
 * clusters that the endpoint belongs to, and closed gracefully when the last of them lets go.
 */
import { defaults, type EndpointBody } from '@leno/config';
import { type PoolLimits, type TlsClientOptions, UpstreamPool } from '@leno/http';
import type { Clock, Timers, Watch } from '@leno/std';

export interface PoolPorts {
  readonly clock: Clock;
  readonly timers: Timers;
  /** TLS towards whoever must show `identity`; follows rotation by itself. */
  tlsFor(identity: string): Watch<TlsClientOptions>;
}

interface SharedPool {
  readonly pool: UpstreamPool;
  userCount: number;
}

export class PoolRegistry {
  readonly #ports: PoolPorts;
  readonly #pools = new Map<string, SharedPool>();

  constructor(ports: PoolPorts) {
    this.#ports = ports;
  }

  get pools(): readonly UpstreamPool[] {
    return [...this.#pools.values()].map((shared) => shared.pool);
  }

  /** The pool towards the endpoint; pair each call with a `release`. */
  acquire(body: EndpointBody, limits: PoolLimits): UpstreamPool {
    const key = keyOf(body);
    const known = this.#pools.get(key);
    if (known !== undefined) {
      known.userCount += 1;
      return known.pool;
    }
    const pool = new UpstreamPool({
      address: body.address,
      port: body.port,
      ...(body.transport === 'mtls' ? { tls: this.#ports.tlsFor(body.identity ?? '') } : {}),
      limits,
      connectTimeoutMs: defaults.timeouts.connectMs,
      idleTimeoutMs: defaults.poolIdleMs,
      clock: this.#ports.clock,
      timers: this.#ports.timers,
    });
    this.#pools.set(key, { pool, userCount: 1 });
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
  }
}

function keyOf(body: EndpointBody): string {
  return `${body.transport}|${body.address}|${body.port}|${body.identity ?? ''}`;
}
