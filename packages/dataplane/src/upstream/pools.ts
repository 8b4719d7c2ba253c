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
  UpstreamH2Pool,
  UpstreamPool,
  type UpstreamPoolOptions,
} from '@leno/http';
import { type Clock, type Rng, type Timers, unreachable, type Watch } from '@leno/std';
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
  readonly rng: Rng;
  /** TLS towards whoever must show exactly `identity`; nobody is that if it is empty. */
  tlsFor(identity: string): TlsLease;
}

/** What an application is spoken to in the clear; between sidecars TLS says it. */
export type PlainProtocol = 'http/1.1' | 'h2c';

/** How connections are made and bounded. */
export interface PoolTerms {
  readonly plainProtocol: PlainProtocol;
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
  acquire(body: EndpointBody, { plainProtocol, ...terms }: PoolTerms): ClientPool {
    const key = keyOf(body, plainProtocol);
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
      rng: this.#ports.rng,
    };
    const pool =
      tls === undefined
        ? plainPool(options, plainProtocol)
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
  release(body: EndpointBody, plainProtocol: PlainProtocol): void {
    const key = keyOf(body, plainProtocol);
    const shared = this.#pools.get(key);
    if (shared === undefined) return;
    shared.userCount -= 1;
    if (shared.userCount > 0) return;
    this.#pools.delete(key);
    shared.pool.drain();
    shared.tls?.release();
  }

  /** TLS towards an endpoint whose pool is acquired; undefined without one, or without TLS. */
  tlsOf(body: EndpointBody): TlsClientOptions | undefined {
    // What is spoken in the clear says nothing of these.
    return this.#pools.get(keyOf(body, 'http/1.1'))?.tls?.options.value;
  }

  /** Breaks off whatever is on any connection. */
  closeAll(): void {
    for (const { pool } of this.#pools.values()) pool.close();
  }
}

function plainPool(options: UpstreamPoolOptions, protocol: PlainProtocol): ClientPool {
  switch (protocol) {
    case 'http/1.1':
      return new UpstreamPool(options);
    case 'h2c':
      return new UpstreamH2Pool({
        ...options,
        http2: { streamCountMax: meshHttp2.streamCountMax },
      });
    default:
      return unreachable(protocol);
  }
}

function keyOf(body: EndpointBody, plainProtocol: PlainProtocol): string {
  const spoken = body.transport === 'plain' ? plainProtocol : 'mtls';
  return `${spoken}|${body.address}|${body.port}|${body.identity ?? ''}`;
}
