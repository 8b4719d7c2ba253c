import type { Service } from '../kinds/service.ts';
import type { EndpointBody, EndpointsBody, ServiceBody } from '../model/service.ts';

/** A running instance as the registry knows it. */
export interface Instance {
  /** Unique in the mesh, stable over its life. */
  readonly id: string;
  readonly namespace: string;
  /** The name that it registered under. */
  readonly service: string;
  readonly version?: string | undefined;
  readonly address: string;
  readonly port: number;
  /** `notReady` is left out; `draining` takes nothing new. */
  readonly health: 'ready' | 'notReady' | 'draining';
  readonly transport: 'mtls' | 'plain';
  /** The SPIFFE id that it must show; with `mtls`. */
  readonly identity?: string | undefined;
  /** Default 1. */
  readonly weight?: number | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** What clients dial where no Service object says it. Default: 80, HTTP. */
  readonly ports?: ServiceBody['ports'] | undefined;
}

/**
 * The endpoints of a service, ordered by id: the instances of its namespace that carry every label
 * of its selector, or, without a selector, those that registered under its name. `app` and `version`
 * are labels of every instance unless it sets them itself: the service and the version it registered with.
 */
export function selectEndpoints(service: Service, instances: readonly Instance[]): EndpointsBody {
  const { namespace, name } = service.metadata;
  const selector = Object.entries(service.spec.selector ?? {});
  return endpointsBody(
    instances.filter((it) => {
      if (it.namespace !== namespace) return false;
      if (selector.length === 0) return it.service === name;
      const labels = labelsOf(it);
      return selector.every(([key, value]) => labels[key] === value);
    }),
  );
}

/** The given instances as endpoints, ordered by id, without those that are not ready. */
export function endpointsBody(instances: readonly Instance[]): EndpointsBody {
  const endpoints = instances
    .filter(({ health }) => health !== 'notReady')
    .map(endpointBody)
    .toSorted((one, other) => (one.id < other.id ? -1 : 1));
  return { endpoints };
}

/** A service that nobody has described: dialled on the ports that its instances name. */
export function implicitServiceBody(
  namespace: string,
  name: string,
  instances: readonly Instance[],
): ServiceBody {
  const ports = new Map<number, ServiceBody['ports'][number]>();
  const ordered = instances.toSorted((one, other) => (one.id < other.id ? -1 : 1));
  for (const port of ordered.flatMap(
    (it) => it.ports ?? [{ port: 80, protocol: 'http' as const }],
  )) {
    if (!ports.has(port.port)) ports.set(port.port, port);
  }
  return { namespace, name, ports: [...ports.values()].toSorted((a, b) => a.port - b.port) };
}

function endpointBody(instance: Instance): EndpointBody {
  const { id, address, port, weight = 1, health, transport, identity } = instance;
  return {
    id,
    address,
    port,
    weight,
    health: health === 'draining' ? 'draining' : 'ready',
    transport,
    ...(identity === undefined || transport === 'plain' ? {} : { identity }),
    labels: labelsOf(instance),
  };
}

function labelsOf({ service, version, labels }: Instance): Record<string, string> {
  return { app: service, ...(version === undefined ? {} : { version }), ...labels };
}
