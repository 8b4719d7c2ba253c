import type { Resource } from '@leno/config';
import type { Direction } from '@leno/dataplane';
import type { ListenOptions, ServerRelief, ServerStats, TcpServerStats } from '@leno/http';
import type { BoundAddresses, ListenerName, ListenPlan } from './workers/workers.ts';

/** Listeners that can give something up. */
export interface Relieved {
  relieve(relief: ServerRelief): void;
}

/** What stands in front of a data plane: the listeners of a sidecar, or those of a gateway. */
export interface Front {
  /** Listens where the settings say; throws `ListenError` for a port that cannot be had. */
  listen(at: ListenPlan, options: ListenOptions): Promise<BoundAddresses>;
  /** Gets ready what a view needs of listeners, before it is judged; what cannot be had is its fault. */
  prepare(resources: readonly Resource[]): Promise<void>;
  /** Follows what is in force now. */
  follow(): void;
  /** Takes no new connection on a listener, and finishes what is on it. */
  drain(listener: ListenerName, withinMs: number): Promise<void>;
  /** Frees what it holds; what is under way breaks off. */
  close(): void;
  /** What is counted of listeners; `direction` is that of their calls. */
  readonly listeners: readonly {
    readonly name: string;
    readonly direction: Direction;
    readonly stats: () => ServerStats;
  }[];
  /** What is counted of the listeners for TCP; undefined where there are none. */
  readonly tcpStats: (() => TcpServerStats) | undefined;
  /** Those that are open now. */
  servers(): Iterable<Relieved>;
  /** Counters of each listener, by its name. */
  stats(): Readonly<Record<string, ServerStats | TcpServerStats>>;
  /** What is not as it should be although it serves, for people. */
  faults(): readonly string[];
}
