import fc from 'fast-check';
import { expect, test } from 'vitest';
import { normalizePath } from './normalize-path.ts';

const readAs = (path: string): string => {
  const normal = normalizePath(path);
  return normal.kind === 'path' ? normal.path : `refused: ${normal.why}`;
};

test.each([
  ['/', '/'],
  ['*', '*'],
  ['', ''],
  ['/admin/', '/admin/'],
  ['/ADMIN', '/ADMIN'],
  ['/%61dmin', '/admin'],
  ['/%7Euser/%2Dx', '/~user/-x'],
  ['/caf%c3%a9', '/caf%C3%A9'],
  ['/%f0%9f%98%80', '/%F0%9F%98%80'],
  ['/public/%252e%252e/admin', '/public/%252e%252e/admin'],
  ['/a%20b', '/a%20b'],
  ["/a:b@c!$&'()*+,=", "/a:b@c!$&'()*+,="],
  ['/.well-known/x', '/.well-known/x'],
  ['/...', '/...'],
  ['/a..b/..c', '/a..b/..c'],
])('%s is %s', (path, expected) => {
  expect(readAs(path)).toBe(expected);
});

test.each([
  ['admin', /no slash/],
  ['/public/../admin', /dot segment/],
  ['/public/..', /dot segment/],
  ['/./admin', /dot segment/],
  ['/.', /dot segment/],
  ['/public/%2e%2e/admin', /dot segment/],
  ['/public/.%2E', /dot segment/],
  ['//admin', /empty segment/],
  ['/a//b', /empty segment/],
  ['/public%2f..%2fadmin', /escaped slash/],
  ['/a%2Fb', /escaped slash/],
  ['/a%5cb', /backslash/],
  ['/a\\b', /backslash/],
  ['/admin;x=1', /path parameters/],
  ['/admin%3Bx', /path parameters/],
  ['/public/..;/admin', /dot segment|path parameters/],
  ['/a%00', /control/],
  ['/a%0d%0a', /control/],
  ['/a%7f', /control/],
  ['/a%', /two digits/],
  ['/a%4', /two digits/],
  ['/a%zz', /two digits/],
  ['/%u0061dmin', /two digits/],
  ['/%c0%ae%c0%ae/admin', /no UTF-8/],
  ['/%e0%80%af', /no UTF-8/],
  ['/%ed%a0%80', /no UTF-8/],
  ['/%f4%90%80%80', /no UTF-8/],
  ['/%f8%88%80%80%80', /no UTF-8/],
  ['/%c3', /no UTF-8/],
  ['/%c3x%a9', /no UTF-8/],
  ['/%80', /no UTF-8/],
  ['/a b', /escape/],
  ['/a\u00e9', /escape/],
  ['/a\u007f', /escape/],
  ['/a#b', /end of a path/],
  ['/a?b', /end of a path/],
])('%s is refused', (path, why) => {
  const normal = normalizePath(path);
  expect(normal).toEqual({ kind: 'refused', why: expect.stringMatching(why) });
});

/** What an application may make of a path: decode, merge slashes, drop parameters, resolve dots, once. */
function lenientSegments(path: string): readonly string[] {
  const decoded = decodeURIComponent(path).replaceAll('\\', '/');
  const segments: string[] = [];
  for (const part of decoded.split('/').map((it) => it.split(';')[0] ?? '')) {
    if (part === '..') segments.pop();
    else if (part !== '' && part !== '.') segments.push(part);
  }
  return segments;
}

const pieces = ['/', 'a', 'admin', '.', '..', ';', '%2e', '%2F', '%61', '%c3%a9', '%25', '%', '\\'];
const paths = fc
  .array(fc.constantFrom(...pieces, '%C0%AE', '%5c', '%00', '%20', 'x=1'), { maxLength: 8 })
  .map((parts) => `/${parts.join('')}`);

test('property: the result is a fixed point', () => {
  fc.assert(
    fc.property(paths, (path) => {
      const normal = normalizePath(path);
      return normal.kind === 'refused' || readAs(normal.path) === normal.path;
    }),
    { numRuns: 2_000 },
  );
});

test('property: an application finds the segments that were compared, and no others', () => {
  fc.assert(
    fc.property(paths, (path) => {
      const normal = normalizePath(path);
      if (normal.kind === 'refused') return true;
      const compared = normal.path.split('/').slice(1).map(decodeURIComponent);
      if (compared.at(-1) === '') compared.pop();
      expect(lenientSegments(normal.path)).toEqual(compared);
      return true;
    }),
    { numRuns: 2_000 },
  );
});

test('a long path takes linear time', () => {
  const long = `/${'%61'.repeat(20_000)}`;
  expect(readAs(long)).toBe(`/${'a'.repeat(20_000)}`);
});
