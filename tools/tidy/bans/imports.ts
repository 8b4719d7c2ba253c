import { type Cases, file, manifest, workspace } from './case.ts';

const exportsOfSubpath = { exports: { '.': './src/index.ts', './hono': './src/hono/b.ts' } };
const withSubpath = {
  ...workspace,
  'packages/resilience/package.json': manifest('@leno/resilience', {}, exportsOfSubpath),
  'packages/resilience/src/hono/b.ts': '',
};

export const importsBans: Cases = {
  layers: [
    {
      name: 'a lower layer imports a higher one',
      bad: file('packages/std/src/a.ts', "import { issue } from '@leno/ca';"),
      good: file('packages/ca/src/a.ts', "import { assert } from '@leno/std';"),
      finds: /std \(layer 0\) imports ca/,
    },
    {
      name: 'an engine imports node:fs, by require of a comment or a type',
      bad: file('packages/balancer/src/a.ts', "import type { Stats } from 'node:fs';"),
      good: file(
        'packages/balancer/src/a.ts',
        "// import { x } from 'node:fs';\nexport const a = 1;",
      ),
      finds: /node:fs outside src\/node/,
    },
    {
      name: 'an engine imports a library dynamically',
      bad: file('packages/balancer/src/a.ts', "const z = await import('zod');"),
      good: file('packages/balancer/src/a.ts', 'const text = "import(\'zod\')";'),
      finds: /library that the import table does not give/,
    },
    {
      name: 'an app imports another',
      bad: file('apps/proxy/src/a.ts', "import { run } from '@leno/cli';"),
      good: file('apps/proxy/src/a.ts', "import { run } from './run.ts';"),
      finds: /an app is never imported/,
    },
    {
      name: 'the testkit in a source',
      bad: file('packages/ca/src/a.ts', "import { fake } from '@leno/testkit';"),
      good: file('packages/ca/src/a.test.ts', "import { fake } from '@leno/testkit';"),
      finds: /for tests only/,
    },
    {
      name: 'node-forge outside ca',
      bad: file('apps/proxy/src/a.ts', "import forge from 'node-forge';"),
      good: file('packages/ca/src/a.ts', "import forge from 'node-forge';"),
      finds: /for packages\/ca and packages\/testkit only/,
    },
    {
      name: 'a peer library outside the subpath that is for it',
      bad: {
        ...withSubpath,
        'packages/resilience/src/calls/a.ts': "import type { Hono } from 'hono';",
      },
      good: {
        ...withSubpath,
        'packages/resilience/src/hono/a.ts': "import type { Hono } from 'hono';",
      },
      finds: /library that the import table does not give/,
    },
    {
      name: 'the root reaches a subpath',
      bad: { ...withSubpath, 'packages/resilience/src/index.ts': "export * from './hono/b.ts';" },
      good: { ...withSubpath, 'packages/resilience/src/hono/a.ts': "import './b.ts';" },
      finds: /of the subpath hono/,
    },
    {
      name: 'a package without a row',
      bad: { 'packages/extra/src/a.ts': "import { assert } from '@leno/std';" },
      good: { 'packages/ca/src/a.ts': "import { assert } from '@leno/std';" },
      finds: /no row/,
    },
  ],
  declared: [
    {
      name: 'a library that only the root has',
      bad: file('packages/ca/src/a.ts', "import { z } from 'zod';"),
      good: file('apps/proxy/src/a.ts', "import { z } from 'zod';"),
      finds: /zod, which packages\/ca does not declare/,
    },
  ],
  relative: [
    {
      name: 'a way out of the package',
      bad: {
        ...file('packages/ca/src/a.ts', "import '../../std/src/b.ts';"),
        'packages/std/src/b.ts': '',
      },
      good: { ...file('packages/ca/src/a.ts', "import './b.ts';"), 'packages/ca/src/b.ts': '' },
      finds: /out of its own package/,
    },
    {
      name: 'a file that is not there',
      bad: file('packages/ca/src/a.ts', "import { b } from './b.js';"),
      good: {
        ...file('packages/ca/src/a.ts', "import { b } from './b.ts';"),
        'packages/ca/src/b.ts': '',
      },
      finds: /not there/,
    },
    {
      name: 'a test of the whole that reaches into a package',
      bad: {
        ...file('e2e/a.test.ts', "import { b } from '../packages/std/src/b.ts';"),
        'packages/std/src/b.ts': '',
      },
      good: { ...file('e2e/a.test.ts', "import { b } from '../tools/b.ts';"), 'tools/b.ts': '' },
      finds: /out of its own package/,
    },
  ],
  indexes: [
    {
      name: 'a re-export outside index.ts',
      bad: file('packages/ca/src/a.ts', "export * from './b.ts';"),
      good: file('packages/ca/src/index.ts', "export * from './b.ts';"),
      finds: /only index\.ts re-exports/,
    },
    {
      name: 'an import of the own index',
      bad: file('packages/ca/src/a.ts', "import { b } from './index.ts';"),
      good: file('packages/ca/src/a.ts', "import { b } from './b.ts';"),
      finds: /its own index/,
    },
    {
      name: 'an import of the own name',
      bad: file('packages/ca/src/a.ts', "import { b } from '@leno/ca/node';"),
      good: file('packages/ca/src/a.ts', "import { b } from '@leno/std';"),
      finds: /its own index/,
    },
  ],
  cycles: [
    {
      name: 'two files in a ring',
      bad: {
        'tools/a.ts': "import { b } from './b.ts';",
        'tools/b.ts': "import { a } from './a.ts';",
      },
      good: { 'tools/a.ts': "import { b } from './b.ts';", 'tools/b.ts': 'export const b = 1;' },
      finds: /tools\/a\.ts → tools\/b\.ts → tools\/a\.ts/,
    },
    {
      name: 'two packages in a ring',
      bad: {
        ...workspace,
        'packages/std/package.json': manifest('@leno/std', { '@leno/ca': 'workspace:*' }),
      },
      good: workspace,
      finds: /@leno\/std → @leno\/ca → @leno\/std/,
    },
  ],
};
