import { folderOf, importsOf, resolveFrom } from '../imports.ts';
import type { Finding, Rule, Tree } from '../tree.ts';

type Graph = ReadonlyMap<string, readonly string[]>;

/**
 * No file imports itself by any way round, imports of types aside, which are gone when it runs; no package depends on
 * itself by any way round, for tests included: builds go along these edges.
 */
export const cycles: Rule = (tree) => [
  ...cyclesOf(fileGraph(tree)),
  ...cyclesOf(packageGraph(tree)),
];

function fileGraph(tree: Tree): Graph {
  const paths = tree.paths(/^(?:packages|apps|tools|e2e)\/.*\.tsx?$/);
  return new Map(
    paths.map((path) => {
      const imports = importsOf(tree, path).filter(
        (it) => it.specifier.startsWith('.') && !it.isType,
      );
      return [path, imports.map((it) => resolveFrom(path, it.specifier))];
    }),
  );
}

function packageGraph(tree: Tree): Graph {
  const folders = tree.paths(/^(?:packages|apps)\/[^/]+\/package\.json$/).map(folderOf);
  return new Map(
    folders.map((folder) => {
      const manifest = tree.manifest(folder);
      const names = Object.keys({
        ...manifest?.dependencies,
        ...manifest?.devDependencies,
        ...manifest?.peerDependencies,
      });
      return [manifest?.name ?? folder, names.filter((name) => name.startsWith('@leno/'))];
    }),
  );
}

function cyclesOf(graph: Graph): readonly Finding[] {
  const state = new Map<string, 'open' | 'done'>();
  const findings: Finding[] = [];
  const visit = (node: string, way: readonly string[]): void => {
    if (state.get(node) === 'done') return;
    if (state.get(node) === 'open') {
      const cycle = [...way.slice(way.indexOf(node)), node];
      findings.push({ path: node, message: `imports itself: ${cycle.join(' → ')}` });
      return;
    }
    state.set(node, 'open');
    for (const next of graph.get(node) ?? []) visit(next, [...way, node]);
    state.set(node, 'done');
  };
  for (const node of graph.keys()) visit(node, []);
  return findings;
}
