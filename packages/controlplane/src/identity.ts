import { formatSpiffeId, parseSpiffeId } from '@leno/ca';

/** The SPIFFE id of a service: `spiffe://TRUST-DOMAIN/ns/NAMESPACE/sa/SERVICE`. */
export function workloadId(
  trustDomain: string,
  it: { readonly namespace: string; readonly service: string },
): string {
  return formatSpiffeId({ trustDomain, path: `/ns/${it.namespace}/sa/${it.service}` });
}

/** The SPIFFE id of the control plane itself. */
export function controlPlaneId(trustDomain: string): string {
  return formatSpiffeId({ trustDomain, path: '/control-plane' });
}

/** The service that a SPIFFE id names, or undefined if it is not that of a workload of this form. */
export function serviceOf(
  identity: string,
): { readonly namespace: string; readonly service: string } | undefined {
  const parsed = parseSpiffeId(identity);
  if (!parsed.ok) return undefined;
  const found = /^\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(parsed.value.path);
  const [, namespace, service] = found ?? [];
  return namespace === undefined || service === undefined ? undefined : { namespace, service };
}
