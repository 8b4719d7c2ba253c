import * as z from 'zod';
import { Extension } from './resource.ts';

/** What is spoken on a port. */
export const PortProtocol = z.enum(['http', 'http2', 'grpc', 'tcp']);
export type PortProtocol = z.output<typeof PortProtocol>;

/** A destination that clients name: `service`, `service.namespace` or `service.namespace.mesh`. */
export const ServiceBody = z.strictObject({
  namespace: z.string().min(1),
  name: z.string().min(1),
  ports: z.array(
    z.strictObject({
      port: z.int().min(1).max(65_535),
      name: z.string().optional(),
      protocol: PortProtocol,
    }),
  ),
  ext: Extension,
});
export type ServiceBody = z.output<typeof ServiceBody>;

/** One address that serves a service. */
export const EndpointBody = z.strictObject({
  /** Stable over the life of the instance: state of balancer and breaker is kept by it. */
  id: z.string().min(1).max(256),
  address: z.string().min(1),
  port: z.int().min(1).max(65_535),
  weight: z.int().min(0).max(65_535),
  /** `draining` takes no new request; what it has may finish. */
  health: z.enum(['ready', 'draining']),
  /** Whether a sidecar answers there with mTLS, or the application itself in the clear. */
  transport: z.enum(['mtls', 'plain']),
  /** The SPIFFE id that the certificate of the other side must carry; with `mtls` only. */
  identity: z.string().optional(),
  labels: z.record(z.string(), z.string()),
  ext: Extension,
});
export type EndpointBody = z.output<typeof EndpointBody>;

/** All endpoints of one service; its resource has the service's own name. */
export const EndpointsBody = z.strictObject({
  endpoints: z.array(EndpointBody).max(10_000),
  ext: Extension,
});
export type EndpointsBody = z.output<typeof EndpointsBody>;
