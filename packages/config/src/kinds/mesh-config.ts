import * as z from 'zod';
import { duration } from './duration.ts';
import { MeshMetadata, Status } from './metadata.ts';

const spiffeId = /^spiffe:\/\/[a-z0-9._-]{1,255}(\/[A-Za-z0-9._-]+)+$/;
const serviceName = /^([a-z0-9]([-a-z0-9]*[a-z0-9])?\/)?[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;

/** `leno.dev/v1` MeshConfig: settings of the whole mesh; one object at most. */
export const MeshConfig = z
  .strictObject({
    apiVersion: z.literal('leno.dev/v1'),
    kind: z.literal('MeshConfig'),
    metadata: MeshMetadata,
    spec: z.strictObject({
      egress: z
        .enum(['deny', 'passthrough'])
        .default('deny')
        .describe(
          'What becomes of requests to what is not in the mesh: 404, or let out to public addresses by plain HTTP.',
        ),
      accessLog: z
        .strictObject({
          successEvery: z
            .int()
            .min(0)
            .optional()
            .describe('One in so many successes is written; 0 writes none. Default 100.'),
          slow: duration(0).optional().describe('Slower requests are always written. Default 1s.'),
        })
        .optional()
        .describe('Failures are always written.'),
      tracing: z
        .strictObject({
          ratio: z.number().min(0).max(1).optional().describe('Share of new traces. Default 0.01.'),
        })
        .optional(),
      mtls: z
        .strictObject({
          permissive: z
            .array(
              z.string().regex(serviceName, { error: 'expected `namespace/name` of a service' }),
            )
            .max(1_000)
            .optional()
            .describe('Services that also take plaintext: `namespace/name`, or `name` in default.'),
          trustedForwarders: z
            .array(z.string().regex(spiffeId, { error: 'expected a whole SPIFFE id' }))
            .max(100)
            .optional()
            .describe(
              'SPIFFE ids of gateways that say for whom they call, in X-Forwarded-Client-Cert; of nobody else it counts.',
            ),
        })
        .optional()
        .describe('Everything else is refused without a certificate of the mesh.'),
    }),
    status: Status,
  })
  .describe('Settings of the whole mesh.');
export type MeshConfig = z.output<typeof MeshConfig>;
