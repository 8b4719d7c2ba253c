/** The format `http1-responses`, version 1. Strict: an unknown word is an error. */
import * as z from 'zod';
import { Bytes } from './bytes-format.ts';
import { fieldDemands, Source, Status } from './seen-format.ts';

const Outcome = z.discriminatedUnion('outcome', [
  z.strictObject({ outcome: z.literal('BAD_GATEWAY') }),
  z.strictObject({ outcome: z.literal('ABORT') }),
  z.strictObject({
    outcome: z.literal('DELIVER'),
    status: Status,
    body: Bytes,
    framing: z.literal('chunked').optional(),
    ...fieldDemands,
  }),
]);
export type Outcome = z.output<typeof Outcome>;

export const Http1Responses = z.strictObject({
  corpus: z.literal('http1-responses'),
  schemaVersion: z.literal(1),
  title: z.string().optional(),
  cases: z
    .array(
      z.strictObject({
        id: z.string().regex(/^U[0-9]{2}$/),
        class: z.string(),
        raw: Bytes,
        halfClose: z.boolean().optional(),
        expect: z.strictObject({
          oneOf: z.array(Outcome).min(1),
          upstreamConnection: z.enum(['discard', 'any']),
          maxInterim: z.int().optional(),
          never: z.string().optional(),
          note: z.string().optional(),
        }),
        source: Source,
      }),
    )
    .min(1),
});
export type Http1ResponseCase = z.output<typeof Http1Responses>['cases'][number];
