import * as z from 'zod';
import { Extension } from './resource.ts';

/** One door of a gateway: a port, or the part of it that some hosts are. */
export const GatewayListenerBody = z.strictObject({
  /** Unique in the gateway. */
  name: z.string().min(1),
  port: z.int().min(1).max(65_535),
  protocol: z.enum(['http', 'https']),
  /** In lower case; `*.` in front takes any depth. Absent: every host. */
  hostname: z.string().min(1).optional(),
  /** With `https`: names of the certificates that the gateway holds; the first is the default. */
  certificates: z.array(z.string().min(1)).max(16),
  /** Whose routes attach: those of the gateway's own namespace, or all. */
  routesFrom: z.enum(['same', 'all']),
});
export type GatewayListenerBody = z.output<typeof GatewayListenerBody>;

/** The listeners of one gateway; type `listener`, named `namespace/name` as the gateway is. */
export const GatewayBody = z.strictObject({
  namespace: z.string().min(1),
  name: z.string().min(1),
  listeners: z.array(GatewayListenerBody).min(1).max(64),
  ext: Extension,
});
export type GatewayBody = z.output<typeof GatewayBody>;
