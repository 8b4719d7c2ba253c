/**
 * The connections to one upstream address over TLS, in whichever version of HTTP it takes by ALPN:
 *
 *   HTTP/2 <--a new connection speaks the other--> HTTP/1.1
 *
 * Requests go in the version that was spoken last, HTTP/2 at first. A WebSocket is a stream of a connection
 * of HTTP/2 that takes it (RFC 8441), if one is there; else it, and every other upgrade and CONNECT, gets a
 * connection of HTTP/1.1, whose tunnel is the connection itself. The limits bound both together, and an upstream
 * that is replaced by one of another version is noticed with the next connection: the requests that
 * wait move over, and nothing fails.
 */
import type { Socket } from 'node:net';
import type { ClientTry, OutgoingRequest, TryEvents } from './exchange.ts';
import type { H2Stats } from './h2/h2-options.ts';
import type { ClientPool, PoolLimits, PoolStats } from './pool-options.ts';
import type { PoolSibling, Protocol } from './pool-sibling.ts';
import { UpstreamH2Pool, type UpstreamH2PoolOptions } from './upstream-h2-pool.ts';
import { UpstreamPool } from './upstream-pool.ts';
import { WEB_SOCKET } from './web-socket.ts';

const ANY: readonly Protocol[] = ['h2', 'http/1.1'];
const ONE_ONLY: readonly Protocol[] = ['http/1.1'];

/** Speaks HTTP/2 where the upstream takes it, HTTP/1.1 where not. Without `tls` that is HTTP/1.1. */
export class UpstreamAlpnPool implements ClientPool {
  readonly #one: UpstreamPool;
  readonly #two: UpstreamH2Pool;
  #spoken: Protocol = 'h2';

  constructor(options: UpstreamH2PoolOptions) {
    if (options.tls === undefined) this.#spoken = 'http/1.1';
    this.#one = new UpstreamPool(options, this.#besideOne(options.tls !== undefined));
    this.#two = new UpstreamH2Pool(options, this.#besideTwo());
  }

  /** What requests are sent in; HTTP/2 until the upstream has spoken otherwise. */
  get spoken(): Protocol {
    return this.#spoken;
  }

  /** Counters since the start, and gauges, of both versions together. `activeCount` counts requests. */
  get stats(): PoolStats & { readonly http2: Readonly<H2Stats> } {
    const one = this.#one.stats;
    const two = this.#two.stats;
    return {
      connectionCount: one.connectionCount + two.connectionCount,
      idleCount: one.idleCount + two.idleCount,
      activeCount: one.activeCount + two.activeCount,
      pendingCount: one.pendingCount + two.pendingCount,
      requestCount: one.requestCount + two.requestCount,
      reusedCount: one.reusedCount + two.reusedCount,
      connectCount: one.connectCount + two.connectCount,
      connectFailureCount: one.connectFailureCount + two.connectFailureCount,
      connectTimeoutCount: one.connectTimeoutCount + two.connectTimeoutCount,
      requestOverflowCount: one.requestOverflowCount + two.requestOverflowCount,
      pendingOverflowCount: one.pendingOverflowCount + two.pendingOverflowCount,
      idleClosedCount: one.idleClosedCount + two.idleClosedCount,
      discardedCount: one.discardedCount + two.discardedCount,
      http2: two.http2,
    };
  }

  /** Bounds for requests from now on; what is over a lowered one lives on. */
  setLimits(limits: PoolLimits): void {
    this.#one.setLimits(limits);
    this.#two.setLimits(limits);
  }

  /** Sends a request, as a pool of HTTP/1.1 does. */
  request(outgoing: OutgoingRequest, events: TryEvents): ClientTry {
    const isShared = !opensTunnel(outgoing) || this.#sharesTunnel(outgoing);
    const pool = this.#spoken === 'h2' && isShared ? this.#two : this.#one;
    return pool.request(outgoing, events);
  }

  /**
   * Of other protocols it is not known whether the upstream does not rather ignore `Upgrade` and
   * answers, which only HTTP/1.1 can tell from a tunnel.
   */
  #sharesTunnel(outgoing: OutgoingRequest): boolean {
    return outgoing.upgrade === WEB_SOCKET && this.#two.takesUpgrade;
  }

  /** Connections end when the requests on them have. Takes no new request. */
  drain(): void {
    this.#one.drain();
    this.#two.drain();
  }

  /** Closes everything; what is in flight fails. */
  close(): void {
    this.#one.close();
    this.#two.close();
  }

  #besideOne(isSecure: boolean): PoolSibling {
    const two = (): UpstreamH2Pool => this.#two;
    const protocols = (): readonly Protocol[] =>
      // Where HTTP/2 is spoken, only tunnels need a connection of HTTP/1.1.
      isSecure && this.#spoken === 'http/1.1' ? ANY : ONE_ONLY;
    return {
      get connectionCount() {
        return two().connectionCount;
      },
      get activeCount() {
        return two().activeCount;
      },
      get pendingCount() {
        return two().pendingCount;
      },
      get awaitsRoom() {
        return two().awaitsRoom;
      },
      get protocols() {
        return protocols();
      },
      adopt: (socket: Socket) => {
        this.#spoken = 'h2';
        const moved = this.#one.surrender(({ outgoing }) => !opensTunnel(outgoing));
        two().adopt(socket, moved);
        this.#one.dialIfNeeded();
      },
      makeRoom: () => two().closeIdle(),
      roomMade: () => two().dialIfNeeded(),
    };
  }

  #besideTwo(): PoolSibling {
    const one = this.#one;
    return {
      get connectionCount() {
        return one.connectionCount;
      },
      get activeCount() {
        return one.activeCount;
      },
      get pendingCount() {
        return one.pendingCount;
      },
      get awaitsRoom() {
        return one.awaitsRoom;
      },
      protocols: ANY,
      adopt: (socket: Socket) => {
        this.#spoken = 'http/1.1';
        one.adopt(socket, this.#two.surrender());
      },
      makeRoom: () => one.closeIdle(),
      roomMade: () => one.dialIfNeeded(),
    };
  }
}

function opensTunnel(outgoing: OutgoingRequest): boolean {
  return outgoing.upgrade !== undefined || outgoing.method === 'CONNECT';
}
