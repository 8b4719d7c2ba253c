/**
 * What built code needs of the runtime it runs on: the modules that are reachable from an entry, and
 * names that only some runtimes have. It follows imports in the text of the files, so that a path
 * which no test runs is seen too.
 */
import { importsOf, packageOf, resolveFrom } from '../../tools/tidy/imports.ts';
import { lineAt, type Tree } from '../../tools/tidy/tree.ts';

/** What a walk found. */
export interface Reached {
  /** Files, by path in the tree. */
  readonly files: readonly string[];
  /** Packages outside the tree. */
  readonly libraries: readonly string[];
  /** `path:line what`: modules or names that belong to a runtime. */
  readonly breaches: readonly string[];
}

// Not a member of something else, not a key of an object.
const runtimeNames =
  /(?<![.\w$#])(?:process|Buffer|setImmediate|clearImmediate|require|__dirname|__filename|Bun|Deno|import\.meta)\b(?!\s*:(?!:))/g;

/** Walks from `entry`. `entryOf` gives the entry of a package that is in the tree. */
export function reach(
  tree: Tree,
  entry: string,
  entryOf: (name: string) => string | undefined,
): Reached {
  const files = new Set<string>();
  const libraries = new Set<string>();
  const breaches: string[] = [];
  const pending = [entry];
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    if (files.has(path)) continue;
    files.add(path);
    const text = tree.text(path);
    for (const { index, 0: name } of tree.masked(path).code.matchAll(runtimeNames)) {
      breaches.push(`${path}:${lineAt(text, index)} uses ${name}`);
    }
    for (const { specifier, offset } of importsOf(tree, path)) {
      const target = specifier.startsWith('.') ? resolveFrom(path, specifier) : entryOf(specifier);
      if (target !== undefined) pending.push(target);
      else if (specifier.includes(':')) {
        breaches.push(`${path}:${lineAt(text, offset)} imports ${specifier}`);
      } else libraries.add(packageOf(specifier));
    }
  }
  return { files: [...files].sort(), libraries: [...libraries].sort(), breaches };
}
