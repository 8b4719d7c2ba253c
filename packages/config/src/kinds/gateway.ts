import * as z from 'zod';
import { Hostname } from './hostname.ts';
import { LabelName, Metadata, ObjectName, Port, Status } from './metadata.ts';

/** The group of the Gateway API, which `group` of a reference may leave out. */
export const gatewayGroup = 'gateway.networking.k8s.io';

const CertificateRef = z.strictObject({
  group: z.string().default('').describe('Empty: secrets belong to the core group.'),
  kind: z.string().default('Secret'),
  namespace: LabelName.optional().describe('Default, and only: the namespace of the gateway.'),
  name: ObjectName.describe('The gateway reads `NAME.crt` and `NAME.key`.'),
});

const Tls = z.strictObject({
  mode: z.enum(['Terminate']).default('Terminate').describe('Only Terminate.'),
  certificateRefs: z
    .array(CertificateRef)
    .min(1)
    .max(16)
    .describe(
      'What is shown to clients: the first that is for the name they ask for, else the first.',
    ),
});

const AllowedRoutes = z.strictObject({
  namespaces: z
    .strictObject({
      from: z
        .enum(['Same', 'All'])
        .default('Same')
        .describe('Whose routes may attach. Selector is not served: namespaces have no labels.'),
    })
    .optional(),
  kinds: z
    .array(
      z.strictObject({
        group: z.literal(gatewayGroup).default(gatewayGroup),
        kind: z.literal('HTTPRoute'),
      }),
    )
    .max(8)
    .optional()
    .describe('Only HTTPRoute, which is also what is taken where nothing is written.'),
});

const Listener = z.strictObject({
  name: ObjectName.describe('Unique in the gateway; `sectionName` of a route.'),
  hostname: Hostname.optional().describe(
    'Narrows the listener to these hosts. Default: every host.',
  ),
  port: Port.describe('Several listeners may share one, if hosts tell them apart.'),
  protocol: z.enum(['HTTP', 'HTTPS']).describe('HTTPS takes HTTP/2 as well.'),
  tls: Tls.optional().describe('With HTTPS, and only there.'),
  allowedRoutes: AllowedRoutes.optional(),
});
export type GatewayListener = z.output<typeof Listener>;

/** `gateway.networking.k8s.io/v1` Gateway: where the mesh is entered from outside. */
export const Gateway = z
  .strictObject({
    apiVersion: z.literal('gateway.networking.k8s.io/v1'),
    kind: z.literal('Gateway'),
    metadata: Metadata,
    spec: z.strictObject({
      gatewayClassName: z.literal('leno').describe('Only `leno`.'),
      listeners: z.array(Listener).min(1).max(64).describe('The ports that are open.'),
    }),
    status: Status,
  })
  .describe('Where the mesh is entered from outside.');
export type Gateway = z.output<typeof Gateway>;
