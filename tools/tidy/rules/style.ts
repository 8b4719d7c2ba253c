import { isTestPath } from '../imports.ts';
import { type Finding, lineAt, type Rule, type Tree } from '../tree.ts';

const code = /\.tsx?$/;
const product = /^(?:packages|apps)\/[^/]+\/src\/.*\.tsx?$/;

/** Length of files, sources and tests. That of functions is the linter's, whose numbers `lintLimits` checks. */
export const fileLines: Rule = (tree) =>
  tree.paths(code).flatMap((path) => {
    const lineCountMax = isTestPath(path) ? 600 : 400;
    const lineCount = tree.text(path).trimEnd().split('\n').length;
    if (lineCount <= lineCountMax) return [];
    return [{ path, message: `has ${lineCount} lines, more than ${lineCountMax}` }];
  });

/** The linter's limits are those of the style, everywhere; only tests may have longer files. */
export const lintLimits: Rule = (tree) => {
  const path = '.oxlintrc.json';
  if (!tree.has(path)) return [{ path, message: 'is missing' }];
  const config = JSON.parse(tree.text(path)) as LintConfig;
  const limits = { 'max-lines': 400, 'max-lines-per-function': 70, 'max-params': 4 };
  return Object.entries(limits).flatMap(([rule, max]) => {
    const inTests = rule === 'max-lines' ? 600 : max;
    const all = [config, ...(config.overrides ?? [])].map((it) => it.rules?.[rule]);
    const isHeld = maxOf(all[0]) === max;
    const isRaised = all.slice(1).some((it) => it !== undefined && maxOf(it) > inTests);
    return isHeld && !isRaised ? [] : [{ path, message: `${rule} is not held at ${max}` }];
  });
};

interface LintConfig {
  readonly rules?: Readonly<Record<string, unknown>>;
  readonly overrides?: readonly { readonly rules?: Readonly<Record<string, unknown>> }[];
}

function maxOf(setting: unknown): number {
  const [severity, options] = Array.isArray(setting) ? (setting as unknown[]) : [setting];
  if (severity !== 'error' || typeof options !== 'object' || options === null) return Infinity;
  return 'max' in options && typeof options.max === 'number' ? options.max : Infinity;
}

/** Leftovers: what is not done is an issue, not a comment. */
export const leftovers: Rule = (tree) => {
  const words = new RegExp(`\\b(?:${['TO' + 'DO', 'FIX' + 'ME'].join('|')})\\b`);
  return found(tree, tree.paths(), words, (word) => `says ${word}`);
};

/** No test stands alone, and none is left out without saying what it needs. */
export const testMarks: Rule = (tree) => {
  const tests = tree.paths(/\.test\.tsx?$/);
  return tests.flatMap((path) => {
    const text = tree.text(path);
    return [
      ...tree.masked(path).code.matchAll(/\.(only|skip|skipIf|runIf|todo|fails)\b\s*\(/g),
    ].flatMap((match) => {
      const mark = match[1] ?? '';
      const statement = text.slice(match.index, match.index + 400).split(';\n')[0] ?? '';
      const isReasoned = /^(?:skip|skipIf|runIf)$/.test(mark) && /['"`(]needs \S/.test(statement);
      if (isReasoned) return [];
      const what = mark === 'only' ? 'leaves the other tests out' : "without a string 'needs …'";
      return [{ path: at(text, path, match.index), message: `.${mark} ${what}` }];
    });
  });
};

/** Hands the whole environment on to a child, and looks nothing up in it. */
const handsOn = 'packages/std/src/node/child-process.ts';

/** Only `env.ts` reads the environment, and only an entry point, `main.ts` or `…-main.ts`, ends the process. */
export const processEdges: Rule = (tree) => {
  const paths = tree.paths(product).filter((path) => !isTestPath(path));
  const readers = paths.filter((path) => !path.endsWith('/env.ts') && path !== handsOn);
  const enders = paths.filter((path) => !/[/-]main\.ts$/.test(path));
  return [
    ...foundInCode(
      tree,
      readers,
      /\bprocess\s*\.\s*env\b|\bprocess\s*\[/,
      'reads process.env outside env.ts',
    ),
    ...foundInCode(
      tree,
      enders,
      /\bprocess\s*\.\s*(?:exit|abort)\s*\(/,
      'ends the process outside main.ts',
    ),
  ];
};

/** Paths of one machine say nothing to another. */
export const machinePaths: Rule = (tree) => {
  const folders = ['wo' + 'rk', 'tm' + 'p', 'ro' + 'ot', 'ho' + 'me'].join('|');
  const pattern = new RegExp(`(?:^|[\\s"'\`(=:,])\\/(?:${folders})\\/[\\w.-]`);
  return found(
    tree,
    tree.paths(),
    pattern,
    (path) => `names a path of one machine: ${path.trim()}…`,
  );
};

function found(
  tree: Tree,
  paths: readonly string[],
  pattern: RegExp,
  message: (match: string) => string,
): readonly Finding[] {
  return paths.flatMap((path) => {
    const text = tree.text(path);
    const lines = text.split('\n');
    return lines.flatMap((line, index) => {
      const match = pattern.exec(line);
      return match === null ? [] : [{ path: `${path}:${index + 1}`, message: message(match[0]) }];
    });
  });
}

function foundInCode(
  tree: Tree,
  paths: readonly string[],
  pattern: RegExp,
  message: string,
): readonly Finding[] {
  return paths.flatMap((path) => {
    const match = pattern.exec(tree.masked(path).code);
    return match === null ? [] : [{ path: at(tree.text(path), path, match.index), message }];
  });
}

function at(text: string, path: string, offset: number): string {
  return `${path}:${lineAt(text, offset)}`;
}
