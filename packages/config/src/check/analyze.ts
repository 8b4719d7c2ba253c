import type { Instance } from '../compile/endpoints.ts';
import type { Finding } from '../findings/finding.ts';
import { accessPolicies } from './access-policies.ts';
import { policyContradictions, routeContradictions } from './contradictions.ts';
import { gatewayParents } from './gateway-parents.ts';
import { type EntryFault, type MeshSet, meshSetOf } from './mesh-set.ts';
import { duplicateNames, meshSettings, policyTargets, routeReferences } from './references.ts';
import { unreachableRules } from './unreachable-rules.ts';
import { type ConfigEntry, entryFinding } from './validate.ts';

/** What is known beside the objects. */
export interface AnalyzeOptions {
  /**
   * What is registered. A service that is only registered exists; one that is only described and
   * served by none of these is warned of. Absent: nothing is known about what runs.
   */
  readonly instances?: readonly Instance[];
}

const rules: readonly ((set: MeshSet) => readonly EntryFault[])[] = [
  duplicateNames,
  routeReferences,
  gatewayParents,
  policyTargets,
  accessPolicies,
  meshSettings,
  routeContradictions,
  policyContradictions,
  unreachableRules,
];

/**
 * Checks a whole set of objects, each of which has passed `validate`: references, contradictions
 * between objects, rules and policies without effect. Pure; findings come in the order of the rules.
 */
export function analyze(
  entries: readonly ConfigEntry[],
  options: AnalyzeOptions = {},
): readonly Finding[] {
  const set = meshSetOf(entries, options.instances);
  return rules.flatMap((rule) => rule(set).map(({ entry, fault }) => entryFinding(entry, fault)));
}
