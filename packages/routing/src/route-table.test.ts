import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sameFieldValue } from './conditions.ts';
import type { RouteQuestion } from './question.ts';
import type { RouteInput, RouteMatch, RouteRule } from './route.ts';
import { compileRoutes } from './route-table.ts';
import { visibleRoutes } from './visible-routes.ts';

type RuleWords = readonly string[];

/**
 * A match in words: `=/a` exact, `/a` prefix, `GET` method, `name:value` header, `name=value` query.
 */
function match(words: string): RouteMatch {
  const parts = words.split(' ').filter((it) => it !== '');
  const path = parts.find((it) => /^=?\//.test(it));
  const pair = (separator: string) =>
    parts
      .filter((it) => it !== path && it.includes(separator))
      .map((it) => it.split(separator))
      .map(([name = '', value = '']) => ({ kind: 'exact' as const, name, value }));
  return {
    ...(path && {
      path: { kind: path.startsWith('=') ? 'exact' : 'prefix', value: path.replace('=', '') },
    }),
    ...(parts.includes('GET') && { method: 'GET' }),
    headers: pair(':'),
    query: pair('='),
  };
}
const rule = (matches: RuleWords): RouteRule => ({
  matches: matches.map(match),
  filters: [],
  backends: [],
});
function route(rules: readonly RuleWords[], over: Partial<RouteInput> = {}): RouteInput {
  return {
    namespace: 'default',
    name: 'r',
    parents: [{ service: 'default/s' }],
    hostnames: [],
    rules: rules.map(rule),
    createdAtMs: 0,
    ...over,
  };
}
interface Asked {
  readonly target?: string;
  readonly host?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly port?: number;
}
function question({
  target = '/',
  host = 's',
  method = 'GET',
  headers = {},
  port = 80,
}: Asked): RouteQuestion {
  const [path = '', query = ''] = target.split('?');
  return { service: 'default/s', port, host, method, path, query, header: (name) => headers[name] };
}
/** `route/rule/match` of what decides, or `none`. */
function decide(routes: readonly RouteInput[], asked: Asked): string {
  const found = compileRoutes(routes).match(question(asked));
  return found ? `${found.route.name}/${found.ruleIndex}/${found.matchIndex}` : 'none';
}

// The case `MeshHTTPRouteMatching` of the Gateway API, in its own words.
const matching = [
  route([
    ['/', 'version:one'],
    ['/v2', 'version:two'],
  ]),
];
test.each([
  [{ target: '/' }, 'r/0/0'],
  [{ target: '/example' }, 'r/0/0'],
  [{ target: '/', headers: { version: 'one' } }, 'r/0/1'],
  [{ target: '/v2' }, 'r/1/0'],
  [{ target: '/v2/' }, 'r/1/0'],
  [{ target: '/v2/example' }, 'r/1/0'],
  [{ target: '/v2?a=b' }, 'r/1/0'],
  [{ target: '/v2example' }, 'r/0/0'],
  [{ target: '/foo/v2/example' }, 'r/0/0'],
  [{ target: '/', headers: { version: 'two' } }, 'r/1/1'],
  // A prefix ranks before a header.
  [{ target: '/v2', headers: { version: 'one' } }, 'r/1/0'],
])('prefixes are whole segments: %o', (asked, is) => {
  expect(decide(matching, asked)).toBe(is);
});

const precedence = [
  { name: 'exact before prefix', rules: [['/a/b'], ['=/a']], asked: { target: '/a' }, is: 'r/1/0' },
  { name: 'an exact path is exact', rules: [['=/a']], asked: { target: '/a/' }, is: 'none' },
  { name: 'case matters in a path', rules: [['/A']], asked: { target: '/a' }, is: 'none' },
  {
    name: 'a long prefix before any header',
    rules: [['/ a:1 b:2'], ['/x']],
    asked: { target: '/x', headers: { a: '1', b: '2' } },
    is: 'r/1/0',
  },
  {
    name: 'a shorter prefix where the conditions of the longer fail',
    rules: [['/a'], ['/a/b x:1']],
    asked: { target: '/a/b' },
    is: 'r/0/0',
  },
  {
    name: 'a prefix where the conditions of the exact path fail',
    rules: [['=/a x:1'], ['/']],
    asked: { target: '/a' },
    is: 'r/1/0',
  },
  {
    name: 'a slash at the end of a prefix says nothing',
    rules: [['/a/']],
    asked: { target: '/a' },
    is: 'r/0/0',
  },
  {
    name: 'method before headers',
    rules: [['x:1 y:2'], ['GET']],
    asked: { headers: { x: '1', y: '2' } },
    is: 'r/1/0',
  },
  {
    name: 'more headers before more parameters',
    rules: [['x:1 a=1 b=2'], ['x:1 y:2']],
    asked: { target: '/?a=1&b=2', headers: { x: '1', y: '2' } },
    is: 'r/1/0',
  },
  {
    name: 'more parameters',
    rules: [['a=1'], ['a=1 b=2']],
    asked: { target: '/?b=2&a=1' },
    is: 'r/1/0',
  },
  { name: 'the first rule', rules: [['/a'], ['/a/']], asked: { target: '/a' }, is: 'r/0/0' },
  { name: 'the first match', rules: [['GET', 'GET']], asked: {}, is: 'r/0/0' },
  {
    name: 'every header must hold',
    rules: [['x:1 y:2']],
    asked: { headers: { x: '1' } },
    is: 'none',
  },
  { name: 'another method', rules: [['GET']], asked: { method: 'POST' }, is: 'none' },
  { name: 'methods have a case', rules: [['GET']], asked: { method: 'get' }, is: 'none' },
  {
    name: 'a rule without matches takes everything',
    rules: [[]],
    asked: { target: '*', method: 'OPTIONS' },
    is: 'r/0/0',
  },
  {
    name: 'the first parameter of a name counts',
    rules: [['a=1']],
    asked: { target: '/?a=2&a=1' },
    is: 'none',
  },
  {
    name: 'names of parameters have a case',
    rules: [['a=1']],
    asked: { target: '/?A=1' },
    is: 'none',
  },
  {
    name: 'parameters are compared decoded',
    rules: [['né=a b&c']],
    asked: { target: '/?n%C3%A9=a+b%26c' },
    is: 'none',
  },
  {
    name: 'what is escaped wrongly stands for itself',
    rules: [['a=%zz']],
    asked: { target: '/?a=%zz' },
    is: 'r/0/0',
  },
  { name: 'a parameter without a value', rules: [['a=']], asked: { target: '/?x&a' }, is: 'r/0/0' },
  {
    name: 'part of a name is another name',
    rules: [['a=1']],
    asked: { target: '/?aa=1&ba=1' },
    is: 'none',
  },
];
test.each(precedence)('$name', ({ rules, asked, is }) => {
  expect(decide([route(rules)], asked)).toBe(is);
});
test('parameters are compared decoded, as a form has them', () => {
  const wanted = { kind: 'exact' as const, name: 'né', value: 'a b&c' };
  const input = route([['/']]);
  const rules = [{ ...rule([]), matches: [{ headers: [], query: [wanted] }] }];
  expect(decide([{ ...input, rules }], { target: '/?x=1&n%C3%A9=a+b%26c' })).toBe('r/0/0');
  expect(decide([{ ...input, rules }], { target: '/?n%C3%A9=a+b&c' })).toBe('none');
});

test.each([
  { name: 'an exact host first', host: 'a.b.c', is: 'exact/0/0' },
  { name: 'then the longest wildcard', host: 'x.b.c', is: 'long/0/0' },
  { name: 'then a shorter one, of any depth', host: 'a.x.c', is: 'short/0/0' },
  { name: 'a wildcard is not the name behind it', host: 'c', is: 'any/0/0' },
  { name: 'then no host', host: 'other', is: 'any/0/0' },
  {
    name: 'a less specific host where no rule of the other fits',
    host: 'a.b.c',
    target: '/y',
    is: 'long/0/0',
  },
])('$name', ({ host, target = '/x', is }) => {
  const routes = [
    route([['=/x'], ['/']], { name: 'any' }),
    route([['/']], { name: 'short', hostnames: ['*.c'] }),
    route([['/']], { name: 'long', hostnames: ['*.B.c', 'z.z'] }),
    route([['/x']], { name: 'exact', hostnames: ['A.b.c'] }),
  ];
  expect(decide(routes, { host, target })).toBe(is);
});

test('between routes: the older, then the name', () => {
  const a = route([['/']], { name: 'a', createdAtMs: 2 });
  const b = route([['/']], { name: 'b', createdAtMs: 1 });
  expect(decide([a, b], {})).toBe('b/0/0');
  const before = { ...b, name: 'z', namespace: 'aaa', createdAtMs: 2 };
  expect(decide([a, before], {})).toBe('z/0/0');
});

test('a route binds to the port that its parent names, else to all of them', () => {
  const table = compileRoutes([
    route([['/a']], { name: 'narrow', parents: [{ service: 'default/s', port: 81 }] }),
    route([['/b']], {
      name: 'wide',
      parents: [{ service: 'default/s' }, { service: 'default/t' }],
    }),
    route([['/c']], { name: 'other', parents: [{ service: 'default/t', port: 80 }] }),
  ]);
  const at = (port: number, target: string) => table.match(question({ port, target }))?.route.name;
  expect([at(81, '/a'), at(81, '/b'), at(80, '/a'), at(80, '/b'), at(80, '/c')]).toEqual([
    'narrow',
    'wide',
    undefined,
    'wide',
    undefined,
  ]);
  const only = compileRoutes([route([['/']], { parents: [{ service: 'default/s', port: 81 }] })]);
  expect([only.binds('default/s', 81), only.binds('default/s', 80)]).toEqual([true, false]);
  expect(only.binds('default/none', 80)).toBe(false);
});

test.each([
  ['a,b', 'a,b', true],
  ['a, b', 'a,b', true],
  ['a, b', 'a, b', true],
  ['a,b', 'a, b', false],
  ['a, b', 'a,c', false],
  ['a, b, c', 'a,b', false],
  ['a', 'a,b', false],
  ['ab', 'a', false],
])('RFC 9110 §5.3: several lines %j are the value %j: %j', (value, wanted, is) => {
  expect(sameFieldValue(value, wanted)).toBe(is);
});

test('a route elsewhere than its service is for the clients of its own namespace', () => {
  const producer = route([['/']], { name: 'producer' });
  const consumer = route([['/']], { name: 'consumer', namespace: 'shop' });
  const seenFrom = (namespace: string) =>
    visibleRoutes([producer, consumer], 'default/s', namespace).map(({ name }) => name);
  expect(seenFrom('default')).toEqual(['producer']);
  expect(seenFrom('shop')).toEqual(['consumer']);
  expect(seenFrom('else')).toEqual(['producer']);
});

test('an expression that slipped through is a bug, not a rule that is left out', () => {
  const path = { kind: 'regex' as const, value: '/a' };
  const rules = [{ ...rule([]), matches: [{ path, headers: [], query: [] }] }];
  expect(() => compileRoutes([{ ...route([]), rules }])).toThrow('regular expression');
});

test('a match hands out the objects that were compiled, and makes none', () => {
  const input = route([['/a']]);
  const table = compileRoutes([input]);
  const found = table.match(question({ target: '/a' }));
  expect(found?.route).toBe(input);
  expect(found?.rule).toBe(input.rules[0]);
  expect(table.match(question({ target: '/a/b' }))).toBe(found);
});

// ---- the law: the compiled table agrees with sorting everything and trying it in order

/** The order of the specification, read naively. */
function naive(routes: readonly RouteInput[], asked: RouteQuestion): string {
  const all = routes
    .filter((it) =>
      it.parents.some((p) => p.service === asked.service && (p.port ?? asked.port) === asked.port),
    )
    .flatMap((it) =>
      (it.hostnames.length === 0 ? [''] : it.hostnames).map((host) => ({ it, host })),
    )
    .flatMap(({ it, host }) =>
      it.rules.flatMap((own, ruleIndex) =>
        (own.matches.length === 0 ? [match('')] : own.matches).map((one, matchIndex) => ({
          it,
          host,
          one,
          ruleIndex,
          matchIndex,
        })),
      ),
    );
  const trim = (prefix: string) => prefix.replace(/\/$/, '');
  const rank = ({ it, host, one, ruleIndex, matchIndex }: (typeof all)[number]) => [
    host !== '' && !host.startsWith('*') ? 0 : 1,
    -host.length,
    one.path?.kind === 'exact' ? 0 : 1,
    one.path?.kind === 'exact' ? 0 : -trim(one.path?.value ?? '/').length,
    one.method === undefined ? 1 : 0,
    -one.headers.length,
    -one.query.length,
    it.createdAtMs,
    `${it.namespace}/${it.name}`,
    ruleIndex,
    matchIndex,
  ];
  const fits = ({ host, one }: (typeof all)[number]) => {
    const hostFits =
      host === '' ||
      (host.startsWith('*')
        ? asked.host.endsWith(host.slice(1)) && asked.host !== host.slice(1)
        : host === asked.host);
    const { kind, value } = one.path ?? { kind: 'prefix', value: '/' };
    const segments = (path: string) => path.split('/');
    const prefix = segments(trim(value));
    const pathFits =
      kind === 'exact'
        ? asked.path === value
        : prefix.every((part, index) => segments(asked.path)[index] === part);
    const parameters = new URLSearchParams(asked.query);
    return (
      hostFits &&
      pathFits &&
      (one.method ?? asked.method) === asked.method &&
      one.headers.every((it) => asked.header(it.name) === it.value) &&
      one.query.every((it) => parameters.get(it.name) === it.value)
    );
  };
  const [first] = all.filter(fits).toSorted((a, b) => {
    const [left, right] = [rank(a), rank(b)];
    const at = left.findIndex((value, index) => value !== right[index]);
    return at < 0 || (left[at] ?? 0) < (right[at] ?? 0) ? -1 : 1;
  });
  return first ? `${first.it.name}/${first.ruleIndex}/${first.matchIndex}` : 'none';
}

const anyPath = fc
  .array(fc.constantFrom('a', 'b', 'ab', ''), { maxLength: 4 })
  .map((parts) => `/${parts.join('/')}`);
const anyWords = fc
  .tuple(
    fc.option(
      fc.tuple(fc.constantFrom('', '='), anyPath).map(([kind, path]) => kind + path),
      { nil: '' },
    ),
    fc.constantFrom('', 'GET'),
    fc.subarray(['x:1', 'y:2']),
    fc.subarray(['p=1', 'q=2']),
  )
  .map((parts) => parts.flat().join(' '));
const anyRoute = fc
  .record({
    name: fc.constantFrom('r1', 'r2', 'r3', 'r4'),
    namespace: fc.constantFrom('default', 'other'),
    createdAtMs: fc.nat({ max: 1 }),
    hostnames: fc.subarray(['a.b.c', '*.b.c', '*.c', 'c']),
    parents: fc.constantFrom(
      [{ service: 'default/s' }],
      [{ service: 'default/s', port: 80 }],
      [{ service: 'default/t' }],
    ),
    rules: fc.array(fc.array(anyWords, { maxLength: 3 }), { minLength: 1, maxLength: 4 }),
  })
  .map(({ rules, ...over }) => route(rules, over));
const anyQuestion = fc
  .record({
    path: anyPath,
    query: fc.subarray(['p=1', 'q=2', 'p=3', 'z']),
    host: fc.constantFrom('a.b.c', 'x.b.c', 'x.y.c', 'b.c', 'c', 'd'),
    method: fc.constantFrom('GET', 'POST'),
    headers: fc.subarray(['x', 'y']),
    port: fc.constantFrom(80, 81),
  })
  .map(({ path, query, headers, ...rest }) => {
    const all: Record<string, string> = { x: '1', y: '2' };
    const target = `${path}?${query.join('&')}`;
    const own = Object.fromEntries(headers.map((name) => [name, all[name] ?? '']));
    return question({ target, headers: own, ...rest });
  });

test('property: the compiled table agrees with sorting by precedence', () => {
  const routes = fc.uniqueArray(anyRoute, { maxLength: 4, selector: ({ name }) => name });
  fc.assert(
    fc.property(routes, fc.array(anyQuestion, { minLength: 1, maxLength: 20 }), (some, asked) => {
      const table = compileRoutes(some);
      for (const one of asked) {
        const found = table.match(one);
        const is = found ? `${found.route.name}/${found.ruleIndex}/${found.matchIndex}` : 'none';
        expect(is).toBe(naive(some, one));
      }
    }),
    { numRuns: 300 },
  );
});
