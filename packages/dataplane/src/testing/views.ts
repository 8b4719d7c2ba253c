/** Configuration for tests, in the form in which it is pushed. */
import { canonicalHash, type EndpointBody, type PortProtocol, type Resource } from '@leno/config';
import type { PushedView } from '../data-plane.ts';
import { idOf, trustDomain } from './identities.ts';

/** What a mesh of the test consists of; names without their namespace, which is `default`. */
export interface Mesh {
  readonly services?: Readonly<Record<string, readonly EndpointBody[]>>;
  /** Bodies of traffic policies, by service. */
  readonly policies?: Readonly<Record<string, object>>;
  /** Rules of one route, by service. */
  readonly routes?: Readonly<Record<string, readonly object[]>>;
  /** Listeners, by gateway; what is left out is a listener of HTTP for all. */
  readonly gateways?: Readonly<Record<string, readonly object[]>>;
  /** Routes at gateways, by name: what is left out takes everything to `shop`. */
  readonly gatewayRoutes?: Readonly<Record<string, { readonly gateways: readonly object[] }>>;
  /** Bodies of access policies, by service. */
  readonly access?: Readonly<Record<string, readonly object[]>>;
  /** Default `deny`. */
  readonly egress?: 'deny' | 'passthrough';
  readonly permissive?: readonly string[];
  /** Services that may say for whom they call. */
  readonly forwarders?: readonly string[];
  /** Services with a port 5432 for TCP beside their port 80. */
  readonly tcp?: readonly string[];
  /** What a service speaks on its ports, from 80 on; one of `http` where nothing is said. */
  readonly protocols?: Readonly<Record<string, readonly PortProtocol[]>>;
}

let version = 0;

function resource(type: Resource['type'], name: string, body: object, bundle = name): Resource {
  version += 1;
  return { type, name, version, hash: canonicalHash(body), bundle, body };
}

/** An endpoint on this machine. With `service` a sidecar of that name answers there. */
export function endpoint(port: number, service?: string, id = `at-${port}`): EndpointBody {
  return {
    id,
    address: '127.0.0.1',
    port,
    weight: 1,
    health: 'ready',
    transport: service === undefined ? 'plain' : 'mtls',
    ...(service === undefined ? {} : { identity: idOf(service) }),
    labels: { version: 'v1' },
  };
}

function partsOf(name: string, endpoints: readonly EndpointBody[], mesh: Mesh): Resource[] {
  const full = `default/${name}`;
  const spoken = mesh.protocols?.[name] ?? ['http'];
  const ports = spoken.map((protocol, index) => ({ port: 80 + index, protocol }));
  if (mesh.tcp?.includes(name)) ports.push({ port: 5_432, protocol: 'tcp' });
  const parts = [
    resource('service', full, { namespace: 'default', name, ports }),
    resource('endpoints', full, { endpoints }),
  ];
  const policy = mesh.policies?.[name];
  if (policy !== undefined) {
    parts.push(resource('trafficPolicy', full, { service: full, ...policy }));
  }
  for (const [index, body] of (mesh.access?.[name] ?? []).entries()) {
    parts.push(resource('policy', `default/${name}-${index}`, { service: full, ...body }, full));
  }
  const rules = mesh.routes?.[name];
  if (rules !== undefined) {
    const parents = [{ service: full }];
    const body = { namespace: 'default', name, kind: 'HTTPRoute', parents, hostnames: [], rules };
    parts.push(resource('route', full, { ...body, createdAtMs: 0 }));
  }
  return parts;
}

function gatewayParts({ gateways = {}, gatewayRoutes = {} }: Mesh): Resource[] {
  const usual = { name: 'http', port: 80, protocol: 'http', certificates: [], routesFrom: 'same' };
  const listeners = Object.entries(gateways).map(([name, own]) => {
    const all = own.map((listener) => ({ ...usual, ...listener }));
    const body = { namespace: 'default', name, listeners: all };
    return resource('listener', `default/${name}`, body, `gateway:default/${name}`);
  });
  const routes = Object.entries(gatewayRoutes).map(([name, route]) => {
    const body = {
      ...{ namespace: 'default', name, kind: 'HTTPRoute', parents: [], hostnames: [] },
      ...{ rules: [ruleTo('shop')], createdAtMs: 0 },
      ...route,
    };
    return resource('route', `default/${name}`, body, 'gateway:default/edge');
  });
  return [...listeners, ...routes];
}

/** A rule that takes every request, or those below `path`, to one service. */
export function ruleTo(service: string, path?: string): object {
  const matches = path === undefined ? [] : [{ path: { kind: 'prefix', value: path } }];
  return {
    matches: matches.map((it) => ({ ...it, headers: [], query: [] })),
    filters: [],
    backends: [{ service: `default/${service}`, port: 80, weight: 1, filters: [] }],
  };
}

/** The whole view of a proxy. */
export function viewOf(mesh: Mesh): PushedView {
  const settings = {
    trustDomain,
    egress: mesh.egress ?? 'deny',
    accessLog: { successEvery: 100, slowMs: 1_000 },
    traceRatio: 0.01,
    mtls: {
      permissive: (mesh.permissive ?? []).map((it) => `default/${it}`),
      ...(mesh.forwarders === undefined ? {} : { trustedForwarders: mesh.forwarders.map(idOf) }),
    },
  };
  const resources = [resource('telemetry', 'mesh', settings, 'mesh')];
  for (const [name, endpoints] of Object.entries(mesh.services ?? {})) {
    resources.push(...partsOf(name, endpoints, mesh));
  }
  resources.push(...gatewayParts(mesh));
  return { epoch: 1, version, digest: `d${version}`, resources };
}
