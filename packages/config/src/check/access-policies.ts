/** Findings about access policies, among the other objects. */
import type { Fault, Path } from '../findings/finding.ts';
import type { AccessEntry, EntryFault, MeshSet } from './mesh-set.ts';
import { missing, portFault } from './references.ts';

/** Targets and ports that do not exist, patterns that end within a trust domain, and closed doors. */
export function accessPolicies(set: MeshSet): readonly EntryFault[] {
  return set.access.flatMap((it) =>
    [...targetFaults(set, it), ...patternFaults(it), ...emptyAllow(it)].map((fault) => ({
      entry: it.entry,
      fault,
    })),
  );
}

function targetFaults(set: MeshSet, { policy, body }: AccessEntry): readonly Fault[] {
  const { service } = body;
  if (!set.services.has(service)) {
    return [missing(set, 'LN0205', ['spec', 'targetRef', 'name'], service)];
  }
  return policy.spec.rules.flatMap((rule, ruleIndex) =>
    (rule.to?.ports ?? []).flatMap((port, index) =>
      portFault(set, ['spec', 'rules', ruleIndex, 'to', 'ports', index], service, port),
    ),
  );
}

function patternFaults({ policy }: AccessEntry): readonly Fault[] {
  return policy.spec.rules.flatMap((rule, ruleIndex) =>
    (rule.from?.principals ?? []).flatMap((value, index): readonly Fault[] => {
      if (!/^spiffe:\/\/[^/]*\*$/.test(value)) return [];
      const path: Path = ['spec', 'rules', ruleIndex, 'from', 'principals', index];
      const message = `${value} also matches trust domains that merely begin like this`;
      return [{ code: 'LN0112', path, message, value, hint: value.replace('*', '/*') }];
    }),
  );
}

function emptyAllow({ policy, body }: AccessEntry): readonly Fault[] {
  if (policy.spec.action !== 'ALLOW' || policy.spec.rules.length > 0) return [];
  const message = `an ALLOW policy without rules: by itself it lets nobody call ${body.service}`;
  return [{ code: 'LN0310', path: ['spec', 'rules'], message }];
}
