/** How many connections a listener takes, whatever is spoken on them: its own bound, the cap, its relief. */
import type { ConnectionCap } from './connection-cap.ts';
import type { ServerRelief } from './server-options.ts';

/** What is counted of connections that come and of those that are turned away. */
export interface ConnectionCounts {
  connectionCount: number;
  overloadedCount: number;
  totalOverloadedCount: number;
  shedConnectionCount: number;
}

export interface ConnectionBoundOptions {
  readonly connectionCountMax: number;
  readonly cap: ConnectionCap | undefined;
  readonly stats: ConnectionCounts;
}

export class ConnectionBound {
  relief: ServerRelief = 'none';
  readonly #options: ConnectionBoundOptions;

  constructor(options: ConnectionBoundOptions) {
    this.#options = options;
  }

  /** Why the next connection is turned away, which is counted; undefined if it is to be taken. */
  refusal(): string | undefined {
    const { cap, connectionCountMax, stats } = this.#options;
    if (this.relief === 'deaf') {
      stats.shedConnectionCount += 1;
      return 'no connection is taken for want of memory or time';
    }
    if (stats.connectionCount >= connectionCountMax) {
      stats.overloadedCount += 1;
      return 'too many connections';
    }
    if (cap?.isReached !== true) return undefined;
    stats.totalOverloadedCount += 1;
    return 'too many connections, of all listeners together';
  }

  /** So many are open now. */
  count(openCount: number): void {
    const { cap, stats } = this.#options;
    cap?.change(openCount - stats.connectionCount);
    stats.connectionCount = openCount;
  }
}
