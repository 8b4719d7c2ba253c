import type { AccessPolicy } from '../kinds/access-policy.ts';
import type { AccessPolicyBody } from '../model/access-policy.ts';

/** The pushed form of an access policy: what is written, and whom it is for. */
export function accessPolicyBody(policy: AccessPolicy): AccessPolicyBody {
  const { targetRef, action, dryRun, rules } = policy.spec;
  return {
    service: `${policy.metadata.namespace}/${targetRef.name}`,
    action,
    ...(dryRun === undefined ? {} : { dryRun }),
    rules,
  };
}
