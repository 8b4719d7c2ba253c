/** The format `http1-requests`, version 1. Strict: an unknown word is an error. */
import * as z from 'zod';
import { Bytes } from './bytes-format.ts';
import { RequestExpectation, Source } from './seen-format.ts';

export const Http1Requests = z.strictObject({
  corpus: z.literal('http1-requests'),
  schemaVersion: z.literal(1),
  title: z.string().optional(),
  cases: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[A-Z][0-9]{2}$/),
        class: z.string(),
        raw: Bytes,
        halfClose: z.boolean().optional(),
        expect: RequestExpectation,
        source: Source,
      }),
    )
    .min(1),
});
