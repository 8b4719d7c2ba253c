/**
 * Everything that is said to everything that is pushed. Pure: the same input gives the same
 * resources, byte for byte, in the same order. Versions are the control plane's: it gives a resource
 * a new one when its hash has changed.
 */
import { canonicalHash } from '../hash/canonical.ts';
import { type ConfigObject, objectName } from '../kinds/kind.ts';
import type { Service } from '../kinds/service.ts';
import type { ResourceType } from '../model/resource.ts';
import type { EndpointsBody, ServiceBody } from '../model/service.ts';
import { accessPolicyBody } from './access-policy-body.ts';
import { endpointsBody, type Instance, implicitServiceBody, selectEndpoints } from './endpoints.ts';
import { gatewayBody } from './gateway-body.ts';
import { meshBody } from './mesh-body.ts';
import { type KnownServices, routeBody } from './route-body.ts';
import { serviceBody } from './service-body.ts';
import { trafficPolicyBody } from './traffic-policy-body.ts';

/** A resource before it has a version. */
export interface CompiledResource {
  readonly type: ResourceType;
  readonly name: string;
  readonly hash: string;
  readonly bundle: string;
  readonly body: unknown;
}

/** What there is to compile. */
export interface CompileInput {
  readonly objects: readonly ConfigObject[];
  readonly instances: readonly Instance[];
  readonly trustDomain: string;
}

/** The bundle of what belongs to the whole mesh. */
export const meshBundle = 'mesh';

/**
 * Compiles the whole mesh, sorted by type and name. Bundles are destination services and gateways:
 * a route belongs to the bundle of its first service, else of its first gateway. Instances of a name that no Service object selects
 * by that name form an implicit service.
 */
export function compileResources(input: CompileInput): readonly CompiledResource[] {
  const { objects, instances, trustDomain } = input;
  const services = compileServices(objects, instances);
  const known: KnownServices = new Map([...services].map(([name, { body }]) => [name, body]));
  const compiled: CompiledResource[] = [];
  const push = (type: ResourceType, name: string, bundle: string, body: unknown) => {
    compiled.push({ type, name, hash: canonicalHash(body), bundle, body });
  };
  for (const [name, { body, endpoints }] of services) {
    push('service', name, name, body);
    push('endpoints', name, name, endpoints);
  }
  for (const object of objects) {
    if (object.kind === 'HTTPRoute') {
      const body = routeBody(object, known);
      const name = `${body.namespace}/${body.name}`;
      const bundle = body.parents[0]?.service ?? bundleOf(body.gateways?.[0]?.gateway) ?? name;
      push('route', name, bundle, body);
    } else if (object.kind === 'Gateway') {
      const name = objectName(object);
      push('listener', name, bundleOf(name) ?? name, gatewayBody(object));
    } else if (object.kind === 'TrafficPolicy') {
      const body = trafficPolicyBody(object);
      push(
        'trafficPolicy',
        `${object.metadata.namespace}/${object.metadata.name}`,
        body.service,
        body,
      );
    } else if (object.kind === 'AccessPolicy') {
      const body = accessPolicyBody(object);
      push('policy', `${object.metadata.namespace}/${object.metadata.name}`, body.service, body);
    }
  }
  const mesh = objects.find((object) => object.kind === 'MeshConfig');
  push('telemetry', 'mesh', meshBundle, meshBody(mesh, trustDomain));
  return compiled.toSorted((one, other) => (keyOf(one) < keyOf(other) ? -1 : 1));
}

/** The services that are described or registered, by `namespace/name`. */
export function knownServices(
  objects: readonly ConfigObject[],
  instances: readonly Instance[],
): KnownServices {
  const services = compileServices(objects, instances);
  return new Map([...services].map(([name, { body }]) => [name, body]));
}

interface CompiledService {
  readonly body: ServiceBody;
  readonly endpoints: EndpointsBody;
}

function compileServices(
  objects: readonly ConfigObject[],
  instances: readonly Instance[],
): ReadonlyMap<string, CompiledService> {
  const services = new Map<string, CompiledService>();
  for (const object of objects.filter((it): it is Service => it.kind === 'Service')) {
    const body = serviceBody(object);
    const endpoints = selectEndpoints(object, instances);
    services.set(`${body.namespace}/${body.name}`, { body, endpoints });
  }
  for (const own of byService(instances).values()) {
    const [first] = own;
    if (first === undefined) continue;
    const key = `${first.namespace}/${first.service}`;
    if (services.has(key)) continue;
    const body = implicitServiceBody(first.namespace, first.service, own);
    services.set(key, { body, endpoints: endpointsBody(own) });
  }
  return services;
}

function byService(instances: readonly Instance[]): ReadonlyMap<string, readonly Instance[]> {
  const groups = new Map<string, Instance[]>();
  for (const instance of instances) {
    const key = `${instance.namespace}/${instance.service}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [instance]);
    else group.push(instance);
  }
  return groups;
}

/** Apart from that of a service of the same name. */
function bundleOf(gateway: string | undefined): string | undefined {
  return gateway && `gateway:${gateway}`;
}

function keyOf({ type, name }: CompiledResource): string {
  return `${type}/${name}`;
}
