/**
 * Every finding that configuration can meet with, once: the page of each code, its severity and
 * what to do are read from here. Ranges: 00 the text, 01 the shape, 02 references,
 * 03 contradictions, 04 what a proxy could not take.
 */
export type Severity = 'error' | 'warning';

/** What is known of a code beforehand. */
export interface CodeEntry {
  readonly title: string;
  /** An error keeps the whole apply out; a warning is shown. */
  readonly severity: Severity;
  /** What to do about it. */
  readonly remedy: string;
}

/** The table of codes. A code, once given, keeps its meaning. */
export const codes = {
  LN0001: entry('The text is not YAML or JSON', 'Correct the syntax at the position named.'),
  LN0002: entry('A document is not an object', 'Each document starts with apiVersion and kind.'),
  LN0003: entry(
    'A field stands twice',
    'Keep one of the two: which one would count differs between readers.',
  ),
  LN0004: entry(
    'The kind is unknown',
    'Write one of the kinds and versions named in the message; others are not served yet.',
  ),
  LN0005: entry('The text is too large', 'Split it into several files.'),
  LN0101: entry('A field is unknown', 'Correct the name, or move the field to where it belongs.'),
  LN0102: entry('A field is missing', 'Add it.'),
  LN0103: entry('A value has the wrong type', 'Write a value of the type named; quote strings.'),
  LN0104: entry('A value is out of bounds', 'Write a value within the bounds named.'),
  LN0105: entry('A value is not one of those allowed', 'Write one of the values named.'),
  LN0106: entry('A value is malformed', 'Write it in the form named.'),
  LN0107: entry(
    'A path cannot match',
    'Paths start with / and have no query, fragment, empty or dot segments.',
  ),
  LN0108: entry(
    'Regular expressions are not served yet',
    'Use Exact or PathPrefix; several matches in one rule mean "or".',
  ),
  LN0109: entry('A name stands twice in one list', 'Keep one entry of each name.'),
  LN0110: entry(
    'A header may not be edited',
    'Framing, connection and Host belong to the proxy; identity headers to the mesh.',
  ),
  LN0111: entry('Bounds contradict each other', 'The lower bound must not exceed the upper one.'),
  LN0112: entry(
    'A pattern ends within a trust domain',
    'Write a / before the *: mesh.local* also matches mesh.local.evil.',
    'warning',
  ),
  LN0113: entry(
    'Protocol and TLS of a listener disagree',
    'HTTPS needs tls.certificateRefs; HTTP has no tls.',
  ),
  LN0201: entry('A parent does not exist', 'Create it first, or correct the name or the kind.'),
  LN0202: entry('A backend does not exist', 'Create the service first, or correct the name.'),
  LN0203: entry('The service has no such port', 'Name one of the ports of the service.'),
  LN0204: entry(
    'Nothing serves a backend at present',
    'Start an instance that the service selects, or give the backend weight 0.',
    'warning',
  ),
  LN0205: entry(
    'A policy matches nothing',
    'Correct the name in targetRef, or create the service.',
  ),
  LN0206: entry(
    'The kind of a reference is not served',
    'Refer to a Service: `group: ""`, `kind: Service`; a route also to a Gateway.',
  ),
  LN0207: entry(
    'A setting names a service that does not exist',
    'Correct the name, or remove the entry.',
    'warning',
  ),
  LN0208: entry(
    'A reference leads into another namespace',
    'Name something of the same namespace: permission from the other one is not served yet.',
  ),
  LN0209: entry(
    'The gateway has no such listener',
    'Name one of its listeners, or one of its ports.',
  ),
  LN0301: entry(
    'The per-try timeout exceeds the request timeout',
    'Lower it, or raise the request timeout (15s where none is written).',
  ),
  LN0302: entry(
    'The per-try timeout leaves no time for a retry',
    'Make it less than the request timeout, or set the retries to 0.',
    'warning',
  ),
  LN0303: entry(
    'Retries are asked for where the budget is 0',
    'Raise budget.ratio or budget.perSecondMin of the policy, or remove the retry.',
  ),
  LN0304: entry('The weights sum to 0', 'Give at least one backend a weight; 0 receives nothing.'),
  LN0305: entry(
    'A rule has no backends',
    'Every request that it matches is answered 500: name a backend.',
    'warning',
  ),
  LN0306: entry(
    'A rule can never match',
    'An older route or an earlier rule has the same matches: merge or remove one.',
  ),
  LN0307: entry('Two objects have the same name', 'Remove or rename one of them.'),
  LN0308: entry('Two policies target one service', 'Merge them into one.'),
  LN0309: entry('There is more than one MeshConfig', 'Keep one.'),
  LN0310: entry(
    'An ALLOW policy has no rules',
    'Add a rule, or leave it so to let nobody call the service.',
    'warning',
  ),
  LN0311: entry(
    'Two listeners of a gateway clash',
    'On one port, listeners speak one protocol and each takes hosts of its own.',
  ),
  LN0312: entry(
    'The gateway takes no routes of this namespace',
    'Move the route, or write `allowedRoutes: {namespaces: {from: All}}` at the listener.',
  ),
  LN0313: entry(
    'No listener takes the hosts of a route',
    'Correct the host names of the route, or those of the listeners that it names.',
  ),
  LN0314: entry(
    'A host of a route is taken by no listener',
    'Correct it or remove it: requests for it do not come by.',
    'warning',
  ),
  LN0401: entry(
    'A pushed resource is malformed',
    'The control plane and the proxy differ in version.',
  ),
  LN0402: entry(
    'A pushed resource has a type that is unknown here',
    'Upgrade the proxy before the control plane sends what it does not know.',
  ),
  LN0403: entry(
    'A pushed resource contradicts itself',
    'Report it: the control plane compiled it so.',
  ),
} as const satisfies Record<`LN${string}`, CodeEntry>;

/** `LN####`: a configuration finding. */
export type LnCode = keyof typeof codes;

/** Where the page of a code is, relative to the root of the repository. */
export function docsOf(code: LnCode): string {
  return `docs/reference/findings.md#${code.toLowerCase()}`;
}

/** The reference page of all codes, in Markdown. */
export function findingsMarkdown(): string {
  const sections = Object.entries<CodeEntry>(codes).map(
    ([code, { title, severity, remedy }]) => `## ${code}\n${title} (${severity}). ${remedy}\n`,
  );
  return `# Configuration findings\n\n${sections.join('\n')}`;
}

function entry(title: string, remedy: string, severity: Severity = 'error'): CodeEntry {
  return { title, remedy, severity };
}
