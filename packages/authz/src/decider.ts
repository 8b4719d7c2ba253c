/**
 * Decides by compiled policies, in this order: a DENY rule that matches denies; else, if there is an
 * ALLOW policy, one of its rules has to match; else the default, which lets the own trust domain in.
 * AUDIT rules and policies on trial (`dryRun`) are heard and decide nothing. Each decision names the
 * policy and the rule.
 *
 * Who calls is looked up once: the rules that can fit an identity are kept for it, so that a decision
 * costs in proportion to what concerns the caller, not to all there is. Kept for the
 * `IDENTITY_COUNT_MAX` newest identities, beyond which all are forgotten and looked up again.
 */
import type { AccessDecision } from './decision.ts';
import { type Principal, principalOf } from './principal.ts';
import type { AccessQuestion } from './question.ts';
import type { ReadyRule, RuleIndex, RuleSet } from './rule-index.ts';

/** Identities whose rules are remembered. */
export const IDENTITY_COUNT_MAX = 1_024;

/** What is true of everybody whom no policy concerns. */
export interface AccessDefaults {
  /** Who may call without any ALLOW policy; undefined: of any trust domain. */
  readonly trustDomain?: string | undefined;
  /** Whether a caller without an identity may, without any ALLOW policy. Default false. */
  readonly admitsAnonymous?: boolean | undefined;
}

/** The rules of all policies, by what they do. */
export interface RuleSets {
  readonly deny: RuleSet;
  readonly allow: RuleSet;
  readonly audit: RuleSet;
  readonly tryDeny: RuleSet;
  readonly tryAllow: RuleSet;
  /** Names of the ALLOW policies, those without rules among them. */
  readonly allowPolicies: readonly string[];
  readonly tryAllowPolicies: readonly string[];
}

/** The rules that can fit one identity. */
interface Concerned {
  readonly deny: readonly RuleIndex[];
  readonly allow: readonly RuleIndex[];
  readonly audit: readonly RuleIndex[];
  readonly tryDeny: readonly RuleIndex[];
  readonly tryAllow: readonly RuleIndex[];
  readonly principal: Principal | undefined;
  /** What holds where no rule matches. */
  readonly otherwise: AccessDecision;
}

/** See the head of this file; made by `compilePolicies`. */
export class Decider {
  /** Whether any rule in force asks for paths: then ask with normal ones only, and refuse all others. */
  readonly asksPaths: boolean;
  /**
   * Whether only rules that decide nothing ask for paths: then ask with normal ones where there are, with
   * '' else, and forward what came.
   */
  readonly hearsPaths: boolean;
  /** How often the remembered identities were forgotten because there were too many. */
  forgottenCount = 0;
  readonly #sets: RuleSets;
  readonly #defaults: AccessDefaults;
  readonly #concerned = new Map<string | undefined, Concerned>();
  readonly #noneAllows: AccessDecision;
  readonly #isPlain: boolean;

  constructor(sets: RuleSets, defaults: AccessDefaults) {
    this.#sets = sets;
    this.#defaults = defaults;
    const { deny, allow, audit, tryDeny, tryAllow, tryAllowPolicies } = sets;
    this.asksPaths = deny.asksPaths || allow.asksPaths;
    this.hearsPaths = !this.asksPaths && [audit, tryDeny, tryAllow].some((it) => it.asksPaths);
    const names = sets.allowPolicies.join(', ');
    this.#noneAllows = {
      decision: 'deny',
      policy: '',
      rule: '',
      why: `no rule of the ALLOW policies lets it in: ${names}`,
    };
    this.#isPlain = audit.isEmpty && tryDeny.isEmpty && tryAllowPolicies.length === 0;
  }

  /** Decides. Without policies on trial or AUDIT rules, the result is one of those that stand ready. */
  decide(question: AccessQuestion): AccessDecision {
    const concerned = this.#concernedBy(question.identity);
    const decision =
      match(concerned.deny, question, concerned)?.decision ??
      match(concerned.allow, question, concerned)?.decision ??
      concerned.otherwise;
    return this.#isPlain ? decision : this.#heard(decision, question, concerned);
  }

  #heard(decision: AccessDecision, question: AccessQuestion, rules: Concerned): AccessDecision {
    const audited = match(rules.audit, question, rules)?.compiled;
    const wouldDeny =
      decision.decision === 'deny' ? undefined : this.#triedOut(decision, question, rules);
    if (audited === undefined && wouldDeny === undefined) return decision;
    return {
      ...decision,
      ...(wouldDeny && { wouldDeny }),
      ...(audited && { audited: { policy: audited.policy, rule: audited.rule } }),
    };
  }

  /** What is let in, if the policies on trial were in force. */
  #triedOut(
    decision: AccessDecision,
    question: AccessQuestion,
    rules: Concerned,
  ): AccessDecision['wouldDeny'] {
    const denied = match(rules.tryDeny, question, rules)?.compiled;
    if (denied !== undefined) return { policy: denied.policy, rule: denied.rule };
    const [first] = this.#sets.tryAllowPolicies;
    // Somebody whom a policy in force lets in would be let in by it then, too.
    if (first === undefined || decision.policy !== '') return undefined;
    const allowed = match(rules.tryAllow, question, rules);
    return allowed === undefined ? { policy: first, rule: '' } : undefined;
  }

  #concernedBy(identity: string | undefined): Concerned {
    const known = this.#concerned.get(identity);
    if (known !== undefined) return known;
    if (this.#concerned.size >= IDENTITY_COUNT_MAX) {
      this.#concerned.clear();
      this.forgottenCount += 1;
    }
    const principal = identity === undefined ? undefined : principalOf(identity);
    const { deny, allow, audit, tryDeny, tryAllow, allowPolicies } = this.#sets;
    const concerned = {
      principal,
      deny: deny.for(principal),
      allow: allow.for(principal),
      audit: audit.for(principal),
      tryDeny: tryDeny.for(principal),
      tryAllow: tryAllow.for(principal),
      otherwise:
        allowPolicies.length > 0 ? this.#noneAllows : defaultFor(principal, this.#defaults),
    };
    this.#concerned.set(identity, concerned);
    return concerned;
  }
}

function match(
  indexes: readonly RuleIndex[],
  question: AccessQuestion,
  { principal }: Concerned,
): ReadyRule | undefined {
  for (const index of indexes) {
    const found = index.match(question, principal);
    if (found !== undefined) return found;
  }
  return undefined;
}

function defaultFor(
  principal: Principal | undefined,
  { trustDomain, admitsAnonymous = false }: AccessDefaults,
): AccessDecision {
  const none = { policy: '', rule: '' };
  if (principal === undefined) {
    const why = 'no policy lets callers in that show no identity';
    return admitsAnonymous
      ? { decision: 'allow', ...none, why: 'no ALLOW policy, and plaintext is taken here' }
      : { decision: 'deny', ...none, why };
  }
  if (trustDomain === undefined || principal.trustDomain === trustDomain) {
    return { decision: 'allow', ...none, why: 'no ALLOW policy, and the caller is of this mesh' };
  }
  return { decision: 'deny', ...none, why: `the caller is not of ${trustDomain}` };
}
