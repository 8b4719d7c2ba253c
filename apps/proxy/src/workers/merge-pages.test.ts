import { expect, test } from 'vitest';
import type { PageName } from '../admin/pages.ts';
import { mergePages } from './merge-pages.ts';

test.each<{ name: PageName; pages: readonly unknown[]; merged: unknown }>([
  { name: 'config', pages: [{ version: 1 }, { version: 1 }], merged: { version: 1 } },
  { name: 'routes', pages: [['a'], ['a']], merged: ['a'] },
  { name: 'why', pages: [undefined, { requestId: 'x' }], merged: { requestId: 'x' } },
  { name: 'why', pages: [undefined, undefined], merged: undefined },
  {
    name: 'clusters',
    pages: [[{ name: 'a' }], [{ name: 'a' }]],
    merged: [
      { worker: 0, name: 'a' },
      { worker: 1, name: 'a' },
    ],
  },
  { name: 'clusters', pages: [undefined, [{ name: 'a' }]], merged: [{ worker: 1, name: 'a' }] },
  {
    name: 'stats',
    pages: [{ inbound: { a: 1, deep: { b: 2 } } }, undefined, { inbound: { a: 3, c: 4 } }],
    merged: { inbound: { a: 4, c: 4, deep: { b: 2 } } },
  },
])('$name of $pages', ({ name, pages, merged }) => {
  expect(
    mergePages(
      name,
      pages.map((page, worker) => ({ worker, page })),
    ),
  ).toEqual(merged);
});
