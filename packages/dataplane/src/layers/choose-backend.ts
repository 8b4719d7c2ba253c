/** From the routes that are bound to a place to a rule, and from its weights to a cluster. */
import type { ResponseHead } from '@leno/http';
import { pickBackend, type RouteRule, type RouteTable } from '@leno/routing';
import type { Call } from '../call.ts';
import type { Step } from '../layer.ts';
import { applyRequestFilters, applyResponseFilters } from '../table/filters.ts';
import type { TableRule } from '../table/runtime-table.ts';

/** What was dialled, and the routes that are bound there. */
export interface Place {
  readonly routes: RouteTable;
  readonly rules: ReadonlyMap<RouteRule, TableRule>;
  /** `namespace/name`. */
  readonly service: string;
  readonly port: number;
  readonly host: string;
}

/** Decides for one rule and one of its backends, and applies what it says about the request. */
export function chooseBackend(call: Call, place: Place): Step {
  const { path, query } = splitTarget(call.head.target);
  const { fields, method } = call.head;
  const { routes, rules, service, port, host } = place;
  const found = routes.match({
    ...{ service, port, host, method, path, query },
    header: (name) => fields.get(name),
  });
  if (found === undefined) {
    call.fail('no-route', `no rule of ${service} matches ${method} ${path}`);
    return 'stop';
  }
  const rule = rules.get(found.rule);
  const backend = pickBackend(found.rule, call.engine.rng);
  const cluster = backend === undefined ? undefined : rule?.clusters.get(backend);
  if (rule === undefined || backend === undefined || cluster === undefined) {
    call.routeName = rule?.routeName ?? '-';
    const why = backend?.invalid ?? 'the rule has no backend';
    call.fail('invalid-backend', why);
    return 'stop';
  }
  call.rule = rule;
  call.backend = backend;
  call.routeName = rule.routeName;
  call.policy = rule.policy;
  call.cluster = cluster;
  applyRequestFilters(found.rule.filters, fields);
  applyRequestFilters(backend.filters, fields);
  return 'next';
}

/** Applies what the chosen rule and backend say about the reply. */
export function applyRouteToReply(call: Call, head: ResponseHead): void {
  if (call.backend !== undefined) applyResponseFilters(call.backend.filters, head.fields);
  if (call.rule !== undefined) applyResponseFilters(call.rule.rule.filters, head.fields);
}

/** A name that ends in a dot is the same name, said absolutely. */
export function undotted(authority: string): string {
  return authority.replace(/\.(?=:|$)/, '');
}

/** An authority without its port. */
export function hostOf(authority: string): string {
  const colon = authority.lastIndexOf(':');
  return colon > authority.lastIndexOf(']') ? authority.slice(0, colon) : authority;
}

function splitTarget(target: string): { path: string; query: string } {
  const mark = target.indexOf('?');
  if (mark < 0) return { path: target, query: '' };
  return { path: target.slice(0, mark), query: target.slice(mark + 1) };
}
