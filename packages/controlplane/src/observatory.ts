/** What people and programs look at: the state of the mesh in one piece, drawn when somebody asks. */
import type { Clock } from '@leno/std';
import { grouped } from './grouped.ts';
import type { MeshState } from './mesh-state.ts';
import { convergenceNow } from './proxies/convergence.ts';
import type { ProxyBook, ProxyStatus } from './proxies/proxy-book.ts';
import type { ConfigPoint, ProxySession } from './proxies/proxy-session.ts';
import { serviceKey } from './registry/instance.ts';
import {
  drawTopology,
  figuresOf,
  type KnownService,
  mtlsRatioOf,
  type Topology,
  type TrafficFigures,
} from './traffic/topology.ts';
import { sumOf, type Traffic } from './traffic/traffic.ts';

/** Something that should not be so. */
export interface Alarm {
  readonly code: string;
  readonly message: string;
  /** Milliseconds since 1970. */
  readonly sinceMs: number;
}

/** The mesh in figures. */
export interface MeshStatus {
  readonly nowMs: number;
  readonly head: ConfigPoint;
  /** Every connected proxy runs the head. True where none is connected. */
  readonly converged: boolean;
  /** From the commit of the newest view that is everywhere to the last word on it. */
  readonly convergence: { readonly lastMs: number } | null;
  readonly proxies: {
    readonly total: number;
    readonly connected: number;
    readonly synced: number;
    readonly pending: number;
    readonly rejected: number;
    readonly offline: number;
  };
  readonly services: number;
  readonly instances: {
    readonly ready: number;
    readonly notReady: number;
    readonly suspect: number;
  };
  readonly traffic: Pick<TrafficFigures, 'rps' | 'successRatio' | 'p50Ms' | 'p99Ms'> & {
    readonly windowS: number;
    readonly mtlsRatio: number | null;
  };
}

/** What an observatory looks at. */
export interface ObservatoryOptions {
  readonly state: MeshState;
  readonly book: ProxyBook;
  readonly traffic: Traffic;
  readonly sessions: () => readonly ProxySession[];
  readonly clock: Clock;
}

const statusWindowS = 10;

/** See the head of this file. */
export class Observatory {
  readonly #options: ObservatoryOptions;
  /** The newest view that not everybody runs yet. */
  #spreading:
    | { readonly version: number; readonly digest: string; readonly atMs: number }
    | undefined;
  #digest: string;
  #lastConvergenceMs: number | undefined;

  constructor(options: ObservatoryOptions) {
    this.#options = options;
    this.#digest = options.state.view.digest;
  }

  /** To be called when the head has moved. */
  headMoved(): void {
    const { state, book, clock } = this.#options;
    const { version, digest } = state.view;
    book.history.moved(version, clock.wallMs());
    if (digest === this.#digest) return;
    this.#digest = digest;
    this.#spreading = { version, digest, atMs: clock.nowMs() };
  }

  /** To be called after a proxy's word on a configuration: notes when the last one has spoken. */
  acked(): void {
    const { state, sessions, clock } = this.#options;
    if (this.#spreading === undefined) return;
    const { version, atMs } = this.#spreading;
    const report = convergenceNow({ version, sessions, head: () => state.view });
    if (!report.converged || report.connected === 0) return;
    this.#lastConvergenceMs = Math.round(clock.nowMs() - atMs);
    this.#spreading = undefined;
  }

  proxies(): ProxyStatus[] {
    const { state, book, sessions, clock } = this.#options;
    return book.list(sessions(), pointOf(state), clock.wallMs());
  }

  /** Over the last `windowS` whole seconds, 1 to 900. */
  topology(windowS: number): Topology {
    const { state, traffic, clock } = this.#options;
    const nowMs = clock.wallMs();
    return drawTopology({
      nowMs,
      windowS,
      services: knownServices(state),
      instances: state.registry.entries(),
      reports: traffic.report(Math.floor(nowMs / 1_000), windowS),
    });
  }

  status(): MeshStatus {
    const { state, clock } = this.#options;
    const proxies = this.proxies();
    const count = (kind: string) => proxies.filter((it) => it.sync.kind === kind).length;
    const [synced, pending] = [count('synced'), count('pending')];
    const [rejected, offline] = [count('rejected'), count('offline')];
    const entries = state.registry.entries();
    return {
      nowMs: clock.wallMs(),
      head: pointOf(state),
      converged: pending === 0 && rejected === 0,
      convergence:
        this.#lastConvergenceMs === undefined ? null : { lastMs: this.#lastConvergenceMs },
      proxies: {
        total: proxies.length,
        connected: proxies.length - offline,
        synced,
        pending,
        rejected,
        offline,
      },
      services: knownServices(state).length,
      instances: {
        ready: entries.filter((it) => it.instance.health === 'ready').length,
        notReady: entries.filter((it) => it.instance.health === 'notReady').length,
        suspect: entries.filter((it) => it.state === 'suspect').length,
      },
      traffic: this.#traffic(),
    };
  }

  /** What callers have seen; where a caller has no proxy, what the called one has. */
  #traffic(): MeshStatus['traffic'] {
    const { traffic, clock } = this.#options;
    const reports = traffic.report(Math.floor(clock.wallMs() / 1_000), statusWindowS);
    const groups = grouped(reports, (it) => `${it.source}|${it.target}`);
    const seen = [...groups.values()].flatMap((group) => {
      const outbound = group.filter((it) => it.side === 'source');
      return outbound.length > 0 ? outbound : group;
    });
    const sum = sumOf(seen.map((it) => it.window));
    const { rps, successRatio, p50Ms, p99Ms } = figuresOf(sum, statusWindowS);
    const mtlsRatio = mtlsRatioOf(sum);
    return { windowS: statusWindowS, rps, successRatio, mtlsRatio, p50Ms, p99Ms };
  }
}

function pointOf(state: MeshState): ConfigPoint {
  const { epoch, version, digest } = state.view;
  return { epoch, version, digest };
}

interface ServiceShape {
  readonly ports: readonly { readonly port: number; readonly protocol: string }[];
}

/** The services of the view, and those that only have instances which are not ready. */
function knownServices(state: MeshState): KnownService[] {
  const found = new Map<string, KnownService>();
  for (const it of state.view.resources) {
    if (it.type !== 'service') continue;
    const ports = (it.body as ServiceShape).ports.map(({ port, protocol }) => ({ port, protocol }));
    const implicit = !state.objects.has(`Service/${it.name}`);
    found.set(it.name, { service: it.name, implicit, ports });
  }
  for (const { instance } of state.registry.entries()) {
    const service = serviceKey(instance);
    if (!found.has(service)) found.set(service, { service, implicit: true, ports: [] });
  }
  return [...found.values()];
}
