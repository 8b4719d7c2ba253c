/** Findings about the gateways that routes name. */
import { allowsNamespace, commonHosts, namesListener } from '../compile/attachment.ts';
import { referencedName } from '../compile/route-body.ts';
import type { Fault, Path } from '../findings/finding.ts';
import { nearestName } from '../findings/nearest.ts';
import { isGatewayRef } from '../kinds/gateway-ref.ts';
import type { HttpRoute } from '../kinds/http-route.ts';
import type { GatewayBody } from '../model/gateway.ts';

import type { EntryFault, MeshSet, RouteEntry } from './mesh-set.ts';

type ParentRef = HttpRoute['spec']['parentRefs'][number];

/** Gateways and listeners that do not exist, or that do not take the route. */
export function gatewayParents(set: MeshSet): readonly EntryFault[] {
  return set.routes.flatMap((it) =>
    it.route.spec.parentRefs.flatMap((ref, index) => {
      if (!isGatewayRef(ref)) return [];
      const faults = parentFaults(set, it, ref, ['spec', 'parentRefs', index]);
      return faults.map((fault) => ({ entry: it.entry, fault }));
    }),
  );
}

function parentFaults(set: MeshSet, it: RouteEntry, ref: ParentRef, path: Path): readonly Fault[] {
  const name = referencedName(ref, it.body.namespace);
  const gateway = set.gateways.get(name);
  if (gateway === undefined) return [missingGateway(set, name, path)];
  const { sectionName, port } = ref;
  const parent = { gateway: name, listener: sectionName, port };
  const named = gateway.listeners.filter((listener) => namesListener(parent, listener));
  if (named.length === 0) return [missingListener(gateway, ref, path)];
  const { namespace } = it.body;
  const allowing = named.filter((listener) => allowsNamespace(gateway, listener, namespace));
  if (allowing.length === 0) {
    const message = `gateway ${name} takes no routes of the namespace ${namespace} there: see allowedRoutes`;
    return [{ code: 'LN0312', path: [...path, 'name'], message, value: ref.name }];
  }
  return hostFaults(it, allowing, name);
}

function hostFaults(
  { body }: RouteEntry,
  listeners: GatewayBody['listeners'],
  gateway: string,
): readonly Fault[] {
  const lost = [...body.hostnames.entries()].filter(
    ([, host]) => !listeners.some((it) => commonHosts(it.hostname, [host]) !== undefined),
  );
  const code = lost.length < body.hostnames.length ? 'LN0314' : 'LN0313';
  return lost.map(([index, value]) => {
    const message = `no listener of gateway ${gateway} that the route is bound to takes ${value}`;
    return { code, path: ['spec', 'hostnames', index], message, value };
  });
}

function missingGateway(set: MeshSet, name: string, path: Path): Fault {
  const known = [...set.gateways.keys()];
  // Who leaves the kind out has said Gateway, whatever was meant.
  const isService = set.services.has(name);
  const advice = isService ? '; for the service write `group: ""` and `kind: Service`' : '';
  const hint = isService ? undefined : nearestName(name, known);
  const message = `there is no gateway ${name}${advice}`;
  return { code: 'LN0201', path: [...path, 'name'], message, value: name, hint };
}

function missingListener(gateway: GatewayBody, ref: ParentRef, path: Path): Fault {
  const names = gateway.listeners.map(({ name, port }) => `${name} (${port})`).join(', ');
  const { sectionName, port } = ref;
  const asked = [sectionName, port === undefined ? undefined : `port ${port}`];
  const what = asked.filter((it) => it !== undefined).join(' on ');
  const message = `the gateway has no listener ${what}; it has ${names}`;
  const field = sectionName === undefined ? 'port' : 'sectionName';
  const known = gateway.listeners.map(({ name }) => name);
  const hint = sectionName === undefined ? undefined : nearestName(sectionName, known);
  return { code: 'LN0209', path: [...path, field], message, value: sectionName ?? port, hint };
}
