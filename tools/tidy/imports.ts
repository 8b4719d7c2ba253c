import type { Tree } from './tree.ts';

/** One module specifier in a file. */
export interface ImportOf {
  readonly specifier: string;
  readonly offset: number;
  /** `export … from` */
  readonly isReexport: boolean;
  /** Erased before it runs: `import type`, or a type in `import('…')` cannot be told and is not. */
  readonly isType: boolean;
}

const forms: readonly { readonly pattern: RegExp; readonly isReexport: boolean }[] = [
  { pattern: /\bimport\s+(type\s+)?(?:[\w$*{][^'"`;()=]*?)\bfrom\s*(['"])/g, isReexport: false },
  { pattern: /\bimport\s*()(['"])/g, isReexport: false },
  { pattern: /\bimport\s*\(\s*()(['"])/g, isReexport: false },
  {
    pattern: /\bexport\s+(type\s+)?(?:\*(?:\s+as\s+[\w$]+)?|\{[^}]*\})\s*from\s*(['"])/g,
    isReexport: true,
  },
];

/** Every specifier that a TypeScript file names, static or dynamic, in no particular order. */
export function importsOf(tree: Tree, path: string): readonly ImportOf[] {
  const { code } = tree.masked(path);
  const text = tree.text(path);
  return forms.flatMap(({ pattern, isReexport }) =>
    [...code.matchAll(pattern)].map((match) => {
      const offset = match.index + match[0].length;
      const quote = match[2] ?? "'";
      const specifier = text.slice(offset, text.indexOf(quote, offset));
      return { specifier, offset, isReexport, isType: (match[1] ?? '') !== '' };
    }),
  );
}

/** The path that a relative specifier names, from the root of the tree. */
export function resolveFrom(path: string, specifier: string): string {
  const parts = path.split('/').slice(0, -1);
  for (const part of specifier.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** `@scope/name/sub` → `@scope/name`; `name/sub` → `name`. */
export function packageOf(specifier: string): string {
  const parts = specifier.split('/');
  return specifier.startsWith('@') ? parts.slice(0, 2).join('/') : (parts[0] ?? specifier);
}

/** The workspace folder of a path: `packages/x`, `apps/x`, `e2e`, or the root as ''. */
export function folderOf(path: string): string {
  return /^(?:packages|apps)\/[^/]+|^e2e(?=\/)/.exec(path)?.[0] ?? '';
}

/** Tests, and what only tests run: a folder `testing` too, which `testingStays` keeps from being shipped. */
export function isTestPath(path: string): boolean {
  return /\.test\.tsx?$|\/src\/testing\/|^packages\/testkit\/|^e2e\/|^tools\//.test(path);
}
