/**
 * What is counted of each call. Label values are resolved to cells when a peer and a route are first
 * seen together, what is rare when it first happens; after that a call costs two look-ups and a few
 * additions. Peers and routes come from certificates and configuration; still they are bounded.
 */
import { type AttemptNote, type Handle, type MeshMetrics, RequestCells } from '@leno/telemetry';
import type { Call, Direction } from '../call.ts';
import { GRPC_OK, outcomeOfGrpc } from '../grpc/grpc-status.ts';
import { type Reason, reasonCodes } from '../reasons.ts';
import type { TryOutcome } from '../upstream/cluster.ts';
import { AccessMetrics } from './access-metrics.ts';
import type { EdgeStats } from './edge-stats.ts';

type Transport = 'mtls' | 'tls' | 'none';
type TryResult = 'success' | 'failure' | 'refused' | 'timeout' | 'reset';

/** Where the calls of one direction, peer and route are counted. */
export interface RouteCells {
  readonly peer: string;
  readonly route: string;
  readonly requests: Readonly<Record<Transport, RequestCells>>;
  readonly durationOfSuccess: Handle;
  readonly durationOfFailure: Handle;
  readonly requestBytes: Handle;
  readonly responseBytes: Handle;
  readonly tries: Map<TryResult, Handle>;
  /** By `result`, and by kind. */
  readonly retries: Map<string, Handle>;
  readonly timeouts: Map<string, Handle>;
}

/** Peers and routes that are told apart; what comes beyond is counted under `overflow`. */
export const CELLS_COUNT_MAX = 4_096;

const timeoutKinds: Partial<Record<Reason, string>> = {
  'request-timeout': 'request',
  'per-try-timeout': 'per_try',
  'connect-timeout': 'connect',
};

const tryResults: Readonly<Record<string, TryResult>> = {
  overflow: 'refused',
  'connect-failed': 'refused',
  'connect-timeout': 'timeout',
  'per-try-timeout': 'timeout',
  'request-timeout': 'timeout',
  'upstream-reset': 'reset',
};

export class CallMetrics {
  readonly families: MeshMetrics;
  readonly edges: EdgeStats;
  readonly access: AccessMetrics;
  readonly #cells = {
    inbound: new Map<string, Map<string, RouteCells>>(),
    outbound: new Map<string, Map<string, RouteCells>>(),
  };
  #cellsCount = 0;

  constructor(families: MeshMetrics, edges: EdgeStats) {
    this.families = families;
    this.edges = edges;
    this.access = new AccessMetrics(families);
  }

  /** A call has ended, `durationMs` after its first byte. */
  ended(call: Call, durationMs: number): void {
    const cells = this.#cellsFor(call);
    const failed = isFailure(call);
    const reasonIndex = call.reason === undefined ? -1 : reasonCodes.indexOf(call.reason);
    const transport: Transport = call.transport === 'plain' ? 'none' : call.transport;
    cells.requests[transport].count(call.status, reasonIndex, call.grpcStatus);
    const { requestDuration, requestBytes, responseBytes } = this.families;
    const duration = failed ? cells.durationOfFailure : cells.durationOfSuccess;
    requestDuration.observe(duration, durationMs / 1_000);
    requestBytes.add(cells.requestBytes, call.requestBytes);
    responseBytes.add(cells.responseBytes, call.responseBytes);
    if (call.reason !== undefined) this.#countReason(call, call.reason, cells);
    this.edges.add(call, failed, durationMs);
  }

  /** A try has ended. */
  tried(call: Call, outcome: TryOutcome, note: AttemptNote['result']): void {
    const { upstreamAttempts } = this.families;
    const cells = this.#cellsFor(call);
    const result = resultOf(outcome, note);
    let handle = cells.tries.get(result);
    if (handle === undefined) {
      handle = upstreamAttempts.handle(cells.peer, result, 'false');
      cells.tries.set(result, handle);
    }
    upstreamAttempts.add(handle);
  }

  /** Another try follows. */
  retried(call: Call): void {
    this.#countRetry(this.#cellsFor(call), 'sent');
  }

  #countReason(call: Call, reason: Reason, cells: RouteCells): void {
    const { breakerRejected, routeNotFound, timeouts } = this.families;
    if (reason === 'no-route') routeNotFound.add(routeNotFound.handle(call.direction));
    if (reason === 'breaker-open') breakerRejected.add(breakerRejected.handle(cells.peer));
    const kind = call.wentIdle ? 'idle' : timeoutKinds[reason];
    if (kind !== undefined) {
      let handle = cells.timeouts.get(kind);
      if (handle === undefined) {
        handle = timeouts.handle(cells.peer, cells.route, kind);
        cells.timeouts.set(kind, handle);
      }
      timeouts.add(handle);
    }
    if (call.notRetriedBecause !== undefined) this.#countRetry(cells, call.notRetriedBecause);
  }

  #countRetry(cells: RouteCells, result: string): void {
    const { retries } = this.families;
    let handle = cells.retries.get(result);
    if (handle === undefined) {
      handle = retries.handle(cells.peer, cells.route, result.replaceAll('-', '_'));
      cells.retries.set(result, handle);
    }
    retries.add(handle);
  }

  /** Asked when peer and route of the call stand, with its first try or at its end. */
  #cellsFor(call: Call): RouteCells {
    call.cells ??= this.#cellsOf(call.direction, call.peerName, call.routeName);
    return call.cells;
  }

  #cellsOf(direction: Direction, peer: string, route: string): RouteCells {
    const routes = this.#cells[direction].get(peer) ?? new Map<string, RouteCells>();
    const known = routes.get(route);
    if (known !== undefined) return known;
    if (this.#cellsCount >= CELLS_COUNT_MAX && peer !== 'overflow') {
      return this.#cellsOf(direction, 'overflow', '-');
    }
    this.#cellsCount += 1;
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
      peer,
      route,
      requests: { mtls: cells('mtls'), tls: cells('tls'), none: cells('none') },
      durationOfSuccess: requestDuration.handle(dir, peer, route, 'success'),
      durationOfFailure: requestDuration.handle(dir, peer, route, 'failure'),
      requestBytes: requestBytes.handle(dir, peer),
      responseBytes: responseBytes.handle(dir, peer),
      tries: new Map(),
      retries: new Map(),
      timeouts: new Map(),
    };
  }
}

/** A call fails if the mesh had to end it, or if its application said so: by a 5xx, or a code of gRPC. */
export function isFailure(call: Call): boolean {
  if (call.reason !== undefined || call.status >= 500) return true;
  return call.grpcStatus > GRPC_OK && outcomeOfGrpc(call.grpcStatus) === 'failure';
}

function resultOf(outcome: TryOutcome, note: AttemptNote['result']): TryResult {
  if (outcome === 'success') return 'success';
  return note.kind === 'reply' ? 'failure' : (tryResults[note.reason] ?? 'failure');
}
