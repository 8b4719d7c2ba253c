/** Which listener of a gateway takes which route, and for which hosts (Gateway API, HTTPRoute). */
import type { GatewayBody, GatewayListenerBody } from '../model/gateway.ts';
import type { RouteBody } from '../model/route.ts';

/** How a route names a gateway, or one of its listeners. */
export type GatewayParent = NonNullable<RouteBody['gateways']>[number];

/** Whether `parent` names this listener of its gateway. */
export function namesListener(parent: GatewayParent, listener: GatewayListenerBody): boolean {
  const { listener: name = listener.name, port = listener.port } = parent;
  return name === listener.name && port === listener.port;
}

/** Whether the listener takes routes of this namespace. */
export function allowsNamespace(
  gateway: GatewayBody,
  listener: GatewayListenerBody,
  namespace: string,
): boolean {
  return listener.routesFrom === 'all' || namespace === gateway.namespace;
}

/**
 * The hosts for which a route is attached to a listener: what both of them name. Empty: every host.
 * Undefined: not attached.
 */
export function attachedHosts(
  gateway: GatewayBody,
  listener: GatewayListenerBody,
  route: RouteBody,
): readonly string[] | undefined {
  const own = `${gateway.namespace}/${gateway.name}`;
  const isNamed = (route.gateways ?? []).some(
    (parent) => parent.gateway === own && namesListener(parent, listener),
  );
  if (!isNamed || !allowsNamespace(gateway, listener, route.namespace)) return undefined;
  return commonHosts(listener.hostname, route.hostnames);
}

/** What a listener's host name and those of a route have in common; undefined: nothing. */
export function commonHosts(
  listened: string | undefined,
  routed: readonly string[],
): readonly string[] | undefined {
  if (listened === undefined) return routed;
  if (routed.length === 0) return [listened];
  const common = routed.flatMap((host) => commonHost(listened, host) ?? []);
  return common.length === 0 ? undefined : common;
}

/** The more specific of two host names, if it is a part of the other. */
function commonHost(one: string, other: string): string | undefined {
  if (covers(one, other)) return other;
  return covers(other, one) ? one : undefined;
}

/** Whether every host that `host` stands for is one that `pattern` stands for. */
function covers(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  return pattern.startsWith('*.') && host.endsWith(pattern.slice(1));
}
