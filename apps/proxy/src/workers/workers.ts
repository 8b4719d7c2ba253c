/**
 * The data planes of a proxy as the rest of it sees them: one in this process, or one in each of several
 * worker processes. What stands here holds for both, so that nothing else needs to know how many
 * there are. Identity, control session and admin interfaces are not theirs.
 */
import type { Applied, EdgeReport, PushedView } from '@leno/dataplane';
import type { Watch } from '@leno/std';
import type { LogLevel } from '@leno/std/node';
import type { MeshMetrics, MetricStore } from '@leno/telemetry';
import type { PageName } from '../admin/pages.ts';
import type { ListenAddress } from '../env.ts';
import type { TcpListen } from '../tcp-listen.ts';

/** The listeners of a data plane, by direction. */
export type ListenerName = 'outbound' | 'inbound';

/** Where a listener came to listen. */
export interface BoundAddress {
  readonly address: string;
  readonly port: number;
}

/** Where a data plane is to listen; what is absent is not opened. */
export type ListenPlan = Readonly<Partial<Record<ListenerName, ListenAddress>>> & {
  /** For TCP, each for one destination. */
  readonly tcp: readonly TcpListen[];
};

/** Where it listens. */
export type BoundAddresses = Readonly<Partial<Record<ListenerName, BoundAddress>>> & {
  readonly tcp: readonly TcpListen[];
};

/** What runs, as far as readiness and metrics tell of it. */
export interface InForce {
  readonly version: number;
  readonly digest: string;
  /** Whether there was ever a configuration, of a gateway its own; without, nothing is let in. */
  readonly isConfigured: boolean;
}

/** What happened on edges and what it cost, since the last report. */
export interface WorkReport {
  readonly requests: readonly EdgeReport[];
  readonly proxy: { readonly rssMiB: number; readonly cpuRatio: number };
}

/** See the head of this file. */
export interface Workers {
  /** For what is counted here, in the process that talks to the control plane. */
  readonly store: MetricStore;
  readonly families: MeshMetrics;
  /** Whether anybody takes connections. */
  readonly serving: Watch<boolean>;
  readonly inForce: InForce;
  /** Why requests are refused for now; undefined while any data plane takes them. */
  readonly refusal: string | undefined;
  /** What is not as it should be although the proxy serves, for people. */
  faults(): readonly string[];
  /** Afterwards views are taken. Before `listen`. */
  open(): Promise<void>;
  /** Listens; throws `ListenError` for a port that cannot be had. */
  listen(): Promise<BoundAddresses>;
  /** Puts a view in force everywhere, or nowhere. */
  apply(view: PushedView): Applied | Promise<Applied>;
  /** All metrics in Prometheus text format. */
  exposition(): Promise<string>;
  /** A page of the admin interface; undefined where there is nothing of that name. */
  page(name: PageName, argument: string): Promise<unknown>;
  takeReport(): WorkReport;
  setLogLevel(level: LogLevel): void;
  /** Takes no new connection on a listener, and finishes what is on it. Nothing is restarted from now on. */
  drain(listener: ListenerName, withinMs: number): Promise<void>;
  /** Frees everything; what is under way breaks off. */
  close(): Promise<void>;
}
