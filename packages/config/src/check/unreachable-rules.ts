/**
 * Rules that can never match. In the order of precedence of the Gateway API the more specific goes
 * first, so a match is lost only to an equal one: same path, method, headers and query, for the same
 * host, port and clients, in an older route or an earlier rule. A rule is unreachable if all of its
 * matches are lost for everything that the route is bound to.
 */
import type { RouteBody, RouteMatch } from '../model/route.ts';
import type { EntryFault, MeshSet, RouteEntry } from './mesh-set.ts';

/** The unreachable rules of all routes. */
export function unreachableRules(set: MeshSet): readonly EntryFault[] {
  const owners = new Map<string, string>();
  return set.routes.toSorted(inPrecedence).flatMap((it) => routeFaults(it, owners));
}

function routeFaults({ entry, body }: RouteEntry, owners: Map<string, string>): EntryFault[] {
  const scopes = scopesOf(body);
  return body.rules.flatMap((rule, index): EntryFault[] => {
    const matches = rule.matches.length === 0 ? [undefined] : rule.matches;
    const keys = matches.flatMap((match) => scopes.map((scope) => scopedKeys(scope, match)));
    const lostTo = keys.map(({ own, general }) => owners.get(own) ?? owners.get(general));
    const name = `rule ${index} of ${body.namespace}/${body.name}`;
    for (const { own } of keys) if (!owners.has(own)) owners.set(own, name);
    if (lostTo.length === 0 || lostTo.includes(undefined)) return [];
    const winners = [...new Set(lostTo)].join(', ');
    const message = `never matches: ${winners} has the same matches and goes first`;
    return [{ entry, fault: { code: 'LN0306', path: ['spec', 'rules', index], message } }];
  });
}

interface Scope {
  /** Service and clients, or gateway, and host: what must be the same for two matches to compete. */
  readonly place: string;
  /** Narrows it: a port, or a listener. */
  readonly port: number | string | undefined;
}

function scopesOf(body: RouteBody): readonly Scope[] {
  const hosts = body.hostnames.length === 0 ? ['*'] : body.hostnames;
  const atGateways = (body.gateways ?? []).flatMap(({ gateway, listener, port }) =>
    hosts.map((host) => ({
      place: `gateway ${gateway} ${host}`,
      port: listener === undefined ? port : `${listener} ${port ?? '*'}`,
    })),
  );
  const ofServices = body.parents.flatMap(({ service, port }) => {
    const isProducer = service.startsWith(`${body.namespace}/`);
    const clients = isProducer ? 'all' : body.namespace;
    return hosts.map((host) => ({ place: `${service} ${clients} ${host}`, port }));
  });
  return [...ofServices, ...atGateways];
}

/** A route without a port covers every port; `general` is its key. */
function scopedKeys(scope: Scope, match: RouteMatch | undefined): { own: string; general: string } {
  const key = `${scope.place} ${matchKey(match)}`;
  return { own: `${key} ${scope.port ?? '*'}`, general: `${key} *` };
}

/** Equal for matches that fit the same requests. */
function matchKey(match: RouteMatch | undefined): string {
  const path = match?.path ?? { kind: 'prefix', value: '/' };
  const isPrefix = path.kind === 'prefix' && path.value.endsWith('/');
  const value = isPrefix ? path.value.slice(0, -1) : path.value;
  const conditions = (list: RouteMatch['headers'] = []) =>
    list.map((it) => JSON.stringify([it.name, it.kind, it.value])).toSorted();
  return JSON.stringify([
    path.kind,
    value,
    match?.method ?? null,
    conditions(match?.headers),
    conditions(match?.query),
  ]);
}

function inPrecedence(one: RouteEntry, other: RouteEntry): number {
  const age = ageOf(one) - ageOf(other);
  if (age !== 0 && !Number.isNaN(age)) return age;
  return nameOf(one) < nameOf(other) ? -1 : 1;
}

/** What has no time of creation yet is newer than everything that has. */
function ageOf({ route, body }: RouteEntry): number {
  const { creationTimestamp } = route.metadata;
  return typeof creationTimestamp === 'string' ? body.createdAtMs : Number.POSITIVE_INFINITY;
}

function nameOf({ body }: RouteEntry): string {
  return `${body.namespace}/${body.name}`;
}
