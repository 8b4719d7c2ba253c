import * as z from 'zod';
import { AccessAction, AccessRule } from '../model/access-policy.ts';
import { Metadata, Status } from './metadata.ts';
import { TargetService } from './target-service.ts';

/** `leno.dev/v1` AccessPolicy: who may call one service. */
export const AccessPolicy = z
  .strictObject({
    apiVersion: z.literal('leno.dev/v1'),
    kind: z.literal('AccessPolicy'),
    metadata: Metadata,
    spec: z.strictObject({
      targetRef: TargetService,
      action: AccessAction.describe(
        'DENY wins. Where there is an ALLOW policy, what none allows is denied. AUDIT only notes.',
      ),
      dryRun: z
        .boolean()
        .optional()
        .describe('Decides nothing; what it would deny is counted and recorded. Default false.'),
      rules: z
        .array(AccessRule)
        .max(1_000)
        .default([])
        .describe('One must match. An ALLOW policy without rules lets nobody in.'),
    }),
    status: Status,
  })
  .describe('Who may call one service.');
export type AccessPolicy = z.output<typeof AccessPolicy>;
