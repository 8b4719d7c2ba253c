import { importTable, onlyInTests, soleImporters } from '../import-table.ts';
import {
  folderOf,
  type ImportOf,
  importsOf,
  isTestPath,
  packageOf,
  resolveFrom,
} from '../imports.ts';
import { type Finding, lineAt, type Rule, type Tree } from '../tree.ts';

const sources =
  /^(?:packages|apps)\/[^/]+\/src\/.*\.tsx?$|^e2e\/.*\.ts$|^tools\/.*\.ts$|^[^/]+\.ts$/;

/** The root, a bundled app and one that only developers run have no dependencies at run time. */
const unshipped: readonly string[] = ['', 'apps/bench', 'apps/dashboard'];

interface Site {
  readonly tree: Tree;
  readonly path: string;
  readonly folder: string;
  readonly it: ImportOf;
}

type Check = (site: Site) => string | undefined;

/** Who may import whom: the table of layers, with the permissions for `node:` modules and libraries. */
export const layers: Rule = (tree) => each(tree, layerBreach);

/** What a file imports, its package declares; what only tests import may stand in devDependencies. */
export const declared: Rule = (tree) => each(tree, declarationBreach);

/** Relative imports name a file of the tree, stay in their package, and end in the file's own suffix. */
export const relative: Rule = (tree) => each(tree, relativeBreach);

/** Only `index.ts` re-exports, and nobody imports the index of their own package. */
export const indexes: Rule = (tree) => each(tree, indexBreach);

function each(tree: Tree, check: Check): readonly Finding[] {
  return tree.paths(sources).flatMap((path) =>
    importsOf(tree, path).flatMap((it) => {
      const message = check({ tree, path, folder: folderOf(path), it });
      if (message === undefined) return [];
      return [{ path: `${path}:${lineAt(tree.text(path), it.offset)}`, message }];
    }),
  );
}

const layerBreach: Check = ({ tree, path, folder, it }) => {
  const { specifier } = it;
  const target = workspaceFolder(tree, specifier);
  if (target?.startsWith('apps/')) return `imports ${specifier}: an app is never imported`;
  if (isTestPath(path)) return undefined;
  const sole = soleImporters[packageOf(specifier)];
  if (sole !== undefined && !sole.includes(folder)) {
    return `imports ${specifier}, which is for ${sole.join(' and ')} only`;
  }
  if (target !== undefined && onlyInTests.includes(target.slice('packages/'.length))) {
    return `imports ${specifier}, which is for tests only`;
  }
  if (!folder.startsWith('packages/')) return undefined;
  const own = adapterOf(tree, folder, path);
  if (specifier.startsWith('.')) {
    const reached = adapterOf(tree, folder, resolveFrom(path, specifier));
    const isReach = reached !== undefined && reached !== own;
    return isReach ? `imports ${specifier}, of the subpath ${reached}` : undefined;
  }
  return rowBreach(path, { folder, isAdapter: own !== undefined }, specifier);
};

/** The folder of `src` that is a subpath of its own, as the exports say, if the path is in one. */
function adapterOf(tree: Tree, folder: string, path: string): string | undefined {
  const name = path.slice(`${folder}/src/`.length).split('/')[0] ?? '';
  return `./${name}` in (tree.manifest(folder)?.exports ?? {}) ? name : undefined;
}

interface Place {
  readonly folder: string;
  readonly isAdapter: boolean;
}

function rowBreach(
  path: string,
  { folder, isAdapter }: Place,
  specifier: string,
): string | undefined {
  const name = folder.slice('packages/'.length);
  const row = importTable[name];
  if (row === undefined) return `package ${name} has no row in the import table`;
  if (specifier.startsWith('node:')) {
    if (path.includes('/src/node/') || (row.node ?? []).includes(specifier)) return undefined;
    return `imports ${specifier} outside src/node/`;
  }
  if (specifier.startsWith('@leno/')) {
    const other = packageOf(specifier).slice('@leno/'.length);
    return row.packages.includes(other)
      ? undefined
      : `${name} (layer ${row.layer}) imports ${other}`;
  }
  const libraries = [...(row.libraries ?? []), ...(isAdapter ? (row.adapters ?? []) : [])];
  if (libraries.includes(packageOf(specifier))) return undefined;
  return `imports ${specifier}, a library that the import table does not give to ${name}`;
}

const declarationBreach: Check = ({ tree, path, folder, it }) => {
  const { specifier } = it;
  if (specifier.startsWith('.') || specifier.startsWith('node:')) return undefined;
  const name = packageOf(specifier);
  const manifest = tree.manifest(folder);
  if (manifest === undefined) return `${folder} has no package.json`;
  if (name === manifest.name) return undefined;
  const names = { ...manifest.dependencies, ...manifest.peerDependencies };
  const isDev = isTestPath(path) || it.isType || unshipped.includes(folder);
  if (isDev) Object.assign(names, manifest.devDependencies);
  if (isTestPath(path)) Object.assign(names, tree.manifest('')?.devDependencies);
  return name in names
    ? undefined
    : `imports ${name}, which ${folder || 'the root'} does not declare`;
};

const relativeBreach: Check = ({ tree, path, folder, it }) => {
  if (!it.specifier.startsWith('.')) return undefined;
  const target = resolveFrom(path, it.specifier.replace(/\?.*$/, ''));
  if (!tree.has(target)) return `imports ${it.specifier}, which is not there`;
  const isHelp = folder === 'e2e' && target.startsWith('tools/');
  if (isHelp || folderOf(target) === folder) return undefined;
  return `imports ${it.specifier}, out of its own package`;
};

const indexBreach: Check = ({ tree, path, folder, it }) => {
  const isIndex = /(?:^|\/)index\.ts$/.test(path);
  if (it.isReexport && !isIndex) return `re-exports ${it.specifier}: only index.ts re-exports`;
  const own = tree.manifest(folder)?.name;
  const isOwnName = folder !== '' && own !== undefined && packageOf(it.specifier) === own;
  const isOwnIndex = it.specifier.startsWith('.') && /(?:^|\/)index\.ts$/.test(it.specifier);
  if (isOwnName || (isOwnIndex && !isIndex)) return `imports ${it.specifier}, its own index`;
  return undefined;
};

function workspaceFolder(tree: Tree, specifier: string): string | undefined {
  if (!specifier.startsWith('@leno/')) return undefined;
  const name = packageOf(specifier);
  const manifests = tree.paths(/^(?:packages|apps)\/[^/]+\/package\.json$/);
  const path = manifests.find((it) => tree.manifest(folderOf(it))?.name === name);
  return path === undefined ? undefined : folderOf(path);
}
