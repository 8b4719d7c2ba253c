import { attachedHosts, type GatewayBody, type RouteBody } from '@leno/config';
import { compileRoutes } from '@leno/routing';
import type { DecodedView } from './decode.ts';
import { type Door, GatewayTable } from './gateway-table.ts';
import { ruleEntries, type Surroundings } from './rule-entries.ts';

/** The gateway `name`, with whatever is attached to its listeners; undefined if the view has none. */
export function compileGateway(
  view: DecodedView,
  name: string,
  around: Surroundings,
): GatewayTable | undefined {
  const resource = view.resources.get(`listener/${name}`);
  if (resource?.type !== 'listener') return undefined;
  const { body } = resource;
  const routes = [...view.resources.values()].flatMap((it) =>
    it.type === 'route' ? [it.body] : [],
  );
  const doors = body.listeners.map((listener) => doorOf(body, listener, routes));
  return new GatewayTable(body, doors, ruleEntries(routes, around));
}

function doorOf(
  gateway: GatewayBody,
  listener: Door['listener'],
  routes: readonly RouteBody[],
): Door {
  const service = `${gateway.namespace}/${gateway.name}`;
  const attached = routes.flatMap((route) => {
    const hostnames = attachedHosts(gateway, listener, route);
    // To the engine of routes, a gateway is a service like any other.
    return hostnames === undefined ? [] : [{ ...route, parents: [{ service }], hostnames }];
  });
  return { listener, routes: attached.length === 0 ? undefined : compileRoutes(attached) };
}
