import { importsOf, resolveFrom } from '../imports.ts';
import { type Finding, lineAt, type Rule, type Tree } from '../tree.ts';

interface Export {
  readonly name: string;
  readonly path: string;
  readonly offset: number;
}

const declaration =
  /^export\s+(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|interface|type|const|let)\s+([\w$]+)/gm;

/** What a package gives to others is explained: a docstring stands before each public export. */
export const docstrings: Rule = (tree) => {
  const manifests = tree.paths(/^packages\/[^/]+\/package\.json$/);
  return manifests.flatMap((path) => {
    const folder = path.slice(0, -'/package.json'.length);
    return entriesOf(tree, folder).flatMap((entry) => undocumented(tree, entry));
  });
};

/** The source files that the `exports` of a package name. */
function entriesOf(tree: Tree, folder: string): readonly string[] {
  const entries = Object.values(tree.manifest(folder)?.exports ?? {});
  return entries.flatMap((it) => {
    const source = typeof it === 'string' ? undefined : it['@leno/source'];
    return source === undefined ? [] : [resolveFrom(`${folder}/package.json`, source)];
  });
}

function undocumented(tree: Tree, entry: string): readonly Finding[] {
  if (!tree.has(entry)) return [{ path: entry, message: 'is exported but not there' }];
  return publicExports(tree, entry).flatMap(({ name, path, offset }) => {
    const { code, comments } = tree.masked(path);
    const before = code.slice(0, offset).trimEnd().length;
    const isOwn = comments.some((it) => it.isDoc && it.end <= offset && it.start >= before);
    const isModule = comments[0]?.isDoc === true && comments[0].start === 0;
    const isDocumented = isOwn || (isModule && isNamesake(path, name));
    const where = `${path}:${lineAt(tree.text(path), offset)}`;
    return isDocumented ? [] : [{ path: where, message: `exports ${name} without a docstring` }];
  });
}

/** The thing that a file is named after may be explained by what the file opens with. */
function isNamesake(path: string, name: string): boolean {
  const words = (path.split('/').at(-1) ?? '').replace(/\.tsx?$/, '').replaceAll('-', '');
  return words === name.toLowerCase();
}

/** Follows re-exports to the files that declare. Of several declarations of a name the first counts. */
function publicExports(tree: Tree, entry: string): readonly Export[] {
  const all = importsOf(tree, entry).filter((it) => it.isReexport && it.specifier.startsWith('.'));
  const { code } = tree.masked(entry);
  const own = declaredIn(tree, entry);
  const followed = all.flatMap((it) => {
    const path = resolveFrom(entry, it.specifier);
    if (!tree.has(path)) return [];
    const clause = code.slice(code.lastIndexOf('export', it.offset), it.offset);
    const names = namesIn(clause);
    return publicExports(tree, path).filter(({ name }) => names === 'all' || names.has(name));
  });
  return [...own, ...followed];
}

function declaredIn(tree: Tree, path: string): readonly Export[] {
  const seen = new Map<string, Export>();
  for (const match of tree.masked(path).code.matchAll(declaration)) {
    const name = match[1] ?? '';
    if (!seen.has(name)) seen.set(name, { name, path, offset: match.index });
  }
  return [...seen.values()];
}

function namesIn(clause: string): ReadonlySet<string> | 'all' {
  const list = /\{([^}]*)\}/.exec(clause)?.[1];
  if (list === undefined) return 'all';
  const names = list.split(',').map((it) => it.trim().replace(/^type\s+/, ''));
  return new Set(names.map((it) => it.split(/\s+as\s+/)[0] ?? it));
}

interface CodeOwner {
  readonly where: string;
  readonly className: string;
}

/** An error code means one thing: one class has it, or in several apps the class of one name. */
export const errorCodes: Rule = (tree) => {
  const owners = new Map<string, CodeOwner>();
  return tree.paths(/^(?:packages|apps)\/[^/]+\/src\/.*\.ts$/).flatMap((path) => {
    const text = tree.text(path);
    const { code } = tree.masked(path);
    const pattern = /^\s*(?:override\s+|readonly\s+)*code(?:\s*:[^=;]+)?\s*=\s*['"]/gm;
    return [...code.matchAll(pattern)].flatMap((match) => {
      const start = match.index + match[0].length;
      const errorCode = /^\w*/.exec(text.slice(start))?.[0] ?? '';
      const classes = [...code.slice(0, start).matchAll(/\bclass\s+(\w+)/g)];
      const own = {
        where: `${path}:${lineAt(text, start)}`,
        className: classes.at(-1)?.[1] ?? '',
      };
      const owner = owners.get(errorCode);
      owners.set(errorCode, own);
      return codeBreach(errorCode, own, owner);
    });
  });
};

function codeBreach(
  errorCode: string,
  { where, className }: CodeOwner,
  owner: CodeOwner | undefined,
): readonly Finding[] {
  if (!/^LENO_[A-Z0-9_]+$/.test(errorCode)) {
    return [{ path: where, message: `has the code ${errorCode}, not LENO_…` }];
  }
  if (owner === undefined) return [];
  const areApps = where.startsWith('apps/') && owner.where.startsWith('apps/');
  if (areApps && className === owner.className) return [];
  return [{ path: where, message: `has ${errorCode}, as ${owner.where} does` }];
}
