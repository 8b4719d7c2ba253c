/**
 * A whole proxy but for its sockets: takes views, keeps clusters across revisions, and swaps the
 * table that requests are decided by. What it cannot read it refuses by bundle and says so; what runs
 * goes on as it was.
 */
import type { EndpointBody, Resource } from '@leno/config';
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
import { type PoolPorts, PoolRegistry } from './upstream/pools.ts';

/** A view as the push session hands it over. */
export interface PushedView {
  readonly epoch: number;
  readonly version: number;
  readonly digest: string;
  readonly resources: readonly Resource[];
}

/** What became of it; the `ack` of the protocol. */
export interface Applied {
  readonly status: 'applied' | 'partial' | 'rejected';
  readonly errors: readonly ResourceError[];
}

/** What a data plane is made of. */
export interface DataPlaneOptions extends Omit<EnginePorts, 'application' | 'egress'> {
  /** How names outside the mesh are found; without it nothing is let out. */
  readonly egress?: EgressPorts | undefined;
  readonly subject: Subject;
  /** Where the application listens, as an endpoint of its own. */
  readonly application: EndpointBody;
  readonly tlsFor: PoolPorts['tlsFor'];
  readonly hooks: ClusterHooks;
  readonly limits: Pick<ViewLimits, 'ruleCountMax'>;
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
    application.setEndpoints([options.application], options.clock.nowMs());
    const egress =
      options.egress && new Egress(options.egress, options.clock, () => this.#newCluster('egress'));
    this.engine = new Engine({ ...options, application, egress });
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
    const { limits, rng } = this.#options;
    const decoded = decodeView(view.resources, this.#view, {
      ...limits,
      checkPolicy: (policy) => checkPolicy(policy, rng),
    });
    // Nothing of it can be used: then nothing of it is, and what it has dropped stays as well.
    if (decoded.errors.length > 0 && decoded.errors.length === view.resources.length) {
      return { status: 'rejected', errors: decoded.errors };
    }
    const { access } = this.engine.table;
    const table = compileTable(decoded, this.#options.subject, view, {
      clusterOf: (name) => this.#clusterOf(name),
      access,
    });
    this.#updateClusters(decoded, new Set(table.services.keys()));
    this.#view = decoded;
    this.engine.table = table;
    if (table.mesh !== undefined) this.engine.journal.configure(table.mesh.accessLog);
    // What a policy no longer allows ends now, whatever it is amid.
    if (table.access !== access) this.engine.openAccess.reauthorizeAll();
    const { errors } = decoded;
    return { status: errors.length === 0 ? 'applied' : 'partial', errors };
  }

  /** Lets go of every connection and timer. Calls under way break off. */
  close(): void {
    const nowMs = this.#options.clock.nowMs();
    this.pools.closeAll();
    for (const cluster of this.#clusters.values()) cluster.close(nowMs);
    this.engine.application.close(nowMs);
    this.engine.egress?.close(nowMs);
    this.engine.wheel.stop();
  }

  #clusterOf(name: string): Cluster {
    const known = this.#clusters.get(name);
    if (known !== undefined) return known;
    const cluster = this.#newCluster(name);
    this.#clusters.set(name, cluster);
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
      const resource = view.resources.get(`endpoints/${name}`);
      const bodies = resource?.type === 'endpoints' ? resource.body.endpoints : noEndpoints;
      cluster.setEndpoints(bodies, nowMs);
    }
  }
}

const noEndpoints: readonly EndpointBody[] = [];
