/** From the routes that are bound to a place to a rule, and from its weights to a cluster. */
import type { ResponseHead } from '@leno/http';
import { pickBackend, type RouteRule, type RouteTable } from '@leno/routing';
import type { Call } from '../call.ts';
import type { Step } from '../layer.ts';
import { applyRequestFilters, applyResponseFilters } from '../table/filters.ts';
import type { TableRule } from '../table/runtime-table.ts';
import { pathOf, queryOf } from '../target.ts';

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
  const { fields, method, target } = call.head;
  const path = pathOf(target);
  const { routes, rules, service, port, host } = place;
  const found = routes.match({
    service,
    port,
    host,
    method,
    path,
    query: queryOf(target),
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
