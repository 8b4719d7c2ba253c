/**
 * One rule, ready to be compared. What cannot be known where it is asked (HTTP of a TCP connection, the
 * identity of a caller without a certificate, a port that nobody named) neither lets in nor gets past
 * a DENY: for ALLOW and AUDIT an unknown part does not match, for DENY it does.
 */
import type { AddressRange } from './address-range.ts';
import { isWithin, parseAddress } from './address-range.ts';
import { fits, type Pattern } from './pattern.ts';
import type { AccessAttribute } from './policy.ts';
import type { Principal } from './principal.ts';
import type { AccessQuestion, HttpQuestion } from './question.ts';

const SLASH = 0x2f;

/** Paths of one part, any of which must fit. */
export interface PathSet {
  readonly exact: ReadonlySet<string>;
  /** Without a slash at the end: `''` has every path. */
  readonly prefixes: readonly string[];
}

/** A header or attribute, and what it must be. */
export type CompiledCondition =
  | { readonly kind: 'header'; readonly name: string; readonly values: ReadonlySet<string> }
  | {
      readonly kind: 'attribute';
      readonly name: AccessAttribute;
      readonly values: ReadonlySet<string>;
    }
  | { readonly kind: 'address'; readonly ranges: readonly AddressRange[] };

/** See the head of this file. Undefined parts match everything. */
export interface CompiledRule {
  readonly policy: string;
  readonly rule: string;
  /** Whether what is unknown counts as a match: for DENY. */
  readonly isWide: boolean;
  readonly principals: readonly NonNullable<Pattern>[] | undefined;
  readonly namespaces: ReadonlySet<string> | undefined;
  readonly trustDomains: ReadonlySet<string> | undefined;
  readonly ports: ReadonlySet<number> | undefined;
  readonly methods: ReadonlySet<string> | undefined;
  /** Lower case, without a dot at the end; with a port only if one was written. */
  readonly hosts: ReadonlySet<string> | undefined;
  readonly paths: readonly PathSet[];
  readonly when: readonly CompiledCondition[];
}

/** Whether the rule asks who calls. */
export function asksSource({ principals, namespaces, trustDomains }: CompiledRule): boolean {
  return principals !== undefined || namespaces !== undefined || trustDomains !== undefined;
}

/** Whether the part of the rule about the caller fits. Asked once for each identity. */
export function fitsSource(rule: CompiledRule, principal: Principal | undefined): boolean {
  const { principals, namespaces, trustDomains, isWide } = rule;
  if (!asksSource(rule)) return true;
  if (principal === undefined) return isWide;
  if (principals !== undefined && !principals.some((it) => fits(principal.id, it))) return false;
  if (trustDomains !== undefined && !trustDomains.has(principal.trustDomain)) return false;
  if (namespaces === undefined) return true;
  return principal.namespace === undefined ? isWide : namespaces.has(principal.namespace);
}

/** Whether the parts about what is called fit. */
export function fitsTarget(
  rule: CompiledRule,
  question: AccessQuestion,
  principal: Principal | undefined,
): boolean {
  const { ports, isWide, when } = rule;
  if (ports !== undefined) {
    if (question.port === undefined ? !isWide : !ports.has(question.port)) return false;
  }
  if (!fitsHttp(rule, question.http)) return false;
  for (const condition of when) {
    if (!fitsCondition(condition, question, principal, isWide)) return false;
  }
  return true;
}

function fitsHttp(rule: CompiledRule, http: HttpQuestion | undefined): boolean {
  const { methods, hosts, paths, isWide } = rule;
  if (http === undefined) {
    const asks = methods !== undefined || hosts !== undefined || paths.length > 0;
    return isWide || !asks;
  }
  if (methods !== undefined && !methods.has(http.method)) return false;
  for (const set of paths) if (!fitsPath(set, http.path, isWide)) return false;
  return hosts === undefined || fitsHost(hosts, http.authority);
}

/** Applications differ in whether a slash at the end says something: a DENY does not rely on it. */
function fitsPath({ exact, prefixes }: PathSet, path: string, isWide: boolean): boolean {
  // `*` of OPTIONS and the nothing of CONNECT are no paths.
  if (path.charCodeAt(0) !== SLASH) return isWide;
  if (exact.size > 0) {
    if (exact.has(path)) return true;
    const hasEnd = path.length > 1 && path.endsWith('/');
    if (isWide && exact.has(hasEnd ? path.slice(0, -1) : `${path}/`)) return true;
  }
  for (const prefix of prefixes) {
    if (!path.startsWith(prefix)) continue;
    if (path.length === prefix.length || path.charCodeAt(prefix.length) === SLASH) return true;
  }
  return false;
}

function fitsHost(hosts: ReadonlySet<string>, authority: string): boolean {
  const named = normalHost(authority);
  if (hosts.has(named)) return true;
  const host = withoutPort(named);
  if (host !== named) return hosts.has(host);
  return hosts.has(`${named}:80`) || hosts.has(`${named}:443`);
}

/** A host and its port as they are compared: lower case, and no dot at the end of the name. */
export function normalHost(authority: string): string {
  const lower = authority.toLowerCase();
  const host = withoutPort(lower);
  const port = lower.slice(host.length);
  return host.endsWith('.') ? host.slice(0, -1) + port : lower;
}

function withoutPort(authority: string): string {
  const colon = authority.lastIndexOf(':');
  return colon > authority.lastIndexOf(']') ? authority.slice(0, colon) : authority;
}

function fitsCondition(
  condition: CompiledCondition,
  question: AccessQuestion,
  principal: Principal | undefined,
  isWide: boolean,
): boolean {
  switch (condition.kind) {
    case 'header':
      if (question.http === undefined) return isWide;
      return hasValue(question.http.headerLines(condition.name), condition.values);
    case 'address': {
      const address = question.address === undefined ? undefined : parseAddress(question.address);
      return address === undefined ? isWide : condition.ranges.some((it) => isWithin(address, it));
    }
    default: {
      const value = attributeOf(condition.name, question, principal);
      return value === undefined ? isWide : condition.values.has(value);
    }
  }
}

function attributeOf(
  name: AccessAttribute,
  question: AccessQuestion,
  principal: Principal | undefined,
): string | undefined {
  switch (name) {
    case 'source.ip':
      return question.address;
    case 'source.principal':
      return principal?.id;
    case 'source.namespace':
      return principal?.namespace;
    default:
      return question.port === undefined ? undefined : String(question.port);
  }
}

function hasValue(lines: readonly string[], values: ReadonlySet<string>): boolean {
  for (const line of lines) {
    if (values.has(line.trim())) return true;
    if (!line.includes(',')) continue;
    for (const member of line.split(',')) if (values.has(member.trim())) return true;
  }
  return false;
}
