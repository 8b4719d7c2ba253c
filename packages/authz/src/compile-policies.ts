import { OptionProblems } from '@leno/std';
import { AccessPolicyError } from './access-policy-error.ts';
import { compileRule } from './compile-rule.ts';
import { type AccessDefaults, Decider } from './decider.ts';
import type { AccessAction, AccessPolicy } from './policy.ts';
import { type ReadyRule, RuleSet } from './rule-index.ts';

const verbs: Readonly<Record<AccessAction, string>> = {
  ALLOW: 'lets it in',
  DENY: 'denies it',
  AUDIT: 'notes it',
};

/**
 * Compiles all policies of one target. Throws `AccessPolicyError`, which names every fault: a word
 * that is not known, a list without alternatives, a pattern, path, host or range that is none.
 * Nothing is ever left out silently.
 */
export function compilePolicies(
  policies: readonly AccessPolicy[],
  defaults: AccessDefaults = {},
): Decider {
  const problems = new OptionProblems();
  const ready = policies.map((policy) => ({ policy, rules: readyRules(policy, problems) }));
  problems.throwIfAny(AccessPolicyError);
  const pick = (action: AccessAction, isTried: boolean) =>
    ready.filter(({ policy }) => policy.action === action && (policy.dryRun ?? false) === isTried);
  const rulesOf = (action: AccessAction, isTried = false): readonly ReadyRule[] =>
    pick(action, isTried).flatMap(({ rules }) => rules);
  const namesOf = (isTried: boolean): readonly string[] =>
    pick('ALLOW', isTried).map(({ policy }) => policy.name);
  return new Decider(
    {
      deny: new RuleSet(rulesOf('DENY')),
      allow: new RuleSet(rulesOf('ALLOW')),
      audit: new RuleSet([...rulesOf('AUDIT'), ...rulesOf('AUDIT', true)]),
      tryDeny: new RuleSet(rulesOf('DENY', true)),
      tryAllow: new RuleSet(rulesOf('ALLOW', true)),
      allowPolicies: namesOf(false),
      tryAllowPolicies: namesOf(true),
    },
    defaults,
  );
}

function readyRules(policy: AccessPolicy, problems: OptionProblems): readonly ReadyRule[] {
  const { action, name, rules } = policy;
  const words: readonly unknown[] = Object.keys(verbs);
  const own = new OptionProblems(`${name}: `);
  own.oneOf('action', action, words);
  const ready = rules.map((_, index): ReadyRule => {
    const compiled = compileRule(policy, index, own);
    const { rule } = compiled;
    return {
      compiled,
      decision: {
        decision: action === 'DENY' ? 'deny' : 'allow',
        policy: name,
        rule,
        why: `${action} policy ${name}, ${rule}, ${verbs[action]}`,
      },
    };
  });
  problems.list.push(...own.list);
  return ready;
}
