import type { RouteBody, ServiceBody, TrafficPolicyBody } from '@leno/config';
import type { RouteBackend } from '@leno/routing';
import type { Cluster } from '../upstream/cluster.ts';
import { callPolicy } from './policy.ts';
import type { TableRule } from './runtime-table.ts';

/** What rules are resolved against. */
export interface Surroundings {
  readonly bodies: ReadonlyMap<string, ServiceBody>;
  readonly policies: ReadonlyMap<string, TrafficPolicyBody>;
  readonly clusterOf: (service: string) => Cluster;
}

/** Every rule of `routes` with its policy and the clusters of its backends. */
export function ruleEntries(
  routes: readonly RouteBody[],
  around: Surroundings,
): ReadonlyMap<RouteBody['rules'][number], TableRule> {
  const entries = new Map<RouteBody['rules'][number], TableRule>();
  for (const route of routes) {
    for (const [index, rule] of route.rules.entries()) {
      const clusters = new Map<RouteBackend, Cluster>();
      for (const backend of rule.backends) {
        const usable = backend.invalid === undefined && around.bodies.has(backend.service);
        if (usable) clusters.set(backend, around.clusterOf(backend.service));
      }
      const first = rule.backends[0]?.service;
      const policy = first === undefined ? undefined : around.policies.get(first);
      const routeName = `${route.namespace}/${route.name}/${rule.name ?? index}`;
      entries.set(rule, { routeName, rule, policy: callPolicy(rule, policy), clusters });
    }
  }
  return entries;
}
