import { type Cases, type Files, manifest, word } from './case.ts';

export const styleBans: Cases = {
  fileLines: [
    {
      name: 'a source of 401 lines',
      bad: { 'packages/std/src/a.ts': 'a;\n'.repeat(401) },
      good: {
        'packages/std/src/a.ts': 'a;\n'.repeat(400),
        'packages/std/src/a.test.ts': 'a;\n'.repeat(600),
      },
      finds: /has 401 lines/,
    },
  ],
  lintLimits: [
    {
      name: 'a function may be longer',
      bad: { '.oxlintrc.json': lint(71) },
      good: { '.oxlintrc.json': lint(70) },
      finds: /max-lines-per-function is not held at 70/,
    },
    {
      name: 'an override lifts it',
      bad: { '.oxlintrc.json': lint(70, { 'max-lines-per-function': 'off' }) },
      good: { '.oxlintrc.json': lint(70, { 'max-lines': ['error', { max: 600 }] }) },
      finds: /max-lines-per-function is not held at 70/,
    },
  ],
  leftovers: [
    {
      name: 'work left in a comment',
      bad: { 'a.ts': word('// TO', 'DO later') },
      good: { 'a.ts': '// To do later is an issue.' },
      finds: /a\.ts:1 says /,
    },
  ],
  testMarks: [
    {
      name: 'a test that stands alone',
      bad: { 'a.test.ts': word('test.on', "ly('a', () => {});") },
      good: { 'a.test.ts': "test('a .only b', () => {});" },
      finds: /leaves the other tests out/,
    },
    {
      name: 'a skip without a reason',
      bad: { 'a.test.ts': word('test.sk', "ip('a', () => {});") },
      good: { 'a.test.ts': word('context.sk', "ip(isAbsent, 'needs chromium');") },
      finds: /without a string/,
    },
  ],
  processEdges: [
    {
      name: 'the environment read in passing',
      bad: { 'apps/proxy/src/app.ts': "const a = process.env['A'];" },
      good: { 'apps/proxy/src/env.ts': "const a = process.env['A']; // process.exit()" },
      finds: /app\.ts:1 reads process\.env outside env\.ts/,
    },
    {
      name: 'an exit in the midst',
      bad: { 'apps/proxy/src/app.ts': 'process.exit(1);' },
      good: { 'apps/proxy/src/main.ts': 'process.exit(1);' },
      finds: /outside main\.ts/,
    },
  ],
  machinePaths: [
    {
      name: 'a folder of the author',
      bad: { 'docs/a.md': word('Look into /ro', 'ot/leno.') },
      good: { 'docs/a.md': 'Look into /etc/leno and https://example.com/work/.' },
      finds: /path of one machine/,
    },
  ],
  docstrings: [
    {
      name: 'an export that nobody explains',
      bad: library('export const a = 1;'),
      good: library('/** One. */\nexport const a = 1;\nexport const hidden = 2;'),
      finds: /a\.ts:1 exports a without a docstring/,
    },
    {
      name: 'a docstring that belongs to another',
      bad: library("import 'node:net';\n/** Zero. */\nconst b = 0;\nexport const a = 1;"),
      good: library("import 'node:net';\nconst b = 0;\n/** One. */\n// Why.\nexport const a = 1;"),
      finds: /exports a without/,
    },
    {
      name: 'a docstring of the file, which is not named after the export',
      bad: library(
        "/** All. */\nimport 'node:net';\nexport const a = 1;\nexport const a2 = 1;",
        'a2',
      ),
      good: library("/** All. */\nimport 'node:net';\nexport const a = 1;"),
      finds: /^\S+ exports a2 without/,
    },
  ],
  errorCodes: [
    {
      name: 'a code of two classes',
      bad: {
        'packages/ca/src/a.ts': "class A {\n  readonly code = 'LENO_A';\n}",
        'packages/std/src/b.ts': "class B {\n  override readonly code = 'LENO_A';\n}",
      },
      good: { 'packages/ca/src/a.ts': "class A {\n  readonly code = 'LENO_A';\n}" },
      finds: /has LENO_A, as packages\/ca/,
    },
    {
      name: 'a code of two apps with different meanings',
      bad: {
        'apps/a/src/a.ts': "class AError {\n  readonly code = 'LENO_A';\n}",
        'apps/b/src/b.ts': "class BError {\n  readonly code = 'LENO_A';\n}",
      },
      good: {
        'apps/a/src/a.ts': "class AError {\n  readonly code = 'LENO_A';\n}",
        'apps/b/src/b.ts': "class AError {\n  readonly code = 'LENO_A';\n}",
      },
      finds: /b\.ts:2 has LENO_A, as apps\/a/,
    },
    {
      name: 'a code of another house',
      bad: { 'packages/ca/src/a.ts': "class A {\n  readonly code = 'E_A';\n}" },
      good: { 'packages/ca/src/a.ts': "const code = 'E_A';" },
      finds: /not LENO_/,
    },
  ],
};

function lint(functionLines: number, override: object = {}): string {
  const limit = (max: number) => ['error', { max }];
  const rules = {
    'max-lines': limit(400),
    'max-lines-per-function': limit(functionLines),
    'max-params': limit(4),
  };
  return JSON.stringify({ rules, overrides: [{ rules: override }] });
}

function library(text: string, name = 'a'): Files {
  const exported = { '.': { '@leno/source': './src/index.ts' } };
  return {
    'packages/ca/package.json': manifest('@leno/ca', {}, { exports: exported }),
    'packages/ca/src/index.ts': `export { ${name} } from './a.ts';`,
    'packages/ca/src/a.ts': text,
  };
}
