/**
 * What happened on each edge of the mesh since it was last asked: the deltas that a proxy reports once a second.
 */
import { LogLinearHistogram } from '@leno/telemetry';
import type { Direction } from '../call.ts';
import type { Endpoint } from '../upstream/endpoint.ts';

/** What is looked at of a call, or of a connection. */
export interface EdgeCall {
  readonly direction: Direction;
  readonly peerName: string;
  readonly transport: string;
  readonly tryCount: number;
  readonly attempt: { readonly endpoint: Endpoint } | undefined;
}

/** One edge over one period. */
export interface EdgeReport {
  readonly peer: string;
  readonly direction: Direction;
  /** Outbound: the version label of the endpoint that answered. */
  readonly peerVersion?: string;
  readonly ok: number;
  readonly failed: number;
  /** How many of both went over mTLS, by what their sockets showed. */
  readonly mtls: number;
  readonly retries: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

/** One edge over one period as it travels between processes: with all that a sum needs. */
export interface EdgeDelta {
  readonly direction: Direction;
  readonly peer: string;
  readonly version: string;
  readonly ok: number;
  readonly failed: number;
  readonly mtls: number;
  readonly retries: number;
  /** What a `LogLinearHistogram` gives as its counts. */
  readonly durations: readonly number[];
}

interface EdgeCells {
  ok: number;
  failed: number;
  mtls: number;
  retries: number;
  readonly durations: LogLinearHistogram;
}

/** Edges of one report; what comes beyond is counted under `overflow`. */
export const EDGE_COUNT_MAX = 512;

export class EdgeStats {
  readonly #edges = {
    inbound: new Map<string, Map<string, EdgeCells>>(),
    outbound: new Map<string, Map<string, EdgeCells>>(),
  };
  #edgeCount = 0;

  /** Adds a call that has ended, or a connection that was opened or could not be. */
  add(call: EdgeCall, failed: boolean, durationMs: number): void {
    const version =
      call.direction === 'outbound' ? (call.attempt?.endpoint.body.labels['version'] ?? '') : '';
    const cells = this.#cellsOf(call.direction, call.peerName, version);
    if (failed) cells.failed += 1;
    else cells.ok += 1;
    if (call.transport === 'mtls') cells.mtls += 1;
    cells.retries += Math.max(0, call.tryCount - 1);
    cells.durations.record(durationMs);
  }

  /** What came since the last call of this; edges without a request are left out. */
  take(): readonly EdgeReport[] {
    return this.#takeEach(reportOf);
  }

  /** The same for another to `absorb`. */
  takeDeltas(): readonly EdgeDelta[] {
    return this.#takeEach(deltaOf);
  }

  /** Adds what another has counted. */
  absorb(deltas: readonly EdgeDelta[]): void {
    for (const { direction, peer, version, ok, failed, mtls, retries, durations } of deltas) {
      const cells = this.#cellsOf(direction, peer, version);
      cells.ok += ok;
      cells.failed += failed;
      cells.mtls += mtls;
      cells.retries += retries;
      cells.durations.addCounts(durations);
    }
  }

  #takeEach<T>(
    render: (direction: Direction, peer: string, version: string, cells: EdgeCells) => T,
  ): readonly T[] {
    const taken: T[] = [];
    for (const direction of ['inbound', 'outbound'] as const) {
      for (const [peer, versions] of this.#edges[direction]) {
        for (const [version, cells] of versions) {
          if (cells.ok + cells.failed === 0) {
            // Nothing since the last report: its place is for edges that are in use.
            versions.delete(version);
            this.#edgeCount -= 1;
            continue;
          }
          taken.push(render(direction, peer, version, cells));
          clear(cells);
        }
        if (versions.size === 0) this.#edges[direction].delete(peer);
      }
    }
    return taken;
  }

  #cellsOf(direction: Direction, peer: string, version: string): EdgeCells {
    const known = this.#edges[direction].get(peer)?.get(version);
    if (known !== undefined) return known;
    if (this.#edgeCount >= EDGE_COUNT_MAX && peer !== 'overflow') {
      return this.#cellsOf(direction, 'overflow', '');
    }
    this.#edgeCount += 1;
    const cells: EdgeCells = {
      ok: 0,
      failed: 0,
      mtls: 0,
      retries: 0,
      durations: new LogLinearHistogram(),
    };
    const versions = this.#edges[direction].get(peer) ?? new Map<string, EdgeCells>();
    versions.set(version, cells);
    this.#edges[direction].set(peer, versions);
    return cells;
  }
}

function reportOf(
  direction: Direction,
  peer: string,
  version: string,
  cells: EdgeCells,
): EdgeReport {
  const { ok, failed, mtls, retries, durations } = cells;
  return {
    peer,
    direction,
    ...(version === '' ? {} : { peerVersion: version }),
    ok,
    failed,
    mtls,
    retries,
    p50Ms: durations.quantile(0.5),
    p99Ms: durations.quantile(0.99),
  };
}

function deltaOf(direction: Direction, peer: string, version: string, cells: EdgeCells): EdgeDelta {
  const { ok, failed, mtls, retries, durations } = cells;
  const counts = durations.counts();
  return { direction, peer, version, ok, failed, mtls, retries, durations: counts };
}

function clear(cells: EdgeCells): void {
  cells.ok = 0;
  cells.failed = 0;
  cells.mtls = 0;
  cells.retries = 0;
  cells.durations.reset();
}
