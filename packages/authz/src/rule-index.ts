/**
 * The rules of one kind that can concern one caller, found by the first segment of the path where there
 * are many: hundreds of rules for different paths cost as much as those of one.
 */
import { asksSource, type CompiledRule, fitsSource, fitsTarget } from './compiled-rule.ts';
import type { AccessDecision } from './decision.ts';
import type { Principal } from './principal.ts';
import type { AccessQuestion } from './question.ts';

/** A rule and what is said when it decides. */
export interface ReadyRule {
  readonly compiled: CompiledRule;
  readonly decision: AccessDecision;
}

/** Below this, going through all is quicker than cutting the path. */
const INDEX_COUNT_MIN = 8;
const SLASH = 0x2f;

/** All rules of one kind. Those that ask nothing about the caller are shared by all callers. */
export class RuleSet {
  readonly isEmpty: boolean;
  readonly asksPaths: boolean;
  readonly #common: RuleIndex;
  readonly #sourced: readonly ReadyRule[];

  constructor(rules: readonly ReadyRule[]) {
    this.isEmpty = rules.length === 0;
    this.asksPaths = rules.some(({ compiled }) => compiled.paths.length > 0);
    this.#common = new RuleIndex(rules.filter(({ compiled }) => !asksSource(compiled)));
    this.#sourced = rules.filter(({ compiled }) => asksSource(compiled));
  }

  /** Those of this caller: its own first, then the shared ones. */
  for(principal: Principal | undefined): readonly RuleIndex[] {
    const own = this.#sourced.filter(({ compiled }) => fitsSource(compiled, principal));
    return own.length > 0 ? [new RuleIndex(own), this.#common] : [this.#common];
  }
}

/** See the head of this file. */
export class RuleIndex {
  readonly #all: readonly ReadyRule[];
  readonly #byHead: ReadonlyMap<string, readonly ReadyRule[]> | undefined;
  /** Rules for every path. */
  readonly #rest: readonly ReadyRule[];

  constructor(rules: readonly ReadyRule[]) {
    this.#all = rules;
    const byHead = new Map<string, ReadyRule[]>();
    const rest: ReadyRule[] = [];
    for (const rule of rules) {
      const heads = headsOf(rule.compiled);
      if (heads === undefined) rest.push(rule);
      for (const head of heads ?? []) byHead.set(head, [...(byHead.get(head) ?? []), rule]);
    }
    this.#rest = rest;
    this.#byHead = rules.length - rest.length < INDEX_COUNT_MIN ? undefined : byHead;
  }

  /** A rule that fits; among several, which one is not said. */
  match(question: AccessQuestion, principal: Principal | undefined): ReadyRule | undefined {
    const path = question.http?.path;
    if (this.#byHead === undefined || path?.charCodeAt(0) !== SLASH) {
      return firstMatch(this.#all, question, principal);
    }
    const own = this.#byHead.get(headOf(path));
    const found = own && firstMatch(own, question, principal);
    return found ?? firstMatch(this.#rest, question, principal);
  }
}

function firstMatch(
  rules: readonly ReadyRule[],
  question: AccessQuestion,
  principal: Principal | undefined,
): ReadyRule | undefined {
  for (const rule of rules) if (fitsTarget(rule.compiled, question, principal)) return rule;
  return undefined;
}

/** The first segments that a path must have to fit; undefined if any can. */
function headsOf({ paths: [set] }: CompiledRule): ReadonlySet<string> | undefined {
  if (set === undefined || set.prefixes.includes('')) return undefined;
  return new Set([...set.exact, ...set.prefixes].map(headOf));
}

function headOf(path: string): string {
  const end = path.indexOf('/', 1);
  return end < 0 ? path : path.slice(0, end);
}
