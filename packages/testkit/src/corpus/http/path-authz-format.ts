/** The format `path-authz`, version 1. Strict: an unknown word is an error. */
import * as z from 'zod';
import { Bytes } from './bytes-format.ts';
import { PathExpectation, Source, Status } from './seen-format.ts';

// Members that a rule has beyond these stand for a later version of policies.
const Rule = z.looseObject({
  from: z.strictObject({ principals: z.array(z.string()) }).optional(),
  to: z
    .strictObject({
      hosts: z.array(z.string()).optional(),
      methods: z.array(z.string()).optional(),
      paths: z
        .array(
          z.union([z.strictObject({ prefix: z.string() }), z.strictObject({ exact: z.string() })]),
        )
        .optional(),
    })
    .refine((it) => Object.keys(it).length > 0, 'names nothing')
    .optional(),
  when: z
    .array(
      z.union([
        z.strictObject({ header: z.string(), values: z.array(z.string()) }),
        z.strictObject({ attribute: z.string(), values: z.array(z.string()) }),
      ]),
    )
    .optional(),
});

const Policy = z.strictObject({
  name: z.string(),
  action: z.enum(['ALLOW', 'DENY']),
  rules: z.array(Rule),
});

const Check = z
  .strictObject({
    peer: z.string(),
    policies: z.array(Policy).optional(),
    connection: z.literal('tcp').optional(),
    request: z
      .strictObject({
        method: z.string(),
        path: z.string(),
        host: z.string().optional(),
        headers: z.array(z.tuple([z.string(), z.string()])).optional(),
      })
      .optional(),
    decision: z.enum(['allow', 'deny', 'any']),
    withinMs: z.int().optional(),
    because: z.string().optional(),
  })
  .refine(
    ({ request, connection }) => (request === undefined) !== (connection === undefined),
    'exactly one of request and connection',
  );

const named = {
  id: z.string().regex(/^[AZ][0-9]{2}$/),
  title: z.string(),
  source: Source,
  note: z.string().optional(),
};

const Step = z.union([
  z.strictObject({
    apply: z
      .strictObject({
        policies: z.array(Policy).optional(),
        route: z.strictObject({ pathRegex: z.string().optional() }).optional(),
      })
      .refine((it) => Object.keys(it).length > 0, 'applies nothing'),
    expect: z.enum(['ACK', 'NACK', 'ACK_OR_NACK']),
  }),
  z.strictObject({ check: Check }),
]);

const Case = z.discriminatedUnion('kind', [
  z.strictObject({
    ...named,
    kind: z.literal('path'),
    raw: Bytes,
    policySets: z.array(z.string()).min(1),
    expect: PathExpectation,
  }),
  z.strictObject({
    ...named,
    kind: z.literal('decision'),
    level: z.enum(['engine', 'proxy']),
    policies: z.array(Policy),
    trustedForwarders: z.array(z.string()).optional(),
    checks: z.array(Check).min(1),
  }),
  z.strictObject({ ...named, kind: z.literal('config'), steps: z.array(Step).min(1) }),
  z.strictObject({
    ...named,
    kind: z.literal('live'),
    variants: z.array(z.enum(['http2-stream', 'websocket'])),
    before: z.array(Policy),
    after: z.array(Policy),
    peer: z.string(),
    expect: z.strictObject({
      openedWith: z.array(Status),
      endedWithinSeconds: z.number().optional(),
      staysOpenSeconds: z.number().optional(),
      newRequest: z.enum(['allow', 'deny']),
    }),
  }),
  z.strictObject({
    ...named,
    kind: z.literal('egress'),
    targets: z
      .array(
        z.strictObject({
          host: z.string(),
          resolves: z.array(z.string()).optional(),
          thenResolves: z.array(z.string()).optional(),
        }),
      )
      .min(1),
    expect: z.strictObject({ status: z.array(Status), connectedTo: z.literal('none') }),
  }),
]);

export const PathAuthz = z.strictObject({
  corpus: z.literal('path-authz'),
  schemaVersion: z.literal(1),
  title: z.string().optional(),
  policySets: z.record(z.string(), z.array(Policy)).optional(),
  cases: z.array(Case).min(1),
});
export type PathAuthz = z.output<typeof PathAuthz>;
export type PathAuthzCase = PathAuthz['cases'][number];
export type CorpusPolicy = z.output<typeof Policy>;
export type CorpusCheck = z.output<typeof Check>;
