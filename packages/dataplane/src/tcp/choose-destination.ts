/**
 * From what a client has dialled to where its bytes go. The one place that decides it: rules that
 * split connections by weight, or match server names, would be asked here.
 */
import type { Destination, RuntimeTable, ServiceEntry } from '../table/runtime-table.ts';
import type { Cluster } from '../upstream/cluster.ts';

/** Where the connections of one destination go. */
export interface TcpDestination {
  readonly kind: 'destination';
  readonly service: ServiceEntry;
  readonly cluster: Cluster;
  readonly routeName: string;
}

/** Nowhere, and why. */
export interface NoDestination {
  readonly kind: 'none';
  readonly service: ServiceEntry | undefined;
  readonly detail: string;
}

/** Whether connections to this port carry bytes that are nobody's business. */
export function isTcpPort({ service, port }: Destination): boolean {
  return service.body.ports.some((it) => it.port === port && it.protocol === 'tcp');
}

/** Of an authority as `Host` has it: `postgres:5432`. Only ports of `appProtocol: tcp` are taken. */
export function chooseByAuthority(
  table: RuntimeTable,
  authority: string,
): TcpDestination | NoDestination {
  const found = table.destinations.get(authority);
  if (found === undefined) return nothing(`nothing in the mesh is called ${authority}`);
  if (isTcpPort(found)) return to(found.service);
  // As bytes, requests would pass by all that is decided of them one by one.
  const detail = `port ${found.port} of ${found.service.name} is not of appProtocol tcp`;
  return nothing(detail, found.service);
}

/** Of the server name of a TLS hello, which says no port: the service must have one for TCP. */
export function chooseByServerName(
  table: RuntimeTable,
  serverName: string | undefined,
): TcpDestination | NoDestination {
  if (serverName === undefined) return nothing('the hello names no server');
  const found = table.destinations.get(serverName);
  if (found === undefined) return nothing(`nothing in the mesh is called ${serverName}`);
  const { service } = found;
  if (service.body.ports.some(({ protocol }) => protocol === 'tcp')) return to(service);
  return nothing(`no port of ${service.name} is of appProtocol tcp`, service);
}

function to(service: ServiceEntry): TcpDestination {
  return { kind: 'destination', service, cluster: service.cluster, routeName: '-' };
}

function nothing(detail: string, service?: ServiceEntry): NoDestination {
  return { kind: 'none', service, detail };
}
