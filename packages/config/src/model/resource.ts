import * as z from 'zod';

/** The types of resource that travel to a proxy (push protocol §1). */
export const ResourceType = z.enum([
  'service',
  'endpoints',
  'route',
  'policy',
  'trafficPolicy',
  'listener',
  'trustBundle',
  'telemetry',
  'faultInjection',
]);
export type ResourceType = z.output<typeof ResourceType>;

/**
 * One unit of pushed configuration. `name` is `namespace/name`, or the name alone for what is
 * mesh-wide. `version` is the revision that last changed it, `hash` the canonical hash of its body.
 * `bundle` names the unit that is applied whole or not at all: by default the destination service.
 * The body is checked by the schema of its type when the proxy decodes it.
 */
export const Resource = z.strictObject({
  type: ResourceType,
  name: z.string().min(1).max(512),
  version: z.int().min(0),
  hash: z.string().min(1).max(128),
  bundle: z.string().min(1).max(512),
  body: z.unknown(),
});
export type Resource = z.output<typeof Resource>;

/** Where fields that a receiver may not know are allowed (push protocol P8). */
export const Extension = z.record(z.string(), z.unknown()).optional();
