import * as z from 'zod';
import { AccessAction, AccessRule } from '../model/access-policy.ts';
import { LabelName, Metadata, Status } from './metadata.ts';

/** `leno.dev/v1` AccessPolicy: who may call one service. */
export const AccessPolicy = z
  .strictObject({
    apiVersion: z.literal('leno.dev/v1'),
    kind: z.literal('AccessPolicy'),
    metadata: Metadata,
    spec: z.strictObject({
      targetRef: z
        .strictObject({
          group: z.literal('').default('').describe('Empty: services belong to the core group.'),
          kind: z.literal('Service').default('Service'),
          name: LabelName,
        })
        .describe('A service in the namespace of the policy.'),
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
