import * as z from 'zod';
import { Extension } from './resource.ts';

/** Policies see whole ids: what does not begin like one would match nobody, and a DENY deny nobody. */
const pattern = /^(\*[^*\s]*|s(p(i(f(f(e(:\/?)?)?)?)?)?)?\*|spiffe:\/\/[^*\s]*\*?)$/;
const segment = /^[A-Za-z0-9._-]{1,255}$/;
const domain = /^[a-z0-9._-]{1,255}$/;
/** Those of one connection, and of framing, never come to a policy; names with _ are refused. */
const header =
  /^(?!(connection|content-length|expect|host|http2-settings|keep-alive|proxy-authorization|proxy-connection|te|trailer|transfer-encoding|upgrade)$)[!#$%&'*+\-.^`|~0-9A-Za-z]{1,256}$/i;
const hostname = /^(\[[0-9a-fA-F:.]+\]|[0-9A-Za-z]([-0-9A-Za-z._]*[0-9A-Za-z])?\.?)(:[0-9]{1,5})?$/;

/** Alternatives; a list without any would match nothing. */
const anyOf = <Item extends z.ZodType>(item: Item) => z.array(item).min(1).max(1_000);
const text = (lengthMax: number) => z.string().min(1).max(lengthMax);

const Source = z
  .strictObject({
    principals: anyOf(
      text(2_048).regex(pattern, {
        error: 'expected a SPIFFE id, with at most one * at its beginning or its end',
      }),
    )
      .optional()
      .describe('SPIFFE ids, or such with one `*` at the beginning or the end.'),
    namespaces: anyOf(z.string().regex(segment, { error: 'expected a namespace, without *' }))
      .optional()
      .describe('Namespaces of the callers.'),
    trustDomains: anyOf(z.string().regex(domain, { error: 'expected a trust domain, without *' }))
      .optional()
      .describe('Trust domains of the callers.'),
  })
  .refine((it) => Object.keys(it).length > 0, 'expected at least one part');

const GrpcMethod = z.strictObject({
  service: z
    .string()
    .regex(/^[A-Za-z_][\w.]{0,254}$/, { error: 'expected package.Service' })
    .describe('`package.Service`.'),
  method: z
    .string()
    .regex(/^\w{1,255}$/)
    .optional()
    .describe('Default: every method.'),
});

const Target = z
  .strictObject({
    hosts: anyOf(z.string().max(262).regex(hostname, { error: 'expected a host, without *' }))
      .optional()
      .describe('Case and a dot at the end say nothing; neither does a port that is not written.'),
    ports: anyOf(z.int().min(1).max(65_535)).optional().describe('Ports of the service.'),
    methods: anyOf(
      z.string().regex(/^[A-Z][A-Z-]{0,63}$/, { error: 'expected a method in capitals' }),
    ).optional(),
    paths: anyOf(
      z.union(
        [z.strictObject({ exact: text(1_024) }), z.strictObject({ prefix: text(1_024) })],
        'expected either exact or prefix',
      ),
    )
      .optional()
      .describe('Without the query. A prefix is matched by whole segments.'),
    grpc: anyOf(GrpcMethod).optional().describe('Methods of gRPC.'),
  })
  .refine((it) => Object.keys(it).length > 0, 'expected at least one part');

const attribute = <Name extends string>(name: Name, value: z.ZodType<string, string>) =>
  z.strictObject({ attribute: z.literal(name), values: anyOf(value) });

const Condition = z.union(
  [
    z.strictObject({ header: z.string().regex(header), values: anyOf(text(4_096)) }),
    attribute('source.ip', z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()])),
    attribute('source.principal', text(2_048).regex(/^spiffe:\/\/[^*\s]+$/)),
    attribute('source.namespace', z.string().regex(segment)),
    attribute('destination.port', z.string().regex(/^[1-9][0-9]{0,4}$/)),
  ],
  'expected a header or an attribute that is known, and whole values of it',
);

/** All parts must match, each by one of its alternatives. Without parts it matches everything. */
export const AccessRule = z.strictObject({
  name: z.string().max(253).optional().describe('For logs and explanations.'),
  from: Source.optional().describe('Who calls.'),
  to: Target.optional().describe('What is called.'),
  when: z.array(Condition).max(16).optional().describe('All must hold.'),
});
export type AccessRule = z.output<typeof AccessRule>;

/** What a policy does with what its rules match. */
export const AccessAction = z.enum(['ALLOW', 'DENY', 'AUDIT']);

/** Who may call one service; one of possibly several. */
export const AccessPolicyBody = z.strictObject({
  /** `namespace/name` of the service. */
  service: z.string().min(1),
  action: AccessAction,
  dryRun: z.boolean().optional(),
  rules: z.array(AccessRule).max(1_000),
  ext: Extension,
});
export type AccessPolicyBody = z.output<typeof AccessPolicyBody>;
