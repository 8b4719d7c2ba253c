/**
 * A decoded view to the table that requests are decided by. Pure but for the clusters, which it
 * takes by name from whoever keeps them; throws nothing: what cannot be resolved becomes a backend
 * that is marked invalid.
 */
import type { DecodedResource, RouteBody, ServiceBody, TrafficPolicyBody } from '@leno/config';
import { compileRoutes } from '@leno/routing';
import { compileAccess, type InboundAccess, noAccess } from '../authorization/inbound-access.ts';
import type { Cluster } from '../upstream/cluster.ts';
import { compileGateway } from './compile-gateway.ts';
import type { DecodedView } from './decode.ts';
import { callPolicy } from './policy.ts';
import { ruleEntries } from './rule-entries.ts';
import type { Destination, RuntimeTable, ServiceEntry } from './runtime-table.ts';

/** Who is asking: names without a namespace are looked up in the proxy's own. */
export interface Subject {
  readonly service: string;
  readonly namespace: string;
  /** Whether it is a gateway: then `service` is the name of its Gateway. Default false. */
  readonly isGateway?: boolean;
}

export interface Revision {
  readonly epoch: number;
  readonly version: number;
  readonly digest: string;
}

export const emptyTable: RuntimeTable = {
  epoch: 0,
  version: 0,
  digest: '',
  mesh: undefined,
  destinations: new Map(),
  services: new Map(),
  basePolicy: callPolicy(undefined, undefined),
  ownPolicy: callPolicy(undefined, undefined),
  permissive: false,
  gateway: undefined,
  access: noAccess,
};

/** What lives longer than a table. */
export interface LongLived {
  /** The one cluster of a service. */
  readonly clusterOf: (service: string) => Cluster;
  /** Of the table before; stays where nothing about it has changed. */
  readonly access: InboundAccess;
}

/** Compiles the view for `subject`. */
export function compileTable(
  view: DecodedView,
  subject: Subject,
  revision: Revision,
  { clusterOf, access }: LongLived,
): RuntimeTable {
  const bodies = serviceBodies(view);
  const policies = policiesByService(view);
  const routes = routesByService(view);
  const around = { bodies, policies, clusterOf };
  const services = new Map<string, ServiceEntry>();
  for (const [name, body] of bodies) {
    const bound = routes.get(name) ?? [];
    const rules = ruleEntries(bound, around);
    services.set(name, {
      name,
      body,
      cluster: clusterOf(name),
      policy: callPolicy(undefined, policies.get(name)),
      routes: bound.length === 0 ? undefined : compileRoutes(bound),
      rules,
    });
  }
  const mesh = meshBody(view);
  const basePolicy = callPolicy(undefined, undefined);
  const own = `${subject.namespace}/${subject.service}`;
  return {
    ...revision,
    mesh,
    services,
    destinations: destinationsOf(services, subject),
    basePolicy,
    ownPolicy: services.get(own)?.policy ?? basePolicy,
    permissive: mesh?.mtls.permissive.includes(own) ?? false,
    gateway: subject.isGateway === true ? compileGateway(view, own, around) : undefined,
    access: compileAccess(view, { service: own, mesh, before: access }),
  };
}

/** The policy of each service, by its name. */
export function policiesByService(view: DecodedView): ReadonlyMap<string, TrafficPolicyBody> {
  const found = new Map<string, TrafficPolicyBody>();
  for (const resource of view.resources.values()) {
    if (resource.type === 'trafficPolicy') found.set(resource.body.service, resource.body);
  }
  return found;
}

function serviceBodies(view: DecodedView): ReadonlyMap<string, ServiceBody> {
  const found = new Map<string, ServiceBody>();
  for (const resource of view.resources.values()) {
    if (resource.type === 'service') found.set(resource.name, resource.body);
  }
  return found;
}

function meshBody(view: DecodedView): RuntimeTable['mesh'] {
  const resource: DecodedResource | undefined = view.resources.get('telemetry/mesh');
  return resource?.type === 'telemetry' ? resource.body : undefined;
}

function routesByService(view: DecodedView): ReadonlyMap<string, RouteBody[]> {
  const found = new Map<string, RouteBody[]>();
  for (const resource of view.resources.values()) {
    if (resource.type !== 'route') continue;
    for (const service of new Set(resource.body.parents.map((parent) => parent.service))) {
      const list = found.get(service) ?? [];
      list.push(resource.body);
      found.set(service, list);
    }
  }
  return found;
}

/** Every way to spell a service: with and without namespace, `.mesh`, cluster suffix and port. */
function destinationsOf(
  services: ReadonlyMap<string, ServiceEntry>,
  subject: Subject,
): ReadonlyMap<string, Destination> {
  const found = new Map<string, Destination>();
  for (const service of services.values()) {
    const { name, namespace, ports } = service.body;
    const hosts = [`${name}.${namespace}`, `${name}.${namespace}.mesh`];
    hosts.push(`${name}.${namespace}.svc`, `${name}.${namespace}.svc.cluster.local`);
    if (namespace === subject.namespace) hosts.push(name);
    const plain = ports.find((port) => port.port === 80) ?? ports[0];
    for (const host of hosts.map((it) => it.toLowerCase())) {
      if (plain !== undefined) found.set(host, { service, port: plain.port });
      for (const { port } of ports) found.set(`${host}:${port}`, { service, port });
      // A client that dials HTTP without a port means 80, whatever the service calls its only one.
      if (plain !== undefined && !found.has(`${host}:80`)) {
        found.set(`${host}:80`, { service, port: plain.port });
      }
    }
  }
  return found;
}
