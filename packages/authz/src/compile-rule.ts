/** From what a policy says to what is compared; everything that cannot be compared is refused here. */
import type { OptionProblems } from '@leno/std';
import { type AddressRange, parseRange } from './address-range.ts';
import {
  type CompiledCondition,
  type CompiledRule,
  normalHost,
  type PathSet,
} from './compiled-rule.ts';
import { normalizePath } from './normalize-path.ts';
import { type Pattern, parsePattern } from './pattern.ts';
import {
  type AccessCondition,
  type AccessPolicy,
  type AccessRule,
  type AccessTarget,
  accessAttributes,
  type PathCondition,
} from './policy.ts';

const ruleParts = ['name', 'from', 'to', 'when'];
const sourceParts = ['principals', 'namespaces', 'trustDomains'];
const targetParts = ['hosts', 'ports', 'methods', 'paths', 'grpc'];
/** Of an id: in a pattern or an attribute, what stands there otherwise is no caller of the mesh. */
const SCHEME = 'spiffe://';
const segment = /^[A-Za-z0-9._-]+$/;
const domain = /^[a-z0-9._-]+$/;
const port = /^[1-9]\d{0,4}$/;
/** Headers that are for one connection or frame a message: they never come as far as policies. */
const unseen = new Set(
  `connection content-length expect host http2-settings keep-alive proxy-authorization proxy-connection te
  trailer transfer-encoding upgrade`.split(/\s+/),
);
const token = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const grpcService = /^[A-Za-z_][\w.]*$/;

/** Compiles one rule; what is wrong with it goes to `problems`, with its path below `at`. */
export function compileRule(
  policy: AccessPolicy,
  index: number,
  problems: OptionProblems,
): CompiledRule {
  const rule: AccessRule = policy.rules[index] ?? {};
  const at = `rules[${index}]`;
  const check = new PartCheck(problems);
  // A word that is not understood would make the rule wider than it was meant.
  check.words(rule, ruleParts, at);
  check.words(rule.from, sourceParts, `${at}.from`);
  check.words(rule.to, targetParts, `${at}.to`);
  const { from, to } = rule;
  return {
    policy: policy.name,
    rule: rule.name ?? at,
    isWide: policy.action === 'DENY',
    principals: check.patterns(from?.principals, `${at}.from.principals`),
    namespaces: check.names(from?.namespaces, segment, `${at}.from.namespaces`),
    trustDomains: check.names(from?.trustDomains, domain, `${at}.from.trustDomains`),
    ports: check.set(to?.ports, `${at}.to.ports`),
    methods: check.tokens(to?.methods, `${at}.to.methods`),
    hosts: check.hosts(to?.hosts, `${at}.to.hosts`),
    paths: check.paths(to, `${at}.to`),
    when: (rule.when ?? []).map((it, place) => check.condition(it, `${at}.when[${place}]`)),
  };
}

class PartCheck {
  readonly #problems: OptionProblems;

  constructor(problems: OptionProblems) {
    this.#problems = problems;
  }

  words(part: object | undefined, known: readonly string[], at: string): void {
    if (part === undefined) return;
    for (const [name, value] of Object.entries(part)) {
      const must = `be one of the parts that are known: ${known.join(', ')}`;
      this.#problems.check(known.includes(name), `${at}.${name}`, value, must);
    }
  }

  /** A list without an alternative would match nothing, which is never what was meant. */
  list<T>(values: readonly T[] | undefined, at: string): readonly T[] | undefined {
    if (values === undefined) return undefined;
    this.#problems.check(values.length > 0, at, values, 'name at least one alternative');
    return values;
  }

  set<T>(values: readonly T[] | undefined, at: string): ReadonlySet<T> | undefined {
    const list = this.list(values, at);
    return list && new Set(list);
  }

  /** Patterns are not understood here, so that a DENY with one would deny nobody. */
  names(
    values: readonly string[] | undefined,
    name: RegExp,
    at: string,
  ): ReadonlySet<string> | undefined {
    for (const value of values ?? []) {
      this.#problems.check(name.test(value), at, value, 'be a name as it stands in an id, whole');
    }
    return this.set(values, at);
  }

  tokens(values: readonly string[] | undefined, at: string): ReadonlySet<string> | undefined {
    for (const value of values ?? []) {
      this.#problems.check(token.test(value), at, value, 'be the name of a method');
    }
    return this.set(values, at);
  }

  patterns(
    values: readonly string[] | undefined,
    at: string,
  ): readonly NonNullable<Pattern>[] | undefined {
    const list = this.list(values, at);
    return list?.flatMap((value) => {
      const pattern = value === '' ? undefined : parsePattern(value);
      const must = 'be a SPIFFE id, with at most one * at its beginning or its end';
      this.#problems.check(pattern !== undefined && canFit(pattern), at, value, must);
      return pattern ?? [];
    });
  }

  hosts(values: readonly string[] | undefined, at: string): ReadonlySet<string> | undefined {
    const list = this.list(values, at);
    for (const value of list ?? []) {
      const isHost = value !== '' && !/[\s*/@%]/.test(value);
      this.#problems.check(isHost, at, value, 'be a host, possibly with a port, and without *');
    }
    return list && new Set(list.map(normalHost));
  }

  paths(to: AccessTarget | undefined, at: string): readonly PathSet[] {
    const sets: PathSet[] = [];
    const paths = this.list(to?.paths, `${at}.paths`);
    if (paths !== undefined) sets.push(pathSet(paths.flatMap((it) => this.#path(it, at))));
    const grpc = this.list(to?.grpc, `${at}.grpc`);
    if (grpc !== undefined) {
      const conditions = grpc.map(({ service, method }): PathCondition => {
        const isName = grpcService.test(service) && (method === undefined || /^\w+$/.test(method));
        const must = 'be package.Service, and method a name';
        this.#problems.check(isName, `${at}.grpc`, `${service}/${method ?? ''}`, must);
        return method === undefined
          ? { prefix: `/${service}` }
          : { exact: `/${service}/${method}` };
      });
      sets.push(pathSet(conditions));
    }
    return sets;
  }

  #path(condition: PathCondition, at: string): readonly PathCondition[] {
    const isExact = 'exact' in condition;
    const value = isExact ? condition.exact : condition.prefix;
    const normal = value === '' ? undefined : normalizePath(value);
    const isPath = normal?.kind === 'path' && Object.keys(condition).length === 1;
    const must = 'be a path without query, and without what is refused in requests';
    this.#problems.check(isPath, `${at}.paths`, value, must);
    if (normal?.kind !== 'path') return [];
    return [isExact ? { exact: normal.path } : { prefix: normal.path }];
  }

  condition(condition: AccessCondition, at: string): CompiledCondition {
    const known = 'header' in condition ? ['header', 'values'] : ['attribute', 'values'];
    this.words(condition, known, at);
    const values = this.set(condition.values, `${at}.values`) ?? new Set<string>();
    if ('header' in condition) {
      const name = condition.header.toLowerCase();
      const isSeen = token.test(name) && !name.includes('_') && !unseen.has(name);
      const must = 'be the name of a header that comes to the application; hosts are a part of to';
      this.#problems.check(isSeen, `${at}.header`, name, must);
      return { kind: 'header', name, values };
    }
    const name = condition.attribute;
    this.#problems.oneOf(`${at}.attribute`, name, accessAttributes);
    if (name !== 'source.ip') {
      const isValue = valueOf[name] ?? isAnything;
      for (const value of values) {
        this.#problems.check(isValue(value), `${at}.values`, value, `be a whole value of ${name}`);
      }
      return { kind: 'attribute', name, values };
    }
    const ranges = condition.values.flatMap((value): readonly AddressRange[] => {
      const range = parseRange(value);
      const must = 'be an address or a range like 10.0.0.0/8';
      this.#problems.check(range !== undefined, `${at}.values`, value, must);
      return range === undefined ? [] : [range];
    });
    return { kind: 'address', ranges };
  }
}

/** What attributes can be; a `*` stands in none. */
const valueOf: Partial<Record<string, (value: string) => boolean>> = {
  'source.principal': (it) => it.startsWith(SCHEME) && !it.includes('*'),
  'source.namespace': (it) => segment.test(it),
  'destination.port': (it) => port.test(it),
};
const isAnything = (): boolean => true;

function canFit({ kind, text }: NonNullable<Pattern>): boolean {
  switch (kind) {
    case 'exact':
      return text.startsWith(SCHEME);
    case 'prefix':
      return text.startsWith(SCHEME) || SCHEME.startsWith(text);
    default:
      return true;
  }
}

function pathSet(conditions: readonly PathCondition[]): PathSet {
  return {
    exact: new Set(conditions.flatMap((it) => ('exact' in it ? it.exact : []))),
    prefixes: conditions.flatMap((it) => ('prefix' in it ? it.prefix.replace(/\/$/, '') : [])),
  };
}
