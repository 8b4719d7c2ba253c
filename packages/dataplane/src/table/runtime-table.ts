/**
 * What a proxy decides by: one immutable value per config revision, compiled beside the running one
 * and swapped by one assignment. Endpoints and breakers are live state and hang on the clusters,
 * which outlive revisions.
 */
import type { MeshBody, ServiceBody } from '@leno/config';
import type { RouteBackend, RouteRule, RouteTable } from '@leno/routing';
import type { InboundAccess } from '../authorization/inbound-access.ts';
import type { Cluster } from '../upstream/cluster.ts';
import type { GatewayTable } from './gateway-table.ts';
import type { CallPolicy } from './policy.ts';

/** A rule with everything that a request needs resolved beforehand. */
export interface TableRule {
  readonly routeName: string;
  readonly rule: RouteRule;
  readonly policy: CallPolicy;
  /** In the order of `rule.backends`; undefined where the backend is invalid. */
  readonly clusters: ReadonlyMap<RouteBackend, Cluster>;
}

/** A destination that can be dialled. */
export interface ServiceEntry {
  /** `namespace/name`. */
  readonly name: string;
  readonly body: ServiceBody;
  readonly cluster: Cluster;
  /** What holds where no route matches. */
  readonly policy: CallPolicy;
  readonly routes: RouteTable | undefined;
  readonly rules: ReadonlyMap<RouteRule, TableRule>;
}

/** A destination as dialled: the service and the port that was meant. */
export interface Destination {
  readonly service: ServiceEntry;
  readonly port: number;
}

export interface RuntimeTable {
  readonly epoch: number;
  readonly version: number;
  readonly digest: string;
  /** Undefined until a first config was applied: then inbound traffic is denied. */
  readonly mesh: MeshBody | undefined;
  /** Every spelling of an authority that may be dialled, in lower case. */
  readonly destinations: ReadonlyMap<string, Destination>;
  readonly services: ReadonlyMap<string, ServiceEntry>;
  readonly basePolicy: CallPolicy;
  /** What callers of the own service go by; the base where nothing is known of it. */
  readonly ownPolicy: CallPolicy;
  /** Whether this proxy's own inbound listener takes plaintext. */
  readonly permissive: boolean;
  /** At a gateway, once there is a configuration of it. */
  readonly gateway: GatewayTable | undefined;
  /** Who may call the application behind this proxy. */
  readonly access: InboundAccess;
}
