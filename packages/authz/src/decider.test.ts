import fc from 'fast-check';
import { expect, test } from 'vitest';
import { compilePolicies } from './compile-policies.ts';
import { type AccessDefaults, IDENTITY_COUNT_MAX } from './decider.ts';
import type { AccessPolicy, AccessRule } from './policy.ts';
import type { AccessQuestion } from './question.ts';

const web = 'spiffe://mesh.local/ns/prod/sa/web';
const other = 'spiffe://mesh.local/ns/prod/sa/other';

interface Asked {
  readonly identity?: string | undefined;
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly port?: number;
  readonly address?: string;
  readonly isTcp?: boolean;
}

function questionOf(asked: Asked): AccessQuestion {
  const { headers = [], method = 'GET', path = '/', host = 'svc.local', isTcp = false } = asked;
  return {
    identity: 'identity' in asked ? asked.identity : web,
    address: asked.address ?? '10.0.0.9',
    port: asked.port,
    http: isTcp
      ? undefined
      : {
          method,
          path,
          authority: host,
          headerLines: (name) => headers.flatMap(([it, value]) => (it === name ? value : [])),
        },
  };
}

const policy = (action: AccessPolicy['action'], ...rules: readonly AccessRule[]): AccessPolicy => ({
  name: action.toLowerCase(),
  action,
  rules,
});

function decide(policies: readonly AccessPolicy[], asked: Asked = {}, defaults?: AccessDefaults) {
  return compilePolicies(policies, defaults).decide(questionOf(asked));
}

const principals = (...ids: readonly string[]): AccessRule => ({ from: { principals: ids } });
const paths = (...list: readonly object[]): AccessRule => ({ to: { paths: list } }) as AccessRule;

test.each<[string, AccessRule, Asked, boolean]>([
  ['a rule without parts', {}, {}, true],
  ['a principal', principals(web), {}, true],
  [
    'dots are literal',
    principals('spiffe://m/ns/a/sa/x.io'),
    { identity: 'spiffe://m/ns/a/sa/xXio' },
    false,
  ],
  ['a longer name', principals(web), { identity: `${web}-evil` }, false],
  ['a deeper name', principals(web), { identity: `${web}/x` }, false],
  ['a slash at its end', principals(web), { identity: `${web}/` }, false],
  ['a prefix', principals('spiffe://mesh.local/*'), {}, true],
  [
    'a prefix, another domain',
    principals('spiffe://mesh.local/*'),
    { identity: 'spiffe://mesh.local.evil/x' },
    false,
  ],
  [
    'a prefix, upper case',
    principals('spiffe://mesh.local/*'),
    { identity: 'spiffe://MESH.LOCAL/ns/prod/sa/web' },
    false,
  ],
  ['a suffix', principals('*/sa/web'), {}, true],
  ['anybody with an identity', principals('*'), {}, true],
  ['a second alternative', principals('spiffe://m/x', web), {}, true],
  ['a namespace', { from: { namespaces: ['prod'] } }, {}, true],
  ['another namespace', { from: { namespaces: ['pro'] } }, {}, false],
  ['a trust domain', { from: { trustDomains: ['mesh.local'] } }, {}, true],
  ['another trust domain', { from: { trustDomains: ['mesh'] } }, {}, false],
  ['both of from', { from: { principals: [web], namespaces: ['test'] } }, {}, false],
  ['a host', { to: { hosts: ['Admin.svc.'] } }, { host: 'admin.SVC' }, true],
  ['a host, dot and port', { to: { hosts: ['admin.svc'] } }, { host: 'admin.svc.:80' }, true],
  ['a host, any port', { to: { hosts: ['admin.svc'] } }, { host: 'admin.svc:8080' }, true],
  ['a host with a port', { to: { hosts: ['admin.svc:8080'] } }, { host: 'admin.svc:81' }, false],
  ['a host with the port', { to: { hosts: ['admin.svc:80'] } }, { host: 'admin.svc' }, true],
  ['a host with 443', { to: { hosts: ['admin.svc:443'] } }, { host: 'admin.svc' }, true],
  ['an address as host', { to: { hosts: ['[::1]'] } }, { host: '[::1]:80' }, true],
  ['another host', { to: { hosts: ['admin.svc'] } }, { host: 'svc.local' }, false],
  ['a method', { to: { methods: ['GET'] } }, {}, true],
  ['a method with case', { to: { methods: ['GET'] } }, { method: 'get' }, false],
  ['an exact path', paths({ exact: '/a' }), { path: '/a' }, true],
  ['an exact path, longer', paths({ exact: '/a' }), { path: '/a/b' }, false],
  ['a prefix as it is', paths({ prefix: '/a' }), { path: '/a' }, true],
  ['a prefix, below', paths({ prefix: '/a/' }), { path: '/a/b' }, true],
  ['a prefix, no segment', paths({ prefix: '/a' }), { path: '/ab' }, false],
  ['the prefix of all', paths({ prefix: '/' }), { path: '/x' }, true],
  ['an escaped policy path', paths({ exact: '/caf%c3%a9' }), { path: '/caf%C3%A9' }, true],
  ['a service of gRPC', { to: { grpc: [{ service: 'a.B' }] } }, { path: '/a.B/C' }, true],
  [
    'a method of gRPC',
    { to: { grpc: [{ service: 'a.B', method: 'C' }] } },
    { path: '/a.B/D' },
    false,
  ],
  [
    'paths and gRPC',
    { to: { paths: [{ exact: '/x' }], grpc: [{ service: 'a.B' }] } },
    { path: '/a.B/C' },
    false,
  ],
  [
    'a header line',
    { when: [{ header: 'X-Role', values: ['admin'] }] },
    {
      headers: [
        ['x-role', 'guest'],
        ['x-role', 'admin'],
      ],
    },
    true,
  ],
  [
    'a member',
    { when: [{ header: 'x-role', values: ['admin'] }] },
    { headers: [['x-role', 'guest , admin']] },
    true,
  ],
  [
    'a whole line',
    { when: [{ header: 'x-role', values: ['a, b'] }] },
    { headers: [['x-role', ' a, b']] },
    true,
  ],
  [
    'no member',
    { when: [{ header: 'x-role', values: ['admin'] }] },
    { headers: [['x-role', 'admins']] },
    false,
  ],
  ['no header', { when: [{ header: 'x-role', values: ['admin'] }] }, {}, false],
  ['an address', { when: [{ attribute: 'source.ip', values: ['10.0.0.0/8'] }] }, {}, true],
  ['another address', { when: [{ attribute: 'source.ip', values: ['10.1.0.0/16'] }] }, {}, false],
  ['a principal attribute', { when: [{ attribute: 'source.principal', values: [web] }] }, {}, true],
  [
    'a namespace attribute',
    { when: [{ attribute: 'source.namespace', values: ['test'] }] },
    {},
    false,
  ],
  ['a port', { to: { ports: [80] } }, { port: 80 }, true],
  ['another port', { to: { ports: [80] } }, { port: 81 }, false],
  [
    'a port attribute',
    { when: [{ attribute: 'destination.port', values: ['80'] }] },
    { port: 80 },
    true,
  ],
  ['all parts', { from: { principals: [web] }, to: { methods: ['POST'] } }, {}, false],
])('%s', (_, rule, asked, matches) => {
  expect(decide([policy('ALLOW', rule)], asked).decision).toBe(matches ? 'allow' : 'deny');
  expect(decide([policy('DENY', rule)], asked).decision).toBe(matches ? 'deny' : 'allow');
});

test.each<[string, AccessRule, Asked]>([
  ['methods of TCP', { to: { methods: ['GET'] } }, { isTcp: true }],
  ['hosts of TCP', { to: { hosts: ['a'] } }, { isTcp: true }],
  ['paths of TCP', paths({ prefix: '/' }), { isTcp: true }],
  ['headers of TCP', { when: [{ header: 'x', values: ['y'] }] }, { isTcp: true }],
  ['a port that nobody named', { to: { ports: [80] } }, {}],
  ['the port attribute', { when: [{ attribute: 'destination.port', values: ['80'] }] }, {}],
  ['who hides', principals(web), { identity: undefined }],
  ['the namespace of who hides', { from: { namespaces: ['x'] } }, { identity: undefined }],
  [
    'an address that is none',
    { when: [{ attribute: 'source.ip', values: ['::/0'] }] },
    { address: 'unix' },
  ],
  [
    'a namespace that an id has not',
    { from: { namespaces: ['x'] } },
    { identity: 'spiffe://mesh.local/x' },
  ],
  ['the path of OPTIONS *', paths({ prefix: '/' }), { path: '*' }],
])('what is unknown lets nobody in and gets nobody past: %s', (_, rule, asked) => {
  expect(decide([policy('ALLOW', rule)], asked).decision).toBe('deny');
  // Not by the default, which would let it in.
  const defaults = { admitsAnonymous: true };
  expect(decide([], asked, defaults).decision).toBe('allow');
  expect(decide([policy('DENY', rule)], asked, defaults).decision).toBe('deny');
});

test('a DENY does not rely on the slash at the end of an exact path; an ALLOW does', () => {
  for (const [exact, path] of [
    ['/a', '/a/'],
    ['/a/', '/a'],
  ] as const) {
    expect(decide([policy('DENY', paths({ exact }))], { path }).decision).toBe('deny');
    expect(decide([policy('ALLOW', paths({ exact }))], { path }).decision).toBe('deny');
  }
});

test('TCP is allowed by rules that ask nothing of HTTP', () => {
  expect(decide([policy('ALLOW', principals(web))], { isTcp: true }).decision).toBe('allow');
  expect(decide([policy('DENY', principals(other))], { isTcp: true }).decision).toBe('allow');
});

test('DENY wins, then ALLOW, then the default; each says why', () => {
  const allow = policy('ALLOW', principals(web));
  const deny = policy('DENY', { name: 'no-get', to: { methods: ['GET'] } });
  expect(decide([allow, deny])).toEqual({
    decision: 'deny',
    policy: 'deny',
    rule: 'no-get',
    why: 'DENY policy deny, no-get, denies it',
  });
  expect(decide([allow, deny], { method: 'PUT' })).toMatchObject({
    decision: 'allow',
    policy: 'allow',
    rule: 'rules[0]',
  });
  expect(decide([deny, allow], { method: 'PUT', identity: 'x' })).toMatchObject({
    decision: 'deny',
    policy: '',
    why: 'no rule of the ALLOW policies lets it in: allow',
  });
  expect(decide([policy('ALLOW')]).decision).toBe('deny');
  expect(decide([policy('DENY')]).decision).toBe('allow');
});

test('without policies the own trust domain may call, and nobody who hides', () => {
  const defaults = { trustDomain: 'mesh.local' };
  expect(decide([], {}, defaults).decision).toBe('allow');
  expect(decide([], { identity: 'spiffe://other.local/x' }, defaults).decision).toBe('deny');
  expect(decide([], { identity: undefined }, defaults).decision).toBe('deny');
  const anonymous = { ...defaults, admitsAnonymous: true };
  expect(decide([], { identity: undefined }, anonymous).decision).toBe('allow');
  expect(decide([policy('ALLOW', {})], { identity: undefined }).decision).toBe('allow');
});

test('AUDIT and policies on trial are heard and decide nothing', () => {
  const trial = (it: AccessPolicy): AccessPolicy => ({ ...it, name: 'trial', dryRun: true });
  const audited = { policy: 'audit', rule: 'rules[0]' };
  expect(decide([policy('AUDIT', {})])).toMatchObject({ decision: 'allow', audited });
  expect(decide([trial(policy('DENY', {}))])).toMatchObject({
    decision: 'allow',
    wouldDeny: { policy: 'trial', rule: 'rules[0]' },
  });
  const allowOther = trial(policy('ALLOW', principals(other)));
  expect(decide([allowOther])).toMatchObject({
    decision: 'allow',
    wouldDeny: { policy: 'trial', rule: '' },
  });
  expect(decide([allowOther], { identity: other }).wouldDeny).toBeUndefined();
  expect(decide([policy('ALLOW', {}), allowOther]).wouldDeny).toBeUndefined();
  expect(decide([policy('DENY', {}), trial(policy('DENY', {}))]).wouldDeny).toBeUndefined();
});

test.each<[string, object, RegExp]>([
  ['a part that is not known', { notFrom: {} }, /rules\[0\]\.notFrom must be one of the parts/],
  ['a word in from', { from: { notPrincipals: ['x'] } }, /from\.notPrincipals/],
  ['a word in to', { to: { notPaths: [] } }, /to\.notPaths/],
  [
    'a word in when',
    { when: [{ header: 'a', values: ['b'], notValues: ['c'] }] },
    /when\[0\]\.notValues/,
  ],
  ['no alternative', { from: { principals: [] } }, /at least one alternative/],
  ['no value', { when: [{ header: 'a', values: [] }] }, /at least one alternative/],
  ['a * in the middle', principals('spiffe://*/ns'), /at most one \*/],
  ['two *', principals('*x*'), /at most one \*/],
  ['an empty name', principals(''), /at most one \*/],
  ['an id without its scheme', principals('mesh.local/ns/prod/sa/web'), /be a SPIFFE id/],
  ['a prefix that none begins with', principals('mesh.local/*'), /be a SPIFFE id/],
  ['a pattern of namespaces', { from: { namespaces: ['*'] } }, /namespaces must be a name/],
  ['a trust domain in capitals', { from: { trustDomains: ['M.Local'] } }, /trustDomains must be/],
  ['a host as header', { when: [{ header: 'Host', values: ['a'] }] }, /hosts are a part of to/],
  ['a header that is refused', { when: [{ header: 'x_a', values: ['b'] }] }, /name of a header/],
  [
    'a pattern of ids as attribute',
    { when: [{ attribute: 'source.principal', values: ['spiffe://m/*'] }] },
    /whole value of source\.principal/,
  ],
  [
    'a namespace as attribute',
    { when: [{ attribute: 'source.namespace', values: ['a*'] }] },
    /whole value of source\.namespace/,
  ],
  [
    'a port that is none',
    { when: [{ attribute: 'destination.port', values: ['080'] }] },
    /whole value of destination\.port/,
  ],
  ['a * in a host', { to: { hosts: ['*.svc'] } }, /without \*/],
  ['a path with dots', paths({ exact: '/a/../b' }), /be a path/],
  ['a path without slash', paths({ prefix: 'a' }), /be a path/],
  ['a path of two kinds', paths({ exact: '/a', prefix: '/b' }), /be a path/],
  ['a method that is none', { to: { methods: ['G T'] } }, /name of a method/],
  ['a header that is none', { when: [{ header: 'a b', values: ['x'] }] }, /name of a header/],
  ['an attribute', { when: [{ attribute: 'x', values: ['y'] }] }, /attribute must be one of/],
  [
    'a range that is none',
    { when: [{ attribute: 'source.ip', values: ['10.0.0'] }] },
    /10\.0\.0\.0\/8/,
  ],
  ['a gRPC service', { to: { grpc: [{ service: '/a' }] } }, /package\.Service/],
])('is refused: %s', (_, rule, message) => {
  expect(() => compilePolicies([policy('ALLOW', rule)])).toThrow(message);
  expect(() => compilePolicies([policy('ALLOW', rule)])).toThrow(
    expect.objectContaining({ code: 'LENO_ACCESS_POLICY' }),
  );
});

test('many rules for different paths are found like few', () => {
  const many = Array.from({ length: 40 }, (_, at) => paths({ prefix: `/p${at}` }, { exact: '/x' }));
  const decider = compilePolicies([policy('DENY', ...many, { to: { methods: ['PUT'] } })]);
  const ask = (asked: Asked): string => decider.decide(questionOf(asked)).decision;
  expect(['/p7', '/p39/a', '/x', '/x/'].map((path) => ask({ path }))).not.toContain('allow');
  expect(['/', '/p40', '/p7x', '/x/y', '/a/p7'].map((path) => ask({ path }))).not.toContain('deny');
  expect(ask({ path: '/', method: 'PUT' })).toBe('deny');
  expect(ask({ path: '*' })).toBe('deny');
  expect(ask({ isTcp: true })).toBe('deny');
  const all = compilePolicies([policy('DENY', ...many, paths({ prefix: '/' }))]);
  expect(all.decide(questionOf({ path: '/q' })).decision).toBe('deny');
});

test('an action that is not known is refused', () => {
  const custom = { name: 'c', action: 'CUSTOM', rules: [] } as unknown as AccessPolicy;
  expect(() => compilePolicies([custom])).toThrow(/c: action must be one of ALLOW, DENY, AUDIT/);
});

test('identities beyond the bound are forgotten and decided alike', () => {
  const decider = compilePolicies([policy('ALLOW', principals(web))]);
  for (let count = 0; count <= IDENTITY_COUNT_MAX; count += 1) {
    decider.decide(questionOf({ identity: `spiffe://mesh.local/ns/x/sa/s${count}` }));
  }
  expect(decider.forgottenCount).toBe(1);
  expect(decider.decide(questionOf({})).decision).toBe('allow');
});

const ids = ['spiffe://a/ns/n/sa/x', 'spiffe://a/ns/n/sa/y', 'spiffe://b/ns/m/sa/x'] as const;
const someRule = fc.record(
  {
    from: fc.record({
      principals: fc.subarray([...ids, 'spiffe://a/*', '*/sa/x'], { minLength: 1 }),
    }),
    to: fc.record(
      {
        methods: fc.subarray(['GET', 'PUT'], { minLength: 1 }),
        paths: fc.subarray([{ exact: '/a' }, { prefix: '/b' }, { prefix: '/' }], { minLength: 1 }),
      },
      { requiredKeys: [] },
    ),
  },
  { requiredKeys: [] },
);
const somePolicy = fc.record({
  name: fc.constantFrom('p', 'q'),
  action: fc.constantFrom('ALLOW' as const, 'DENY' as const),
  rules: fc.array(someRule, { maxLength: 3 }),
});
const someQuestion = fc.record({
  identity: fc.constantFrom(...ids),
  method: fc.constantFrom('GET', 'PUT'),
  path: fc.constantFrom('/a', '/b', '/b/c', '/bc'),
});

/** The rules of evaluation, once more and as plainly as they can be said. */
function naive(
  policies: readonly AccessPolicy[],
  asked: Required<Pick<Asked, 'method' | 'path'>> & Asked,
) {
  const id = asked.identity ?? '';
  const fitsId = (it: string): boolean =>
    it === id ||
    (it.endsWith('*') && id.startsWith(it.slice(0, -1))) ||
    (it.startsWith('*') && id.endsWith(it.slice(1)));
  const fitsPath = (it: object): boolean =>
    'exact' in it
      ? it.exact === asked.path
      : 'prefix' in it &&
        (it.prefix === '/' || `${asked.path}/`.startsWith(`${String(it.prefix)}/`));
  const matches = ({ from, to }: AccessRule): boolean =>
    (from?.principals?.some(fitsId) ?? true) &&
    (to?.methods?.includes(asked.method) ?? true) &&
    (to?.paths?.some(fitsPath) ?? true);
  const of = (action: string) => policies.filter((it) => it.action === action);
  if (of('DENY').some(({ rules }) => rules.some(matches))) return 'deny';
  if (of('ALLOW').length === 0) return 'allow';
  return of('ALLOW').some(({ rules }) => rules.some(matches)) ? 'allow' : 'deny';
}

test('property: decides as the plain words say', () => {
  fc.assert(
    fc.property(fc.array(somePolicy, { maxLength: 5 }), fc.array(someQuestion), (all, asked) => {
      const decider = compilePolicies(all);
      for (const it of asked) {
        expect(decider.decide(questionOf(it)).decision).toBe(naive(all, it));
      }
    }),
    { numRuns: 500 },
  );
});
