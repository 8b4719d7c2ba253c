import type { RouteInput } from './route.ts';

/**
 * The routes of `service` that a client in `clientNamespace` is subject to (Gateway API, mesh: producer
 * and consumer routes). A route in the namespace of its service is for every client; one in another
 * namespace is for clients of that namespace only, and there it takes the place of the others.
 */
export function visibleRoutes<T extends RouteInput>(
  routes: readonly T[],
  service: string,
  clientNamespace: string,
): readonly T[] {
  const own = routes.filter((route) => route.parents.some((it) => it.service === service));
  const serviceNamespace = service.split('/', 1)[0];
  if (clientNamespace !== serviceNamespace) {
    const consumer = own.filter((route) => route.namespace === clientNamespace);
    if (consumer.length > 0) return consumer;
  }
  return own.filter((route) => route.namespace === serviceNamespace);
}
