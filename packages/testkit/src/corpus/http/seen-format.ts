/** What the corpora of HTTP share: requests as an upstream sees them, and what is expected of a case. */
import * as z from 'zod';
import { Bytes, Latin1 } from './bytes-format.ts';

export const Status = z.int().min(100).max(599);
export const Source = z.array(z.string());

/** Demands on the fields of a message; names compare without regard to case. */
export const fieldDemands = {
  headers: z.record(z.string(), Latin1).optional(),
  headerLines: z.record(z.string(), z.array(Latin1)).optional(),
  headersMatch: z.record(z.string(), z.string()).optional(),
  absentHeaders: z.array(z.string()).optional(),
  absentTrailers: z.array(z.string()).optional(),
};

/** A request as the upstream gets it. */
export const Seen = z
  .strictObject({
    method: z.string(),
    target: Latin1.optional(),
    targetOneOf: z.array(Latin1).min(2).optional(),
    upstream: z.enum(['svc', 'other']).optional(),
    authority: z.string().optional(),
    body: Bytes.optional(),
    bodyOneOf: z.array(Bytes).min(2).optional(),
    bodyLength: z.int().optional(),
    ...fieldDemands,
    headersIfPresent: z.record(z.string(), z.string()).optional(),
    keepsProxyHeaders: z.boolean().optional(),
  })
  .refine(
    ({ target, targetOneOf }) => (target === undefined) !== (targetOneOf === undefined),
    'exactly one of target and targetOneOf',
  );
export type Seen = z.output<typeof Seen>;

const expectation = {
  status: z.array(Status).optional(),
  forwarded: z.array(Seen).min(1).optional(),
  orForwarded: z.array(z.array(Seen).min(1)).optional(),
  responses: z.array(Status).optional(),
  closed: z.boolean().optional(),
  neverStatus: z.array(Status).optional(),
  neverUpstream: z.array(Latin1).optional(),
  never: z.string().optional(),
  note: z.string().optional(),
};

/** What is expected of an HTTP/1.1 request. */
export const RequestExpectation = z
  .strictObject({ verdict: z.enum(['REJECT', 'ACCEPT', 'EITHER']), ...expectation })
  .refine(isWhole, 'the verdict wants other members');
export type RequestExpectation = z.output<typeof RequestExpectation>;

/** What is expected of a request under a policy. */
export const PathExpectation = z
  .strictObject({ verdict: z.enum(['DENY', 'EITHER']), ...expectation })
  .refine(isWhole, 'the verdict wants other members');
export type PathExpectation = z.output<typeof PathExpectation>;

function isWhole(it: {
  readonly verdict: 'REJECT' | 'ACCEPT' | 'EITHER' | 'DENY';
  readonly status?: unknown;
  readonly forwarded?: unknown;
}): boolean {
  if (it.verdict === 'ACCEPT') return it.forwarded !== undefined;
  if (it.verdict === 'EITHER') return it.forwarded !== undefined && it.status !== undefined;
  return it.status !== undefined && it.forwarded === undefined;
}
