import * as z from 'zod';
import { LabelName } from './metadata.ts';

/** Which service a policy is attached to (GEP-713), in the policy's own namespace. */
export const TargetService = z
  .strictObject({
    group: z.literal('').default('').describe('Empty: services belong to the core group.'),
    kind: z.literal('Service').default('Service'),
    name: LabelName,
  })
  .describe('A service in the namespace of the policy.');
