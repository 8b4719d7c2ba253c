/**
 * What is counted of each call. Label values are resolved to cells when a peer and a route are first
 * seen together; after that a call costs two look-ups and a few additions.
 */
import { type Handle, type MeshMetrics, RequestCells } from '@leno/telemetry';
import type { Call, Direction } from '../call.ts';
import { type Reason, reasonCodes } from '../reasons.ts';
import type { TryOutcome } from '../upstream/cluster.ts';
import type { EdgeStats } from './edge-stats.ts';

type Transport = 'mtls' | 'tls' | 'none';

interface RouteCells {
  readonly requests: Readonly<Record<Transport, RequestCells>>;
  readonly durationOfSuccess: Handle;
  readonly durationOfFailure: Handle;
  readonly requestBytes: Handle;
  readonly responseBytes: Handle;
}

const timeoutKinds: Partial<Record<Reason, string>> = {
  'request-timeout': 'request',
  'per-try-timeout': 'per_try',
  'connect-timeout': 'connect',
};

export class CallMetrics {
  readonly families: MeshMetrics;
  readonly edges: EdgeStats;
  readonly #cells = {
    inbound: new Map<string, Map<string, RouteCells>>(),
    outbound: new Map<string, Map<string, RouteCells>>(),
  };

  constructor(families: MeshMetrics, edges: EdgeStats) {
    this.families = families;
    this.edges = edges;
  }

  /** A call has ended, `durationMs` after its first byte. */
  ended(call: Call, durationMs: number): void {
    const cells = this.#cellsOf(call.direction, call.peerName, call.routeName);
    const failed = isFailure(call);
    const reasonIndex = call.reason === undefined ? -1 : reasonCodes.indexOf(call.reason);
    const transport: Transport = call.transport === 'plain' ? 'none' : call.transport;
    cells.requests[transport].count(call.status, reasonIndex);
    const { requestDuration, requestBytes, responseBytes } = this.families;
    const duration = failed ? cells.durationOfFailure : cells.durationOfSuccess;
    requestDuration.observe(duration, durationMs / 1_000);
    requestBytes.add(cells.requestBytes, call.requestBytes);
    responseBytes.add(cells.responseBytes, call.responseBytes);
    if (call.reason !== undefined) this.#countReason(call, call.reason);
    this.edges.add(call, failed, durationMs);
  }

  /** A try has ended. */
  tried(call: Call, outcome: TryOutcome): void {
    const { upstreamAttempts } = this.families;
    const result = outcome === 'success' ? 'success' : 'failure';
    upstreamAttempts.add(upstreamAttempts.handle(call.peerName, result, 'false'));
  }

  /** Another try follows. */
  retried(call: Call): void {
    const { retries } = this.families;
    retries.add(retries.handle(call.peerName, call.routeName, 'sent'));
  }

  #countReason(call: Call, reason: Reason): void {
    const { breakerRejected, retries, routeNotFound, timeouts } = this.families;
    if (reason === 'no-route') routeNotFound.add(routeNotFound.handle(call.direction));
    if (reason === 'breaker-open') breakerRejected.add(breakerRejected.handle(call.peerName));
    const kind = timeoutKinds[reason];
    if (kind !== undefined) timeouts.add(timeouts.handle(call.peerName, call.routeName, kind));
    if (call.notRetriedBecause !== undefined) {
      const why = call.notRetriedBecause.replaceAll('-', '_');
      retries.add(retries.handle(call.peerName, call.routeName, why));
    }
  }

  #cellsOf(direction: Direction, peer: string, route: string): RouteCells {
    const routes = this.#cells[direction].get(peer) ?? new Map<string, RouteCells>();
    const known = routes.get(route);
    if (known !== undefined) return known;
    const cells = this.#make(direction, peer, route);
    routes.set(route, cells);
    this.#cells[direction].set(peer, routes);
    return cells;
  }

  #make(dir: Direction, peer: string, route: string): RouteCells {
    const { requests, requestDuration, requestBytes, responseBytes } = this.families;
    const cells = (tls: Transport): RequestCells =>
      new RequestCells(requests, { dir, peer, route, tls }, reasonCodes);
    return {
      requests: { mtls: cells('mtls'), tls: cells('tls'), none: cells('none') },
      durationOfSuccess: requestDuration.handle(dir, peer, route, 'success'),
      durationOfFailure: requestDuration.handle(dir, peer, route, 'failure'),
      requestBytes: requestBytes.handle(dir, peer),
      responseBytes: responseBytes.handle(dir, peer),
    };
  }
}

/** A call fails if the mesh had to end it, or if its application said so with a 5xx. */
export function isFailure(call: Call): boolean {
  return call.reason !== undefined || call.status >= 500;
}
