import { folderOf } from '../imports.ts';
import type { Finding, Rule, Tree } from '../tree.ts';

const manifestPath = /^(?:(?:packages|apps)\/[^/]+\/|e2e\/|)package\.json$/;
const workspacePath = 'pnpm-workspace.yaml';
const reasonsPath = 'docs/dependencies.md';

/** Every external version stands once, exact, in the catalog, with a reason in the docs. */
export const catalog: Rule = (tree) => {
  const versions = catalogOf(tree);
  const used = new Set<string>();
  const breaches = tree.paths(manifestPath).flatMap((path) =>
    dependenciesOf(tree, path).flatMap(([name, version]) => {
      used.add(name);
      if (name.startsWith('@leno/') ? version === 'workspace:*' : version === 'catalog:') return [];
      return [{ path, message: `depends on ${name} at ${version}, not by the catalog` }];
    }),
  );
  const reasons = tree.has(reasonsPath) ? tree.text(reasonsPath) : '';
  return [...breaches, ...[...versions].flatMap((it) => entryBreach(it, used, reasons))];
};

function entryBreach(
  [name, version]: readonly [string, string],
  used: ReadonlySet<string>,
  reasons: string,
): readonly Finding[] {
  const path = workspacePath;
  if (!/^\d+\.\d+\.\d+(?:-[\w.]+)?$/.test(version)) {
    return [{ path, message: `${name}: ${version} is not an exact version` }];
  }
  if (!used.has(name)) return [{ path, message: `${name} is used by no package` }];
  if (reasons.includes(`\`${name}\``)) return [];
  return [{ path: reasonsPath, message: `gives no reason for ${name}` }];
}

function catalogOf(tree: Tree): ReadonlyMap<string, string> {
  if (!tree.has(workspacePath)) return new Map();
  const block = /^catalog:\n((?: +.*\n|\n)*)/m.exec(tree.text(workspacePath))?.[1] ?? '';
  const entries = block.matchAll(/^ +"?([^"\s]+?)"?: +"?([^"\s]+)"?\s*$/gm);
  return new Map([...entries].map((match) => [match[1] ?? '', match[2] ?? '']));
}

function dependenciesOf(tree: Tree, path: string): readonly (readonly [string, string])[] {
  const manifest = tree.manifest(path === 'package.json' ? '' : folderOf(path));
  const { dependencies, devDependencies, optionalDependencies } = manifest ?? {};
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies });
}

/** Every package says what it is, in a README with examples; every public one can be taken alone. */
export const readmes: Rule = (tree) =>
  tree.paths(/^packages\/[^/]+\/package\.json$/).flatMap((manifestPath) => {
    const folder = folderOf(manifestPath);
    const path = `${folder}/README.md`;
    if (!tree.has(path)) return [{ path, message: 'is missing' }];
    const text = tree.text(path);
    const lineCount = text.trimEnd().split('\n').length;
    if (lineCount > 200) return [{ path, message: `has ${lineCount} lines, more than 200` }];
    if (tree.manifest(folder)?.private === true) return [];
    const exampleCount = text.match(/^```ts$/gm)?.length ?? 0;
    return exampleCount >= 1 ? [] : [{ path, message: 'has no ```ts example' }];
  });

/** Dependencies of a public package on others of the workspace are public too. */
export const publicClosure: Rule = (tree) =>
  tree.paths(/^packages\/[^/]+\/package\.json$/).flatMap((path) => {
    const manifest = tree.manifest(folderOf(path));
    if (manifest === undefined || manifest.private === true) return [];
    const names = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
    return names
      .filter((name) => tree.manifest(`packages/${name.replace('@leno/', '')}`)?.private === true)
      .map((name) => ({ path, message: `is public and depends on ${name}, which is not` }));
  });

/** What only tests use is neither built nor published. */
export const testingStays: Rule = (tree) => {
  const folders = tree.paths(/^(?:packages|apps)\/[^/]+\/src\/testing\//).map(folderOf);
  return [...new Set(folders)].flatMap((folder) => {
    const path = `${folder}/tsconfig.json`;
    const isBuilt = !(tree.has(path) && /"exclude": [^\]]*"src\/testing/.test(tree.text(path)));
    const files = tree.manifest(folder)?.files ?? [];
    const isShipped = files.includes('src') && !files.includes('!src/testing');
    return [
      ...(isBuilt ? [{ path, message: 'builds src/testing, which is for tests only' }] : []),
      ...(isShipped
        ? [{ path: folder, message: 'ships src/testing: say !src/testing in files' }]
        : []),
    ];
  });
};

/** Images are pinned, so that a file that worked goes on working. */
export const pinnedImages: Rule = (tree) =>
  tree.paths(/compose.*\.ya?ml$|Dockerfile$/).flatMap((path) => {
    const stages = [...tree.text(path).matchAll(/^FROM .* AS (\S+)$/gim)].map((it) => it[1]);
    const named = tree.text(path).matchAll(/^\s*(?:image:|FROM)\s+(\S+)/gm);
    return [...named]
      .map((match) => match[1] ?? '')
      .filter((image) => !image.startsWith('leno') && !stages.includes(image))
      .filter((image) => !/:[\w.-]*\d[\w.-]*$/.test(image))
      .map((image) => ({ path, message: `names the image ${image} without a version` }));
  });

/** The flags that the code counts on. */
export const compilerFlags: Rule = (tree) => {
  const path = 'tsconfig.base.json';
  const flags = ['strict', 'noUncheckedIndexedAccess', 'exactOptionalPropertyTypes'];
  flags.push('verbatimModuleSyntax', 'erasableSyntaxOnly', 'isolatedModules', 'noUnusedLocals');
  const config = tree.has(path) ? tree.text(path) : '{}';
  const options = (JSON.parse(config) as { compilerOptions?: Record<string, unknown> })
    .compilerOptions;
  return flags
    .filter((flag) => options?.[flag] !== true)
    .map((flag) => ({ path, message: `${flag} is not true` }));
};
