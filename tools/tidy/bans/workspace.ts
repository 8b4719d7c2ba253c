import { type Cases, type Files, manifest, workspace } from './case.ts';

export const workspaceBans: Cases = {
  catalog: [
    {
      name: 'a range',
      bad: catalogTree('^4.0.0', 'catalog:', '`zod`'),
      good: catalogTree('4.0.0', 'catalog:', '`zod`'),
      finds: /not an exact version/,
    },
    {
      name: 'a version outside the catalog',
      bad: catalogTree('4.0.0', '4.0.0', '`zod`'),
      good: catalogTree('4.0.0', 'catalog:', '`zod`'),
      finds: /not by the catalog/,
    },
    {
      name: 'a dependency without a reason',
      bad: catalogTree('4.0.0', 'catalog:', 'zod'),
      good: catalogTree('4.0.0', 'catalog:', '`zod`'),
      finds: /gives no reason for zod/,
    },
    {
      name: 'an entry that nobody uses',
      bad: { 'pnpm-workspace.yaml': 'catalog:\n  "@a/b": 1.0.0\n\nother: 1\n' },
      good: { 'pnpm-workspace.yaml': 'catalog:\n\nother: 1\n' },
      finds: /@a\/b is used by no package/,
    },
  ],
  readmes: [
    {
      name: 'a package without a README',
      bad: { 'packages/std/package.json': manifest('@leno/std') },
      good: {
        'packages/std/package.json': manifest('@leno/std'),
        'packages/std/README.md': '# std\n```ts\n```\n',
      },
      finds: /README\.md is missing/,
    },
    {
      name: 'a README without an example',
      bad: {
        'packages/std/package.json': manifest('@leno/std'),
        'packages/std/README.md': '# std\n',
      },
      good: {},
      finds: /has no ```ts example/,
    },
  ],
  publicClosure: [
    {
      name: 'a public package on a private one',
      bad: {
        ...workspace,
        'packages/ca/package.json': manifest('@leno/ca', { '@leno/testkit': 'workspace:*' }),
      },
      good: workspace,
      finds: /depends on @leno\/testkit, which is not/,
    },
  ],
  testingStays: [
    {
      name: 'a helper of tests that would be built',
      bad: testing('"exclude": ["src/**/*.test.ts"]', ['src', '!src/testing']),
      good: testing('"exclude": ["src/**/*.test.ts", "src/testing"]', ['src', '!src/testing']),
      finds: /builds src\/testing/,
    },
    {
      name: 'a helper of tests that would be published',
      bad: testing('"exclude": ["src/testing"]', ['dist', 'src']),
      good: testing('"exclude": ["src/testing"]', ['dist', 'src', '!src/testing']),
      finds: /ships src\/testing/,
    },
  ],
  pinnedImages: [
    {
      name: 'whatever is newest',
      bad: { 'compose.yaml': 'services:\n  a:\n    image: grafana/grafana:latest\n' },
      good: {
        'compose.yaml':
          'services:\n  a:\n    image: grafana/grafana:13.1.0\n  b:\n    image: leno:local\n',
        Dockerfile: 'FROM node:24-bookworm-slim AS build\nFROM build\n',
      },
      finds: /grafana\/grafana:latest without a version/,
    },
  ],
  compilerFlags: [
    {
      name: 'strict is off',
      bad: { 'tsconfig.base.json': '{"compilerOptions":{"strict":false}}' },
      good: { 'tsconfig.base.json': compilerOptions() },
      finds: /strict is not true/,
    },
  ],
  documents: [
    {
      name: 'a link into the void',
      bad: { 'a.md': '# A\n[b](docs/b.md)\n' },
      good: { 'a.md': '# A\n[b](docs/b.md#c-d) `[x](y)`\n', 'docs/b.md': '# B\n## C d\n' },
      finds: /links to docs\/b\.md, which is not there/,
    },
    {
      name: 'a heading that is gone',
      bad: { 'a.md': '# A\n[b](#b)\n' },
      good: { 'a.md': '# A\n[b](#b)\n## B\n```sh\n# not a title\n```\n' },
      finds: /no such heading/,
    },
    {
      name: 'two titles',
      bad: { 'a.md': '# A\n# B\n' },
      good: { 'a.md': '# A\n' },
      finds: /has 2 titles/,
    },
  ],
  parses: [
    {
      name: 'a comma too many',
      bad: { 'a.json': '{"a":1,}' },
      good: { 'a.json': '{"a":1}' },
      finds: /is not JSON/,
    },
  ],
};

function catalogTree(version: string, asked: string, reason: string): Files {
  return {
    'pnpm-workspace.yaml': `catalog:\n  zod: ${version}\n`,
    'packages/config/package.json': manifest('@leno/config', { zod: asked }),
    'docs/dependencies.md': `${reason}: schemas`,
  };
}

function compilerOptions(): string {
  const flags = ['strict', 'noUncheckedIndexedAccess', 'exactOptionalPropertyTypes'];
  flags.push('verbatimModuleSyntax', 'erasableSyntaxOnly', 'isolatedModules', 'noUnusedLocals');
  return JSON.stringify({ compilerOptions: Object.fromEntries(flags.map((it) => [it, true])) });
}

function testing(exclude: string, files: readonly string[]): Files {
  return {
    'packages/ca/package.json': manifest('@leno/ca', {}, { files }),
    'packages/ca/tsconfig.json': `{${exclude}}`,
    'packages/ca/src/testing/bed.ts': '',
  };
}
