/** The whole set of objects, looked at from the side of its relations. */
import { accessPolicyBody } from '../compile/access-policy-body.ts';
import { knownServices } from '../compile/compile-resources.ts';
import { type Instance, selectEndpoints } from '../compile/endpoints.ts';
import { gatewayBody } from '../compile/gateway-body.ts';
import { type KnownServices, routeBody } from '../compile/route-body.ts';
import { trafficPolicyBody } from '../compile/traffic-policy-body.ts';
import type { Fault } from '../findings/finding.ts';
import type { AccessPolicy } from '../kinds/access-policy.ts';
import type { HttpRoute } from '../kinds/http-route.ts';
import { type ConfigObject, objectName } from '../kinds/kind.ts';
import type { MeshConfig } from '../kinds/mesh-config.ts';
import type { TrafficPolicy } from '../kinds/traffic-policy.ts';
import type { AccessPolicyBody } from '../model/access-policy.ts';
import type { GatewayBody } from '../model/gateway.ts';
import type { RouteBody } from '../model/route.ts';
import type { TrafficPolicyBody } from '../model/traffic-policy.ts';
import type { ConfigEntry } from './validate.ts';

/** A fault, and the entry that it is a fault of. */
export interface EntryFault {
  readonly entry: ConfigEntry;
  readonly fault: Fault;
}

/** A route, its pushed form, and the entry it came from. */
export interface RouteEntry {
  readonly entry: ConfigEntry;
  readonly route: HttpRoute;
  readonly body: RouteBody;
}

/** A policy, its pushed form, and the entry it came from. */
export interface PolicyEntry {
  readonly entry: ConfigEntry;
  readonly policy: TrafficPolicy;
  readonly body: TrafficPolicyBody;
}

/** An access policy, its pushed form, and the entry it came from. */
export interface AccessEntry {
  readonly entry: ConfigEntry;
  readonly policy: AccessPolicy;
  readonly body: AccessPolicyBody;
}

/** Everything that analysis looks at. */
export interface MeshSet {
  readonly entries: readonly ConfigEntry[];
  readonly services: KnownServices;
  /** Services that no instance serves at present; undefined if the instances are not known. */
  readonly vacant: ReadonlySet<string> | undefined;
  /** By `namespace/name`; the first of each name. */
  readonly gateways: ReadonlyMap<string, GatewayBody>;
  readonly routes: readonly RouteEntry[];
  readonly policies: readonly PolicyEntry[];
  /** The first policy of each service. */
  readonly policyOf: ReadonlyMap<string, PolicyEntry>;
  readonly access: readonly AccessEntry[];
  readonly meshConfigs: readonly { readonly entry: ConfigEntry; readonly config: MeshConfig }[];
}

/** Builds the set; `instances` is undefined where nothing is known about what runs. */
export function meshSetOf(
  entries: readonly ConfigEntry[],
  instances: readonly Instance[] | undefined,
): MeshSet {
  const objects = entries.map(({ object }) => object);
  const services = knownServices(objects, instances ?? []);
  const routes: RouteEntry[] = [];
  const policies: PolicyEntry[] = [];
  const access: AccessEntry[] = [];
  const meshConfigs: { entry: ConfigEntry; config: MeshConfig }[] = [];
  for (const entry of entries) {
    const { object } = entry;
    if (object.kind === 'HTTPRoute') {
      routes.push({ entry, route: object, body: routeBody(object, services) });
    } else if (object.kind === 'TrafficPolicy') {
      policies.push({ entry, policy: object, body: trafficPolicyBody(object) });
    } else if (object.kind === 'AccessPolicy') {
      access.push({ entry, policy: object, body: accessPolicyBody(object) });
    } else if (object.kind === 'MeshConfig') {
      meshConfigs.push({ entry, config: object });
    }
  }
  const policyOf = new Map(policies.toReversed().map((it) => [it.body.service, it]));
  const gateways = gatewaysOf(objects);
  const vacant = instances === undefined ? undefined : vacantServices(entries, instances);
  return { entries, services, gateways, vacant, routes, policies, policyOf, access, meshConfigs };
}

function gatewaysOf(objects: readonly ConfigObject[]): ReadonlyMap<string, GatewayBody> {
  const found = objects.filter((it) => it.kind === 'Gateway');
  return new Map(found.toReversed().map((it) => [objectName(it), gatewayBody(it)]));
}

function vacantServices(
  entries: readonly ConfigEntry[],
  instances: readonly Instance[],
): ReadonlySet<string> {
  const vacant = new Set<string>();
  for (const { object } of entries) {
    if (object.kind !== 'Service') continue;
    if (selectEndpoints(object, instances).endpoints.length === 0) vacant.add(objectName(object));
  }
  return vacant;
}
