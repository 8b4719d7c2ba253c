import * as z from 'zod';
import { Extension } from './resource.ts';

/** How a string must look: equal, or matched by a linear-time expression (RE2 syntax). */
const ValueMatch = z.strictObject({
  kind: z.enum(['exact', 'regex']),
  /** Header names in lower case; query parameter names as they are. */
  name: z.string().min(1),
  value: z.string(),
});

/** One condition of a rule: all of its parts must hold. */
export const RouteMatch = z.strictObject({
  path: z
    .strictObject({ kind: z.enum(['exact', 'prefix', 'regex']), value: z.string() })
    .optional(),
  method: z.string().optional(),
  headers: z.array(ValueMatch),
  query: z.array(ValueMatch),
});
export type RouteMatch = z.output<typeof RouteMatch>;

/** Names to set, add or remove, in lower case; Gateway API HTTPHeaderFilter. */
export const HeaderEdit = z.strictObject({
  set: z.array(z.tuple([z.string(), z.string()])),
  add: z.array(z.tuple([z.string(), z.string()])),
  remove: z.array(z.string()),
});
export type HeaderEdit = z.output<typeof HeaderEdit>;

/** What is done to a request or its reply on the way. */
export const RouteFilter = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('requestHeaders'), edit: HeaderEdit }),
  z.strictObject({ kind: z.literal('responseHeaders'), edit: HeaderEdit }),
]);
export type RouteFilter = z.output<typeof RouteFilter>;

/** Where a share of a rule's requests goes. */
export const RouteBackend = z.strictObject({
  /** `namespace/name` of the service. */
  service: z.string().min(1),
  port: z.int().min(1).max(65_535),
  weight: z.int().min(0).max(1_000_000),
  /** Why this backend cannot be used; its share is answered 500 `invalid-backend`. */
  invalid: z.string().optional(),
  filters: z.array(RouteFilter),
});
export type RouteBackend = z.output<typeof RouteBackend>;

/** How a rule retries; absent fields fall back to the traffic policy, then to the mesh default. */
export const RetryBody = z.strictObject({
  /** Retries after the first try. */
  retries: z.int().min(0).max(10).optional(),
  /** Statuses that are retried beside the default ones. */
  statuses: z.array(z.int().min(400).max(599)).optional(),
  /** gRPC codes after which a call is sent again, whatever it may have done. */
  grpcStatuses: z.array(z.int().min(1).max(16)).max(16).optional(),
  backoffBaseMs: z.int().min(1).max(60_000).optional(),
  backoffMaxMs: z.int().min(1).max(60_000).optional(),
  /** Whether a per-try timeout is retried: only where a policy is written. */
  onPerTryTimeout: z.boolean().optional(),
  /** Treats every method as safe to send again. */
  anyMethod: z.boolean().optional(),
});
export type RetryBody = z.output<typeof RetryBody>;

/** Times in milliseconds; 0 disables. */
export const TimeoutBody = z.strictObject({
  requestMs: z.int().min(0).optional(),
  perTryMs: z.int().min(0).optional(),
  connectMs: z.int().min(1).optional(),
  idleMs: z.int().min(0).optional(),
  tcpIdleMs: z.int().min(0).optional(),
});
export type TimeoutBody = z.output<typeof TimeoutBody>;

/** Conditions of which one must hold, and what then happens. */
export const RouteRule = z.strictObject({
  name: z.string().optional(),
  matches: z.array(RouteMatch),
  filters: z.array(RouteFilter),
  backends: z.array(RouteBackend),
  timeouts: TimeoutBody.optional(),
  retry: RetryBody.optional(),
});
export type RouteRule = z.output<typeof RouteRule>;

/** An HTTP route bound to services (mesh) or listeners (gateway). */
export const RouteBody = z.strictObject({
  namespace: z.string().min(1),
  name: z.string().min(1),
  kind: z.enum(['HTTPRoute', 'GRPCRoute']),
  /** The services whose traffic this route decides; `port` narrows it. */
  parents: z.array(
    z.strictObject({ service: z.string().min(1), port: z.int().min(1).max(65_535).optional() }),
  ),
  /** The gateways at which it is decided, too; absent: at none. Both others narrow it. */
  gateways: z
    .array(
      z.strictObject({
        /** `namespace/name`. */
        gateway: z.string().min(1),
        listener: z.string().min(1).optional(),
        port: z.int().min(1).max(65_535).optional(),
      }),
    )
    .optional(),
  hostnames: z.array(z.string()),
  rules: z.array(RouteRule),
  /** Milliseconds since 1970; the older route wins a tie. */
  createdAtMs: z.number(),
  ext: Extension,
});
export type RouteBody = z.output<typeof RouteBody>;
