import * as z from 'zod';

const Name = z.string().min(1).max(256);

/** One running instance of a service, as it is kept and shown. */
export const Instance = z.strictObject({
  /** Unique in the mesh; the id of its endpoint too. */
  id: Name,
  service: Name,
  namespace: Name,
  address: Name,
  port: z.int().min(1).max(65_535),
  weight: z.int().min(0).max(65_535),
  /** Only `ready` instances are endpoints. */
  health: z.enum(['ready', 'notReady']),
  transport: z.enum(['mtls', 'plain']),
  zone: Name.optional(),
  /** `app` is always the service; `version` is there for routing and display. */
  labels: z.record(z.string(), z.string()),
  /** The SPIFFE id of the certificate that registered it. */
  identity: Name,
});
export type Instance = z.output<typeof Instance>;

/** The version that an instance says it runs; '' if it does not. */
export function versionOf(instance: Instance): string {
  return instance.labels['version'] ?? '';
}

/** `namespace/name`. */
export function serviceKey(it: { readonly namespace: string; readonly service: string }): string {
  return `${it.namespace}/${it.service}`;
}
