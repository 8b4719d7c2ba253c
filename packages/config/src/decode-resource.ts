/**
 * What a proxy makes of a pushed resource: its body by the schema of its type, strictly (push
 * protocol P8), and what a schema cannot say. An error names the path and refuses the resource.
 */
import { err, ok, type Result } from '@leno/std';
import type * as z from 'zod';
import type { LnCode } from './findings/codes.ts';
import { pathText } from './findings/finding.ts';
import { HeaderName, HeaderValue } from './kinds/http-route.ts';
import { AccessPolicyBody } from './model/access-policy.ts';
import { fixedHeaders } from './model/fixed-headers.ts';
import { GatewayBody } from './model/gateway.ts';
import { MeshBody, TrustBundleBody } from './model/mesh.ts';
import { Resource } from './model/resource.ts';
import { RouteBody, type RouteFilter } from './model/route.ts';
import { EndpointsBody, ServiceBody } from './model/service.ts';
import { TrafficPolicyBody } from './model/traffic-policy.ts';

const bodies = {
  service: ServiceBody,
  endpoints: EndpointsBody,
  route: RouteBody,
  listener: GatewayBody,
  policy: AccessPolicyBody,
  trafficPolicy: TrafficPolicyBody,
  trustBundle: TrustBundleBody,
  telemetry: MeshBody,
} as const;
type BodyType = keyof typeof bodies;

/** A resource whose body has the type that `type` says. */
export type DecodedResource = {
  [T in BodyType]: Omit<Resource, 'type' | 'body'> & {
    readonly type: T;
    readonly body: z.output<(typeof bodies)[T]>;
  };
}[BodyType];

/** Why a resource was refused; the members of an error in the `ack`. */
export interface DecodeError {
  readonly code: LnCode;
  /** Into the resource, as in `body.rules[0].backends[1].port`. */
  readonly path: string;
  readonly msg: string;
}

/** Checks the body of a pushed resource. Takes anything; throws nothing. */
export function decodeResource(value: unknown): Result<DecodedResource, DecodeError> {
  const envelope = Resource.safeParse(value);
  if (!envelope.success) {
    const error = firstIssue(envelope.error, []);
    // A type of later days is told apart from what no version could have meant.
    return err(error.path === 'type' ? unknownType(value) : error);
  }
  const { type } = envelope.data;
  if (!isBodyType(type)) return err(unknownType(value));
  const body = bodies[type].safeParse(envelope.data.body);
  if (!body.success) return err(firstIssue(body.error, ['body']));
  const decoded = { ...envelope.data, body: body.data } as DecodedResource;
  const contradiction = contradictionOf(decoded);
  return contradiction === undefined ? ok(decoded) : err(contradiction);
}

function isBodyType(type: string): type is BodyType {
  return Object.hasOwn(bodies, type);
}

function unknownType(value: unknown): DecodeError {
  const { type } = value as Partial<Record<string, unknown>>;
  return { code: 'LN0402', path: 'type', msg: `nothing is known here of type ${String(type)}` };
}

function firstIssue(error: z.ZodError, prefix: readonly string[]): DecodeError {
  const [issue] = error.issues;
  const parts = [...prefix, ...(issue?.path ?? [])];
  const path = pathText(parts.map((part) => (typeof part === 'number' ? part : String(part))));
  return { code: 'LN0401', path, msg: issue?.message ?? 'malformed' };
}

function contradictionOf(resource: DecodedResource): DecodeError | undefined {
  if (resource.type === 'service' || resource.type === 'listener') {
    const expected = `${resource.body.namespace}/${resource.body.name}`;
    if (resource.name === expected) return undefined;
    return { code: 'LN0403', path: 'name', msg: `the body is that of ${expected}` };
  }
  return resource.type === 'route' ? routeContradiction(resource.body) : undefined;
}

function routeContradiction(body: RouteBody): DecodeError | undefined {
  for (const [ruleIndex, rule] of body.rules.entries()) {
    const at = `body.rules[${ruleIndex}]`;
    for (const [index, match] of rule.matches.entries()) {
      const conditions = [...(match.path ? [match.path] : []), ...match.headers, ...match.query];
      if (conditions.some(({ kind }) => kind === 'regex')) {
        const msg = 'regular expressions are not served yet';
        return { code: 'LN0108', path: `${at}.matches[${index}]`, msg };
      }
    }
    const filters = [...rule.filters, ...rule.backends.flatMap((backend) => backend.filters)];
    const wrong = filters.map(wrongEdit).find((msg) => msg !== undefined);
    if (wrong !== undefined) return { code: 'LN0110', path: at, msg: wrong };
  }
  return undefined;
}

/** A header that cannot be written must be refused now, not when a request comes by. */
function wrongEdit({ edit }: RouteFilter): string | undefined {
  const written = [...edit.set, ...edit.add];
  const names = [...written.map(([name]) => name), ...edit.remove];
  const wrongName = names.find((it) => fixedHeaders.has(it) || !HeaderName.safeParse(it).success);
  if (wrongName !== undefined) return `header ${JSON.stringify(wrongName)} may not be edited`;
  const wrong = written.find(([, value]) => !HeaderValue.safeParse(value).success);
  return wrong && `header ${wrong[0]} has a value that cannot be sent`;
}
