/** What can be said of a route alone, beyond its schema. */
import type { Fault, Path } from '../findings/finding.ts';
import { isGatewayRef, isServiceRef } from '../kinds/gateway-ref.ts';
import type { HeaderModifier, HttpRoute, HttpRouteFilter } from '../kinds/http-route.ts';
import { fixedHeaders } from '../model/fixed-headers.ts';

type Rule = HttpRoute['spec']['rules'][number];
type Match = NonNullable<Rule['matches']>[number];

/** The faults of one route whose schema holds. */
export function checkHttpRoute(route: HttpRoute): readonly Fault[] {
  const { parentRefs, rules } = route.spec;
  return [
    ...parentRefs.flatMap((ref, index) => {
      if (isServiceRef(ref) || isGatewayRef(ref)) return [];
      return [unservedKind(['spec', 'parentRefs', index, 'kind'], ref.kind)];
    }),
    ...rules.flatMap((rule, index) => checkRule(rule, ['spec', 'rules', index])),
  ];
}

function checkRule(rule: Rule, path: Path): readonly Fault[] {
  const matches = rule.matches ?? [];
  const backends = rule.backendRefs ?? [];
  return [
    ...matches.flatMap((match, index) => checkMatch(match, [...path, 'matches', index])),
    ...checkFilters(rule.filters ?? [], [...path, 'filters']),
    ...backends.flatMap((ref, index) => {
      const at = [...path, 'backendRefs', index];
      const faults = checkFilters(ref.filters ?? [], [...at, 'filters']);
      const served = ref.kind === 'Service' && ref.group === '';
      return served ? faults : [unservedKind([...at, 'kind'], ref.kind), ...faults];
    }),
  ];
}

function unservedKind(path: Path, kind: string): Fault {
  const message = `a reference to a ${kind} is not served; write \`group: ""\` and \`kind: Service\``;
  return { code: 'LN0206', path, message, value: kind, hint: 'Service' };
}

function checkMatch(match: Match, path: Path): readonly Fault[] {
  const { headers = [], queryParams = [] } = match;
  return [
    ...checkPath(match, [...path, 'path']),
    ...[...headers.entries()].flatMap(([index, it]) => regex(it, [...path, 'headers', index])),
    ...[...queryParams.entries()].flatMap(([index, it]) =>
      regex(it, [...path, 'queryParams', index]),
    ),
    ...repeatedNames(
      headers.map(({ name }) => name.toLowerCase()),
      [...path, 'headers'],
    ),
    ...repeatedNames(
      queryParams.map(({ name }) => name),
      [...path, 'queryParams'],
    ),
  ];
}

function checkPath({ path: condition }: Match, path: Path): readonly Fault[] {
  if (condition === undefined) return [];
  if (condition.type === 'RegularExpression') return regex(condition, path);
  const wrong = wrongPath(condition.value);
  if (wrong === undefined) return [];
  const { value } = condition;
  const message = `${JSON.stringify(value)} can match no request: ${wrong}`;
  return [{ code: 'LN0107', path: [...path, 'value'], message, value }];
}

/** Gateway API: what an exact path or a prefix may not contain. */
function wrongPath(value: string): string | undefined {
  if (!value.startsWith('/')) return 'it does not start with /';
  if (/[?#]/.test(value)) return 'it holds a query or a fragment';
  if (value.includes('//')) return 'it holds an empty segment';
  if (/%2f/i.test(value)) return 'it holds an encoded /';
  return /\/\.\.?(\/|$)/.test(value) ? 'it holds a segment . or ..' : undefined;
}

function regex(condition: { type: string; value: string }, path: Path): readonly Fault[] {
  if (condition.type !== 'RegularExpression') return [];
  const message = 'regular expressions are not served yet';
  return [{ code: 'LN0108', path: [...path, 'type'], message, value: condition.value }];
}

function repeatedNames(names: readonly string[], path: Path): readonly Fault[] {
  return names.flatMap((value, index): readonly Fault[] => {
    if (names.indexOf(value) === index) return [];
    const message = `${value} stands in this list already; only the first would count`;
    return [{ code: 'LN0109', path: [...path, index, 'name'], message, value }];
  });
}

function checkFilters(filters: readonly HttpRouteFilter[], path: Path): readonly Fault[] {
  const kinds = filters.map(({ type }) => type);
  return filters.flatMap((filter, index): readonly Fault[] => {
    const at = [...path, index];
    const { type } = filter;
    if (kinds.indexOf(type) !== index) {
      const message = `a second ${type}: merge it into the first`;
      return [{ code: 'LN0109', path: [...at, 'type'], message, value: type }];
    }
    return type === 'RequestHeaderModifier'
      ? checkEdit(filter.requestHeaderModifier, [...at, 'requestHeaderModifier'])
      : checkEdit(filter.responseHeaderModifier, [...at, 'responseHeaderModifier']);
  });
}

function checkEdit(edit: HeaderModifier, path: Path): readonly Fault[] {
  const named = [
    ...(edit.set ?? []).map(({ name }, index) => ({ name, path: [...path, 'set', index, 'name'] })),
    ...(edit.add ?? []).map(({ name }, index) => ({ name, path: [...path, 'add', index, 'name'] })),
    ...(edit.remove ?? []).map((name, index) => ({ name, path: [...path, 'remove', index] })),
  ];
  const names = named.map(({ name }) => name.toLowerCase());
  return named.flatMap(({ name: value, path: at }, index): readonly Fault[] => {
    const name = value.toLowerCase();
    if (fixedHeaders.has(name)) {
      const message = `${value} belongs to the proxy and may not be edited`;
      return [{ code: 'LN0110', path: at, message, value }];
    }
    if (names.indexOf(name) === index) return [];
    const message = `${value} is edited already`;
    return [{ code: 'LN0109', path: at, message, value }];
  });
}
