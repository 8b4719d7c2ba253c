import { optionalMs } from '../kinds/duration.ts';
import { isGatewayRef, isServiceRef } from '../kinds/gateway-ref.ts';
import type {
  HeaderModifier,
  HttpRoute,
  HttpRouteFilter,
  HttpRouteRule,
} from '../kinds/http-route.ts';
import type {
  RouteBackend,
  RouteBody,
  RouteFilter,
  RouteMatch,
  RouteRule,
} from '../model/route.ts';
import type { ServiceBody } from '../model/service.ts';
import { withoutUndefined } from './without-undefined.ts';

/** The services that exist, by `namespace/name`. */
export type KnownServices = ReadonlyMap<string, ServiceBody>;

type BackendRef = NonNullable<HttpRouteRule['backendRefs']>[number];
type Match = NonNullable<HttpRouteRule['matches']>[number];
type ParentRef = HttpRoute['spec']['parentRefs'][number];

/** A cap of the wait that goes with a base of one's own: ten times it, as Envoy has it. */
const backoffCapFactor = 10;
const backoffCapMs = 60_000;

/**
 * The pushed form of a route. A backend that cannot be used stays in with its weight and the reason,
 * so that its share is answered 500. Parents that are neither services nor gateways are left out.
 */
export function routeBody(route: HttpRoute, services: KnownServices): RouteBody {
  const { namespace, name, creationTimestamp } = route.metadata;
  const createdAtMs = Date.parse(creationTimestamp ?? '');
  const gateways = route.spec.parentRefs.filter(isGatewayRef);
  return {
    namespace,
    name,
    kind: 'HTTPRoute',
    parents: route.spec.parentRefs.flatMap((ref) => parentsOf(ref, namespace, services)),
    // Left out where there is none: the body is then what it was before there were gateways.
    ...(gateways.length === 0
      ? {}
      : { gateways: gateways.map((ref) => gatewayParent(ref, namespace)) }),
    hostnames: [...(route.spec.hostnames ?? [])],
    rules: route.spec.rules.map((rule) => ruleBody(rule, namespace, services)),
    createdAtMs: Number.isNaN(createdAtMs) ? 0 : createdAtMs,
  };
}

/** `namespace/name` of what a reference in `namespace` names. */
export function referencedName(
  ref: { readonly namespace?: string | undefined; readonly name: string },
  namespace: string,
): string {
  return `${ref.namespace ?? namespace}/${ref.name}`;
}

function parentsOf(
  ref: ParentRef,
  namespace: string,
  services: KnownServices,
): RouteBody['parents'] {
  if (!isServiceRef(ref)) return [];
  const service = referencedName(ref, namespace);
  if (ref.sectionName === undefined) {
    return [{ service, ...(ref.port === undefined ? {} : { port: ref.port }) }];
  }
  const named = services.get(service)?.ports.find((it) => it.name === ref.sectionName);
  // A port name that the service does not have binds nothing; neither does one at odds with `port`.
  if (named === undefined || (ref.port ?? named.port) !== named.port) return [];
  return [{ service, port: named.port }];
}

function gatewayParent(
  ref: ParentRef,
  namespace: string,
): NonNullable<RouteBody['gateways']>[number] {
  const gateway = referencedName(ref, namespace);
  return { gateway, ...withoutUndefined({ listener: ref.sectionName, port: ref.port }) };
}

function ruleBody(rule: HttpRouteRule, namespace: string, services: KnownServices): RouteRule {
  const { timeouts, retry } = rule;
  return {
    ...(rule.name === undefined ? {} : { name: rule.name }),
    matches: (rule.matches ?? []).map(matchBody),
    filters: (rule.filters ?? []).map(filterBody),
    backends: (rule.backendRefs ?? []).map((ref) => backendBody(ref, namespace, services)),
    ...(timeouts === undefined
      ? {}
      : {
          timeouts: withoutUndefined({
            requestMs: optionalMs(timeouts.request),
            perTryMs: optionalMs(timeouts.backendRequest),
          }),
        }),
    ...(retry === undefined ? {} : { retry: retryBody(retry) }),
  };
}

function retryBody(retry: NonNullable<HttpRouteRule['retry']>): NonNullable<RouteRule['retry']> {
  const givenMs = optionalMs(retry.backoff);
  const baseMs = givenMs === undefined ? undefined : Math.max(1, givenMs);
  const capMs =
    baseMs === undefined ? undefined : Math.min(backoffCapMs, baseMs * backoffCapFactor);
  return withoutUndefined({
    retries: retry.attempts,
    statuses: retry.codes === undefined ? undefined : [...retry.codes],
    backoffBaseMs: baseMs,
    backoffMaxMs: capMs,
  });
}

function matchBody(match: Match): RouteMatch {
  const { path, method } = match;
  return {
    ...(path === undefined ? {} : { path: { kind: pathKinds[path.type], value: path.value } }),
    ...(method === undefined ? {} : { method }),
    headers: (match.headers ?? []).map(({ type, name, value }) => ({
      kind: valueKinds[type],
      name: name.toLowerCase(),
      value,
    })),
    query: (match.queryParams ?? []).map(({ type, name, value }) => ({
      kind: valueKinds[type],
      name,
      value,
    })),
  };
}

const pathKinds = { Exact: 'exact', PathPrefix: 'prefix', RegularExpression: 'regex' } as const;
const valueKinds = { Exact: 'exact', RegularExpression: 'regex' } as const;

function filterBody(filter: HttpRouteFilter): RouteFilter {
  return filter.type === 'RequestHeaderModifier'
    ? { kind: 'requestHeaders', edit: editBody(filter.requestHeaderModifier) }
    : { kind: 'responseHeaders', edit: editBody(filter.responseHeaderModifier) };
}

function editBody(edit: HeaderModifier): RouteFilter['edit'] {
  return {
    set: (edit.set ?? []).map(({ name, value }) => [name.toLowerCase(), value]),
    add: (edit.add ?? []).map(({ name, value }) => [name.toLowerCase(), value]),
    remove: (edit.remove ?? []).map((name) => name.toLowerCase()),
  };
}

function backendBody(ref: BackendRef, namespace: string, services: KnownServices): RouteBackend {
  const service = referencedName(ref, namespace);
  const invalid = whyInvalid(ref, service, services);
  return {
    service,
    port: ref.port,
    weight: ref.weight,
    ...(invalid === undefined ? {} : { invalid }),
    filters: (ref.filters ?? []).map(filterBody),
  };
}

function whyInvalid(ref: BackendRef, service: string, services: KnownServices): string | undefined {
  if (ref.kind !== 'Service' || ref.group !== '') return `a ${ref.kind} cannot be a backend`;
  const body = services.get(service);
  if (body === undefined) return `service ${service} does not exist`;
  const hasPort = body.ports.some(({ port }) => port === ref.port);
  return hasPort ? undefined : `service ${service} has no port ${ref.port}`;
}
