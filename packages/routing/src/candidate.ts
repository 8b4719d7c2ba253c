/** One match of one rule, ready to be compared, and its place in the order of precedence. */
import type { RouteMatchResult } from './question.ts';
import type { RouteInput, RouteMatch } from './route.ts';

/** What is tried against a request. `result` is handed out as it is: a match makes no object. */
export interface Candidate {
  readonly path: { readonly kind: 'exact' | 'prefix'; readonly value: string };
  readonly match: RouteMatch;
  readonly result: RouteMatchResult;
}

const everything: RouteMatch = { headers: [], query: [] };

/** All matches of all rules of a route; a rule without matches has one that everything fits. */
export function candidatesOf(route: RouteInput): readonly Candidate[] {
  return route.rules.flatMap((rule, ruleIndex) => {
    const matches = rule.matches.length === 0 ? [everything] : rule.matches;
    return matches.map((match, matchIndex) => ({
      path: pathOf(match),
      match,
      result: { route, rule, ruleIndex, matchIndex },
    }));
  });
}

/**
 * The order between two candidates whose hosts and paths rank equally, negative if `one` goes first:
 * a method, more headers, more query parameters, the older route, `namespace/name`, the first rule.
 */
export function compareCandidates(one: Candidate, other: Candidate): number {
  return (
    Number(other.match.method !== undefined) - Number(one.match.method !== undefined) ||
    other.match.headers.length - one.match.headers.length ||
    other.match.query.length - one.match.query.length ||
    one.result.route.createdAtMs - other.result.route.createdAtMs ||
    compareText(nameOf(one), nameOf(other)) ||
    one.result.ruleIndex - other.result.ruleIndex ||
    one.result.matchIndex - other.result.matchIndex
  );
}

/** A prefix without the slash at its end, which does not count; `/` becomes empty. */
export function normalPrefix(prefix: string): string {
  return prefix.endsWith('/') ? prefix.slice(0, -1) : prefix;
}

function pathOf(match: RouteMatch): Candidate['path'] {
  if (match.path === undefined) return { kind: 'prefix', value: '' };
  const { kind, value } = match.path;
  return kind === 'exact' ? { kind, value } : { kind: 'prefix', value: normalPrefix(value) };
}

function nameOf({ result }: Candidate): string {
  return `${result.route.namespace}/${result.route.name}`;
}

function compareText(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
