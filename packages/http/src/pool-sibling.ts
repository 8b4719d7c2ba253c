/**
 * Two pools towards one address, one for each version of HTTP: what either asks of the other, so that
 * the limits hold for both together and a connection goes to whoever speaks what it speaks.
 */
import type { Socket } from 'node:net';

/** As ALPN names it. */
export type Protocol = 'h2' | 'http/1.1';

export interface PoolSibling {
  /** Connections of the other, open or being opened. */
  readonly connectionCount: number;
  /** Requests on the connections of the other. */
  readonly activeCount: number;
  /** Requests that wait at the other. */
  readonly pendingCount: number;
  /** Whether the other cannot open the connection that it needs, because of the limit. */
  readonly awaitsRoom: boolean;
  /** What to offer by ALPN, the preferred first. */
  readonly protocols: readonly Protocol[];
  /** Takes a connection that speaks the version of the other. */
  adopt(socket: Socket): void;
  /** The limit is reached: the other lets go of a connection that nothing is on, if it has one. */
  makeRoom(): void;
  /** A connection is gone; the other may have waited for that. */
  roomMade(): void;
}

/** For a pool that speaks one version only. */
export function noSibling(protocol: Protocol): PoolSibling {
  return {
    connectionCount: 0,
    activeCount: 0,
    pendingCount: 0,
    awaitsRoom: false,
    protocols: [protocol],
    adopt: (socket) => socket.destroy(),
    makeRoom: () => undefined,
    roomMade: () => undefined,
  };
}
