import * as z from 'zod';
import { LabelName, Labels, Port, ServiceMetadata, Status } from './metadata.ts';

/** What may stand in `appProtocol`; the standard names of Kubernetes (KEP-3726) among them. */
export const AppProtocol = z.enum([
  'http',
  'http2',
  'h2c',
  'kubernetes.io/h2c',
  'kubernetes.io/ws',
  'grpc',
  'tcp',
  'https',
  'tls',
]);
export type AppProtocol = z.output<typeof AppProtocol>;

const ServicePort = z.strictObject({
  port: Port.describe('The port that clients dial.'),
  name: LabelName.optional().describe(
    'Needed where there are several. Without appProtocol, a name such as `grpc` or `http-web` says what is spoken.',
  ),
  appProtocol: AppProtocol.optional().describe('What is spoken on the port. Default http.'),
  protocol: z.enum(['TCP']).default('TCP').describe('Only TCP.'),
  targetPort: z
    .union([z.int(), z.string()])
    .optional()
    .describe('Accepted and not used: each sidecar knows the port of its own application.'),
  nodePort: z.int().optional().describe('Accepted and not used.'),
});
const unused = 'Accepted and not used: there are no virtual addresses.';

/** `v1` Service: a destination that clients name, and the instances that serve it. */
export const Service = z
  .strictObject({
    apiVersion: z.literal('v1'),
    kind: z.literal('Service'),
    metadata: ServiceMetadata,
    spec: z.strictObject({
      selector: Labels.optional().describe(
        'Labels that an instance in the same namespace must carry to serve this service. Without it, the instances that registered under its name.',
      ),
      ports: z.array(ServicePort).min(1).max(100).describe('The ports that clients dial.'),
      type: z.enum(['ClusterIP', 'NodePort', 'LoadBalancer']).optional().describe(unused),
      clusterIP: z.string().optional().describe(unused),
      clusterIPs: z.array(z.string()).optional().describe(unused),
      ipFamilies: z.array(z.string()).optional().describe(unused),
      ipFamilyPolicy: z.string().optional().describe(unused),
      sessionAffinity: z.enum(['None']).optional().describe('Only None.'),
      internalTrafficPolicy: z.string().optional().describe(unused),
      externalTrafficPolicy: z.string().optional().describe(unused),
      allocateLoadBalancerNodePorts: z.boolean().optional().describe(unused),
    }),
    status: Status,
  })
  .describe('A destination that clients name, and the instances that serve it.');
export type Service = z.output<typeof Service>;
