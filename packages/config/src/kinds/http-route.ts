import * as z from 'zod';
import { duration } from './duration.ts';
import { Hostname } from './hostname.ts';
import { LabelName, Metadata, ObjectName, Port, Status } from './metadata.ts';

const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/;
const fieldValue = /^([\x21-\x7e\x80-\xff]([\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?$/;

/** The name of a header field: a token of RFC 9110 §5.1. */
export const HeaderName = z.string().regex(token, { error: 'expected the name of a header' });

/** A field value that can be sent as it stands: RFC 9110 §5.5, no line breaks, no outer blanks. */
export const HeaderValue = z.string().max(4_096).regex(fieldValue, {
  error: 'expected a header value: printable characters, no blanks at its ends',
});

const ParentRef = z.strictObject({
  group: z.string().optional().describe('Of a service: empty. Of a gateway it may be left out.'),
  kind: z.string().default('Gateway').describe('`Gateway` or `Service`.'),
  namespace: LabelName.optional().describe('Default: the namespace of the route.'),
  name: ObjectName,
  sectionName: z
    .string()
    .optional()
    .describe('A listener of the gateway, or a port of the service, by name.'),
  port: Port.optional().describe('Narrows the route to one port.'),
});

const PathMatch = z.strictObject({
  type: z
    .enum(['Exact', 'PathPrefix', 'RegularExpression'])
    .default('PathPrefix')
    .describe('A prefix is matched by whole segments. RegularExpression is not served yet.'),
  value: z.string().max(1_024).default('/'),
});

const ValueType = z
  .enum(['Exact', 'RegularExpression'])
  .default('Exact')
  .describe('RegularExpression is not served yet.');

const Match = z.strictObject({
  path: PathMatch.optional().describe('Default: prefix `/`, which every path has.'),
  headers: z
    .array(z.strictObject({ type: ValueType, name: HeaderName, value: z.string().max(4_096) }))
    .max(16)
    .optional()
    .describe('All must hold. Several lines of one header are compared joined by `,`.'),
  queryParams: z
    .array(
      z.strictObject({ type: ValueType, name: z.string().min(1), value: z.string().max(1_024) }),
    )
    .max(16)
    .optional()
    .describe('All must hold; the first parameter of a name counts.'),
  method: z
    .enum(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'CONNECT', 'OPTIONS', 'TRACE', 'PATCH'])
    .optional(),
});

const HeaderPair = z.strictObject({ name: HeaderName, value: HeaderValue });

const HeaderModifier = z.strictObject({
  set: z.array(HeaderPair).max(16).optional().describe('Replaces.'),
  add: z.array(HeaderPair).max(16).optional().describe('Appends after what is there.'),
  remove: z.array(HeaderName).max(16).optional(),
});
export type HeaderModifier = z.output<typeof HeaderModifier>;

const Filter = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('RequestHeaderModifier'),
    requestHeaderModifier: HeaderModifier,
  }),
  z.strictObject({
    type: z.literal('ResponseHeaderModifier'),
    responseHeaderModifier: HeaderModifier,
  }),
]);
export type HttpRouteFilter = z.output<typeof Filter>;

const BackendRef = z.strictObject({
  group: z.string().default('').describe('Empty: services belong to the core group.'),
  kind: z.string().default('Service'),
  namespace: LabelName.optional().describe('Default: the namespace of the route.'),
  name: ObjectName,
  port: Port.describe('A port of the service.'),
  weight: z
    .int()
    .min(0)
    .max(1_000_000)
    .default(1)
    .describe('Share of the sum of all weights of the rule; 0 receives nothing.'),
  filters: z.array(Filter).max(16).optional().describe('Only where this backend is chosen.'),
});

const Rule = z.strictObject({
  name: ObjectName.optional().describe('For logs and explanations.'),
  matches: z.array(Match).max(64).optional().describe('One must hold. Default: everything.'),
  filters: z.array(Filter).max(16).optional(),
  backendRefs: z
    .array(BackendRef)
    .max(16)
    .optional()
    .describe('Who serves. Without any, requests are answered 500.'),
  timeouts: z
    .strictObject({
      request: duration(0).optional().describe('Over all tries; `0s` disables. Default 15s.'),
      backendRequest: duration(0).optional().describe('Of one try; at most `request`.'),
    })
    .optional(),
  retry: z
    .strictObject({
      codes: z.array(z.int().min(400).max(599)).max(32).optional().describe('Statuses to retry.'),
      attempts: z.int().min(0).max(10).optional().describe('Retries after the first try.'),
      backoff: duration(0, 60_000).optional().describe('Base of the wait before a retry.'),
    })
    .optional(),
});
export type HttpRouteRule = z.output<typeof Rule>;

/** `gateway.networking.k8s.io/v1` HTTPRoute: how requests to services and at gateways are decided. */
export const HttpRoute = z
  .strictObject({
    apiVersion: z.literal('gateway.networking.k8s.io/v1'),
    kind: z.literal('HTTPRoute'),
    metadata: Metadata,
    spec: z.strictObject({
      parentRefs: z
        .array(ParentRef)
        .min(1)
        .max(32)
        .describe('The services and gateways whose requests this route decides.'),
      hostnames: z
        .array(Hostname)
        .max(16)
        .optional()
        .describe('Narrows the route to these hosts. Default: every host.'),
      rules: z.array(Rule).min(1).max(16).describe('The most specific match wins, not the first.'),
    }),
    status: Status,
  })
  .describe('How requests to services and at gateways are decided.');
export type HttpRoute = z.output<typeof HttpRoute>;
