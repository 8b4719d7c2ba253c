/**
 * A whole proxy but for its sockets: takes views, keeps clusters across revisions, and swaps the
 * table that requests are decided by. What it cannot read it refuses by bundle and says so; what runs
 * goes on as it was.
 */
import type { EndpointBody, Resource, ServiceBody } from '@leno/config';
import { Egress, type EgressPorts } from './egress/egress.ts';
import { Engine, type EnginePorts } from './engine.ts';
import { compileTable, policiesByService, type Subject } from './table/compile.ts';
import {
  type DecodedView,
  decodeView,
  emptyView,
  type ResourceError,
  type ViewLimits,
} from './table/decode.ts';
import { Cluster, type ClusterHooks, checkPolicy } from './upstream/cluster.ts';
import { type PlainProtocol, type PoolPorts, PoolRegistry } from './upstream/pools.ts';

/** A view as the push session hands it over. */
export interface PushedView {
  readonly epoch: number;
  readonly version: number;
  readonly digest: string;
  readonly resources: readonly Resource[];
  /** Bundles that were refused with nothing to fall back on, by whoever had the view before. */
  readonly lostBundles?: readonly string[] | undefined;
}

/** What became of it; the `ack` of the protocol. */
export interface Applied {
  readonly status: 'applied' | 'partial' | 'rejected';
  readonly errors: readonly ResourceError[];
}

/** A view that was taken in and is not in force yet. To let go of it is to forget it. */
export interface Prepared {
  readonly applied: Applied;
  /** Puts it in force; nothing, where it was rejected. At once, or not at all: never after the next. */
  commit(): void;
}

/** What a data plane is made of. */
export interface DataPlaneOptions extends Omit<EnginePorts, 'application' | 'egress' | 'tlsOf'> {
  /** How names outside the mesh are found; without it nothing is let out. */
  readonly egress?: EgressPorts | undefined;
  readonly subject: Subject;
  /** Where the application listens, as an endpoint of its own. */
  readonly application: EndpointBody;
  /** What it speaks there. Default `http/1.1`. */
  readonly applicationProtocol?: PlainProtocol;
  readonly tlsFor: PoolPorts['tlsFor'];
  readonly hooks: ClusterHooks;
  readonly limits: Pick<ViewLimits, 'ruleCountMax' | 'checkGateway'>;
}

/** See the head of this file. */
export class DataPlane {
  readonly engine: Engine;
  readonly pools: PoolRegistry;
  readonly #options: DataPlaneOptions;
  readonly #clusters = new Map<string, Cluster>();
  #view: DecodedView = emptyView;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    this.pools = new PoolRegistry(options);
    const application = this.#newCluster('application');
    const nowMs = options.clock.nowMs();
    application.setPlainProtocol(options.applicationProtocol ?? 'http/1.1', nowMs);
    application.setEndpoints([options.application], nowMs);
    const egress =
      options.egress && new Egress(options.egress, options.clock, () => this.#newCluster('egress'));
    this.engine = new Engine({
      ...options,
      application,
      egress,
      tlsOf: (body) => this.pools.tlsOf(body),
    });
  }

  get clusters(): ReadonlyMap<string, Cluster> {
    return this.#clusters;
  }

  /** The resources that run, for a dump. */
  get view(): DecodedView {
    return this.#view;
  }

  /** Takes a view: decodes, compiles beside the running table, swaps. Never throws for bad input. */
  apply(view: PushedView): Applied {
    const prepared = this.prepare(view);
    prepared.commit();
    return prepared.applied;
  }

  /** The same but for the swap, for those who take a view together or not at all. */
  prepare(view: PushedView): Prepared {
    const { limits, rng } = this.#options;
    const { lostBundles = [] } = view;
    const before = {
      ...this.#view,
      lostBundles: new Set([...this.#view.lostBundles, ...lostBundles]),
    };
    const decoded = decodeView(view.resources, before, {
      ...limits,
      checkPolicy: (policy) => checkPolicy(policy, rng),
    });
    const { errors } = decoded;
    // Nothing of it can be used: then nothing of it is, and what it has dropped stays as well.
    if (errors.length > 0 && errors.length === view.resources.length) {
      return { applied: { status: 'rejected', errors }, commit: () => undefined };
    }
    const added = new Map<string, Cluster>();
    const { access } = this.engine.table;
    const table = compileTable(decoded, this.#options.subject, view, {
      clusterOf: (name) => this.#clusterOf(name, added),
      access,
    });
    return {
      applied: { status: errors.length === 0 ? 'applied' : 'partial', errors },
      commit: () => {
        for (const [name, cluster] of added) this.#clusters.set(name, cluster);
        this.#updateClusters(decoded, new Set(table.services.keys()));
        this.#view = decoded;
        this.engine.table = table;
        if (table.mesh !== undefined) this.engine.journal.configure(table.mesh.accessLog);
        // What a policy no longer allows ends now, whatever it is amid.
        if (table.access !== access) this.engine.openAccess.reauthorizeAll();
      },
    };
  }

  /** Lets go of every connection and timer. Calls under way break off. */
  close(): void {
    const nowMs = this.#options.clock.nowMs();
    this.engine.tcp.close();
    this.pools.closeAll();
    for (const cluster of this.#clusters.values()) cluster.close(nowMs);
    this.engine.application.close(nowMs);
    this.engine.egress?.close(nowMs);
    this.engine.wheel.stop();
  }

  #clusterOf(name: string, added: Map<string, Cluster>): Cluster {
    const known = this.#clusters.get(name) ?? added.get(name);
    if (known !== undefined) return known;
    const cluster = this.#newCluster(name);
    added.set(name, cluster);
    return cluster;
  }

  #newCluster(name: string): Cluster {
    return new Cluster(name, this.pools, this.#options.rng, this.#options.hooks);
  }

  #updateClusters(view: DecodedView, alive: ReadonlySet<string>): void {
    const nowMs = this.#options.clock.nowMs();
    const policies = policiesByService(view);
    for (const [name, cluster] of this.#clusters) {
      if (!alive.has(name)) {
        cluster.close(nowMs);
        this.#clusters.delete(name);
        continue;
      }
      cluster.setPolicy(policies.get(name));
      const service = view.resources.get(`service/${name}`);
      if (service?.type === 'service') {
        cluster.setPlainProtocol(plainProtocolOf(service.body), nowMs);
      }
      const resource = view.resources.get(`endpoints/${name}`);
      const bodies = resource?.type === 'endpoints' ? resource.body.endpoints : noEndpoints;
      cluster.setEndpoints(bodies, nowMs);
    }
  }
}

const noEndpoints: readonly EndpointBody[] = [];

/**
 * What applications of a service without a sidecar speak: HTTP/2 where every port of it says so. An
 * endpoint is one port, and with several protocols only HTTP/1.1 is what each of them may be.
 */
function plainProtocolOf({ ports }: ServiceBody): PlainProtocol {
  const spoken = ports.filter(({ protocol }) => protocol !== 'tcp');
  const isHttp2 = spoken.every(({ protocol }) => protocol === 'http2' || protocol === 'grpc');
  return isHttp2 && spoken.length > 0 ? 'h2c' : 'http/1.1';
}
